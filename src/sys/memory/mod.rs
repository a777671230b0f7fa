//! Mapped memory: mapping, flushing and retiring it.

use crate::sys::file::Access;

#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(windows, path = "windows.rs")]
mod platform;

#[cfg(windows)]
pub mod section;

#[cfg(windows)]
mod placeholder;

#[cfg(target_os = "linux")]
pub use platform::has_room;
#[cfg(windows)]
pub use platform::is_being_retired;
#[cfg(unix)]
pub use platform::lay_zeros;
pub use platform::{CAN_RESERVE, Memory};

/// Which bytes of a file are mapped, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileView {
    /// How the pages relate to the file.
    pub access: Access,
    /// The first byte of the file, which need not be page-aligned.
    pub offset: u64,
    /// The number of bytes.
    pub length: usize,
    /// The number of bytes that it may have later at the same addresses, where the system can map
    /// past the end of a file ([`CAN_RESERVE`]). No more than `length` for none.
    pub reserve: usize,
    /// Whether the fault guard watches the pages.
    pub guarded: bool,
}

/// How anonymous memory is to be made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Anonymous {
    /// Of the huge pages that the administrator has reserved.
    pub huge: bool,
    /// Without setting aside room for it: it may then be larger than memory and swap together.
    pub no_reserve: bool,
}

/// Shared memory that is no file: that of Windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharedObject {
    /// Its bytes, in whole pages. They never become more or fewer.
    pub size: u64,
    /// Which of the objects that this process has created it is; 0 for those of others.
    pub number: u64,
}
