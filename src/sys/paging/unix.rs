//! What is in memory, and asking the system to change that: Linux and macOS.
//!
//! Facts about Linux are from its manual pages and from `mm/madvise.c`, `mm/mincore.c` and
//! `mm/fadvise.c`. The macOS side follows its manual pages and has not been run.

use std::ffi::c_void;
use std::fs::File;
use std::io;
use std::marker::PhantomData;
use std::os::unix::fs::FileExt;

use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};

use crate::error::{Failure, Result};

/// The size of a page in bytes.
pub fn page_size() -> usize {
    rustix::param::page_size()
}

/// How many bytes this process may lock, `RLIMIT_MEMLOCK`; None for no limit.
pub fn lock_limit() -> Option<u64> {
    getrlimit(Resource::Memlock).current
}

/// Refuses a length that does not fill whole huge pages of the system's default size.
///
/// # Errors
/// `ERR_OUT_OF_RANGE`; `ERR_MMAP_UNSUPPORTED` where the system has no huge pages to reserve.
pub fn check_huge(length: usize) -> Result<()> {
    let size = huge_page_size().ok_or_else(|| {
        Failure::unsupported("this system has no huge pages that could be reserved (Linux does)")
    })?;
    if !length.is_multiple_of(size) {
        return Err(Failure::OutOfRange(format!(
            "an anonymous map of {length} bytes does not fill whole huge pages; the length must be \
             a multiple of {size}"
        )));
    }
    Ok(())
}

/// The line `Hugepagesize: 2048 kB` of `/proc/meminfo`, in bytes.
fn huge_page_size() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text
        .lines()
        .find(|line| line.starts_with("Hugepagesize:"))?;
    let kilobytes: usize = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// The system's number for a hint; None where it has none. The names are those of the `MADV_`
/// constants.
fn advice(hint: &str) -> Option<i32> {
    Some(match hint {
        "normal" => libc::MADV_NORMAL,
        "random" => libc::MADV_RANDOM,
        "sequential" => libc::MADV_SEQUENTIAL,
        "willneed" => libc::MADV_WILLNEED,
        // On macOS it only lowers the pages' priority and frees nothing at once.
        "dontneed" => libc::MADV_DONTNEED,
        #[cfg(any(target_os = "linux", target_vendor = "apple"))]
        "free" => libc::MADV_FREE,
        hint => return advice_of_platform(hint),
    })
}

#[cfg(target_os = "linux")]
fn advice_of_platform(hint: &str) -> Option<i32> {
    Some(match hint {
        "dontfork" => libc::MADV_DONTFORK,
        "dofork" => libc::MADV_DOFORK,
        "mergeable" => libc::MADV_MERGEABLE,
        "unmergeable" => libc::MADV_UNMERGEABLE,
        "hugepage" => libc::MADV_HUGEPAGE,
        "nohugepage" => libc::MADV_NOHUGEPAGE,
        "dontdump" => libc::MADV_DONTDUMP,
        "dodump" => libc::MADV_DODUMP,
        "cold" => libc::MADV_COLD,
        "pageout" => libc::MADV_PAGEOUT,
        "populate-read" => libc::MADV_POPULATE_READ,
        "populate-write" => libc::MADV_POPULATE_WRITE,
        "remove" => libc::MADV_REMOVE,
        _ => return None,
    })
}

#[cfg(target_vendor = "apple")]
fn advice_of_platform(hint: &str) -> Option<i32> {
    Some(match hint {
        "zero-wired-pages" => libc::MADV_ZERO_WIRED_PAGES,
        "free-reusable" => libc::MADV_FREE_REUSABLE,
        "free-reuse" => libc::MADV_FREE_REUSE,
        _ => return None,
    })
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
fn advice_of_platform(_: &str) -> Option<i32> {
    None
}

/// Whole pages of one mapping, which stays mapped for the lifetime `'a`.
pub struct Pages<'a> {
    start: *mut c_void,
    length: usize,
    mapped: PhantomData<&'a ()>,
}

impl Pages<'_> {
    /// The pages that hold the `length` bytes from `address` on, those that they share with other
    /// bytes included.
    ///
    /// # Safety
    /// The bytes lie within one mapping of this core that outlives the answer.
    pub unsafe fn around(address: *mut u8, length: usize) -> Self {
        let before = address as usize % page_size();
        Pages {
            start: address.wrapping_sub(before).cast(),
            length: match length {
                0 => 0,
                _ => (before + length).next_multiple_of(page_size()),
            },
            mapped: PhantomData,
        }
    }

    fn madvise(&self, advice: i32) -> io::Result<()> {
        // SAFETY: whole pages of a mapping of this core (see `around`) and is used through raw
        // addresses only, so whatever the system does to their contents breaks no Rust reference.
        match unsafe { libc::madvise(self.start, self.length, advice) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// Gives the system a hint. Answers whether it took it: false where this system, this kernel or
    /// this kind of mapping does not know it.
    ///
    /// # Errors
    /// `EFAULT` where pages cannot be brought in, `ENOMEM`, `EAGAIN`, ...
    pub fn advise(&self, hint: &str) -> io::Result<bool> {
        let Some(advice) = advice(hint) else {
            return Ok(false);
        };
        match self.madvise(advice) {
            Ok(()) => Ok(true),
            // EBADF: willneed for memory that belongs to no file, on a kernel without swap.
            // EOPNOTSUPP: remove, where the file system cannot make holes.
            Err(error)
                if [Errno::INVAL, Errno::NOSYS, Errno::BADF, Errno::OPNOTSUPP]
                    .map(|known| Some(known.raw_os_error()))
                    .contains(&error.raw_os_error()) =>
            {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Brings the pages in, as reading them would, and waits for the disk.
    ///
    /// Where the system has no call for that (Linux before 5.14, macOS) the bytes of `file`, from the
    /// offset on so many, are read into its cache, which cannot fault.
    ///
    /// # Errors
    /// `EFAULT` where that is impossible: the file was truncated, or the disk failed.
    pub fn populate(&self, file: Option<(&File, u64, usize)>) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        loop {
            match self.madvise(libc::MADV_POPULATE_READ) {
                Err(error) if matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EINTR)) => {}
                // Before Linux 5.14.
                Err(error) if error.raw_os_error() == Some(libc::EINVAL) => break,
                answer => return answer,
            }
        }
        // So that the reads are under way before they are waited for one by one.
        let _ = self.madvise(libc::MADV_WILLNEED);
        if let Some((file, offset, length)) = file {
            return read_through(file, offset, length);
        }
        for offset in (0..self.length).step_by(page_size()) {
            // SAFETY: a page of a mapping of this core, of which no file is known that could have been
            // truncated; otherwise the read faults as any read of a Buffer over the map would.
            unsafe { self.start.byte_add(offset).cast::<u8>().read_volatile() };
        }
        Ok(())
    }

    /// Whether all pages are in memory.
    ///
    /// # Errors
    /// What `mincore` refuses.
    pub fn all_resident(&self) -> Result<bool> {
        /// So many pages are asked about at once.
        const BATCH: usize = 256;
        let mut answer = [0_u8; BATCH];
        let size = page_size();
        for first in (0..self.length / size).step_by(BATCH) {
            let count = BATCH.min(self.length / size - first);
            let pages = Pages {
                start: self.start.wrapping_byte_add(first * size),
                length: count * size,
                mapped: PhantomData,
            };
            pages.mincore(&mut answer[..count])?;
            if answer[..count].iter().any(|page| page & 1 == 0) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Asks for one byte for each page; there must be room for exactly those.
    fn mincore(&self, answer: &mut [u8]) -> Result<()> {
        assert_eq!(answer.len(), self.length / page_size());
        rustix::io::retry_on_intr(|| {
            // SAFETY: whole mapped pages, and room for one byte for each of them.
            match unsafe {
                libc::mincore(self.start.cast(), self.length, answer.as_mut_ptr().cast())
            } {
                0 => Ok(()),
                _ => match io::Error::last_os_error().raw_os_error() {
                    Some(libc::EAGAIN) => Err(Errno::INTR),
                    number => Err(Errno::from_raw_os_error(number.unwrap_or(libc::EIO))),
                },
            }
        })
        .map_err(Failure::system("mincore"))
    }

    /// One byte for each page: 1 where it is in memory, 0 where touching it would have to wait.
    ///
    /// # Errors
    /// `ENOMEM` where there is no room for the answer; `ERR_MMAP_UNSUPPORTED` where the kernel
    /// reports the truth only to a process that owns or may write the file (Linux 5.2 and later).
    pub fn resident(&self, file: Option<&File>) -> Result<Vec<u8>> {
        let pages = self.length / page_size();
        let mut answer = Vec::new();
        answer
            .try_reserve_exact(pages)
            .map_err(|_| Failure::system("mincore")(Errno::NOMEM))?;
        answer.resize(pages, 0_u8);
        self.mincore(&mut answer)?;
        for page in &mut answer {
            // The other bits mean nothing on Linux and other things on macOS.
            *page &= 1;
        }
        let all = answer.iter().all(|&page| page == 1);
        if all && file.is_some_and(|file| !reports_residency(file)) {
            return Err(Failure::unsupported(
                "Linux reports which pages of a file are in memory only to a process that owns the \
                 file or may write it; this process may do neither",
            ));
        }
        Ok(answer)
    }

    /// Keeps the pages in memory until they are unlocked or unmapped, bringing them in first. Where
    /// they are private pages of a file, they are not copied for that. On macOS pages that were locked
    /// before are unlocked where this fails.
    ///
    /// # Errors
    /// `ENOMEM`, `EPERM` or `EAGAIN` where that is more than the process may lock.
    pub fn lock(&self, private_file: bool) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        if private_file {
            use rustix::mm::{MlockFlags, mlock_with};
            // `mlock` writes to each private page that can be written, which copies it. Locking
            // what comes in, and then reading each page, does not.
            // SAFETY: whole pages of a mapping of this core.
            match unsafe { mlock_with(self.start, self.length, MlockFlags::ONFAULT) } {
                // Before Linux 4.4.
                Err(Errno::NOSYS) => {}
                Err(error) => return Err(error.into()),
                Ok(()) => {
                    return self.populate(None).inspect_err(|_| {
                        let _ = self.unlock();
                    });
                }
            }
        }
        let _ = private_file;
        // XNU counts the locks of a page (`vm_map_wire`). Elsewhere, and so here, one `munlock` ends
        // however many; it skips pages that are not locked (`vm_map_unwire`).
        #[cfg(target_vendor = "apple")]
        let _ = self.unlock();
        // SAFETY: whole pages of a mapping of this core.
        unsafe { rustix::mm::mlock(self.start, self.length) }?;
        Ok(())
    }

    /// Takes locks of the pages away; none is fine, too.
    ///
    /// # Errors
    /// `ENOMEM` where the kernel has no room to split the mapping.
    pub fn unlock(&self) -> Result<()> {
        // SAFETY: whole pages of a mapping of this core.
        unsafe { rustix::mm::munlock(self.start, self.length) }.map_err(Failure::system("munlock"))
    }

    /// Drops the pages from the mapping, and the pages around the bytes `from..to` of `file` from
    /// the system's cache, where they are written back first. Nothing that was written to the file
    /// is lost; private changes are.
    ///
    /// # Errors
    /// `EIO`, `ENOSPC`, ... as the disk refuses; `ERR_MMAP_UNSUPPORTED` for locked pages.
    #[cfg(target_os = "linux")]
    pub fn evict(&self, file: &File, from: u64, to: u64) -> Result<()> {
        use rustix::fs::{Advice, fadvise};
        // The order matters: the cache drops only pages that are clean and not mapped.
        self.madvise(libc::MADV_DONTNEED).map_err(locked)?;
        match file.sync_data() {
            // A file system that has nothing to write to.
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {}
            answer => answer.map_err(Failure::system("fdatasync"))?,
        }
        let page = page_size() as u64;
        let first = from - from % page;
        match std::num::NonZeroU64::new(to.next_multiple_of(page) - first) {
            // To `fadvise` none means "to the end of the file".
            None => Ok(()),
            length => fadvise(file, first, length, Advice::DontNeed)
                .map_err(Failure::system("posix_fadvise")),
        }
    }

    /// As on Linux; macOS drops from its cache what `msync` is told to invalidate.
    #[cfg(not(target_os = "linux"))]
    pub fn evict(&self, _: &File, _: u64, _: u64) -> Result<()> {
        use rustix::mm::{MsyncFlags, msync};
        // SAFETY: whole pages of a mapping of this core; what was written is written to the file
        // before it is dropped.
        unsafe { msync(self.start, self.length, MsyncFlags::SYNC) }
            .map_err(Failure::system("msync"))?;
        // SAFETY: as above.
        unsafe { msync(self.start, self.length, MsyncFlags::INVALIDATE) }
            .map_err(Failure::system("msync"))
    }
}

#[cfg(target_os = "linux")]
fn locked(error: io::Error) -> Failure {
    if error.raw_os_error() == Some(libc::EINVAL) {
        return Failure::unsupported("locked pages cannot be evicted; call munlock() first");
    }
    Failure::system("madvise")(error)
}

/// Reads bytes of a file, so that the system's cache has them. The answer is as that of a call that
/// touches the map: `EFAULT` for what the file no longer has, or the disk cannot read.
fn read_through(file: &File, offset: u64, length: usize) -> io::Result<()> {
    let mut scratch = [0_u8; 64 * 1024];
    let mut done = 0;
    while done < length {
        let some = scratch.len().min(length - done);
        match file.read_at(&mut scratch[..some], offset + done as u64) {
            Ok(0) => return Err(io::Error::from_raw_os_error(libc::EFAULT)),
            Ok(count) => done += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.raw_os_error() == Some(libc::EIO) => {
                return Err(io::Error::from_raw_os_error(libc::EFAULT));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Whether `mincore` answers truly for the file: the kernel asks the same (`can_do_mincore`), and
/// says "all in memory" to other users.
#[cfg(target_os = "linux")]
pub fn reports_residency(file: &File) -> bool {
    use rustix::fs::{Access, AtFlags, CWD, accessat};
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::MetadataExt;
    let owner = file.metadata().map(|metadata| metadata.uid()).ok();
    if owner == Some(rustix::process::geteuid().as_raw()) {
        return true;
    }
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    accessat(CWD, path, Access::WRITE_OK, AtFlags::EACCESS).is_ok()
}

/// As on Linux; macOS tells everybody.
#[cfg(not(target_os = "linux"))]
pub fn reports_residency(_: &File) -> bool {
    true
}
