//! What macOS does otherwise. Compiled, and read against XNU's and libuv's sources, but not run.

use std::fs::{File, Metadata};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;

use super::super::sequences::{self, Allocation, Flush};
use crate::error::{Failure, Result};
use crate::sys::file::{unmappable, write_zeros};

/// There are no such file systems.
pub fn is_pseudo_file(_: &File) -> bool {
    false
}

/// There are no such file systems.
pub fn is_of_huge_pages(_: &File) -> bool {
    false
}

/// Whether it is a shared memory object: its mode has no type (`pshm_stat` in XNU's
/// `bsd/kern/posix_shm.c`).
pub fn is_shared_memory(metadata: &Metadata) -> bool {
    metadata.mode() & u32::from(libc::S_IFMT) == 0
}

/// Whether it is shared memory, whose second `ftruncate` is `EINVAL` (`pshm_truncate` in XNU's
/// `bsd/kern/posix_shm.c`).
pub fn keeps_length(file: &File) -> bool {
    file.metadata()
        .is_ok_and(|metadata| is_shared_memory(&metadata))
}

/// The refusal to map a disk: XNU maps regular files and character devices only (`mmap` in
/// `bsd/kern/kern_mman.c`).
///
/// # Errors
/// `ERR_MMAP_UNSUPPORTED`, always.
pub fn size_of_device(_: &File) -> Result<u64> {
    Err(unmappable("a block device, which macOS cannot map"))
}

/// Reserves disk blocks for the bytes `from..to`, of which the file has those up to `from`, so that a
/// full disk is an error now and not a fault at the first write.
///
/// # Errors
/// `ENOSPC`, `EDQUOT`, `EFBIG`, ...
pub fn reserve(file: &File, from: u64, to: u64) -> Result<()> {
    /// The unit of `st_blocks` (stat(2)).
    const BLOCK: u64 = 512;
    let metadata = file.metadata().map_err(Failure::system("fstat"))?;
    let answer = match sequences::wanting(from, to, metadata.blocks() * BLOCK) {
        Some(0) => Ok(true),
        Some(bytes) => sequences::reserve(|how| allocate(file, how, bytes)),
        None => Ok(false),
    };
    match answer {
        Ok(true) => Ok(()),
        Ok(false) => write_zeros(file, from, to),
        Err(error) => Err(Failure::system("fcntl")(error)),
    }
}

/// Allocates bytes behind those that the file has on the disk (fcntl(2), `F_PREALLOCATE`).
fn allocate(file: &File, how: Allocation, bytes: u64) -> io::Result<()> {
    let mut store = libc::fstore_t {
        fst_flags: match how {
            Allocation::Contiguous => libc::F_ALLOCATECONTIG | libc::F_ALLOCATEALL,
            Allocation::Anywhere => libc::F_ALLOCATEALL,
        },
        fst_posmode: libc::F_PEOFPOSMODE,
        fst_offset: 0,
        fst_length: bytes as libc::off_t,
        fst_bytesalloc: 0,
    };
    // SAFETY: the call reads and writes the one structure.
    match unsafe { libc::fcntl(file.as_raw_fd(), libc::F_PREALLOCATE, &raw mut store) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// What flushing needs after the pages are written: `msync` leaves the data in the drive's cache.
///
/// # Errors
/// `EIO`, `ENOSPC`, ...
pub fn sync_after_flush(file: &File) -> Result<()> {
    /// From `sys/fcntl.h`.
    const F_BARRIERFSYNC: libc::c_int = 85;
    sequences::flush(|how| {
        // SAFETY: none of these has an argument or touches memory.
        let answer = unsafe {
            match how {
                Flush::Full => libc::fcntl(file.as_raw_fd(), libc::F_FULLFSYNC),
                Flush::Barrier => libc::fcntl(file.as_raw_fd(), F_BARRIERFSYNC),
                Flush::Plain => libc::fsync(file.as_raw_fd()),
            }
        };
        match answer {
            -1 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    })
    .map_err(Failure::system("fsync"))
}
