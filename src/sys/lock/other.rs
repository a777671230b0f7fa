//! Locks on ranges of files, where the system has none that belong to the open file alone.

use std::fs::File;

use crate::error::{Failure, Result};

fn refusal() -> Failure {
    Failure::unsupported(
        "ranges of files can be locked on Linux only; lock the whole file, without options.range",
    )
}

/// # Errors
/// `ERR_MMAP_UNSUPPORTED`.
pub fn try_lock_range(_: &File, _: bool, _: u64, _: u64) -> Result<bool> {
    Err(refusal())
}

/// # Errors
/// `ERR_MMAP_UNSUPPORTED`.
pub fn unlock_range(_: &File, _: u64, _: u64) -> Result<()> {
    Err(refusal())
}
