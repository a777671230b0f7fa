//! Releasing locks on whole files: Windows.

use std::fs::File;
use std::io;
use std::os::windows::io::AsRawHandle;

use windows_sys::Win32::Foundation::ERROR_NOT_LOCKED;
use windows_sys::Win32::Storage::FileSystem::UnlockFile;

use crate::error::{Failure, Result};

/// Releases the lock that `try_lock` has taken, and no other. `File::unlock` unlocks twice, since a
/// handle can have a shared lock beside an exclusive one, and fails where a file system answers the second
/// call otherwise than with `ERROR_NOT_LOCKED`, though the lock is released by then. A lock that is gone
/// already is as good as released, as on other systems.
///
/// # Errors
/// As the system refuses.
pub fn unlock(file: &File) -> Result<()> {
    // SAFETY: the handle is open. The range is the one that `File::try_lock` locks: all that there is.
    if unsafe { UnlockFile(file.as_raw_handle(), 0, 0, u32::MAX, u32::MAX) } != 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        Some(number) if number as u32 == ERROR_NOT_LOCKED => Ok(()),
        _ => Err(Failure::system("flock")(error)),
    }
}
