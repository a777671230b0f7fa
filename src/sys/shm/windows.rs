//! Shared memory by name. Windows has no objects that outlive their last handle, which is what
//! these functions promise, so they refuse; a file that several processes map serves instead.

use std::fs::File;

use crate::error::{Failure, Result};

fn refusal() -> Failure {
    Failure::unsupported(
        "shared memory by name is not offered on Windows; map one file from each process with \
         MmapMut.open instead",
    )
}

/// # Errors
/// `ERR_MMAP_UNSUPPORTED`.
pub fn create(_: &str, _: u32) -> Result<File> {
    Err(refusal())
}

/// # Errors
/// `ERR_MMAP_UNSUPPORTED`.
pub fn open(_: &str) -> Result<File> {
    Err(refusal())
}

/// # Errors
/// `ERR_MMAP_UNSUPPORTED`.
pub fn unlink(_: &str) -> Result<()> {
    Err(refusal())
}

/// As on POSIX systems.
pub fn first_name(name: &str) -> String {
    name.to_owned()
}

/// # Errors
/// `ERR_MMAP_UNSUPPORTED`.
pub fn publish(_: &str, _: &str) -> Result<()> {
    Err(refusal())
}
