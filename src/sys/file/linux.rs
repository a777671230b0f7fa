//! What Linux has beyond other systems of the same calls.

use std::fs::{File, Metadata};

use rustix::fs::{FallocateFlags, SeekFrom};
use rustix::io::Errno;

use crate::error::{Failure, Result};
use crate::sys::file::write_zeros;

/// Whether the file lives in a file system whose files report no size and cannot be mapped.
/// The numbers are from Linux's `include/uapi/linux/magic.h`.
pub fn is_pseudo_file(file: &File) -> bool {
    const PROC: u64 = 0x9fa0;
    const SYSFS: u64 = 0x6265_6572;
    const DEBUGFS: u64 = 0x6462_6720;
    const TRACEFS: u64 = 0x7472_6163;
    const CGROUP2: u64 = 0x6367_7270;
    rustix::fs::fstatfs(file).is_ok_and(|metadata| {
        [PROC, SYSFS, DEBUGFS, TRACEFS, CGROUP2].contains(&(metadata.f_type as u64))
    })
}

/// Whether every page of the file is a huge one.
pub fn is_of_huge_pages(file: &File) -> bool {
    /// From Linux's `include/uapi/linux/magic.h`.
    const HUGETLBFS: u64 = 0x9584_58f6;
    rustix::fs::fstatfs(file).is_ok_and(|metadata| metadata.f_type as u64 == HUGETLBFS)
}

/// No: shared memory objects are regular files of a tmpfs (shm_overview(7)).
pub fn is_shared_memory(_: &Metadata) -> bool {
    false
}

/// No: all files can be truncated again.
pub fn keeps_length(_: &File) -> bool {
    false
}

/// `fstat` knows no size for a block device, seeking to its end does. A borrowed descriptor shares
/// its position with its owner, so the position is put back.
pub fn size_of_device(file: &File) -> Result<u64> {
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
        Err(Errno::OPNOTSUPP) => write_zeros(file, from, to),
        answer => answer.map_err(Failure::system("fallocate")),
    }
}

/// What flushing needs after the pages are written: nothing. `msync(MS_SYNC)` ends with what `fsync`
/// does for the range.
///
/// # Errors
/// None.
pub fn sync_after_flush(_: &File) -> Result<()> {
    Ok(())
}
