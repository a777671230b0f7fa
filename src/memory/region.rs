//! The memory of a map, owned jointly by everybody who may still touch it.
//!
//! A region is held by the map that made it, by every ArrayBuffer lent from it (see
//! `external.rs`) and by every job that runs on it. The last of them gives the addresses back.
//! So a late write of the kernel, a zlib job or a transferred ArrayBuffer finds either the file's
//! pages or, after [`Region::retire`], zeros, but never somebody else's memory.

use std::fs::File;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Failure, Result};
use crate::guard::{self, Faults, Range, Watch};
use crate::sys::file::{self, Access};
use crate::sys::memory::{Anonymous, FileView, Memory};

/// A range of mapped memory and the descriptor of the file behind it. The order of the fields is
/// the one in which they are dropped: no fault handler looks at the memory or the file any more
/// when they go.
pub struct Region {
    /// None for memory that is not guarded.
    watch: Option<Watch>,
    /// None for a map of no bytes, which the system does not map.
    memory: Option<Memory>,
    /// None for anonymous memory, and once the region is retired.
    file: Mutex<Option<Arc<File>>>,
    /// Where in the file the memory begins, in bytes.
    offset: u64,
}

impl Region {
    /// Maps `view` of `file`, under the fault guard where the view asks for it and the guard is on.
    ///
    /// # Errors
    /// Whatever `mmap` refuses.
    pub fn of_file(file: Arc<File>, view: &FileView) -> Result<Region> {
        let offset = view.offset;
        let guarded = view.guarded && view.length > 0 && guard::is_on();
        let memory = match view.length {
            0 => None,
            _ => Some(Memory::of_file(&file, &FileView { guarded, ..*view })?),
        };
        let watch = match &memory {
            Some(memory) if guarded => {
                let (base, end) = memory.pages();
                Some(Watch::new(&Range {
                    base,
                    end,
                    offset: offset - (memory.start() as usize - base) as u64,
                    descriptor: file::descriptor(&file),
                    read_only: view.access == Access::Read,
                })?)
            }
            _ => None,
        };
        Ok(Region {
            watch,
            memory,
            file: Mutex::new(Some(file)),
            offset,
        })
    }

    /// `length` bytes of zeros that belong to no file.
    ///
    /// # Errors
    /// As [`Memory::anonymous`].
    pub fn anonymous(length: usize, how: Anonymous) -> Result<Region> {
        let memory = match length {
            0 => None,
            _ => Some(Memory::anonymous(length, how)?),
        };
        Ok(Region {
            watch: None,
            memory,
            file: Mutex::new(None),
            offset: 0,
        })
    }

    /// The number of bytes.
    pub fn length(&self) -> usize {
        self.memory.as_ref().map_or(0, Memory::length)
    }

    /// The file behind the memory, unless there is none or it was let go.
    pub fn file(&self) -> Option<Arc<File>> {
        self.file_slot().clone()
    }

    fn file_slot(&self) -> std::sync::MutexGuard<'_, Option<Arc<File>>> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
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
    pub fn address(&self, start: usize, end: usize) -> Result<*mut u8> {
        let length = self.length();
        if start > end || end > length {
            return Err(Failure::OutOfRange(format!(
                "the range {start} to {end} does not lie within the map's {length} bytes"
            )));
        }
        Ok(match &self.memory {
            // SAFETY: `start` is at most the length of the one allocation that begins here.
            Some(memory) => unsafe { memory.start().add(start) },
            None => std::ptr::NonNull::dangling().as_ptr(),
        })
    }

    /// Writes the changed pages of `start..end` to the disk. Blocks until they are there.
    ///
    /// # Errors
    /// `EIO`, `ENOSPC`, ... as the disk refuses; `ERR_MMAP_TRUNCATED` where the file has lost bytes
    /// of the map, for which `msync` reports success; `ERR_OUT_OF_RANGE`.
    pub fn flush(&self, start: usize, end: usize) -> Result<()> {
        self.address(start, end)?;
        match (&self.memory, self.file()) {
            (Some(memory), Some(file)) if start < end => {
                memory.flush(start, end - start)?;
                file::sync_after_flush(&file)?;
                self.check_truncation(&file)
            }
            _ => Ok(()),
        }
    }

    /// Looks whether `file`, the one behind the memory, still reaches as far as the memory.
    ///
    /// # Errors
    /// `ERR_MMAP_TRUNCATED` where not, and what `fstat` refuses.
    pub fn check_truncation(&self, file: &File) -> Result<()> {
        let size = file::size_of(file)?;
        let kept = size.saturating_sub(self.offset);
        if kept >= self.length() as u64 {
            return Ok(());
        }
        if let Some(watch) = &self.watch {
            watch.note_truncation(self.before() + kept as usize);
        }
        Err(Failure::Mmap {
            code: "ERR_MMAP_TRUNCATED",
            message: format!(
                "the file was cut to {size} bytes, of the map's {} it has {kept}; what was written \
                 behind them is lost. Call refresh() to map the file as it is now",
                self.length()
            ),
        })
    }

    /// How many bytes of the first page precede the memory.
    fn before(&self) -> usize {
        self.memory
            .as_ref()
            .map_or(0, |memory| memory.start() as usize - memory.pages().0)
    }

    /// The region's place in the guard's table, where it is guarded.
    pub fn watch(&self) -> Option<&Watch> {
        self.watch.as_ref()
    }

    /// What the guard has survived, in bytes from the start of the region.
    pub fn faults(&self) -> Option<Faults> {
        let faults = self.watch.as_ref()?.faults();
        let inside = |at: usize| at.saturating_sub(self.before()).min(self.length());
        Some(Faults {
            lost_from: faults.lost_from.map(inside),
            io: faults.io.map(|(start, end)| (inside(start), inside(end))),
            stray_writes: faults.stray_writes,
        })
    }

    /// Lets go of the file: whoever still holds the region sees private zero pages from now on.
    /// Where nobody does and nothing was lent, the memory is given back at once; otherwise the
    /// region is handed back to be kept until its owner is collected.
    pub fn retire(self: Arc<Region>, lent: bool) -> Option<Arc<Region>> {
        if !lent && Arc::strong_count(&self) == 1 {
            return None;
        }
        // The guard stays until the file's pages are gone, and the file until the guard is done.
        if self.memory.as_ref().is_none_or(Memory::retire) {
            if let Some(watch) = &self.watch {
                watch.retire();
            }
            self.file_slot().take();
        }
        Some(self)
    }
}
