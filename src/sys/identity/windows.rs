//! Which file a file is and where it is found: Windows.

use std::fs::File;
use std::io;
use std::os::windows::io::AsRawHandle;
use std::path::{Path, PathBuf};

use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, GetFileInformationByHandle, GetFinalPathNameByHandleW,
};

use super::{Identity, created};
use crate::error::{Failure, Result};
use crate::sys::path::without_prefix;

/// Which file this is: the volume's serial number and the file's index there.
///
/// # Errors
/// What `GetFileInformationByHandle` refuses.
pub fn identity_of(file: &File) -> Result<Identity> {
    let mut info = BY_HANDLE_FILE_INFORMATION::default();
    // SAFETY: the handle is open; the call fills in the structure that it is given.
    if unsafe { GetFileInformationByHandle(file.as_raw_handle(), &mut info) } == 0 {
        return Err(Failure::system("fstat")(io::Error::last_os_error()));
    }
    let times = file.metadata().map_err(Failure::system("fstat"))?;
    Ok(Identity {
        device: u64::from(info.dwVolumeSerialNumber),
        inode: u64::from(info.nFileIndexHigh) << 32 | u64::from(info.nFileIndexLow),
        created: created(&times),
    })
}

/// Which file a path leads to.
///
/// # Errors
/// What `CreateFileW` and `GetFileInformationByHandle` refuse.
pub fn identity_at(path: &Path) -> Result<Identity> {
    identity_of(&File::open(path).map_err(Failure::system("open"))?)
}

/// The path that the system has for an open file, without the `\\?\` before it where it needs none.
pub fn path_of(file: &File) -> Option<PathBuf> {
    let mut path = vec![0_u16; 32_768];
    // SAFETY: the handle is open; the buffer has the length given.
    let length = unsafe {
        GetFinalPathNameByHandleW(
            file.as_raw_handle(),
            path.as_mut_ptr(),
            path.len() as u32,
            0,
        )
    } as usize;
    match length {
        0 => None,
        _ => Some(without_prefix(path.get(..length)?)),
    }
}

/// There are no descriptors here by which the core knows files.
pub fn path_of_descriptor(_: i32) -> Option<PathBuf> {
    None
}
