//! Shared memory by name.

use std::fs::File;

use crate::sys::memory::Memory;

#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(windows, path = "windows.rs")]
mod platform;

pub use platform::{create, first_name, open, publish, unlink};

/// A shared memory object.
pub enum Object {
    /// POSIX's, which is opened, measured and mapped as a file is.
    #[cfg_attr(windows, allow(dead_code, reason = "part of what all platforms offer"))]
    File(File),
    /// Windows's, which is mapped as soon as it is opened.
    #[cfg_attr(unix, allow(dead_code, reason = "part of what all platforms offer"))]
    Memory(Memory),
}
