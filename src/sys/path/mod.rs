//! Paths as JavaScript knows them.

#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(windows, path = "windows.rs")]
mod platform;

#[cfg(any(windows, test))]
mod verbatim;
#[cfg(any(windows, test))]
mod wtf8;

#[cfg(windows)]
pub use platform::without_prefix;
pub use platform::{from_bytes, to_bytes};
