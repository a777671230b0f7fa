//! Threads as the owners of locks: their signatures, and whether they still live.

#[cfg_attr(target_os = "linux", path = "linux.rs")]
#[cfg_attr(target_vendor = "apple", path = "apple.rs")]
#[cfg_attr(windows, path = "windows.rs")]
mod platform;

#[cfg(any(target_vendor = "apple", test))]
mod numbers;

pub use platform::{current, is_dead, namespace};

/// The signature of a thread: 22 bits of its id and 8 bits of a hash of its start time, which is
/// never 0. The word of a lock has its owner's signature; the two bits above are the word's own. `docs/synchronisation.md` describes it for other languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature(u32);

impl Signature {
    const ID_BITS: u32 = 22;
    const BITS: u32 = 30;

    /// The signature of the thread `id` (Linux allows ids below 2^22, `PID_MAX_LIMIT`) that was
    /// started at `start_time`, in whatever unit.
    pub fn new(id: u32, start_time: u64) -> Signature {
        // Fibonacci hashing: the highest bits of the product depend on every bit of the time.
        let hash = (start_time.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u32;
        let id = id & ((1 << Self::ID_BITS) - 1);
        Signature(hash.max(1) << Self::ID_BITS | id)
    }

    /// The owner's signature in a word, if it has one.
    pub fn of_word(word: u32) -> Option<Signature> {
        let owner = Signature(word & ((1 << Self::BITS) - 1));
        (owner.id() != 0).then_some(owner)
    }

    /// The thread's id.
    pub fn id(self) -> u32 {
        self.0 & ((1 << Self::ID_BITS) - 1)
    }

    /// The 30 bits.
    pub fn bits(self) -> u32 {
        self.0
    }
}
