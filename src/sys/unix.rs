//! Linux and macOS.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::PathBuf;

use memmap2::{MmapOptions, MmapRaw};
use rustix::fs::{FallocateFlags, OFlags, SeekFrom};
use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags};

use super::{Access, Anonymous, write_zeros};
use crate::error::{Failure, Result};

/// The error's number as libuv writes it: the negated errno.
pub fn libuv_error(error: &io::Error) -> i32 {
    error.raw_os_error().map_or(0, |number| -number)
}

/// The path whose name on disk is `bytes`.
///
/// # Errors
/// None here; on Windows a path must be UTF-8.
pub fn path_from_bytes(bytes: &[u8]) -> Result<PathBuf> {
    Ok(PathBuf::from(OsStr::from_bytes(bytes)))
}

/// Sets the permission bits that a new file gets, before the process's umask.
pub fn with_mode(options: &mut OpenOptions, mode: u32) {
    options.mode(mode);
}

/// Opens the file at `path`, close-on-exec. `O_NONBLOCK` keeps a FIFO from blocking the call until
/// somebody opens its other end, `O_NOCTTY` keeps a terminal from becoming ours; neither matters
/// for the files that can be mapped.
///
/// # Errors
/// Whatever `open` refuses: `ENOENT`, `EACCES`, `EISDIR`, ...
pub fn open(path: &std::path::Path, access: Access) -> Result<File> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    File::options()
        .read(true)
        .write(access == Access::ReadWrite)
        .custom_flags(flags.bits() as i32)
        .open(path)
        .map_err(Failure::system("open"))
}

/// Our own close-on-exec descriptor of the open file that the caller knows as `descriptor`.
///
/// # Errors
/// `EBADF` where no such descriptor is open.
pub fn duplicate(descriptor: i32) -> Result<File> {
    if descriptor < 0 {
        return Err(Failure::System {
            syscall: "dup",
            error: Errno::BADF.into(),
        });
    }
    // SAFETY: the number is not -1, the one value `BorrowedFd` forbids; it is used for one system
    // call, which answers EBADF if the number names nothing, and the borrow ends with the call.
    let borrowed = unsafe { BorrowedFd::borrow_raw(descriptor) };
    borrowed
        .try_clone_to_owned()
        .map(File::from)
        .map_err(Failure::system("dup"))
}

/// The number by which system calls know the file.
pub fn descriptor(file: &File) -> i32 {
    std::os::fd::AsRawFd::as_raw_fd(file)
}

/// The number of bytes that can be mapped of `file`.
///
/// # Errors
/// `EISDIR` for a directory, `ERR_MMAP_UNSUPPORTED` for what has no bytes of its own to map: FIFOs,
/// sockets, character devices, and the files the kernel makes up (`/proc`, `/sys`).
pub fn size_of(file: &File) -> Result<u64> {
    let facts = file.metadata().map_err(Failure::system("fstat"))?;
    let kind = facts.file_type();
    if kind.is_file() {
        if facts.size() == 0 && is_made_up(file) {
            return Err(unmappable(
                "a file that the kernel makes up when it is read",
            ));
        }
        return Ok(facts.size());
    }
    if kind.is_block_device() {
        return size_of_device(file);
    }
    if kind.is_dir() {
        return Err(Failure::System {
            syscall: "mmap",
            error: Errno::ISDIR.into(),
        });
    }
    Err(unmappable(if kind.is_fifo() {
        "a FIFO or a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a character device"
    }))
}

fn unmappable(what: &str) -> Failure {
    Failure::unsupported(format!(
        "only regular files, shared memory objects and block devices can be mapped; this is {what}"
    ))
}

/// Whether the file lives in a file system whose files report no size and cannot be mapped.
/// The numbers are from Linux's `include/uapi/linux/magic.h`.
#[cfg(target_os = "linux")]
fn is_made_up(file: &File) -> bool {
    const PROC: u64 = 0x9fa0;
    const SYSFS: u64 = 0x6265_6572;
    const DEBUGFS: u64 = 0x6462_6720;
    const TRACEFS: u64 = 0x7472_6163;
    const CGROUP2: u64 = 0x6367_7270;
    rustix::fs::fstatfs(file).is_ok_and(|facts| {
        [PROC, SYSFS, DEBUGFS, TRACEFS, CGROUP2].contains(&(facts.f_type as u64))
    })
}

#[cfg(not(target_os = "linux"))]
fn is_made_up(_: &File) -> bool {
    false
}

/// `fstat` knows no size for a block device, seeking to its end does. A borrowed descriptor shares
/// its position with its owner, so the position is put back.
fn size_of_device(file: &File) -> Result<u64> {
    let seek = |to| rustix::fs::seek(file, to).map_err(Failure::system("lseek"));
    let position = seek(SeekFrom::Current(0))?;
    let end = seek(SeekFrom::End(0))?;
    seek(SeekFrom::Start(position))?;
    Ok(end)
}

/// Reserves disk blocks for the bytes `from..to`, lengthening the file to `to` where it is
/// shorter, so that a full disk is an error now and not a fault at the first write.
///
/// # Errors
/// `ENOSPC`, `EDQUOT`, `EFBIG`, ...
pub fn reserve(file: &File, from: u64, to: u64) -> Result<()> {
    if from >= to {
        return Ok(());
    }
    let answer = rustix::io::retry_on_intr(|| {
        rustix::fs::fallocate(file, FallocateFlags::empty(), from, to - from)
    });
    match answer {
        Err(Errno::OPNOTSUPP) => write_zeros(file, from, to).map_err(Failure::system("write")),
        answer => answer.map_err(Failure::system("fallocate")),
    }
}

/// The address of a function that the running program exports, such as the runtime's Node-API.
pub fn host_symbol(name: &std::ffi::CStr) -> Option<std::ptr::NonNull<std::ffi::c_void>> {
    // SAFETY: looks the name up among the symbols that the program and its libraries export.
    std::ptr::NonNull::new(unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) })
}

/// What flushing needs after the pages are written. On macOS `msync` leaves the data in the
/// drive's cache and only `F_FULLFSYNC` (which std's `sync_all` uses there) moves it to the disk;
/// on Linux `msync(MS_SYNC)` already ends with what `fsync` does for the range.
///
/// # Errors
/// `EIO`, `ENOSPC`, ...
pub fn sync_after_flush(file: &File) -> Result<()> {
    if cfg!(target_vendor = "apple") {
        return file.sync_all().map_err(Failure::system("fsync"));
    }
    Ok(())
}

/// A range of memory that is given back to the system when it is dropped.
pub struct Memory(MmapRaw);

impl Memory {
    /// Maps `length` bytes (not 0) of `file` from any byte offset on. The pages of a read-only map
    /// are private; where it is not `guarded` they are writable as well, so that a stray write is
    /// harmless though nobody notices it. On macOS a guarded one is shared: POSIX leaves open
    /// whether a private page shows what others write to the file later. Linux shows it.
    ///
    /// # Errors
    /// `EACCES` where the descriptor's mode does not allow it, `ENOMEM`, ...;
    /// `ERR_MMAP_UNSUPPORTED` where the file system maps no files.
    pub fn of_file(
        file: &File,
        access: Access,
        offset: u64,
        length: usize,
        guarded: bool,
    ) -> Result<Memory> {
        let mut options = MmapOptions::new();
        options.offset(offset).len(length).no_reserve_swap();
        let mapped = match access {
            Access::ReadWrite => options.map_raw(file),
            Access::Read if guarded && cfg!(target_vendor = "apple") => {
                options.map_raw_read_only(file)
            }
            // SAFETY: the memory is only ever used through raw pointers and ArrayBuffers, so that
            // other processes may change the file does not break a Rust reference.
            Access::Read if guarded => unsafe {
                options.map_copy_read_only(file).map(MmapRaw::from)
            },
            // SAFETY: as above.
            Access::Read | Access::CopyOnWrite => unsafe {
                options.map_copy(file).map(MmapRaw::from)
            },
        };
        mapped.map(Memory).map_err(|error| {
            // What a file system answers that maps no files, such as sysfs.
            if error.raw_os_error() == Some(Errno::NODEV.raw_os_error()) {
                return unmappable("a file of a file system that maps none");
            }
            Failure::system("mmap")(error)
        })
    }

    /// `length` bytes (not 0) of zeros that belong to no file.
    ///
    /// # Errors
    /// `ENOMEM`, also where too few huge pages are reserved; `ERR_OUT_OF_RANGE` for a length that
    /// is no multiple of a huge page's: such memory could be neither cut nor given back.
    pub fn anonymous(length: usize, how: Anonymous) -> Result<Memory> {
        let mut options = MmapOptions::new();
        options.len(length);
        if how.huge {
            super::paging::check_huge(length)?;
            options.huge(None);
        }
        if how.no_reserve {
            options.no_reserve_swap();
        }
        let mapped = options.map_anon();
        mapped
            .map(|map| Memory(MmapRaw::from(map)))
            .map_err(Failure::system("mmap"))
    }

    /// The address of the first byte.
    pub fn start(&self) -> *mut u8 {
        self.0.as_mut_ptr()
    }

    /// The number of bytes.
    pub fn length(&self) -> usize {
        self.0.len()
    }

    /// Writes the changed pages of the range to the file and waits for them. Blocks.
    ///
    /// # Errors
    /// `EIO`, `ENOSPC`, ...
    pub fn flush(&self, start: usize, length: usize) -> Result<()> {
        self.0
            .flush_range(start, length)
            .map_err(Failure::system("msync"))
    }

    /// The addresses of the first page and after the last one.
    pub fn pages(&self) -> (usize, usize) {
        let page = rustix::param::page_size();
        let start = self.start() as usize;
        let end = start + self.length();
        (start & !(page - 1), end.next_multiple_of(page))
    }

    /// Lays private zero pages over the range, which lets go of the file at once while the
    /// addresses stay valid for whoever may still read or write them. Where the kernel refuses, the
    /// old pages stay, and the answer is false.
    pub fn retire(&self) -> bool {
        let (base, end) = self.pages();
        // SAFETY: the range is exactly the pages that this object has mapped and not yet given
        // back, so MAP_FIXED replaces nothing of anybody else's; replacing is atomic for readers.
        unsafe {
            rustix::mm::mmap_anonymous(
                base as *mut _,
                end - base,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::PRIVATE | MapFlags::FIXED | MapFlags::NORESERVE,
            )
            .is_ok()
        }
    }
}
