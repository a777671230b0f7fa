//! Which file a file is and where it is found: Linux and macOS.

use std::fs::{File, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{Identity, created};
use crate::error::{Failure, Result};

/// Which file this is.
///
/// # Errors
/// What `fstat` refuses.
pub fn identity_of(file: &File) -> Result<Identity> {
    let metadata = file.metadata().map_err(Failure::system("fstat"))?;
    Ok(identity(&metadata))
}

/// Which file a path leads to. Does not open it: closing any descriptor of a file takes away the
/// process's record locks on it.
///
/// # Errors
/// What `stat` refuses.
pub fn identity_at(path: &Path) -> Result<Identity> {
    let metadata = path.metadata().map_err(Failure::system("stat"))?;
    Ok(identity(&metadata))
}

fn identity(metadata: &Metadata) -> Identity {
    Identity {
        device: metadata.dev(),
        inode: metadata.ino(),
        created: created(metadata),
    }
}

/// The path that the system remembers for an open file; it need not lead there any more.
pub fn path_of(file: &File) -> Option<PathBuf> {
    path_of_descriptor(std::os::fd::AsRawFd::as_raw_fd(file))
}

/// As [`path_of`], for a descriptor; None where it is not open.
#[cfg(target_os = "linux")]
pub fn path_of_descriptor(descriptor: i32) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/self/fd/{descriptor}")).ok()
}

/// As on Linux.
#[cfg(target_vendor = "apple")]
pub fn path_of_descriptor(descriptor: i32) -> Option<PathBuf> {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    // SAFETY: not -1, the one value that is forbidden; the borrow ends with the system call, which
    // answers EBADF where the number names nothing.
    let borrowed =
        (descriptor >= 0).then(|| unsafe { std::os::fd::BorrowedFd::borrow_raw(descriptor) })?;
    let path = rustix::fs::getpath(borrowed).ok()?;
    Some(PathBuf::from(OsStr::from_bytes(path.as_bytes())))
}

/// Other systems have no call for it.
#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
pub fn path_of_descriptor(_: i32) -> Option<PathBuf> {
    None
}
