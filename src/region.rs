//! The memory of a map, owned jointly by everybody who may still touch it.
//!
//! A region is held by the map that made it, by every ArrayBuffer lent from it (see
//! `external.rs`) and by every job that runs on it. The last of them gives the addresses back.
//! So a late write of the kernel, a zlib job or a transferred ArrayBuffer finds either the file's
//! pages or, after [`Region::retire`], zeros, but never somebody else's memory.

use std::fs::File;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Failure, Result};
use crate::sys::{self, Access, Memory};

/// A range of mapped memory and the descriptor of the file behind it.
pub struct Region {
    /// None for a map of no bytes, which the system does not map.
    memory: Option<Memory>,
    /// None for anonymous memory, and once the region is retired.
    file: Mutex<Option<Arc<File>>>,
}

impl Region {
    /// Maps `length` bytes of `file` from `offset` on.
    ///
    /// # Errors
    /// Whatever `mmap` refuses.
    pub fn of_file(file: Arc<File>, access: Access, offset: u64, length: usize) -> Result<Region> {
        let memory = match length {
            0 => None,
            _ => Some(Memory::of_file(&file, access, offset, length)?),
        };
        Ok(Region {
            memory,
            file: Mutex::new(Some(file)),
        })
    }

    /// `length` bytes of zeros that belong to no file.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn anonymous(length: usize) -> Result<Region> {
        let memory = match length {
            0 => None,
            _ => Some(Memory::anonymous(length)?),
        };
        Ok(Region {
            memory,
            file: Mutex::new(None),
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
    /// `EIO`, `ENOSPC`, ... as the disk refuses; `ERR_OUT_OF_RANGE`.
    pub fn flush(&self, start: usize, end: usize) -> Result<()> {
        self.address(start, end)?;
        match (&self.memory, self.file()) {
            (Some(memory), Some(file)) if start < end => {
                memory.flush(start, end - start)?;
                sys::sync_after_flush(&file)
            }
            _ => Ok(()),
        }
    }

    /// Lets go of the file: whoever still holds the region sees private zero pages from now on.
    /// Where nobody does and nothing was lent, the memory is given back at once; otherwise the
    /// region is handed back to be kept until its owner is collected.
    pub fn retire(self: Arc<Region>, lent: bool) -> Option<Arc<Region>> {
        if !lent && Arc::strong_count(&self) == 1 {
            return None;
        }
        if let Some(memory) = &self.memory {
            memory.retire();
        }
        self.file_slot().take();
        Some(self)
    }
}
