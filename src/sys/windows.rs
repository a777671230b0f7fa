//! Windows. Compiled only there, and not yet run by us: what it promises is from Microsoft's
//! documentation of the functions it calls.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::FileTypeExt as _;
use std::os::windows::io::{AsRawHandle, BorrowedHandle};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use memmap2::{MmapOptions, MmapRaw};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_ALLOCATION_INFO, FileAllocationInfo, SetFileInformationByHandle,
};
use windows_sys::Win32::System::LibraryLoader::{GetModuleHandleW, GetProcAddress};
use windows_sys::Win32::System::Memory::{
    MEM_COMMIT, MEM_RELEASE, MEM_RESERVE, PAGE_READONLY, PAGE_READWRITE, VirtualAlloc, VirtualFree,
    VirtualProtect,
};
use windows_sys::Win32::System::SystemInformation::{GetSystemInfo, SYSTEM_INFO};

use super::{Access, Anonymous};
use crate::error::{Failure, Result};

unsafe extern "C" {
    /// The C run-time's handle for a descriptor, which is what Node's descriptors are (through
    /// libuv, which exports its own view of the same table for addons).
    fn uv_get_osfhandle(descriptor: i32) -> *mut std::ffi::c_void;
}

/// The error's number as libuv writes it (`uv/errno.h`), so that Node can name it.
pub fn libuv_error(error: &io::Error) -> i32 {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::NotFound => -4058,
        Kind::AlreadyExists => -4075,
        Kind::PermissionDenied => -4048,
        Kind::IsADirectory => -4068,
        Kind::NotADirectory => -4052,
        Kind::InvalidInput | Kind::InvalidFilename => -4071,
        Kind::OutOfMemory => -4057,
        Kind::StorageFull => -4055,
        Kind::ReadOnlyFilesystem => -4047,
        Kind::FileTooLarge => -4036,
        Kind::ResourceBusy => -4082,
        _ => -4094,
    }
}

/// The path whose name is `bytes`.
///
/// # Errors
/// `ERR_MMAP_UNSUPPORTED` where they are not UTF-8, the only form that Node has for paths here.
pub fn path_from_bytes(bytes: &[u8]) -> Result<PathBuf> {
    match std::str::from_utf8(bytes) {
        Ok(path) => Ok(PathBuf::from(path)),
        Err(_) => Err(Failure::unsupported("on Windows a path must be UTF-8")),
    }
}

/// Windows has no permission bits.
pub fn with_mode(_: &mut OpenOptions, _: u32) {}

/// Opens the file at `path`; others may read, write, rename and delete it meanwhile (std's
/// default), and child processes do not inherit the handle.
///
/// # Errors
/// Whatever `CreateFileW` refuses: `ENOENT`, `EPERM`, `EBUSY`, ...
pub fn open(path: &Path, access: Access) -> Result<File> {
    File::options()
        .read(true)
        .write(access == Access::ReadWrite)
        .open(path)
        .map_err(Failure::system("open"))
}

/// Our own handle of the open file that the caller knows as `descriptor`.
///
/// # Errors
/// `EINVAL` where no such descriptor is open.
pub fn duplicate(descriptor: i32) -> Result<File> {
    // SAFETY: any number may be asked for; one that is not open gives INVALID_HANDLE_VALUE (-1) or
    // -2, for a descriptor without a file.
    let handle = unsafe { uv_get_osfhandle(descriptor) };
    if handle as isize == -1 || handle as isize == -2 {
        let error = io::Error::from(io::ErrorKind::InvalidInput);
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
    let facts = file.metadata().map_err(Failure::system("fstat"))?;
    let kind = facts.file_type();
    if kind.is_dir() || kind.is_symlink_dir() {
        let error = io::Error::from(io::ErrorKind::IsADirectory);
        return Err(Failure::system("mmap")(error));
    }
    if !kind.is_file() {
        return Err(Failure::unsupported("only regular files can be mapped"));
    }
    Ok(facts.len())
}

/// Reserves disk space for the first `to` bytes; the file's length is set by the caller.
///
/// # Errors
/// `ENOSPC`, ...
pub fn reserve(file: &File, from: u64, to: u64) -> Result<()> {
    if from >= to {
        return Ok(());
    }
    let wanted = FILE_ALLOCATION_INFO {
        AllocationSize: to as i64,
    };
    // SAFETY: the handle is open and the structure is the one that this class of information
    // takes; both live until the call returns.
    let done = unsafe {
        SetFileInformationByHandle(
            file.as_raw_handle(),
            FileAllocationInfo,
            (&raw const wanted).cast(),
            size_of_val(&wanted) as u32,
        )
    };
    match done {
        0 => Err(Failure::system("fallocate")(io::Error::last_os_error())),
        _ => Ok(()),
    }
}

/// The address of a function that the running program exports, such as the runtime's Node-API.
pub fn host_symbol(name: &std::ffi::CStr) -> Option<std::ptr::NonNull<std::ffi::c_void>> {
    // SAFETY: null names the program itself, which is never unloaded; the name ends with a zero.
    let found = unsafe { GetProcAddress(GetModuleHandleW(std::ptr::null()), name.as_ptr().cast()) };
    found.and_then(|function| std::ptr::NonNull::new(function as *mut std::ffi::c_void))
}

/// Nothing: memmap2's flush already ends with `FlushFileBuffers` here.
///
/// # Errors
/// None.
pub fn sync_after_flush(_: &File) -> Result<()> {
    Ok(())
}

/// A range of memory that is given back to the system when it is dropped.
pub struct Memory {
    start: *mut u8,
    length: usize,
    /// None once retired: memmap2 holds a handle of the file, which has to go then.
    view: Mutex<Option<MmapRaw>>,
}

// SAFETY: the address is only a number here; what it points to is shared memory that nobody
// refers to by a Rust reference, and the view is behind a lock.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

impl Memory {
    fn over(view: MmapRaw) -> Memory {
        Memory {
            start: view.as_mut_ptr(),
            length: view.len(),
            view: Mutex::new(Some(view)),
        }
    }

    /// Maps `length` bytes (not 0) of `file` from any byte offset on.
    ///
    /// # Errors
    /// `EPERM` where the handle does not allow it, `ENOMEM`, ...
    pub fn of_file(
        file: &File,
        access: Access,
        offset: u64,
        length: usize,
        guarded: bool,
    ) -> Result<Memory> {
        let mut options = MmapOptions::new();
        options.offset(offset).len(length);
        let mapped = match access {
            Access::ReadWrite => options.map_raw(file),
            // SAFETY: the memory is only ever used through raw pointers and ArrayBuffers, so that
            // other processes may change the file does not break a Rust reference.
            Access::Read | Access::CopyOnWrite => unsafe {
                options.map_copy(file).map(MmapRaw::from)
            },
        };
        let memory = mapped.map(Memory::over).map_err(Failure::system("mmap"))?;
        if guarded && access == Access::Read {
            memory.forbid_writing()?;
        }
        Ok(memory)
    }

    /// Makes a copy-on-write view read-only; the guard makes pages copy-on-write again that are
    /// written all the same.
    fn forbid_writing(&self) -> Result<()> {
        let (base, end) = self.pages();
        let mut before = 0;
        // SAFETY: the range is the view's own.
        let done =
            unsafe { VirtualProtect(base as *const _, end - base, PAGE_READONLY, &mut before) };
        match done {
            0 => Err(Failure::system("mprotect")(io::Error::last_os_error())),
            _ => Ok(()),
        }
    }

    /// `length` bytes (not 0) of zeros that belong to no file. Windows always sets room aside in
    /// the page file for them.
    ///
    /// # Errors
    /// `ENOMEM`; `ERR_MMAP_UNSUPPORTED` for huge pages, which need a privilege here that hardly
    /// any account has.
    pub fn anonymous(length: usize, how: Anonymous) -> Result<Memory> {
        if how.huge {
            return Err(Failure::unsupported(
                "huge pages for anonymous maps are supported on Linux only",
            ));
        }
        let mapped = MmapOptions::new().len(length).map_anon();
        mapped
            .map(|map| Memory::over(MmapRaw::from(map)))
            .map_err(Failure::system("mmap"))
    }

    /// The address of the first byte.
    pub fn start(&self) -> *mut u8 {
        self.start
    }

    /// The number of bytes.
    pub fn length(&self) -> usize {
        self.length
    }

    /// Writes the changed pages of the range to the file and waits for them. Blocks.
    ///
    /// # Errors
    /// `EIO`, `ENOSPC`, ...
    pub fn flush(&self, start: usize, length: usize) -> Result<()> {
        let view = self.view.lock().unwrap_or_else(PoisonError::into_inner);
        match &*view {
            Some(view) => view
                .flush_range(start, length)
                .map_err(Failure::system("msync")),
            None => Ok(()),
        }
    }

    /// Unmaps the view, which closes memmap2's handle of the file too, and puts zero pages in its
    /// place. Windows has no call that does both at once: should another thread take the addresses
    /// in between, they stay its own, and a late reader of ours meets an access violation or its
    /// memory. Windows leaves a view's addresses to nobody else for long enough that we have no
    /// better answer yet; placeholder views (`MapViewOfFile3`) would be one.
    pub fn retire(&self) -> bool {
        let view = self
            .view
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        drop(view);
        let (base, end) = self.pages();
        let kind = MEM_RESERVE | MEM_COMMIT;
        // SAFETY: the range has just been unmapped; where it is not free any more the call fails
        // and changes nothing.
        unsafe { VirtualAlloc(base as *const _, end - base, kind, PAGE_READWRITE) };
        true
    }

    /// The range rounded out to what the view was mapped with: views begin at multiples of the
    /// allocation granularity.
    pub fn pages(&self) -> (usize, usize) {
        let mut facts = SYSTEM_INFO::default();
        // SAFETY: fills in the structure that it is given.
        unsafe { GetSystemInfo(&mut facts) };
        let start = self.start as usize;
        let base = start - start % facts.dwAllocationGranularity as usize;
        (base, start + self.length)
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let view = self.view.get_mut().unwrap_or_else(PoisonError::into_inner);
        if view.is_none() {
            // SAFETY: nobody refers to the range any more. Where `retire` did not get it, the call
            // fails, since it releases only what VirtualAlloc reserved at this very address.
            unsafe { VirtualFree(self.pages().0 as *mut _, 0, MEM_RELEASE) };
        }
    }
}
