//! The memory of a map, and the only place that knows its address.
//!
//! The owners of a region are the map that made it, every ArrayBuffer over it (see
//! `array_buffer.rs`) and every job that runs on it. The last of them unmaps it. So a late write of
//! the kernel, a zlib job or a transferred ArrayBuffer finds either the file's pages or, after
//! [`Region::retire`], zeros, but never memory of another purpose.

use std::fs::File;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use crate::error::{Failure, Result};
use crate::guard::{self, Range, Watch};
use crate::sys::file::{self, Access};
use crate::sys::kernel_maps;
use crate::sys::memory::{Anonymous, CAN_RESERVE, FileView, Memory, SharedObject};
use crate::sys::paging::{self, Pages, page_size};

mod backing;
mod bytes;
mod growth;
mod losses;
mod words;

use losses::Newest;

pub use backing::fixed_length;
pub use bytes::{SourceBytes, TargetBytes};
pub use words::Words;

/// What is none, as the system's calls say.
const NO_DESCRIPTOR: i32 = -1;

/// A range of mapped memory and the descriptor of the file behind it.
pub struct Region {
    /// None for memory that is not guarded.
    watch: Option<Watch>,
    /// None for a map of no bytes and no reserve, which the system does not map.
    memory: Option<Memory>,
    /// The number of bytes of the map, which [`Region::grow`] makes more. The memory may have more.
    length: AtomicUsize,
    /// How the pages relate to the file; None for anonymous memory.
    access: Option<Access>,
    /// Whether it may become longer than the memory is. Not a copy-on-write map, which would do so or
    /// not as chance has it, and not one of reserved huge pages.
    extensible: bool,
    /// None for anonymous memory, where no descriptor is kept, and once the region is retired.
    file: Mutex<Option<Arc<File>>>,
    /// Whether the memory is a file's of which no descriptor is kept.
    unkept: bool,
    /// Where in the file the memory begins, in bytes.
    offset: u64,
    /// How many maps of this process are open over it.
    maps: AtomicUsize,
    /// The number by which other threads open it, once it was asked for.
    number: OnceLock<u64>,
    /// Whether the system tells truly which pages are in memory, once it was asked for.
    reports_residency: OnceLock<bool>,
    /// Which region is the map's by now, once the map has grown from one to another.
    newest: OnceLock<Arc<Newest>>,
}

impl Region {
    /// Maps `view` of `file`, under the fault guard where the view asks for it and the guard is on;
    /// without it nothing is reserved. With `keep` the region has a share of the file until it is
    /// retired.
    ///
    /// # Errors
    /// Whatever `mmap` refuses; `ENOMEM` also before the process is out of kernel maps.
    pub fn of_file(file: Arc<File>, view: &FileView, keep: bool) -> Result<Region> {
        let offset = view.offset;
        let most = view.length.max(view.reserve);
        let guarded = view.guarded && most > 0 && guard::is_on();
        let length = match guarded && CAN_RESERVE {
            true => most,
            false => view.length,
        };
        let memory = match length {
            0 => None,
            _ => {
                kernel_maps::check_room()?;
                let view = FileView {
                    guarded,
                    length,
                    ..*view
                };
                Some(Memory::of_file(&file, &view)?)
            }
        };
        let watch = match &memory {
            Some(memory) if guarded => {
                let (base, end) = memory.pages();
                Some(Watch::new(&Range {
                    base,
                    end,
                    covered: growth::end_of(memory, view.length),
                    offset: offset - (memory.start() as usize - base) as u64,
                    descriptor: match keep {
                        true => file::descriptor(&file),
                        // The handler cannot ask for the file's size or read a page again: what it
                        // cannot find out it reports as a failing disk.
                        false => NO_DESCRIPTOR,
                    },
                    read_only: view.access == Access::Read,
                })?)
            }
            _ => None,
        };
        Ok(Region {
            watch,
            memory,
            length: AtomicUsize::new(view.length),
            access: Some(view.access),
            extensible: view.access != Access::CopyOnWrite,
            file: Mutex::new(keep.then_some(file)),
            unkept: !keep,
            offset,
            maps: AtomicUsize::new(1),
            number: OnceLock::new(),
            reports_residency: OnceLock::new(),
            newest: OnceLock::new(),
        })
    }

    /// A shared memory object that is no file, under the fault guard if that is on: then what touches
    /// it while it is unmapped waits for the zeros.
    ///
    /// # Errors
    /// As [`Watch::new`].
    pub fn of_object(memory: Memory) -> Result<Region> {
        let (base, end) = memory.pages();
        let watch = guard::is_on().then(|| {
            Watch::new(&Range {
                base,
                end,
                covered: end,
                offset: 0,
                descriptor: NO_DESCRIPTOR,
                read_only: false,
            })
        });
        Ok(Region::without_file(
            Some(memory),
            watch.transpose()?,
            false,
        ))
    }

    /// `length` bytes of zeros that belong to no file.
    ///
    /// # Errors
    /// As [`Memory::anonymous`]; `ENOMEM` also before the process is out of kernel maps.
    pub fn anonymous(length: usize, how: Anonymous) -> Result<Region> {
        let memory = match length {
            0 => None,
            _ => {
                kernel_maps::check_room()?;
                Some(Memory::anonymous(length, how)?)
            }
        };
        Ok(Region::without_file(memory, None, !how.huge))
    }

    fn without_file(memory: Option<Memory>, watch: Option<Watch>, extensible: bool) -> Region {
        let length = memory.as_ref().map_or(0, Memory::length);
        Region {
            watch,
            memory,
            length: AtomicUsize::new(length),
            access: None,
            extensible,
            file: Mutex::new(None),
            unkept: false,
            offset: 0,
            maps: AtomicUsize::new(1),
            number: OnceLock::new(),
            reports_residency: OnceLock::new(),
            newest: OnceLock::new(),
        }
    }

    /// The shared memory object behind it, where that is no file.
    pub fn object(&self) -> Option<SharedObject> {
        self.memory.as_ref().and_then(Memory::object)
    }

    /// All of the same object once more; None where it is no such object's, or retired.
    ///
    /// # Errors
    /// As [`Region::of_object`] and [`Memory::of_same_object`].
    pub fn of_same_object(&self) -> Result<Option<Region>> {
        let memory = self.memory.as_ref().map(Memory::of_same_object);
        memory
            .transpose()?
            .flatten()
            .map(Region::of_object)
            .transpose()
    }

    /// The number by which other threads open it; `new` gives the first.
    pub(super) fn number(&self, new: impl FnOnce() -> u64) -> u64 {
        *self.number.get_or_init(new)
    }

    /// Whether other threads may open it.
    pub fn is_published(&self) -> bool {
        self.number.get().is_some()
    }

    /// Counts one map more, unless all are closed. Answers whether that was so.
    pub(super) fn open_again(&self) -> bool {
        let more = |maps| (maps > 0).then_some(maps + 1);
        self.maps
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, more)
            .is_ok()
    }

    /// The number of bytes.
    pub fn length(&self) -> usize {
        self.length.load(Ordering::SeqCst)
    }

    /// The number of bytes that the map can have where it is.
    pub fn capacity(&self) -> usize {
        self.memory.as_ref().map_or(0, Memory::length)
    }

    /// Where in the file the memory begins, in bytes.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The address of byte `start`, where `start..end` lies within the region. TypeScript has
    /// checked the range already; this check is what memory safety rests on.
    ///
    /// # Errors
    /// `ERR_OUT_OF_RANGE`.
    fn address(&self, start: usize, end: usize) -> Result<*mut u8> {
        self.address_within(start, end, self.length())
    }

    /// As [`Region::address`], where `start..end` lies within the first `length` bytes of the memory.
    ///
    /// # Errors
    /// `ERR_OUT_OF_RANGE`.
    fn address_within(&self, start: usize, end: usize, length: usize) -> Result<*mut u8> {
        if start > end || end > length {
            return Err(Failure::OutOfRange(format!(
                "the range {start} to {end} does not lie within the map's {length} bytes"
            )));
        }
        Ok(match &self.memory {
            // SAFETY: `start` is at most the length of the one allocation that begins here.
            Some(memory) => unsafe { memory.start().add(start) },
            None => NonNull::dangling().as_ptr(),
        })
    }

    /// The memory behind an ArrayBuffer over `start..end`, which may reach into the reserve: its
    /// address, a multiple of `alignment` (a power of two, at most a page), and its length in bytes. It
    /// begins up to `alignment - 1` bytes before `start`, and is mapped for as long as the region is.
    ///
    /// # Errors
    /// `ERR_OUT_OF_RANGE`.
    pub(super) fn backing_store(
        &self,
        (start, end): (usize, usize),
        alignment: usize,
    ) -> Result<(*mut u8, usize)> {
        let address = self.address_within(start, end, self.capacity())?;
        let before = address as usize % alignment;
        // The memory is mapped from the aligned address on: its first page is.
        Ok((address.wrapping_sub(before), end - start + before))
    }

    /// The whole pages that hold the bytes `start..end`.
    ///
    /// # Errors
    /// `ERR_OUT_OF_RANGE`.
    pub fn pages(&self, start: usize, end: usize) -> Result<Pages<'_>> {
        let address = self.address(start, end)?;
        // SAFETY: `address` has checked the range, and the region stays mapped while the answer
        // borrows it.
        Ok(unsafe { Pages::around(address, end - start) })
    }

    /// Whether the system tells this process truly which pages are in memory, as far as is known: it
    /// was when the map was first asked.
    pub fn reports_residency(&self) -> bool {
        *self.reports_residency.get_or_init(|| match self.file() {
            Ok(Some(file)) => paging::reports_residency(&file),
            Ok(None) => true,
            Err(_) => false,
        })
    }

    /// How many bytes of the page that holds the region's first byte precede it.
    pub fn page_offset(&self) -> usize {
        let start = self
            .memory
            .as_ref()
            .map_or(0, |memory| memory.start() as usize);
        start % page_size()
    }

    /// How many bytes of the first page precede the memory.
    fn before(&self) -> usize {
        self.memory
            .as_ref()
            .map_or(0, |memory| memory.start() as usize - memory.pages().0)
    }

    /// Counts one map less. The last one releases the file: other owners of the region see private
    /// zero pages from now on. Where there are none and no ArrayBuffer was ever made (`exposed`), the
    /// memory is unmapped at once; otherwise the answer is the region, to be kept until the map object
    /// is collected. Waits for no disk.
    pub fn retire(self: Arc<Region>, exposed: bool) -> Option<Arc<Region>> {
        if self.maps.fetch_sub(1, Ordering::SeqCst) > 1 {
            return exposed.then_some(self);
        }
        if !exposed && Arc::strong_count(&self) == 1 {
            return None;
        }
        // Where the file's pages could not be replaced, the guard and the file stay.
        let guarded = self.watch.is_some();
        let lay = || {
            let memory = self.memory.as_ref();
            memory.is_none_or(|memory| memory.retire(guarded))
        };
        match &self.watch {
            Some(watch) => {
                if watch.retire(lay)
                    && let Some(file) = self.file_slot().take()
                {
                    watch.release(file);
                }
            }
            None => {
                if lay() {
                    self.file_slot().take();
                }
            }
        }
        Some(self)
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        self.report_all();
        // A fault handler may look at the memory and the file.
        if let Some(watch) = self.watch.take() {
            let file = self.file_slot().take();
            watch.free((self.memory.take(), file));
        }
    }
}
