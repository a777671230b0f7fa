//! The file behind a region.

use std::fs::File;
use std::sync::{Arc, MutexGuard, PoisonError};

use super::Region;
use crate::error::{Failure, Result};
use crate::sys::file;

impl Region {
    /// The file behind the memory, unless there is none or it was released.
    ///
    /// # Errors
    /// `ERR_MMAP_UNSUPPORTED` where there is one of which no descriptor is kept.
    pub fn file(&self) -> Result<Option<Arc<File>>> {
        if self.unkept {
            return Err(Failure::unsupported(
                "the map keeps no descriptor of its file, which this needs; open the file without \
                 keepDescriptor: false for it",
            ));
        }
        Ok(self.file_slot().clone())
    }

    pub(super) fn file_slot(&self) -> MutexGuard<'_, Option<Arc<File>>> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The size of the whole file or shared memory object as it is now; None for anonymous memory.
    ///
    /// # Errors
    /// What `fstat` refuses; `ERR_MMAP_UNSUPPORTED` where no descriptor is kept.
    pub fn file_size(&self) -> Result<Option<u64>> {
        match self.object() {
            Some(object) => Ok(Some(object.size)),
            None => self.file()?.map(|file| file::size_of(&file)).transpose(),
        }
    }

    /// Truncates the file, or lengthens it with zeros, for which disk blocks are reserved with
    /// `allocate`. Where that fails the file keeps the size it had.
    ///
    /// # Errors
    /// What `ftruncate` and `fallocate` refuse; `ERR_MMAP_UNSUPPORTED` for shared memory, except on Linux.
    pub fn set_file_size(&self, size: u64, allocate: bool) -> Result<()> {
        if self.object().is_some() {
            return Err(fixed_length());
        }
        let Some(file) = self.file()? else {
            return Ok(());
        };
        if file::keeps_length(&file) {
            return Err(fixed_length());
        }
        if allocate {
            let before = file::size_of(&file)?;
            if before < size {
                file::reserve(&file, before, size).inspect_err(|_| {
                    // Only zeros were added: taking them away again loses nothing.
                    let _ = file::set_length(&file, before);
                })?;
            }
        }
        file::set_length(&file, size)
    }

    /// Writes the changed pages of `start..end` to the disk. Blocks until they are there.
    ///
    /// # Errors
    /// `EIO`, `ENOSPC`, ... as the disk refuses; `ERR_MMAP_TRUNCATED` where the file has lost bytes
    /// of the map, for which `msync` reports success; `ERR_MMAP_UNSUPPORTED` where no descriptor is
    /// kept to find that out; `ERR_OUT_OF_RANGE`.
    pub fn flush(&self, start: usize, end: usize) -> Result<()> {
        self.address(start, end)?;
        match (&self.memory, self.file()?) {
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
                "the file was truncated to {size} bytes: of the map's {} bytes it has {kept}; what \
                 was written behind them is lost. Call refresh() to map the file as it is now",
                self.length()
            ),
        })
    }

    /// `EFAULT` says that touching the pages would have faulted; the file's size says why.
    pub fn unreadable(&self, syscall: &'static str, error: std::io::Error) -> Failure {
        /// In both Linux and macOS.
        const EFAULT: i32 = 14;
        if cfg!(windows) || error.raw_os_error() != Some(EFAULT) {
            return Failure::system(syscall)(error);
        }
        let lost = |message: &str| Failure::Mmap {
            code: "ERR_MMAP_IO",
            message: message.to_owned(),
        };
        match self.file() {
            Ok(Some(file)) => {
                let truncation = self.check_truncation(&file).err();
                truncation.unwrap_or_else(|| lost("the disk could not read the file"))
            }
            Ok(None) => Failure::system(syscall)(error),
            Err(_) => lost("the file was truncated, or the disk could not read it"),
        }
    }
}

/// The refusal to give a shared memory object another length, which only Linux can.
pub fn fixed_length() -> Failure {
    Failure::unsupported(
        "on macOS and Windows shared memory keeps the length that it was created with; create an object \
         of the new length, or share a file",
    )
}
