//! Paths: Windows, where they are 16-bit units that need not be valid UTF-16. As bytes they are WTF-8,
//! as in libuv: UTF-8, and surrogates without a partner as if they were characters.

use std::ffi::OsString;
use std::os::windows::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use super::{verbatim, wtf8};
use crate::error::{Failure, Result};

/// The path that `bytes` encode.
///
/// # Errors
/// `ERR_MMAP_UNSUPPORTED` where they are neither UTF-8 nor WTF-8.
pub fn from_bytes(bytes: &[u8]) -> Result<PathBuf> {
    match wtf8::decode(bytes) {
        Some(units) => Ok(OsString::from_wide(&units).into()),
        None => Err(Failure::unsupported("on Windows a path must be UTF-8")),
    }
}

/// The path in WTF-8.
pub fn to_bytes(path: &Path) -> Vec<u8> {
    wtf8::encode(path.as_os_str().encode_wide())
}

/// A path of the form `\\?\C:\folder`, as Windows gives it, in the form that programs use, if that leads to
/// the same file.
pub fn without_prefix(path: &[u16]) -> PathBuf {
    let usual = verbatim::without_prefix(path);
    OsString::from_wide(usual.as_deref().unwrap_or(path)).into()
}
