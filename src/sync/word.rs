//! Words of a map that can be waited for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use crate::error::{Failure, Result};
use crate::memory::Region;
use crate::sys::futex;
use crate::sys::thread::{self, Signature};

/// Whether the thread whose signature is in `word` is certainly gone.
pub fn is_abandoned(word: u32) -> bool {
    Signature::of_word(word).is_some_and(thread::is_dead)
}

/// What is known about holders that were looked up before, during one round of looking.
#[derive(Default)]
pub struct Lookups(Vec<(u32, bool)>);

impl Lookups {
    fn is_abandoned(&mut self, word: u32) -> bool {
        let Some(holder) = Signature::of_word(word) else {
            return false;
        };
        let known = self.0.iter().find(|(bits, _)| *bits == holder.bits());
        if let Some((_, dead)) = known {
            return *dead;
        }
        let dead = thread::is_dead(holder);
        self.0.push((holder.bits(), dead));
        dead
    }
}

/// A word to wait for: until it has another value than the expected one, or is woken.
pub struct Word {
    /// Keeps the addresses mapped. Once the map is closed they show zeros.
    _region: Arc<Region>,
    /// The word, or the lower half of it.
    low: *const AtomicU32,
    expected: u32,
    /// The 64-bit word and its expected value.
    wide: Option<(*const AtomicU64, u64)>,
    /// The words of those whose death matters, too, and how many.
    holders: (*const AtomicU32, usize),
}

// SAFETY: the pointers lead into the region, which is shared memory that every thread may use
// through atomics, and which stays mapped for as long as the word exists.
unsafe impl Send for Word {}
// SAFETY: as above.
unsafe impl Sync for Word {}

impl Word {
    /// The word of 4 bytes at `start`, or of 8 where `expected_high` is given. Only the machine's
    /// byte order is known here, which is little-endian wherever Node.js runs.
    ///
    /// # Errors
    /// `ERR_OUT_OF_RANGE` where it does not lie in the region or is not aligned.
    pub fn new(
        region: Arc<Region>,
        start: usize,
        expected: u32,
        expected_high: Option<u32>,
        (first_holder, holders): (usize, usize),
    ) -> Result<Word> {
        let size = if expected_high.is_some() { 8 } else { 4 };
        let low = aligned(&region, start, size, size)?;
        let holders_size = holders.saturating_mul(4);
        let first = aligned(&region, first_holder, holders_size, 4)?;
        Ok(Word {
            _region: region,
            low: low.cast(),
            expected,
            wide: expected_high.map(|high| {
                (
                    low.cast_const().cast(),
                    u64::from(high) << 32 | u64::from(expected),
                )
            }),
            holders: (first.cast(), holders),
        })
    }

    /// The 32 bits that the system waits for, and the value it expects there.
    pub fn futex(&self) -> (&AtomicU32, u32) {
        // SAFETY: checked to lie in the region, which is mapped for as long as `self` lives; other
        // threads and processes change the memory through atomics only.
        (unsafe { &*self.low }, self.expected)
    }

    /// Whether the word has another value by now.
    pub fn has_changed(&self) -> bool {
        match self.wide {
            // SAFETY: as in `futex`; the alignment was checked.
            Some((word, expected)) => unsafe { &*word }.load(Ordering::SeqCst) != expected,
            None => self.futex().0.load(Ordering::SeqCst) != self.expected,
        }
    }

    /// Whether a holder let go, or (where `lookups` are given) has died.
    pub fn lost_holder(&self, mut lookups: Option<&mut Lookups>) -> bool {
        let (first, count) = self.holders;
        (0..count).any(|index| {
            // SAFETY: `new` has checked the words up to `count`.
            let word = unsafe { &*first.add(index) }.load(Ordering::SeqCst);
            word == 0
                || lookups
                    .as_deref_mut()
                    .is_some_and(|lookups| lookups.is_abandoned(word))
        })
    }

    /// Whether the word's page is still there, as far as the system can say without touching it.
    pub fn is_readable(&self) -> bool {
        futex::wake(self.futex().0, 0).is_ok()
    }

    /// Blocks until the word changes or is woken, or the time is over. Answers whether it is worth
    /// looking at the word.
    pub fn wait(&self, timeout: Duration) -> bool {
        if self.has_changed() {
            return true;
        }
        let (word, expected) = self.futex();
        futex::wait(word, expected, timeout) != futex::Woken::Nothing || self.has_changed()
    }
}

/// Wakes up to `count` waiters of the word at `start`, and answers how many the system knows of.
///
/// # Errors
/// `ERR_OUT_OF_RANGE` as for [`Word::new`]; `EFAULT`.
pub fn wake(region: &Region, start: usize, count: u32) -> Result<usize> {
    let word = aligned(region, start, 4, 4)?.cast::<AtomicU32>();
    // SAFETY: the word lies in the region, which the caller keeps mapped during this call.
    futex::wake(unsafe { &*word }, count).map_err(Failure::system("futex"))
}

/// The address of `size` bytes at `start`, which must be a multiple of `alignment`.
fn aligned(region: &Region, start: usize, size: usize, alignment: usize) -> Result<*mut u8> {
    let address = region.address(start, start.saturating_add(size))?;
    if size != 0 && !(address as usize).is_multiple_of(alignment) {
        return Err(Failure::OutOfRange(format!(
            "the word at offset {start} does not begin at a multiple of {alignment} bytes in the \
             file"
        )));
    }
    Ok(address)
}
