//! Words of a map that can be waited for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use crate::error::Result;
use crate::memory::{Region, Words};
use crate::sys::futex;
use crate::sys::thread::{self, Signature};

/// Whether the thread whose signature is in `word` is certainly gone.
pub fn is_abandoned(word: u32) -> bool {
    Signature::of_word(word).is_some_and(thread::is_dead)
}

/// What is known about owners that were looked up before, during one round of looking.
#[derive(Default)]
pub struct Lookups(Vec<(u32, bool)>);

impl Lookups {
    fn is_abandoned(&mut self, word: u32) -> bool {
        let Some(owner) = Signature::of_word(word) else {
            return false;
        };
        let known = self.0.iter().find(|(bits, _)| *bits == owner.bits());
        if let Some((_, dead)) = known {
            return *dead;
        }
        let dead = thread::is_dead(owner);
        self.0.push((owner.bits(), dead));
        dead
    }
}

/// A word to wait for: until it has another value than the expected one, or is woken.
pub struct Word {
    region: Arc<Region>,
    /// The word, or the lower half of it.
    low: Words<AtomicU32>,
    expected: u32,
    /// The 64-bit word and its expected value.
    wide: Option<(Words<AtomicU64>, u64)>,
    /// The words of the owners whose death matters, too.
    owners: Words<AtomicU32>,
}

impl Word {
    /// The word of 4 bytes at `start`, or of 8 where `expected_high` is given. Only the machine's
    /// byte order is known here, which is little-endian wherever Node.js runs.
    ///
    /// # Errors
    /// `ERR_OUT_OF_RANGE` where it does not lie in the region or is not aligned.
    pub fn new(
        region: &Arc<Region>,
        start: usize,
        expected: u32,
        expected_high: Option<u32>,
        (first_owner, owners): (usize, usize),
    ) -> Result<Word> {
        let wide = expected_high
            .map(|high| {
                let expected = u64::from(high) << 32 | u64::from(expected);
                Ok((region.owned_words(start, 1)?, expected))
            })
            .transpose()?;
        Ok(Word {
            region: Arc::clone(region),
            low: region.owned_words(start, 1)?,
            expected,
            wide,
            owners: region.owned_words(first_owner, owners)?,
        })
    }

    /// The 32 bits that the system waits for, and the value it expects there.
    pub fn futex(&self) -> (&AtomicU32, u32) {
        (&self.low[0], self.expected)
    }

    /// Whether the word has another value by now, or its map has lost bytes: a lost word reads as
    /// zero, which may be just the expected value.
    pub fn has_changed(&self) -> bool {
        let changed = match &self.wide {
            Some((word, expected)) => word[0].load(Ordering::SeqCst) != *expected,
            None => self.low[0].load(Ordering::SeqCst) != self.expected,
        };
        // It is the read itself that finds out.
        changed || self.region.has_lost_bytes()
    }

    /// Whether an owner has released its word, or (where `lookups` are given) has died.
    pub fn lost_owner(&self, mut lookups: Option<&mut Lookups>) -> bool {
        self.owners.iter().any(|word| {
            let word = word.load(Ordering::SeqCst);
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
/// `ERR_OUT_OF_RANGE` as for [`Word::new`]; `ERR_MMAP_TRUNCATED` or `ERR_MMAP_IO` where the word's
/// page is gone.
pub fn wake(region: &Region, start: usize, count: u32) -> Result<usize> {
    let word = &region.words::<AtomicU32>(start, 1)?[0];
    futex::wake(word, count).map_err(|error| region.unreadable("futex", error))
}
