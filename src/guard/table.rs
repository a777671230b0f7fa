//! The table of guarded maps: static, atomic, readable by a signal handler.
//!
//! Opening a map takes a slot, closing it *retires* the slot (the range is zero pages from then on,
//! and a fault that was under way finds the slot and simply tries again), and giving back the
//! memory frees it. Closed maps whose memory is still held can be many; when no slot is free, the
//! one retired longest ago is taken from them, by when no fault of before its closing is under way.

use std::collections::VecDeque;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
#[cfg(not(test))]
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, AtomicUsize};
#[cfg(not(test))]
use std::sync::{Mutex, MutexGuard};
#[cfg(not(test))]
use std::thread;

use crate::error::{Failure, Result};
#[cfg(test)]
use crate::model::sync::{AtomicI32, AtomicU32, AtomicU64, AtomicUsize, Mutex, MutexGuard};
#[cfg(test)]
use crate::model::thread;

/// As many slots as Linux allows maps in a process by default (65,530), rounded up; two in tests.
const SLOTS: usize = if cfg!(test) { 2 } else { 65_536 };

/// The file behind the map lost pages.
pub const TRUNCATED: u32 = 1;
/// Pages could not be read or written.
pub const IO: u32 = 2;
/// Something wrote to a read-only map, and JavaScript was not told yet.
pub const STRAY_WRITE: u32 = 4;

const FREE: u32 = 0;
const LIVE: u32 = 1;
const RETIRED: u32 = 2;

/// One guarded map. Only `state` and `users` order accesses: the other fields are written before
/// the state becomes live, and read only between counting in and counting out.
pub struct Slot {
    state: AtomicU32,
    users: AtomicU32,
    /// The first page's address.
    base: AtomicUsize,
    /// The address after the last page.
    end: AtomicUsize,
    /// Where in the file the first page is, in bytes.
    offset: AtomicU64,
    descriptor: AtomicI32,
    read_only: AtomicU32,
    /// The first lost byte, counted from `base`; MAX for none.
    lost_from: AtomicUsize,
    /// The pages with I/O errors, counted from `base` in bytes; start MAX and end 0 for none.
    io_start: AtomicUsize,
    io_end: AtomicUsize,
    /// How many faults were stray writes.
    stray_writes: AtomicUsize,
    /// How many times part of the map was made different from the rest.
    patches: AtomicU32,
    /// The page that was tried again last.
    retried: AtomicUsize,
    /// How many times in a row.
    retries: AtomicU32,
    /// Which use of the slot this is.
    generation: AtomicU64,
}

impl Slot {
    /// All zeros, so that the table takes no room in the addon's file.
    const fn new() -> Slot {
        Slot {
            state: AtomicU32::new(FREE),
            users: AtomicU32::new(0),
            base: AtomicUsize::new(0),
            end: AtomicUsize::new(0),
            offset: AtomicU64::new(0),
            descriptor: AtomicI32::new(0),
            read_only: AtomicU32::new(0),
            lost_from: AtomicUsize::new(0),
            io_start: AtomicUsize::new(0),
            io_end: AtomicUsize::new(0),
            stray_writes: AtomicUsize::new(0),
            patches: AtomicU32::new(0),
            retried: AtomicUsize::new(0),
            retries: AtomicU32::new(0),
            generation: AtomicU64::new(0),
        }
    }
}

static TABLE: [Slot; SLOTS] = [const { Slot::new() }; SLOTS];

/// One word of flags per slot, apart from the slots so that JavaScript can be given just these. The
/// last but one has every flag that was ever raised; the last is JavaScript's own, for the warnings
/// that the process has given.
static FLAGS: [AtomicU32; SLOTS + 2] = [const { AtomicU32::new(0) }; SLOTS + 2];

const EVER: usize = SLOTS;

/// No slot from this one on was ever used.
static USED: AtomicUsize = AtomicUsize::new(0);

/// Which slots can be taken. Never touched by a handler.
struct Supply {
    free: Vec<u32>,
    /// Retired slots with the generation in which they were, oldest first.
    retired: VecDeque<(u32, u64)>,
}

static SUPPLY: Mutex<Supply> = Mutex::new(Supply {
    free: Vec::new(),
    retired: VecDeque::new(),
});

fn supply() -> MutexGuard<'static, Supply> {
    SUPPLY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The words of flags, for TypeScript to look at: their address and number.
pub fn flags() -> (*const u32, usize) {
    (FLAGS.as_ptr().cast(), FLAGS.len())
}

/// What has happened to a map.
pub struct Faults {
    /// The first byte, counted from the first page, that the file no longer has.
    pub lost_from: Option<usize>,
    /// The range of pages, counted from the first page in bytes, that had I/O errors.
    pub io: Option<(usize, usize)>,
    /// The number of stray writes that faulted.
    pub stray_writes: usize,
}

/// What is to be guarded.
pub struct Range {
    /// The first page's address.
    pub base: usize,
    /// The address after the last page.
    pub end: usize,
    /// Where in the file the first page is, in bytes.
    pub offset: u64,
    /// The descriptor of the file, open for as long as the watch is neither retired nor dropped.
    pub descriptor: i32,
    /// Whether the pages are not to be written.
    pub read_only: bool,
}

/// A map's place in the table. Dropping it waits for handlers that look at it; the memory may be
/// unmapped after that, not before.
pub struct Watch {
    index: u32,
    generation: u64,
}

impl Watch {
    /// Puts a range under guard.
    ///
    /// # Errors
    /// `ERR_MMAP_UNSUPPORTED` where 65,536 maps are open.
    pub fn new(range: &Range) -> Result<Watch> {
        let index = take()?;
        let slot = &TABLE[index as usize];
        let generation = slot.generation.fetch_add(1, Ordering::Relaxed) + 1;
        slot.base.store(range.base, Ordering::Relaxed);
        slot.end.store(range.end, Ordering::Relaxed);
        slot.offset.store(range.offset, Ordering::Relaxed);
        slot.descriptor.store(range.descriptor, Ordering::Relaxed);
        slot.read_only
            .store(u32::from(range.read_only), Ordering::Relaxed);
        slot.lost_from.store(usize::MAX, Ordering::Relaxed);
        slot.io_start.store(usize::MAX, Ordering::Relaxed);
        slot.io_end.store(0, Ordering::Relaxed);
        slot.stray_writes.store(0, Ordering::Relaxed);
        slot.patches.store(0, Ordering::Relaxed);
        slot.retries.store(0, Ordering::Relaxed);
        FLAGS[index as usize].store(0, Ordering::Relaxed);
        slot.state.store(LIVE, Ordering::SeqCst);
        Ok(Watch { index, generation })
    }

    fn slot(&self) -> &'static Slot {
        &TABLE[self.index as usize]
    }

    /// Which word of [`flags`] is this map's.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// The range was overlaid with zero pages: no fault in it is serious any more. Returns when no
    /// handler uses the descriptor.
    pub fn retire(&self) {
        self.slot().state.store(RETIRED, Ordering::SeqCst);
        self.slot().wait_for_users();
        FLAGS[self.index as usize].store(0, Ordering::Relaxed);
        let mut supply = supply();
        supply.retired.push_back((self.index, self.generation));
        if supply.retired.len() > 2 * SLOTS {
            supply.retired.retain(|&(index, generation)| {
                TABLE[index as usize].generation.load(Ordering::Relaxed) == generation
            });
        }
    }

    /// What has happened so far.
    pub fn faults(&self) -> Faults {
        let slot = self.slot();
        let io_start = slot.io_start.load(Ordering::Acquire);
        let io_end = slot.io_end.load(Ordering::Acquire);
        let lost_from = slot.lost_from.load(Ordering::Acquire);
        Faults {
            lost_from: (lost_from != usize::MAX).then_some(lost_from),
            io: (io_start < io_end).then_some((io_start, io_end)),
            stray_writes: slot.stray_writes.load(Ordering::Acquire),
        }
    }

    /// Whether bytes of the map were lost: they are private zeros now.
    pub fn has_lost_bytes(&self) -> bool {
        self.slot().generation.load(Ordering::Relaxed) == self.generation
            && FLAGS[self.index as usize].load(Ordering::Acquire) & (TRUNCATED | IO) != 0
    }

    /// Notes that the file was found to end before the map, at `from` bytes from the first page.
    pub fn note_truncation(&self, from: usize) {
        // While it is locked nobody takes a retired slot for another map.
        let _supply = supply();
        if self.slot().generation.load(Ordering::Relaxed) != self.generation {
            return;
        }
        self.slot().lost_from.fetch_min(from, Ordering::AcqRel);
        FLAGS[self.index as usize].fetch_or(TRUNCATED, Ordering::AcqRel);
    }

    /// JavaScript was told of the stray writes so far.
    pub fn acknowledge(&self) {
        FLAGS[self.index as usize].fetch_and(!STRAY_WRITE, Ordering::AcqRel);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let slot = self.slot();
        let mut supply = supply();
        if slot.generation.load(Ordering::Relaxed) != self.generation {
            // Retired, and taken for another map since.
            return;
        }
        slot.state.store(FREE, Ordering::SeqCst);
        slot.wait_for_users();
        FLAGS[self.index as usize].store(0, Ordering::Relaxed);
        supply.free.push(self.index);
        // Its entry among the retired, if any, is recognised as stale by its generation.
        slot.generation.fetch_add(1, Ordering::Relaxed);
    }
}

/// A slot that is free, or was never used, or else the one retired longest ago.
fn take() -> Result<u32> {
    let mut supply = supply();
    if let Some(index) = supply.free.pop() {
        return Ok(index);
    }
    let unused = USED.load(Ordering::Relaxed);
    if unused < SLOTS {
        USED.store(unused + 1, Ordering::SeqCst);
        return Ok(unused as u32);
    }
    while let Some((index, generation)) = supply.retired.pop_front() {
        let slot = &TABLE[index as usize];
        if slot.generation.load(Ordering::Relaxed) == generation {
            slot.generation.fetch_add(1, Ordering::Relaxed);
            slot.state.store(FREE, Ordering::SeqCst);
            slot.wait_for_users();
            return Ok(index);
        }
    }
    Err(Failure::unsupported(format!(
        "at most {SLOTS} guarded maps can be open at once; close some, or open with guard: false"
    )))
}

/// A slot in use by a handler; counts itself off when dropped.
pub struct Found {
    slot: &'static Slot,
    index: usize,
}

impl Drop for Found {
    fn drop(&mut self) {
        self.slot.users.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The slot whose range has `address`. Async-signal-safe, as all that follows.
pub fn find(address: usize) -> Option<Found> {
    let used = USED.load(Ordering::SeqCst);
    for (index, slot) in TABLE[..used].iter().enumerate() {
        // A first look without counting in, which may be wrong; the second may not.
        if slot.state.load(Ordering::Acquire) == FREE || !slot.has(address) {
            continue;
        }
        slot.users.fetch_add(1, Ordering::SeqCst);
        let found = Found { slot, index };
        // Whoever frees the slot first says so and then waits for its users: either that is seen
        // here, or the freeing waits for this handler.
        if slot.state.load(Ordering::SeqCst) != FREE && slot.has(address) {
            return Some(found);
        }
    }
    None
}

impl Slot {
    /// Returns when no handler looks at the slot; the state that keeps others away is set already.
    fn wait_for_users(&self) {
        while self.users.load(Ordering::SeqCst) != 0 {
            thread::yield_now();
        }
    }

    fn has(&self, address: usize) -> bool {
        (self.base.load(Ordering::Relaxed)..self.end.load(Ordering::Relaxed)).contains(&address)
    }
}

#[cfg_attr(
    windows,
    allow(dead_code, reason = "there a file cannot lose what is mapped")
)]
impl Found {
    /// Whether the map was closed: its range is zero pages, no access to it can fail. A slot that is
    /// being freed is that of a closed map, too: its descriptor may be another file's by now.
    pub fn is_retired(&self) -> bool {
        self.slot.state.load(Ordering::SeqCst) != LIVE
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

    /// How many patches the map has had before this one.
    pub fn count_patch(&self) -> u32 {
        self.slot.patches.fetch_add(1, Ordering::Relaxed)
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
        FLAGS[EVER].fetch_or(flag, Ordering::AcqRel);
        FLAGS[self.index].fetch_or(flag, Ordering::AcqRel) & flag == 0
    }
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
