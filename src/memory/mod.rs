//! One range of mapped memory, its owners, its pages and the ArrayBuffers over it.

pub mod array_buffer;
mod earlier;
pub mod location;
mod mapping;
mod paging;
mod region;
pub mod threads;

pub use mapping::{CreateOptions, Mapping, OpenOptions, Source};
pub use paging::PagedMap;
pub use region::{Region, SourceBytes, TargetBytes, Words};
