//! The words of a region, for atomics.

use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64};

use super::Region;
use crate::error::{Failure, Result};

impl Region {
    /// The `count` atomic words from `start` on.
    ///
    /// # Errors
    /// `ERR_OUT_OF_RANGE` where they do not lie in the region or are not aligned.
    pub fn words<W: Word>(&self, start: usize, count: usize) -> Result<&[W]> {
        let size = count.saturating_mul(size_of::<W>());
        let address = self.address(start, start.saturating_add(size))?;
        if count == 0 {
            return Ok(&[]);
        }
        let words = address.cast::<W>();
        if !words.is_aligned() {
            return Err(Failure::OutOfRange(format!(
                "the word at offset {start} does not begin at a multiple of {} bytes in the file",
                size_of::<W>()
            )));
        }
        // SAFETY: checked to lie in the region and to be aligned; the region stays mapped while it
        // is borrowed. A word is an atomic, and every thread and process that uses the memory as
        // words changes it through atomics only.
        Ok(unsafe { std::slice::from_raw_parts(words, count) })
    }

    /// As [`Region::words`], for as long as the answer lives.
    ///
    /// # Errors
    /// As `words`.
    pub fn owned_words<W: Word>(self: &Arc<Self>, start: usize, count: usize) -> Result<Words<W>> {
        let words = NonNull::from(self.words::<W>(start, count)?);
        Ok(Words {
            words,
            _region: Arc::clone(self),
        })
    }
}

/// An atomic word that memory can be used as: any bits are a value of it, and its size is its
/// alignment.
pub trait Word: Sync {}

impl Word for AtomicU32 {}
impl Word for AtomicU64 {}

/// Words of a region, which they keep mapped. Once the map is closed they read as zeros.
pub struct Words<W> {
    words: NonNull<[W]>,
    _region: Arc<Region>,
}

impl<W> Deref for Words<W> {
    type Target = [W];

    fn deref(&self) -> &[W] {
        // SAFETY: `Region::words` has made the reference, which lives as long as the region.
        unsafe { self.words.as_ref() }
    }
}

// SAFETY: what it leads to are atomics, which every thread may use, in a region that any thread may
// release.
unsafe impl<W: Word> Send for Words<W> {}
// SAFETY: as above.
unsafe impl<W: Word> Sync for Words<W> {}
