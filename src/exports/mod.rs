//! The addon's face: the three classes of maps, and what else TypeScript calls.
//!
//! Every export catches panics. Offsets and lengths arrive as doubles, and go through
//! [`number::integer`].

// napi-rs must expand a class before the methods that another file adds to it, and before the
// signatures that name it.
mod faults;
mod file;
mod found;
mod job;
mod number;
mod pattern;
mod threads;

mod maps;

mod array_buffer;
mod file_lock;
mod paging;
mod search;
mod shm;
mod sync;
mod writing;

/// The version of this core. The TypeScript of another version does not fit it.
#[napi_derive::napi]
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
