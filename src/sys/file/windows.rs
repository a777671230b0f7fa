//! Files: Windows. What it promises is from Microsoft's documentation of the functions it calls;
//! `docs/platforms.md` says how far it was tried.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek};
use std::os::windows::fs::FileExt as _;
use std::os::windows::io::{AsRawHandle, BorrowedHandle, RawHandle};
use std::path::Path;

use windows_sys::Win32::Foundation::{
    ERROR_CALL_NOT_IMPLEMENTED, ERROR_DISK_FULL, ERROR_INVALID_FUNCTION, ERROR_INVALID_HANDLE,
    ERROR_INVALID_PARAMETER, ERROR_NOT_SUPPORTED,
};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_ALLOCATION_INFO, FILE_STANDARD_INFO, FILE_TYPE_DISK, FileAllocationInfo, FileStandardInfo,
    GetDiskFreeSpaceExW, GetFileInformationByHandleEx, GetFileType, SetFileInformationByHandle,
};

use super::{Access, write_zeros};
use crate::error::{Failure, Result};
use crate::sys::identity::path_of;
use crate::sys::symbol::host_symbol;

/// Windows has no permission bits.
pub fn with_mode(_: &mut OpenOptions, _: u32) {}

/// Opens the file at `path`; others may read, write, rename and delete it meanwhile (std's
/// default), and child processes do not inherit the handle.
///
/// # Errors
/// Whatever `CreateFileW` refuses: `ENOENT`, `EPERM`, `EBUSY`, ...; `EISDIR` for a directory.
pub fn open(path: &Path, access: Access) -> Result<File> {
    File::options()
        .read(true)
        .write(access == Access::ReadWrite)
        .open(path)
        .map_err(|error| Failure::system("open")(or_directory(error, path)))
}

/// Moves the file at `from` to `to`, in the place of a file that is there.
///
/// # Errors
/// Whatever `MoveFileExW` refuses; `EISDIR` where `to` is a directory.
pub fn replace(from: &Path, to: &Path) -> Result<()> {
    std::fs::rename(from, to).map_err(|error| Failure::system("rename")(or_directory(error, to)))
}

/// Windows says of a directory only that it denies access.
fn or_directory(error: io::Error, path: &Path) -> io::Error {
    if error.kind() == io::ErrorKind::PermissionDenied && path.is_dir() {
        io::ErrorKind::IsADirectory.into()
    } else {
        error
    }
}

/// A new handle of the open file that the caller knows as `descriptor`.
///
/// # Errors
/// `EBADF` where no such descriptor is open, `ERR_MMAP_UNSUPPORTED` where the runtime does not
/// say.
pub fn duplicate(descriptor: i32) -> Result<File> {
    // Descriptors are numbers of the C library that is linked into the runtime; this one knows nothing
    // of them. Looked up by name, since the addon must also load where there is no such function.
    let ask = host_symbol(c"uv_get_osfhandle").ok_or_else(|| {
        Failure::unsupported(
            "on Windows this runtime does not show addons the file of a descriptor (it exports \
             no uv_get_osfhandle); open the file by its path",
        )
    })?;
    // SAFETY: libuv declares it as `uv_os_fd_t uv_get_osfhandle(int fd)`, in every version.
    let ask: unsafe extern "C" fn(i32) -> RawHandle = unsafe { std::mem::transmute(ask) };
    // SAFETY: any number may be asked for; one that is not open gives INVALID_HANDLE_VALUE (-1) or
    // -2, for a descriptor without a file.
    let handle = unsafe { ask(descriptor) };
    if handle as isize == -1 || handle as isize == -2 {
        let error = io::Error::from_raw_os_error(ERROR_INVALID_HANDLE as i32);
        return Err(Failure::system("dup")(error));
    }
    // SAFETY: the handle is open; the borrow ends with this call.
    let borrowed = unsafe { BorrowedHandle::borrow_raw(handle) };
    borrowed
        .try_clone_to_owned()
        .map(File::from)
        .map_err(Failure::system("dup"))
}

/// The guard needs no file here.
pub fn descriptor(_: &File) -> i32 {
    -1
}

/// The number of bytes that can be mapped of `file`.
///
/// # Errors
/// `EISDIR` for a directory, `ERR_MMAP_UNSUPPORTED` for pipes and consoles.
pub fn size_of(file: &File) -> Result<u64> {
    let handle = file.as_raw_handle();
    // SAFETY: the handle is open.
    if unsafe { GetFileType(handle) } != FILE_TYPE_DISK {
        return Err(Failure::unsupported("only regular files can be mapped"));
    }
    // Unlike std's metadata this asks nothing of the volume, which every read would wait for.
    let mut info = FILE_STANDARD_INFO::default();
    // SAFETY: the handle is open and the structure is the one that this class of information
    // takes; both live until the call returns.
    let known = unsafe {
        GetFileInformationByHandleEx(
            handle,
            FileStandardInfo,
            (&raw mut info).cast(),
            size_of_val(&info) as u32,
        )
    };
    if known == 0 {
        return Err(Failure::system("fstat")(io::Error::last_os_error()));
    }
    if info.Directory {
        let error = io::Error::from(io::ErrorKind::IsADirectory);
        return Err(Failure::system("mmap")(error));
    }
    Ok(info.EndOfFile as u64)
}

/// No: shared memory is no file here.
pub fn keeps_length(_: &File) -> bool {
    false
}

/// Every file has pages of the usual size here.
///
/// # Errors
/// None.
pub fn check_pages(_: &File) -> Result<()> {
    Ok(())
}

/// Reserves disk space for the first `to` bytes; the file's length is set by the caller. Zeros are
/// written from `from` on where the file system cannot reserve (network drives; Wine).
///
/// # Errors
/// `ENOSPC`, ...
pub fn reserve(file: &File, from: u64, to: u64) -> Result<()> {
    if from >= to {
        return Ok(());
    }
    let allocation = FILE_ALLOCATION_INFO {
        AllocationSize: to as i64,
    };
    // SAFETY: the handle is open and the structure is the one that this class of information
    // takes; both live until the call returns.
    let done = unsafe {
        SetFileInformationByHandle(
            file.as_raw_handle(),
            FileAllocationInfo,
            (&raw const allocation).cast(),
            size_of_val(&allocation) as u32,
        )
    };
    if done != 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error().map_or(0, |number| number as u32) {
        ERROR_INVALID_FUNCTION
        | ERROR_NOT_SUPPORTED
        | ERROR_CALL_NOT_IMPLEMENTED
        | ERROR_INVALID_PARAMETER => write_zeros(file, from, to),
        _ => Err(Failure::system("fallocate")(error)),
    }
}

/// What flushing needs after the pages were given to the file system: `FlushFileBuffers`.
///
/// # Errors
/// `EIO`, `ENOSPC`, `EPERM` for a handle that may not write, ...
pub fn sync_after_flush(file: &File) -> Result<()> {
    file.sync_data().map_err(Failure::system("fsync"))
}

/// The bytes that are free for this user on the file's disk; None where the system does not tell.
pub fn free_space(file: &File) -> Option<u64> {
    use std::os::windows::ffi::OsStrExt;
    let path = path_of(file)?;
    let folder = path.parent()?.as_os_str().encode_wide();
    let folder: Vec<u16> = folder.chain(Some(0)).collect();
    let mut free = 0;
    // SAFETY: the folder's name ends with a null character and, like the number, lives until the
    // call returns; results that are not needed may be null.
    let done = unsafe {
        GetDiskFreeSpaceExW(
            folder.as_ptr(),
            &mut free,
            std::ptr::null_mut(),
            std::ptr::null_mut(),
        )
    };
    (done != 0).then_some(free)
}

/// The error of a full disk.
pub fn disk_full() -> io::Error {
    io::Error::from_raw_os_error(ERROR_DISK_FULL as i32)
}

/// Writes some of `bytes` at `offset` and answers how many. The file position is put back:
/// `WriteFile` moves it though it is given an offset.
///
/// # Errors
/// What `WriteFile` refuses.
pub fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
    in_place(file, || file.seek_write(bytes, offset))
}

/// Reads some bytes from `offset` on into `bytes` and answers how many. The file position is put back.
///
/// # Errors
/// What `ReadFile` refuses.
pub fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    in_place(file, || file.seek_read(bytes, offset))
}

/// Runs `work`, which moves the file position, and puts that back.
fn in_place(mut file: &File, work: impl FnOnce() -> io::Result<usize>) -> io::Result<usize> {
    let position = file.stream_position()?;
    let done = work();
    file.seek(io::SeekFrom::Start(position))?;
    done
}
