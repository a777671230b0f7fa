//! Locks on ranges of files that belong to the open file, not to the process: fcntl(2), "Open file
//! description locks". They are advisory, and go when the last descriptor of the open file closes.

use std::fs::File;
use std::os::fd::AsRawFd;

use crate::error::{Failure, Result};

/// Locks `length` bytes (0: all from there on) from `start` on, unless another owner has a lock
/// that conflicts. Answers whether it did.
///
/// # Errors
/// `EBADF` where the file is not open for what the lock is for, `ENOLCK`, `EOVERFLOW`, ...
pub fn try_lock_range(file: &File, shared: bool, start: u64, length: u64) -> Result<bool> {
    let kind = if shared { libc::F_RDLCK } else { libc::F_WRLCK };
    match set(file, kind, start, length) {
        Ok(()) => Ok(true),
        Err(error) => match error.raw_os_error() {
            Some(libc::EAGAIN | libc::EACCES) => Ok(false),
            _ => Err(Failure::system("fcntl")(error)),
        },
    }
}

/// Releases the range.
///
/// # Errors
/// As the system refuses.
pub fn unlock_range(file: &File, start: u64, length: u64) -> Result<()> {
    set(file, libc::F_UNLCK, start, length).map_err(Failure::system("fcntl"))
}

fn set(file: &File, kind: libc::c_int, start: u64, length: u64) -> std::io::Result<()> {
    // SAFETY: all fields of the structure are numbers, for which zero is a value; `l_pid` has to be
    // zero for these locks.
    let mut lock: libc::flock64 = unsafe { std::mem::zeroed() };
    lock.l_type = kind as libc::c_short;
    lock.l_whence = libc::SEEK_SET as libc::c_short;
    lock.l_start = start as i64;
    lock.l_len = length as i64;
    // SAFETY: the descriptor is open for the length of the call, which reads the structure.
    match unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw const lock) } {
        -1 => Err(std::io::Error::last_os_error()),
        _ => Ok(()),
    }
}
