//! The operating system, behind one surface.
//!
//! `unix.rs` and `windows.rs` offer the same names; nothing outside this folder asks which
//! platform it runs on. What both share is here.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::error::{Failure, Result};

#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(windows, path = "windows.rs")]
mod platform;

#[cfg_attr(unix, path = "paging_unix.rs")]
#[cfg_attr(windows, path = "paging_windows.rs")]
mod paging;

#[cfg_attr(unix, path = "identity_unix.rs")]
#[cfg_attr(windows, path = "identity_windows.rs")]
mod identity;

pub use identity::{identity_at, identity_of, path_of, path_to_bytes};
pub use paging::{Pages, lock_limit, may_divide, page_size};

#[cfg_attr(unix, path = "shared_unix.rs")]
#[cfg_attr(windows, path = "shared_windows.rs")]
pub mod shared;

#[cfg(windows)]
pub use platform::is_being_retired;
pub use platform::{
    Memory, descriptor, duplicate, host_symbol, libuv_error, open, path_from_bytes, reserve,
    size_of, sync_after_flush,
};

/// How anonymous memory is to be made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Anonymous {
    /// Of the huge pages that the administrator has reserved.
    pub huge: bool,
    /// Without setting aside room for it: it may then be larger than memory and swap together.
    pub no_reserve: bool,
}

/// Which file a file is, whatever paths lead to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The device or volume it lives on.
    pub device: u64,
    /// Its number there. File systems give the number of a deleted file to the next new one.
    pub inode: u64,
    /// Its time of birth in nanoseconds since 1970, where the file system knows it: that tells a
    /// new file with an old number.
    pub created: Option<u128>,
}

impl Identity {
    /// Whether both are the same file, as far as one can tell.
    pub fn is(&self, other: &Identity) -> bool {
        let same_birth = match (self.created, other.created) {
            (Some(one), Some(another)) => one == another,
            _ => true,
        };
        self.device == other.device && self.inode == other.inode && same_birth
    }
}

/// The time of birth of a file, as [`Identity::created`].
fn created(facts: &std::fs::Metadata) -> Option<u128> {
    let time = facts.created().ok()?;
    let since = time.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(since.as_nanos())
}
#[cfg_attr(target_os = "linux", path = "lock_linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "lock_other.rs")]
pub mod lock;

#[cfg_attr(target_os = "linux", path = "futex_linux.rs")]
#[cfg_attr(target_vendor = "apple", path = "futex_apple.rs")]
#[cfg_attr(
    not(any(target_os = "linux", target_vendor = "apple")),
    path = "futex_polling.rs"
)]
pub mod futex;

#[cfg_attr(target_os = "linux", path = "thread_linux.rs")]
#[cfg_attr(target_vendor = "apple", path = "thread_apple.rs")]
#[cfg_attr(windows, path = "thread_windows.rs")]
pub mod thread;

/// How the pages of a map relate to the file behind them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Sees the file; nothing written to the memory reaches it.
    Read,
    /// Sees and changes the file.
    ReadWrite,
    /// Sees the file until a page is written; that page is private from then on.
    CopyOnWrite,
}

/// Creates a file that must not exist yet and opens it for reading and writing.
///
/// # Errors
/// Whatever `open` with `O_CREAT | O_EXCL` refuses: `EEXIST`, `ENOENT`, `EACCES`, ...
pub fn create_new(path: &Path, mode: u32) -> Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create_new(true);
    platform::with_mode(&mut options, mode);
    options.open(path).map_err(Failure::system("open"))
}

/// Gives `file` the length `length`; bytes that are new read as zeros and take no room on the disk.
///
/// # Errors
/// Whatever `ftruncate` refuses: `EFBIG`, `EINVAL`, ...
pub fn set_length(file: &File, length: u64) -> Result<()> {
    file.set_len(length).map_err(Failure::system("ftruncate"))
}

/// Fills `file` from `from` to `to` with written zeros: the way to reserve room where the file
/// system has no call for it.
pub(crate) fn write_zeros(file: &File, from: u64, to: u64) -> io::Result<()> {
    use std::io::{Read, Seek, SeekFrom};
    let mut at = file;
    at.seek(SeekFrom::Start(from))?;
    io::copy(&mut io::repeat(0).take(to - from), &mut at)?;
    Ok(())
}
