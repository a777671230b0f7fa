//! Waiting for words of a map. TypeScript (`lib/memory/waiting.ts`) has checked the arguments.

use std::sync::Arc;
use std::time::Duration;

use napi_derive::napi;

use super::maps::MmapMut;
use super::number::integer;
use crate::sync::waiters::{self, Pending, Settle};
use crate::sync::word::{self, Word};
use crate::sys::{futex, thread};

#[napi]
impl MmapMut {
    /// Blocks until the word at `offset` changes or is woken. Answers whether that was so before
    /// the time (in ms) was over. A word has 8 bytes where `expectedHigh` is given.
    #[napi(catch_unwind)]
    pub fn wait(
        &self,
        offset: f64,
        expected: u32,
        expected_high: Option<u32>,
        timeout: f64,
    ) -> napi::Result<bool> {
        let region = self.0.region()?;
        let word = Word::new(&region, integer(offset)?, expected, expected_high, (0, 0))?;
        // Negative and infinite times do not come here; a fraction of a millisecond may.
        Ok(word.wait(Duration::try_from_secs_f64(timeout / 1000.0).unwrap_or_default()))
    }

    /// Wakes up to `count` waiters of the word, and answers how many were asleep.
    #[napi(catch_unwind)]
    pub fn wake(&self, offset: f64, count: u32) -> napi::Result<f64> {
        let region = self.0.region()?;
        Ok(word::wake(&region, integer(offset)?, count)? as f64)
    }

    /// As `wait`, without blocking: settles through `waits`, with the number `id`, also when one of
    /// the words from `firstOwner` on has lost its owner: it is 0, or the signature of a dead thread.
    #[napi(catch_unwind)]
    #[allow(
        clippy::too_many_arguments,
        reason = "an object would cost more than the call"
    )]
    pub fn wait_async(
        &self,
        waits: &Waits,
        id: f64,
        offset: f64,
        expected: u32,
        expected_high: Option<u32>,
        first_owner: f64,
        owners: u32,
    ) -> napi::Result<PendingWait> {
        let owners = (integer(first_owner)?, owners as usize);
        let region = self.0.region()?;
        let word = Word::new(&region, integer(offset)?, expected, expected_high, owners)?;
        let pending = Arc::new(Pending::new(word, id, Arc::clone(&waits.0)));
        waiters::submit(Arc::clone(&pending))?;
        Ok(PendingWait(pending))
    }
}

/// Where the waits of one JavaScript thread settle.
#[napi]
pub struct Waits(Arc<Settle>);

#[napi]
impl Waits {
    /// `settle` is called with the number of a wait and whether it ended because an owner was lost.
    #[napi(constructor, catch_unwind)]
    pub fn new(
        #[napi(ts_arg_type = "(id: number, lostOwner: boolean) => void")] settle: Settle,
    ) -> Self {
        Waits(Arc::new(settle))
    }
}

/// A wait that has not settled yet.
#[napi]
pub struct PendingWait(Arc<Pending>);

#[napi]
impl PendingWait {
    /// Ends it without settling.
    #[napi(catch_unwind)]
    pub fn cancel(&self) {
        self.0.cancel();
    }
}

/// The 30 bits by which this thread owns locks.
#[napi(catch_unwind)]
pub fn thread_signature() -> u32 {
    thread::current().bits()
}

/// 32 bits of a hash of the namespaces in which signatures can be compared; 0 where they cannot.
#[napi(catch_unwind)]
pub fn thread_namespace() -> u32 {
    thread::namespace().map_or(0, |number| {
        (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32
    })
}

/// Whether the thread whose signature is in a word has certainly ended.
#[napi(catch_unwind)]
pub fn is_abandoned(word: u32) -> bool {
    word::is_abandoned(word)
}

/// How many threads serve pending waits in this process.
#[napi(catch_unwind)]
pub fn waiter_threads() -> u32 {
    waiters::thread_count() as u32
}

/// Whether the system can wait for many words at once, as far as was tried.
#[napi(catch_unwind)]
pub fn waits_for_many() -> bool {
    futex::waits_for_many()
}
