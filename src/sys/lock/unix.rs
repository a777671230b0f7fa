//! Releasing locks on whole files: Linux and macOS.

use std::fs::File;

use crate::error::{Failure, Result};

/// Releases the lock.
///
/// # Errors
/// As the system refuses.
pub fn unlock(file: &File) -> Result<()> {
    file.unlock().map_err(Failure::system("flock"))
}
