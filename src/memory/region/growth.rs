//! A region that becomes longer at the same addresses.

use std::fs::File;
use std::sync::atomic::Ordering;

use super::{Region, SourceBytes};
use crate::error::Result;
use crate::guard::Reach;
use crate::sys::file::{self, Access};
use crate::sys::memory::Memory;
use crate::sys::paging::page_size;

/// The address after the last page that has one of the first `length` bytes.
pub(super) fn end_of(memory: &Memory, length: usize) -> usize {
    (memory.start() as usize + length).next_multiple_of(page_size())
}

impl Region {
    /// Makes the map `length` bytes long at its addresses, where its file has as many already; whether
    /// that was possible: as far as its memory reaches, and beyond where that can be extended. Every
    /// owner goes on with the same pages. One thread calls this at a time.
    ///
    /// # Errors
    /// `ERR_MMAP_UNSUPPORTED` where no descriptor is kept.
    pub fn grow(&self, length: usize) -> Result<bool> {
        let before = self.length();
        let file = self.file()?;
        let Some(memory) = self.memory.as_ref().filter(|_| length >= before) else {
            return Ok(false);
        };
        // The maps of other threads would not learn of it.
        if self.is_published() {
            return Ok(false);
        }
        let restore = |from| match (&file, self.access) {
            (Some(file), Some(access)) => memory.restore(file, access, self.offset, from),
            _ => false,
        };
        let extend = || {
            let fits = length <= memory.length() || self.extensible && memory.extend(length);
            fits.then(|| Reach {
                covered: end_of(memory, length),
                end: memory.pages().1,
            })
        };
        let has_grown = match &self.watch {
            Some(watch) => watch.grow(restore, extend),
            None => extend().is_some(),
        };
        if has_grown {
            self.length.store(length, Ordering::SeqCst);
            // Without the guard a map that is only read may be written all the same, privately.
            let may_be_private = match self.access {
                Some(Access::CopyOnWrite) => true,
                Some(Access::Read) => self.watch.is_none(),
                _ => false,
            };
            if let Some(file) = file.as_deref().filter(|_| may_be_private) {
                self.show_added(file, before, length)?;
            }
        }
        Ok(has_grown)
    }

    /// The last page of a private mapping may be a private copy, made when the file ended within it.
    /// Then what the file has there by now is copied; a page that was never written shows it.
    ///
    /// # Errors
    /// None: the range is the map's own.
    fn show_added(&self, file: &File, before: usize, length: usize) -> Result<()> {
        let on_page = (self.page_offset() + before).next_multiple_of(page_size());
        let end = (on_page - self.page_offset()).min(length);
        let mut added = vec![0; end - before];
        let mut count = 0;
        while count < added.len() {
            let at = self.offset + (before + count) as u64;
            match file::read_at(file, &mut added[count..], at) {
                Ok(0) | Err(_) => break,
                Ok(read) => count += read,
            }
        }
        added.truncate(count);
        // Writing what is there already would make the page private.
        if self.bytes(before, before + count)? != added {
            // SAFETY: the vector outlives the call.
            let bytes = unsafe { SourceBytes::new(added.as_ptr(), count) };
            self.copy_in(&bytes, before)?;
        }
        Ok(())
    }
}
