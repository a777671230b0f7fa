//! Error numbers on Windows.

use std::io;

use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_BAD_PATHNAME, ERROR_CANT_RESOLVE_FILENAME, ERROR_COMMITMENT_LIMIT,
    ERROR_CRC, ERROR_DIRECTORY, ERROR_FILENAME_EXCED_RANGE, ERROR_INVALID_DRIVE,
    ERROR_INVALID_HANDLE, ERROR_INVALID_NAME, ERROR_INVALID_REPARSE_DATA, ERROR_IO_DEVICE,
    ERROR_LOCK_VIOLATION, ERROR_NOT_SAME_DEVICE, ERROR_NOT_SUPPORTED, ERROR_SHARING_VIOLATION,
    ERROR_TOO_MANY_OPEN_FILES, ERROR_USER_MAPPED_FILE,
};

/// The error's number as libuv writes it (`uv/errno.h`), so that Node can name it.
pub fn libuv_error(error: &io::Error) -> i32 {
    use io::ErrorKind as Kind;
    // What std does not sort into a kind of its own, or not as Node does.
    match error.raw_os_error().map_or(0, |number| number as u32) {
        ERROR_ACCESS_DENIED => return -4048,
        ERROR_INVALID_HANDLE => return -4083,
        ERROR_SHARING_VIOLATION | ERROR_LOCK_VIOLATION | ERROR_USER_MAPPED_FILE => return -4082,
        ERROR_COMMITMENT_LIMIT => return -4057,
        ERROR_CRC | ERROR_IO_DEVICE => return -4070,
        // A name that no file can have, which std sorts with invalid arguments, and a path through a
        // file as if it were a folder.
        ERROR_INVALID_NAME
        | ERROR_DIRECTORY
        | ERROR_BAD_PATHNAME
        | ERROR_INVALID_DRIVE
        | ERROR_INVALID_REPARSE_DATA => return -4058,
        ERROR_FILENAME_EXCED_RANGE => return -4064,
        ERROR_CANT_RESOLVE_FILENAME => return -4067,
        ERROR_TOO_MANY_OPEN_FILES => return -4066,
        ERROR_NOT_SAME_DEVICE => return -4037,
        ERROR_NOT_SUPPORTED => return -4049,
        _ => {}
    }
    match error.kind() {
        Kind::NotFound => -4058,
        Kind::AlreadyExists => -4075,
        Kind::PermissionDenied => -4048,
        Kind::IsADirectory => -4068,
        Kind::InvalidInput => -4071,
        Kind::OutOfMemory => -4057,
        Kind::StorageFull => -4055,
        Kind::ReadOnlyFilesystem => -4047,
        Kind::FileTooLarge => -4036,
        Kind::ResourceBusy => -4082,
        _ => -4094,
    }
}
