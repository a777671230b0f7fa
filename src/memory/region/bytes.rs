//! The bytes of a region: lent to searches, copied in, out and around.

use std::ptr;

use super::Region;
use crate::error::{Failure, Result};
use crate::sys::paging::page_size;

impl Region {
    /// The bytes `start..end`, for searching.
    ///
    /// # Errors
    /// `ERR_OUT_OF_RANGE`.
    pub fn bytes(&self, start: usize, end: usize) -> Result<&[u8]> {
        let address = self.address(start, end)?;
        // SAFETY: `address` has checked that the range is mapped, and it stays so for as long as
        // the region is borrowed: `retire` replaces pages but never unmaps them. What this cannot
        // promise is that the bytes stay the same: other processes, and this one's JavaScript, may
        // write them meanwhile, which Rust's rules for `&[u8]` do not foresee. So nothing is
        // believed of the contents. Every bit pattern is a valid byte; the kernels (memchr, memmem,
        // aho-corasick, regex-automata's) keep their loads within the slice whatever they read, and
        // index their own tables by single bytes; and what they answer is checked against the
        // slice's length again (`Searcher::find`) before anyone uses it. A wrong answer for bytes
        // that change is all right.
        Ok(unsafe { std::slice::from_raw_parts(address, end - start) })
    }

    /// Copies `bytes`, which may lie in the region itself, to `start`.
    ///
    /// # Errors
    /// `ERR_OUT_OF_RANGE`.
    pub fn copy_in(&self, bytes: &SourceBytes, start: usize) -> Result<()> {
        let to = self.address(start, start.saturating_add(bytes.length))?;
        // SAFETY: `address` has checked the target; the source is readable (see `SourceBytes`);
        // `copy` allows the two to overlap.
        unsafe { ptr::copy(bytes.address, to, bytes.length) };
        Ok(())
    }

    /// Copies the bytes `start..end` to `target`, which may lie in the region itself, from
    /// `target_start` on.
    ///
    /// # Errors
    /// `ERR_OUT_OF_RANGE`, also where they do not fit into the target.
    pub fn copy_out(
        &self,
        target: &TargetBytes,
        target_start: usize,
        start: usize,
        end: usize,
    ) -> Result<()> {
        let from = self.address(start, end)?;
        let length = end - start;
        let target_end = target_start.checked_add(length);
        if target_end.is_none_or(|end| end > target.length) {
            return Err(Failure::OutOfRange(format!(
                "{length} bytes from {target_start} on do not fit into the target, which has {}",
                target.length
            )));
        }
        if length > 0 {
            // SAFETY: both ranges are checked; the target is writable (see `TargetBytes`); `copy`
            // allows the two to overlap.
            unsafe { ptr::copy(from, target.address.add(target_start), length) };
        }
        Ok(())
    }

    /// Repeats `pattern` (not empty) over `start..end`; the last repetition may be incomplete.
    ///
    /// # Errors
    /// `ERR_OUT_OF_RANGE`.
    pub fn fill(&self, pattern: &SourceBytes, start: usize, end: usize) -> Result<()> {
        let to = self.address(start, end)?;
        let length = end - start;
        if pattern.length == 1 {
            // SAFETY: the target is checked, the pattern has one byte.
            unsafe { ptr::write_bytes(to, *pattern.address, length) };
            return Ok(());
        }
        let mut done = pattern.length.min(length);
        // SAFETY: `done` is at most the length of either side.
        unsafe { ptr::copy(pattern.address, to, done) };
        while 0 < done && done < length {
            let more = done.min(length - done);
            // SAFETY: the first `done` bytes are filled, the `more` behind them lie within the
            // checked target, and the two do not overlap.
            unsafe { ptr::copy_nonoverlapping(to, to.add(done), more) };
            done += more;
        }
        Ok(())
    }

    /// As [`Region::fill`], with bytes that lie outside the region.
    ///
    /// # Errors
    /// `ERR_OUT_OF_RANGE`.
    pub fn fill_with(&self, pattern: &[u8], start: usize, end: usize) -> Result<()> {
        // SAFETY: the bytes are borrowed for longer than the call.
        let bytes = unsafe { SourceBytes::new(pattern.as_ptr(), pattern.len()) };
        self.fill(&bytes, start, end)
    }

    /// Moves the bytes `start..end` to `target`; the two ranges may overlap.
    ///
    /// # Errors
    /// `ERR_OUT_OF_RANGE`.
    pub fn copy_within(&self, target: usize, start: usize, end: usize) -> Result<()> {
        let from = self.address(start, end)?;
        let length = end - start;
        let to = self.address(target, target.saturating_add(length))?;
        // SAFETY: both ranges are checked; `copy` allows them to overlap.
        unsafe { ptr::copy(from, to, length) };
        Ok(())
    }

    /// Takes what fits of `other`, which is another anonymous region that goes out of use, to the
    /// start of this one, which has no ArrayBuffer yet. Its pages are moved where the system can;
    /// elsewhere they are copied, except those that hold only zeros, so that sparse memory stays
    /// sparse.
    ///
    /// # Errors
    /// None: the range is within both.
    pub fn take_from(&self, other: &Region) -> Result<()> {
        /// Fewer bytes are copied sooner than moved.
        const FEW: usize = 1 << 16;
        const STEP: usize = 4096;
        let length = other.length().min(self.length());
        let target = self.address(0, length)?;
        if length > FEW
            && let (Some(memory), Some(from)) = (&self.memory, &other.memory)
            && from.move_pages(memory, length)
        {
            let rest = length.next_multiple_of(page_size()) - length;
            // SAFETY: the last page that was moved is mapped to its end. What follows the length
            // in it must be zeros when the memory grows again.
            unsafe { ptr::write_bytes(target.add(length), 0, rest) };
            return Ok(());
        }
        for (index, page) in other.bytes(0, length)?.chunks(STEP).enumerate() {
            if page.iter().any(|&byte| byte != 0) {
                // SAFETY: the chunk of the same index lies within the target's `length` bytes; two
                // regions do not overlap.
                unsafe {
                    ptr::copy_nonoverlapping(page.as_ptr(), target.add(index * STEP), page.len());
                }
            }
        }
        Ok(())
    }
}

/// Bytes that are copied from, wherever they lie. Only an address: they may lie in the very region
/// that is written to, where Rust allows no `&[u8]`.
pub struct SourceBytes {
    address: *const u8,
    length: usize,
}

impl SourceBytes {
    /// The `length` bytes from `address` on, which may be null where there are none.
    ///
    /// # Safety
    /// They are readable for as long as the result exists.
    pub unsafe fn new(address: *const u8, length: usize) -> SourceBytes {
        SourceBytes { address, length }
    }

    /// A copy of the bytes.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn to_vec(&self) -> Result<Vec<u8>> {
        let mut copy = Vec::new();
        copy.try_reserve_exact(self.length)
            .map_err(|_| Failure::out_of_memory())?;
        // SAFETY: readable (see `new`); the copy has room for them, and they are set up to their
        // number. Zero bytes are copied from no address.
        unsafe {
            if self.length > 0 {
                ptr::copy_nonoverlapping(self.address, copy.as_mut_ptr(), self.length);
            }
            copy.set_len(self.length);
        }
        Ok(copy)
    }
}

/// Bytes that are copied to, wherever they lie: see [`SourceBytes`].
pub struct TargetBytes {
    address: *mut u8,
    length: usize,
}

impl TargetBytes {
    /// The `length` bytes from `address` on, which may be null where there are none.
    ///
    /// # Safety
    /// They are writable for as long as the result exists.
    pub unsafe fn new(address: *mut u8, length: usize) -> TargetBytes {
        TargetBytes { address, length }
    }
}
