//! What the system's cache holds of a file: cachestat(2), Linux 6.5 and later.

use std::fs::File;
use std::os::fd::AsRawFd;

use super::CachedPages;

/// The call's number, which is the same on all architectures (`include/uapi/asm-generic/unistd.h`).
const SYS_CACHESTAT: libc::c_long = 451;

/// `struct cachestat_range` of `include/uapi/linux/mman.h`, in bytes.
#[repr(C)]
struct Range {
    offset: u64,
    length: u64,
}

/// `struct cachestat`, in pages.
#[repr(C)]
#[derive(Default)]
struct Counts {
    cached: u64,
    dirty: u64,
    written_back: u64,
    evicted: u64,
    recently_evicted: u64,
}

/// What of a range of the file is in the cache. None where the kernel is older, or does not tell this
/// process.
pub fn pages(file: &File, offset: u64, length: u64) -> Option<CachedPages> {
    let range = Range { offset, length };
    let mut counts = Counts::default();
    // SAFETY: both structures live during the call and are laid out as the kernel has them.
    let answer = unsafe {
        libc::syscall(
            SYS_CACHESTAT,
            file.as_raw_fd(),
            &raw const range,
            &raw mut counts,
            0,
        )
    };
    (answer == 0).then_some(CachedPages {
        resident: counts.cached,
        dirty: counts.dirty + counts.written_back,
    })
}
