//! Files: Linux and macOS.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};

use rustix::fs::OFlags;
use rustix::io::Errno;

use super::Access;
use crate::error::{Failure, Result};

#[cfg_attr(target_os = "linux", path = "linux.rs")]
#[cfg_attr(target_vendor = "apple", path = "apple.rs")]
mod system;

pub use system::{keeps_length, reserve, sync_after_flush};

/// Sets the permission bits that a new file gets, before the process's umask.
pub fn with_mode(options: &mut OpenOptions, mode: u32) {
    options.mode(mode);
}

/// Opens the file at `path`, close-on-exec. `O_NONBLOCK` keeps a FIFO from blocking the call until
/// its other end is opened, `O_NOCTTY` keeps a terminal from becoming this process's; neither
/// matters for the files that can be mapped.
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

/// Moves the file at `from` to `to`, in the place of a file that is there.
///
/// # Errors
/// Whatever `rename` refuses: `EISDIR`, `EACCES`, ...
pub fn replace(from: &std::path::Path, to: &std::path::Path) -> Result<()> {
    std::fs::rename(from, to).map_err(Failure::system("rename"))
}

/// A new close-on-exec descriptor of the open file that the caller knows as `descriptor`.
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
/// sockets, character devices, and pseudo files (`/proc`, `/sys`).
pub fn size_of(file: &File) -> Result<u64> {
    let metadata = file.metadata().map_err(Failure::system("fstat"))?;
    let kind = metadata.file_type();
    if kind.is_file() {
        if metadata.size() == 0 && system::is_pseudo_file(file) {
            return Err(unmappable(
                "a file that the kernel generates when it is read",
            ));
        }
        // Asking for the file system takes longer than all else here, and its unit tells most apart.
        if metadata.blksize() >= SMALLEST_HUGE_PAGE {
            check_pages(file)?;
        }
        return Ok(metadata.size());
    }
    if kind.is_block_device() {
        return system::size_of_device(file);
    }
    if system::is_shared_memory(&metadata) {
        return Ok(metadata.size());
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

/// The refusal to map `what`.
pub fn unmappable(what: &str) -> Failure {
    Failure::unsupported(format!(
        "only regular files, shared memory objects and block devices can be mapped; this is {what}"
    ))
}

/// The least unit of a file of huge pages: 64 KiB, on arm64.
const SMALLEST_HUGE_PAGE: u64 = 1 << 16;

/// Refuses files of which every page is a huge one.
///
/// # Errors
/// `ERR_MMAP_UNSUPPORTED`.
pub fn check_pages(file: &File) -> Result<()> {
    if !system::is_of_huge_pages(file) {
        return Ok(());
    }
    Err(Failure::unsupported(
        "files of hugetlbfs are not supported: their huge pages can be neither guarded nor unmapped \
         in parts; use a file in a tmpfs that is mounted with huge=always, or MmapMut.anonymous() \
         with hugePages",
    ))
}

/// The bytes that are free on the file's disk for programs without privileges; None where the
/// system does not tell.
pub fn free_space(file: &File) -> Option<u64> {
    let found = rustix::fs::fstatvfs(file).ok()?;
    found.f_bavail.checked_mul(found.f_frsize)
}

/// The error of a full disk.
pub fn disk_full() -> io::Error {
    Errno::NOSPC.into()
}

/// Reads some bytes from `offset` on into `bytes` and answers how many: 0 at the end of the file. The
/// file position stays.
///
/// # Errors
/// What `pread` refuses.
pub fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    use std::os::unix::fs::FileExt;
    file.read_at(bytes, offset)
}

/// Writes some of `bytes` at `offset` and answers how many. The file position stays.
///
/// # Errors
/// What `pwrite` refuses.
pub fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
    use std::os::unix::fs::FileExt;
    file.write_at(bytes, offset)
}
