//! Mapped memory: Linux and macOS.

use std::fs::File;
use std::mem::ManuallyDrop;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicUsize, Ordering};

use memmap2::{MmapOptions, MmapRaw};
use rustix::io::Errno;

use super::{Anonymous, FileView, SharedObject};
use crate::error::{Failure, Result};
use crate::sys::file::{Access, unmappable};
use crate::sys::paging::check_huge;

/// Whether pages past the end of a file can be mapped, which come alive when the file grows.
pub const CAN_RESERVE: bool = true;

/// A range of memory that is unmapped when it is dropped.
pub struct Memory {
    /// Never dropped: it would unmap as much as was mapped first.
    map: ManuallyDrop<MmapRaw>,
    /// The number of bytes, which only becomes more.
    length: AtomicUsize,
}

impl From<MmapRaw> for Memory {
    fn from(map: MmapRaw) -> Memory {
        Memory {
            length: AtomicUsize::new(map.len()),
            map: ManuallyDrop::new(map),
        }
    }
}

impl Memory {
    /// Maps `view` of `file`; it has at least one byte and begins at any offset. The pages of a read-only map
    /// are private; where it is not guarded they are writable as well, so that a stray write is
    /// harmless, though unreported. On macOS a guarded one is shared: POSIX leaves open
    /// whether a private page shows what others write to the file later. Linux shows it.
    ///
    /// # Errors
    /// `EACCES` where the descriptor's mode does not allow it, `ENOMEM`, ...;
    /// `ERR_MMAP_UNSUPPORTED` where the file system maps no files.
    pub fn of_file(file: &File, view: &FileView) -> Result<Memory> {
        let mut options = MmapOptions::new();
        options
            .offset(view.offset)
            .len(view.length)
            .no_reserve_swap();
        let mapped = match view.access {
            Access::ReadWrite => options.map_raw(file),
            Access::Read if view.guarded && cfg!(target_vendor = "apple") => {
                options.map_raw_read_only(file)
            }
            // SAFETY: the memory is only ever used through raw pointers and ArrayBuffers, so that
            // other processes may change the file does not break a Rust reference.
            Access::Read if view.guarded => unsafe {
                options.map_copy_read_only(file).map(MmapRaw::from)
            },
            // SAFETY: as above.
            Access::Read | Access::CopyOnWrite => unsafe {
                options.map_copy(file).map(MmapRaw::from)
            },
        };
        mapped.map(Memory::from).map_err(|error| {
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
    /// is no multiple of a huge page's: such memory could be neither truncated nor unmapped.
    pub fn anonymous(length: usize, how: Anonymous) -> Result<Memory> {
        let mut options = MmapOptions::new();
        options.len(length);
        if how.huge {
            check_huge(length)?;
            options.huge(None);
        }
        if how.no_reserve {
            options.no_reserve_swap();
        }
        let mapped = options.map_anon();
        mapped
            .map(|map| Memory::from(MmapRaw::from(map)))
            .map_err(Failure::system("mmap"))
    }

    /// None: shared memory objects are files here.
    pub fn object(&self) -> Option<SharedObject> {
        None
    }

    /// None, as [`Memory::object`].
    ///
    /// # Errors
    /// None.
    pub fn of_same_object(&self) -> Result<Option<Memory>> {
        Ok(None)
    }

    /// The address of the first byte.
    pub fn start(&self) -> *mut u8 {
        self.map.as_mut_ptr()
    }

    /// The number of bytes.
    pub fn length(&self) -> usize {
        self.length.load(Ordering::SeqCst)
    }

    /// Writes the changed pages of the range to the file and waits for them. Blocks.
    ///
    /// # Errors
    /// `EIO`, `ENOSPC`, ...; `EINVAL` for what is no range of the memory.
    pub fn flush(&self, start: usize, length: usize) -> Result<()> {
        let end = start.checked_add(length);
        if end.is_none_or(|end| end > self.length()) {
            return Err(Failure::System {
                syscall: "msync",
                error: Errno::INVAL.into(),
            });
        }
        // What was mapped first is what memmap2 would flush.
        let address = self.start() as usize + start;
        let before = address % rustix::param::page_size();
        // SAFETY: changes no memory, in a range that is this object's.
        let done = unsafe {
            libc::msync(
                (address - before) as *mut libc::c_void,
                before + length,
                libc::MS_SYNC,
            )
        };
        match done {
            0 => Ok(()),
            _ => Err(Failure::system("msync")(std::io::Error::last_os_error())),
        }
    }

    /// The addresses of the first page and after the last one.
    pub fn pages(&self) -> (usize, usize) {
        let page = rustix::param::page_size();
        let start = self.start() as usize;
        let end = start + self.length();
        (start & !(page - 1), end.next_multiple_of(page))
    }

    /// Makes the memory `length` bytes long at the same addresses; whether that is possible. Its
    /// last page may have room, or the addresses behind it may be free, of which Linux makes use.
    /// What is added is more of the same file, or zeros. One thread calls this at a time.
    pub fn extend(&self, length: usize) -> bool {
        let page = rustix::param::page_size();
        let (_, end) = self.pages();
        let wanted = (self.start() as usize)
            .checked_add(length)
            .and_then(|end| end.checked_next_multiple_of(page));
        let is_there = wanted.is_some_and(|wanted| {
            // SAFETY: the last page is this object's own; what is added becomes so, too, and is
            // unmapped with it.
            wanted <= end || unsafe { extend_last(end - page, page, page + wanted - end) }
        });
        if is_there {
            self.length.fetch_max(length, Ordering::SeqCst);
        }
        is_there
    }

    /// Puts the pages of `file` back from the address `from` on, where zero pages were laid over
    /// them; whether that worked. `offset` is that of the first byte in the file.
    pub fn restore(&self, file: &File, access: Access, offset: u64, from: usize) -> bool {
        use libc::{MAP_FIXED, MAP_NORESERVE, MAP_PRIVATE, MAP_SHARED, PROT_READ, PROT_WRITE};
        let (access, flags) = match access {
            Access::ReadWrite => (PROT_READ | PROT_WRITE, MAP_SHARED),
            Access::CopyOnWrite => (PROT_READ | PROT_WRITE, MAP_PRIVATE),
            Access::Read if cfg!(target_vendor = "apple") => (PROT_READ, MAP_SHARED),
            Access::Read => (PROT_READ, MAP_PRIVATE),
        };
        let (base, end) = self.pages();
        let at = offset - (self.start() as usize - base) as u64 + (from - base) as u64;
        // SAFETY: the range is the last pages of this object, which are mapped as they were first
        // (see `of_file`) and used through raw addresses only.
        let mapped = unsafe {
            libc::mmap(
                from as *mut libc::c_void,
                end - from,
                access,
                flags | MAP_FIXED | MAP_NORESERVE,
                file.as_raw_fd(),
                at as libc::off_t,
            )
        };
        mapped != libc::MAP_FAILED
    }

    /// Lays private zero pages over the range, which releases the file at once while the addresses
    /// stay valid for everything that may still read or write them. Where the kernel refuses, the old pages
    /// stay, and the answer is false.
    pub fn retire(&self, guarded: bool) -> bool {
        let (base, end) = self.pages();
        // SAFETY: the range is exactly the pages that this object has mapped and not yet unmapped;
        // replacing is atomic for readers.
        unsafe {
            match guarded {
                true => lay_zeros(base, end - base),
                // No handler would make pages writable that can only be read.
                false => lay(base, end - base, libc::PROT_READ | libc::PROT_WRITE),
            }
        }
    }

    /// Moves the pages with the first `length` bytes of this anonymous memory to the start of
    /// `target`, which is anonymous, too, and not yet in use; zero pages take their place here.
    /// Answers whether the kernel did so: Linux 5.7 and later do, except for reserved huge pages
    /// (mremap(2), `MREMAP_DONTUNMAP`).
    #[cfg(target_os = "linux")]
    pub fn move_pages(&self, target: &Memory, length: usize) -> bool {
        use rustix::mm::{MremapFlags, mremap_fixed};
        // rustix lacks its name for some processors; Linux has one number for all.
        let keep = MremapFlags::from_bits_retain(libc::MREMAP_DONTUNMAP as u32);
        let size = length.next_multiple_of(rustix::param::page_size());
        // SAFETY: both ranges are pages that these objects have mapped and not yet unmapped; the
        // one that is replaced is not in use, and either is unmapped as part of its object's range.
        unsafe {
            mremap_fixed(
                self.start().cast(),
                size,
                size,
                MremapFlags::MAYMOVE | keep,
                target.start().cast(),
            )
            .is_ok()
        }
    }

    /// Other systems move no pages.
    #[cfg(not(target_os = "linux"))]
    pub fn move_pages(&self, _: &Memory, _: usize) -> bool {
        false
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let (base, end) = self.pages();
        // SAFETY: the object has mapped these pages, and no owner is left that uses them.
        unsafe { libc::munmap(base as *mut libc::c_void, end - base) };
    }
}

/// Makes the mapping of which the page at `last` is the end longer, from `length` bytes to `wanted`,
/// without moving it; whether the kernel did so. Only the last page is named, since advice, locks
/// and patches may have made the pages before it another mapping for the kernel.
///
/// # Safety
/// The page is the caller's, and so will be what is added.
#[cfg(target_os = "linux")]
unsafe fn extend_last(last: usize, length: usize, wanted: usize) -> bool {
    use rustix::mm::{MremapFlags, mremap};
    // SAFETY: without MAYMOVE nothing is moved and nothing replaced.
    unsafe { mremap(last as *mut _, length, wanted, MremapFlags::empty()) }.is_ok()
}

/// Other systems extend no mapping.
///
/// # Safety
/// None.
#[cfg(not(target_os = "linux"))]
unsafe fn extend_last(_: usize, _: usize, _: usize) -> bool {
    false
}

/// Replaces pages of a guarded map by private zero pages, in one step; whether that worked. They are
/// writable, unless that would leave this process too little room (`RLIMIT_DATA`, strict
/// overcommit): pages that can only be read need none, and the guard makes them writable one by one.
/// Async-signal-safe.
///
/// # Safety
/// The range is whole pages of a mapping of the caller's, used through raw addresses only.
pub unsafe fn lay_zeros(start: usize, length: usize) -> bool {
    use libc::{PROT_READ, PROT_WRITE};
    // On macOS the guard could not tell such a write from a missing page; room is not limited there.
    // SAFETY: the caller's promise.
    unsafe {
        (has_room(length) && lay(start, length, PROT_READ | PROT_WRITE))
            || (cfg!(target_os = "linux") && lay(start, length, PROT_READ))
    }
}

/// Replaces pages by private zero pages of that access; whether that worked.
///
/// # Safety
/// As for [`lay_zeros`].
unsafe fn lay(start: usize, length: usize, access: i32) -> bool {
    let flags = libc::MAP_PRIVATE | libc::MAP_FIXED | libc::MAP_ANON | libc::MAP_NORESERVE;
    let at = start as *mut libc::c_void;
    // SAFETY: replaces nothing else, says the caller.
    unsafe { libc::mmap(at, length, access, flags, -1, 0) != libc::MAP_FAILED }
}

/// Whether `length` bytes more of private memory leave this process some room
/// (`RLIMIT_DATA`, `RLIMIT_AS`, strict overcommit). Not asked for little. Async-signal-safe.
pub fn has_room(length: usize) -> bool {
    const LITTLE: usize = 1 << 20;
    /// What stays for the runtime.
    const MARGIN: usize = 64 << 20;
    if length <= LITTLE {
        return true;
    }
    let Some(length) = length.checked_add(MARGIN) else {
        return false;
    };
    let access = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANON | libc::MAP_NORESERVE;
    // SAFETY: a new mapping that nothing else knows of, and its end.
    unsafe {
        let tried = libc::mmap(std::ptr::null_mut(), length, access, flags, -1, 0);
        tried != libc::MAP_FAILED && libc::munmap(tried, length) == 0
    }
}
