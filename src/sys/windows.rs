//! Windows. What it promises is from Microsoft's documentation of the functions it calls;
//! `docs/platforms.md` says how far it was tried.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::FileTypeExt as _;
use std::os::windows::io::{AsRawHandle, BorrowedHandle, RawHandle};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use memmap2::{MmapOptions, MmapRaw};
use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_CALL_NOT_IMPLEMENTED, ERROR_COMMITMENT_LIMIT, ERROR_CRC,
    ERROR_INVALID_FUNCTION, ERROR_INVALID_HANDLE, ERROR_INVALID_PARAMETER, ERROR_IO_DEVICE,
    ERROR_LOCK_VIOLATION, ERROR_NOT_SUPPORTED, ERROR_SHARING_VIOLATION, ERROR_USER_MAPPED_FILE,
};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_ALLOCATION_INFO, FileAllocationInfo, SetFileInformationByHandle,
};
use windows_sys::Win32::System::LibraryLoader::{GetModuleHandleW, GetProcAddress};
use windows_sys::Win32::System::Memory::{
    MEM_COMMIT, MEM_RELEASE, MEM_RESERVE, PAGE_PROTECTION_FLAGS, PAGE_READONLY, PAGE_READWRITE,
    PAGE_WRITECOPY, VirtualAlloc, VirtualFree, VirtualProtect,
};
use windows_sys::Win32::System::SystemInformation::{GetSystemInfo, SYSTEM_INFO};

use super::{Access, Anonymous, write_zeros};
use crate::error::{Failure, Result};

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
        _ => {}
    }
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
/// `EBADF` where no such descriptor is open, `ERR_MMAP_UNSUPPORTED` where the runtime does not
/// tell.
pub fn duplicate(descriptor: i32) -> Result<File> {
    // Descriptors are numbers of the C library that is linked into the runtime; ours knows nothing
    // of them. Looked up by name, since the addon must also load where there is no such function.
    let ask = host_symbol(c"uv_get_osfhandle").ok_or_else(|| {
        Failure::unsupported(
            "on Windows this runtime does not tell addons which file a descriptor is (it exports \
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

/// Reserves disk space for the first `to` bytes; the file's length is set by the caller. Zeros are
/// written from `from` on where the file system cannot reserve (network drives; Wine).
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
    if done != 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error().map_or(0, |number| number as u32) {
        ERROR_INVALID_FUNCTION
        | ERROR_NOT_SUPPORTED
        | ERROR_CALL_NOT_IMPLEMENTED
        | ERROR_INVALID_PARAMETER => write_zeros(file, from, to).map_err(Failure::system("write")),
        _ => Err(Failure::system("fallocate")(error)),
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

/// What the addresses of a map hold.
enum State {
    /// A view of the file, or of the page file.
    Mapped(MmapRaw),
    /// Zeros; the map was retired.
    Zeros,
    /// Somebody else's: retiring could not keep the addresses.
    Lost,
}

/// A range of memory that is given back to the system when it is dropped.
pub struct Memory {
    start: *mut u8,
    length: usize,
    anonymous: bool,
    state: Mutex<State>,
}

/// The first address and the one after the last that are being retired now, one map at a time.
static RETIRING: [AtomicUsize; 2] = [const { AtomicUsize::new(0) }; 2];
static RETIRE: Mutex<()> = Mutex::new(());

/// Whether the address is unmapped just for the moment: see [`Memory::retire`].
pub fn is_being_retired(address: usize) -> bool {
    let [start, end] = [0, 1].map(|bound| RETIRING[bound].load(Ordering::SeqCst));
    (start..end).contains(&address)
}

/// Sets the access to the pages from `start` on.
fn protect(start: *const u8, length: usize, access: PAGE_PROTECTION_FLAGS) -> io::Result<()> {
    let mut before = 0;
    // SAFETY: callers pass ranges of views that they have just made and not lent yet.
    match unsafe { VirtualProtect(start.cast(), length, access, &mut before) } {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// A view that may not be written, the pages of which the guard can make copy-on-write. A
/// copy-on-write view does for that, but Windows sets room aside in the page file for the whole of
/// it, as if every page were going to be written; so this is the second choice. The first is
/// allowed by all that is documented, and tried on the first page.
fn read_only_view(options: &MmapOptions, file: &File) -> io::Result<MmapRaw> {
    let view = options.map_raw_read_only(file)?;
    let tried = protect(view.as_ptr(), 1, PAGE_WRITECOPY);
    if tried
        .and_then(|()| protect(view.as_ptr(), 1, PAGE_READONLY))
        .is_ok()
    {
        return Ok(view);
    }
    // SAFETY: the memory is only ever used through raw pointers and ArrayBuffers, so that other
    // processes may change the file does not break a Rust reference.
    let view = unsafe { options.map_copy(file) }.map(MmapRaw::from)?;
    protect(view.as_ptr(), view.len(), PAGE_READONLY)?;
    Ok(view)
}

// SAFETY: the address is only a number here; what it points to is shared memory that nobody
// refers to by a Rust reference, and the view is behind a lock.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

impl Memory {
    fn over(view: MmapRaw, anonymous: bool) -> Memory {
        Memory {
            start: view.as_mut_ptr(),
            length: view.len(),
            anonymous,
            state: Mutex::new(State::Mapped(view)),
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
            Access::Read if guarded => read_only_view(&options, file),
            // SAFETY: the memory is only ever used through raw pointers and ArrayBuffers, so that
            // other processes may change the file does not break a Rust reference.
            Access::Read | Access::CopyOnWrite => unsafe {
                options.map_copy(file).map(MmapRaw::from)
            },
        };
        mapped
            .map(|view| Memory::over(view, false))
            .map_err(Failure::system("mmap"))
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
            .map(|map| Memory::over(MmapRaw::from(map), true))
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
        match &*self.state.lock().unwrap_or_else(PoisonError::into_inner) {
            State::Mapped(view) => view
                .flush_range(start, length)
                .map_err(Failure::system("msync")),
            State::Zeros | State::Lost => Ok(()),
        }
    }

    /// Unmaps the view, which closes memmap2's handle of the file too, and puts zeros in its place.
    /// Windows has no call that does both at once. Whoever touches the range in between waits in
    /// the guard's handler until the zeros are there. Should another thread be given the addresses
    /// in between, they stay its own; placeholder views (`MapViewOfFile3`) would rule that out.
    /// Anonymous memory, which has no file to be let go, is left as it is.
    pub fn retire(&self) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if self.anonymous || !matches!(*state, State::Mapped(_)) {
            return true;
        }
        let (base, end) = self.pages();
        let _turn = RETIRE.lock().unwrap_or_else(PoisonError::into_inner);
        RETIRING[0].store(base, Ordering::SeqCst);
        RETIRING[1].store(end, Ordering::SeqCst);
        *state = State::Lost;
        let reserved = |kind| {
            // SAFETY: the range has just been unmapped; where it is not free any more the call
            // fails and changes nothing.
            let at = unsafe { VirtualAlloc(base as *const _, end - base, kind, PAGE_READWRITE) };
            !at.is_null()
        };
        // Where there is no room for so many zeros, the guard makes those that are asked for.
        if reserved(MEM_RESERVE | MEM_COMMIT) || reserved(MEM_RESERVE) {
            *state = State::Zeros;
        }
        RETIRING[1].store(0, Ordering::SeqCst);
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
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if matches!(state, State::Zeros) {
            // SAFETY: `retire` has allocated exactly this range, and nobody refers to it any more.
            unsafe { VirtualFree(self.pages().0 as *mut _, 0, MEM_RELEASE) };
        }
    }
}
