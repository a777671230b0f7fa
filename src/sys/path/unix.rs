//! Paths: Linux and macOS, where they are bytes.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::error::Result;

/// The path whose name on disk is `bytes`.
///
/// # Errors
/// None here; on Windows not all bytes are a path.
pub fn from_bytes(bytes: &[u8]) -> Result<PathBuf> {
    Ok(PathBuf::from(OsStr::from_bytes(bytes)))
}

/// The bytes of a path on disk.
pub fn to_bytes(path: &Path) -> Vec<u8> {
    path.as_os_str().as_bytes().to_vec()
}
