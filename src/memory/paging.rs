//! What of a map is in memory, and how that is changed.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::region::Region;
use crate::error::{Failure, Result};
use crate::sys::cache::{self, CachedPages};
use crate::sys::file::{self, Access};
use crate::sys::{kernel_maps, paging};

/// The largest unit in which Linux caches files, in bytes; all begin at a multiple of their size.
const LARGEST_FOLIO: u64 = 2 * 1024 * 1024;

/// How much one thread of several prefetches before it takes more.
const PREFETCH_CHUNK: usize = 8 * 1024 * 1024;

/// A map as the system sees it, in pages. Ranges are in bytes of the map.
pub struct PagedMap {
    region: Arc<Region>,
    access: Access,
}

impl PagedMap {
    /// The map of `region`.
    pub fn new(region: Arc<Region>, access: Access) -> PagedMap {
        PagedMap { region, access }
    }

    /// The largest part of `start..end` that shares no page with bytes outside it. At the ends of
    /// the map only bytes of the *file* count as outside, and only where they would `reach` it.
    fn whole_pages(&self, start: usize, end: usize, reach: bool) -> (usize, usize) {
        let size = paging::page_size();
        let length = self.region.length();
        // Counted from the start of the first page.
        let base = self.region.page_offset();
        let first = match start == 0 && !reach {
            true => 0,
            false => (base + start).next_multiple_of(size) - base,
        };
        let last = match end == length && !reach {
            true => length,
            false => ((base + end) / size * size).saturating_sub(base),
        };
        if first < last {
            (first, last)
        } else {
            (start, start)
        }
    }

    /// Whether the system may treat the range unlike the rest of the map: see [`kernel_maps`].
    fn may_differ(&self, start: usize, end: usize) -> bool {
        end - start == self.region.length() || kernel_maps::may_divide()
    }

    /// Gives the system a hint for the range. Answers whether the platform took it. Hints that
    /// discard bytes discard none outside the range: they go to whole pages of it only.
    ///
    /// # Errors
    /// `ERR_OUT_OF_RANGE`, `EFAULT`, `ENOMEM`, ...
    pub fn advise(&self, hint: &str, start: usize, end: usize) -> Result<bool> {
        self.region.pages(start, end)?;
        let (start, end) = match hint {
            "dontneed" | "free" | "free-reusable" => self.whole_pages(start, end, false),
            "remove" => self.whole_pages(start, end, true),
            _ => (start, end),
        };
        let pages = self.region.pages(start, end)?;
        // These do something to the pages at once; the others mark the mapping.
        let at_once = [
            "willneed",
            "dontneed",
            "free",
            "remove",
            "cold",
            "pageout",
            "populate-read",
            "populate-write",
            "free-reusable",
            "free-reuse",
        ];
        if !at_once.contains(&hint) && !self.may_differ(start, end) {
            return Ok(false);
        }
        let answer = pages.advise(hint);
        answer.map_err(|error| self.region.unreadable("madvise", error))
    }

    /// Checks that the range lies in the map.
    ///
    /// # Errors
    /// `ERR_OUT_OF_RANGE`.
    pub fn check(&self, start: usize, end: usize) -> Result<()> {
        self.region.pages(start, end).map(|_| ())
    }

    /// Brings the range in and waits for the disk. Copies no private page.
    ///
    /// # Errors
    /// `ERR_OUT_OF_RANGE`; `ERR_MMAP_TRUNCATED` where the file was truncated, `ERR_MMAP_IO` where the
    /// disk failed.
    pub fn prefetch(&self, start: usize, end: usize) -> Result<()> {
        let pages = self.region.pages(start, end)?;
        let file = self.region.file().ok().flatten();
        let place = file
            .as_deref()
            .map(|file| (file, self.region.offset() + start as u64, end - start));
        let answer = pages.populate(place);
        answer.map_err(|error| self.region.unreadable("madvise", error))
    }

    /// As [`PagedMap::prefetch`], on so many threads at once, of which the caller's is one.
    ///
    /// # Errors
    /// As [`PagedMap::prefetch`].
    pub fn prefetch_on(&self, start: usize, end: usize, concurrency: usize) -> Result<()> {
        self.check(start, end)?;
        let next = AtomicUsize::new(start);
        let work = || -> Result<()> {
            loop {
                let from = next.fetch_add(PREFETCH_CHUNK, Ordering::Relaxed);
                if from >= end {
                    return Ok(());
                }
                let to = end.min(from + PREFETCH_CHUNK);
                self.prefetch(from, to).inspect_err(|_| {
                    next.store(end, Ordering::Relaxed);
                })?;
            }
        };
        let most = (end - start).div_ceil(PREFETCH_CHUNK).min(concurrency);
        thread::scope(|scope| {
            // One that the system refuses to start is not needed: the others do all.
            let start = |_| thread::Builder::new().spawn_scoped(scope, work).ok();
            let others: Vec<_> = (1..most).filter_map(start).collect();
            let own = work();
            others.into_iter().fold(own, |result, other| {
                result.and(other.join().unwrap_or_else(|panic| resume_unwind(panic)))
            })
        })
    }

    /// Has the system begin to read what is missing of the range, and no more than that, where it
    /// takes hints. Does not wait for the disk, unless there is much before.
    pub fn begin_reading(&self, start: usize, end: usize) {
        if let Ok(pages) = self.region.pages(start, end) {
            // The reading itself reports what is wrong.
            let _ = pages.advise("willneed");
        }
    }

    /// Waits until the range is in memory.
    ///
    /// # Errors
    /// As [`PagedMap::prefetch`]; `ERR_MMAP_TRUNCATED` also where the file ends in the last page of the
    /// range, the rest of which reads as zeros.
    pub fn finish_reading(&self, start: usize, end: usize) -> Result<()> {
        self.prefetch(start, end)?;
        match self.region.file() {
            Ok(Some(file)) if file::size_of(&file)? < self.region.offset() + end as u64 => {
                self.region.check_truncation(&file)
            }
            _ => Ok(()),
        }
    }

    /// Whether every page that holds bytes of the range is in memory. False where the system does not
    /// tell.
    ///
    /// # Errors
    /// `ERR_OUT_OF_RANGE`; as [`Pages::all_resident`].
    pub fn is_resident(&self, start: usize, end: usize) -> Result<bool> {
        let pages = self.region.pages(start, end)?;
        Ok(self.region.reports_residency() && pages.all_resident()?)
    }

    /// One byte for each page that holds bytes of the range: 1 where it is in memory.
    ///
    /// # Errors
    /// `ERR_OUT_OF_RANGE`; as [`Pages::resident`]; `ERR_MMAP_UNSUPPORTED` where no descriptor is kept
    /// that says whether the system tells the truth.
    pub fn resident(&self, start: usize, end: usize) -> Result<Vec<u8>> {
        let file = self.region.file()?;
        self.region.pages(start, end)?.resident(file.as_deref())
    }

    /// What the system's cache has of the range, which takes less time than [`PagedMap::resident`].
    /// None where the system does not tell, and for memory without a file.
    ///
    /// # Errors
    /// `ERR_OUT_OF_RANGE`.
    pub fn cached(&self, start: usize, end: usize) -> Result<Option<CachedPages>> {
        self.region.pages(start, end)?;
        let Some(file) = self.region.file()?.filter(|_| start < end) else {
            return Ok(None);
        };
        let offset = self.region.offset() + start as u64;
        Ok(cache::pages(&file, offset, (end - start) as u64))
    }

    /// Brings the range in and keeps it in memory.
    ///
    /// # Errors
    /// `ERR_OUT_OF_RANGE`; `ERR_MMAP_TRUNCATED` where the file was truncated, `ERR_MMAP_IO` where a page
    /// cannot be brought in; as [`Pages::lock`].
    pub fn lock(&self, start: usize, end: usize) -> Result<()> {
        let private_file = self.access != Access::ReadWrite;
        let pages = self.region.pages(start, end)?;
        if !self.may_differ(start, end) {
            return Err(too_many_parts());
        }
        pages.lock(private_file).map_err(|error| {
            // For a page that the file has lost Linux says ENOMEM, as for too low a limit.
            let file = self.region.file().ok().flatten();
            let truncation = file.and_then(|file| self.region.check_truncation(&file).err());
            truncation.unwrap_or_else(|| self.region.unreadable("mlock", error))
        })
    }

    /// Lets the system take the range from memory again.
    ///
    /// # Errors
    /// `ERR_OUT_OF_RANGE`; as [`Pages::unlock`].
    pub fn unlock(&self, start: usize, end: usize) -> Result<()> {
        let pages = self.region.pages(start, end)?;
        if !self.may_differ(start, end) {
            return Err(too_many_parts());
        }
        pages.unlock()
    }

    /// Drops the range from memory and from the system's cache of the file, and up to 2 MiB on
    /// either side where the cache cannot be divided more finely. Blocks until what was changed is
    /// on the disk.
    ///
    /// # Errors
    /// `ERR_MMAP_UNSUPPORTED` where it would lose bytes: on copy-on-write and anonymous maps;
    /// `ERR_OUT_OF_RANGE`; as [`Pages::evict`].
    pub fn evict(&self, start: usize, end: usize) -> Result<()> {
        if self.access == Access::CopyOnWrite {
            return Err(Failure::unsupported(
                "evicting a copy-on-write map would lose what was written to it",
            ));
        }
        let Some(file) = self.region.file()? else {
            return Err(Failure::unsupported(
                "evicting an anonymous map would lose its contents: there is no file to keep them",
            ));
        };
        let pages = self.region.pages(start, end)?;
        if start == end {
            return Ok(());
        }
        let offset = self.region.offset();
        let (from, to) = (offset + start as u64, offset + end as u64);
        pages.evict(&file, from, to)?;
        if !self.has_page(start)? && !self.has_page(end - 1)? {
            return Ok(());
        }
        // Linux keeps a unit of its cache that reaches beyond the range, so give it all of that.
        let (from, to) = (
            from - from % LARGEST_FOLIO,
            to.next_multiple_of(LARGEST_FOLIO),
        );
        let start = from.saturating_sub(offset) as usize;
        let end = (to - offset).min(self.region.length() as u64) as usize;
        match self.region.pages(start, end)?.evict(&file, from, to) {
            // Neighbours that are locked: the range itself was not.
            Err(Failure::Mmap { .. }) => Ok(()),
            answer => answer,
        }
    }

    fn has_page(&self, at: usize) -> Result<bool> {
        self.region.pages(at, at + 1)?.all_resident()
    }
}

fn too_many_parts() -> Failure {
    Failure::unsupported(
        "this process has so many memory mappings that dividing this one further could leave no \
         room for the runtime's own (vm.max_map_count); lock or unlock larger ranges, or the whole \
         map",
    )
}
