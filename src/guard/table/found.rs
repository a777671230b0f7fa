//! What a fault handler does with a slot. Async-signal-safe, but for [`first_faults`].

use std::sync::atomic::Ordering;

use super::{
    CHANGING, EVER, FIRST, FLAGS, FREE, IO, LIVE, PATCHES, SLOTS, STRAY_WRITE, Slot, TABLE,
    TRUNCATED, USED, WARNED,
};
use crate::guard::order;

/// A slot in use by a handler; counts itself off when dropped.
pub struct Found {
    pub(super) slot: &'static Slot,
    index: usize,
}

impl Drop for Found {
    fn drop(&mut self) {
        self.slot.users.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The slot whose range has `address`.
pub fn find(address: usize) -> Option<Found> {
    match order::floor(address) {
        Ok(index) => index.and_then(|index| Found::with(index, address)),
        // So many maps are opened and closed that the order never holds still.
        Err(order::Changing) => (0..USED.load(Ordering::SeqCst))
            .filter(|&index| TABLE[index].has(address))
            .find_map(|index| Found::with(index, address)),
    }
}

/// What a map is, as far as a fault in it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Its pages are the file's, and may be changed by [`Found::patch`].
    Live,
    /// It is being closed or made longer right now.
    Changing,
    /// All zero pages.
    Retired,
}

#[cfg_attr(
    windows,
    allow(dead_code, reason = "there a file cannot lose what is mapped")
)]
impl Found {
    fn enter(index: usize) -> Found {
        let slot = &TABLE[index];
        slot.users.fetch_add(1, Ordering::SeqCst);
        Found { slot, index }
    }

    fn with(index: usize, address: usize) -> Option<Found> {
        let found = Found::enter(index);
        // What frees the slot says so first and then looks for its users: either that is seen
        // here, or the freeing leaves this handler what it needs.
        let is_free = found.slot.state.load(Ordering::SeqCst) == FREE;
        (!is_free && found.slot.has(address)).then_some(found)
    }

    #[cfg(test)]
    pub fn generation(&self) -> u64 {
        self.slot.generation.load(Ordering::SeqCst)
    }

    /// What the map is now. Only the phase `Live` may end meanwhile.
    pub fn phase(&self) -> Phase {
        match self.slot.state.load(Ordering::SeqCst) {
            LIVE => Phase::Live,
            CHANGING => Phase::Changing,
            // The slot is freed, but the memory stays for as long as this handler is here.
            _ => Phase::Retired,
        }
    }

    /// Changes pages of the map by `patch`, which waits for no disk; whether the access may be
    /// tried again. Where the map is being closed or made longer nothing is changed.
    pub fn patch(&self, patch: impl FnOnce() -> bool) -> bool {
        self.slot.patching.fetch_add(1, Ordering::SeqCst);
        let done = self.slot.state.load(Ordering::SeqCst) != LIVE || patch();
        self.slot.patching.fetch_sub(1, Ordering::SeqCst);
        done
    }

    /// The first page's address.
    pub fn base(&self) -> usize {
        self.slot.base.load(Ordering::Relaxed)
    }

    /// The address after the last page.
    pub fn end(&self) -> usize {
        self.slot.end.load(Ordering::Relaxed)
    }

    /// Where in the file the first page is.
    pub fn offset(&self) -> u64 {
        self.slot.offset.load(Ordering::Relaxed)
    }

    /// The file's descriptor.
    pub fn descriptor(&self) -> i32 {
        self.slot.descriptor.load(Ordering::Relaxed)
    }

    /// Whether the pages are not to be written.
    pub fn is_read_only(&self) -> bool {
        self.slot.read_only.load(Ordering::Relaxed) != 0
    }

    /// How many patches the map has had before this one, and all maps together.
    pub fn count_patch(&self) -> (u32, usize) {
        (
            self.slot.patches.fetch_add(1, Ordering::Relaxed),
            PATCHES.fetch_add(1, Ordering::Relaxed),
        )
    }

    /// How many times in a row, this one included, that page was tried again. Two threads at two
    /// pages keep each other from being counted, but not for long.
    pub fn count_retry(&self, page: usize) -> u32 {
        if self.slot.retried.swap(page, Ordering::Relaxed) != page {
            self.slot.retries.store(0, Ordering::Relaxed);
        }
        self.slot.retries.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Notes that everything from the address on is lost. True where JavaScript does not know yet.
    pub fn note_truncation(&self, from: usize) -> bool {
        let lost = from - self.base();
        let before = self.slot.lost_from.fetch_min(lost, Ordering::AcqRel);
        self.raise(TRUNCATED);
        lost < before
    }

    /// Notes that the pages of a range of addresses had an I/O error.
    pub fn note_io(&self, start: usize, end: usize) -> bool {
        let base = self.base();
        self.slot.io_start.fetch_min(start - base, Ordering::AcqRel);
        self.slot.io_end.fetch_max(end - base, Ordering::AcqRel);
        self.raise(IO)
    }

    /// Notes a stray write.
    pub fn note_stray_write(&self) -> bool {
        self.slot.stray_writes.fetch_add(1, Ordering::AcqRel);
        self.raise(STRAY_WRITE)
    }

    fn raise(&self, flag: u32) -> bool {
        if FLAGS[EVER].load(Ordering::SeqCst) & flag == 0 {
            let generation = self.slot.generation.load(Ordering::Relaxed);
            let first = generation * SLOTS as u64 + self.index as u64;
            let _ = FIRST[flag.trailing_zeros() as usize].compare_exchange(
                0,
                first,
                Ordering::SeqCst,
                Ordering::SeqCst,
            );
        }
        FLAGS[EVER].fetch_or(flag, Ordering::AcqRel);
        FLAGS[self.index].fetch_or(flag, Ordering::AcqRel) & flag == 0
    }
}

/// The kinds of faults that were survived for the first time in this process since the last call,
/// each with the map where that was, unless it is closed.
pub fn first_faults() -> Vec<(u32, Option<Found>)> {
    let new = |flag: &u32| {
        FLAGS[EVER].load(Ordering::SeqCst) & flag != 0
            && FLAGS[WARNED].fetch_or(*flag, Ordering::SeqCst) & flag == 0
    };
    [TRUNCATED, IO, STRAY_WRITE]
        .into_iter()
        .filter(new)
        .map(|flag| {
            let first = FIRST[flag.trailing_zeros() as usize].load(Ordering::SeqCst);
            let (index, generation) = ((first % SLOTS as u64) as usize, first / SLOTS as u64);
            let slot = &TABLE[index];
            let found = Found::enter(index);
            let is_same = slot.state.load(Ordering::SeqCst) == LIVE
                && slot.generation.load(Ordering::Relaxed) == generation;
            (flag, is_same.then_some(found))
        })
        .collect()
}
