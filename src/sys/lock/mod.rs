//! Locks on files, and on ranges of their bytes.

use std::fs::{File, TryLockError};

use crate::error::{Failure, Result};

#[cfg_attr(target_os = "linux", path = "linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "other.rs")]
mod range;

#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(windows, path = "windows.rs")]
mod whole;

pub use range::{try_lock_range, unlock_range};
pub use whole::unlock;

/// Locks the whole file unless another owner has a lock that conflicts. Answers whether it did.
///
/// # Errors
/// As the system refuses.
pub fn try_lock(file: &File, shared: bool) -> Result<bool> {
    let answer = match shared {
        true => file.try_lock_shared(),
        false => file.try_lock(),
    };
    match answer {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(Failure::system("flock")(error)),
    }
}
