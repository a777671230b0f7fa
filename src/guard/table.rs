//! The table of guarded maps: static, atomic, readable by a signal handler.
//!
//! Opening a map takes a slot, closing it *retires* the slot (the range is zero pages from then on,
//! and a fault that was under way finds the slot and simply tries again), and unmapping the memory
//! frees it. Closed maps whose memory is still held can be many; when no slot is free, the one
//! retired longest ago is taken from them, by when no fault of before its closing is under way.
//!
//! A handler uses a slot in two steps, and both say so first and look at the state then, while
//! what changes the state changes it first and looks at the counter then: so one of the two
//! always sees the other (all accesses are sequentially consistent).
//!
//! - *Using* it, which may take as long as a disk does: `users` counts. The descriptor is closed
//!   and the memory unmapped only when there are none, by a thread that can wait (`deferred.rs`).
//! - *Patching* the pages, which takes one or two system calls that wait for no disk: `patching`
//!   counts. Closing waits for these before it lays its zero pages, and no other patch begins: so
//!   nothing is ever laid over those. Growing waits for them in the same way.

use std::collections::VecDeque;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
#[cfg(not(test))]
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, AtomicUsize};
#[cfg(not(test))]
use std::sync::{Mutex, MutexGuard};
#[cfg(not(test))]
use std::thread;

use super::{deferred, order};
use crate::error::{Failure, Result};
#[cfg(test)]
use crate::model::sync::{AtomicI32, AtomicU32, AtomicU64, AtomicUsize, Mutex, MutexGuard};
#[cfg(test)]
use crate::model::thread;

mod found;
mod growth;
#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod thread_tests;

pub use found::{Found, Phase, find, first_faults};
pub use growth::Reach;

/// The number of slots: two in tests, whose threads shall meet in them.
const SLOTS: usize = if cfg!(test) { 2 } else { order::MOST };

/// The file behind the map lost pages.
pub const TRUNCATED: u32 = 1;
/// Pages could not be read or written.
pub const IO: u32 = 2;
/// Something wrote to a read-only map, and JavaScript was not told yet.
pub const STRAY_WRITE: u32 = 4;

const FREE: u32 = 0;
const LIVE: u32 = 1;
/// The map is being closed or made longer: no handler may change its pages.
const CHANGING: u32 = 2;
const RETIRED: u32 = 3;

/// One guarded map. Only `state`, `users` and `patching` order accesses: the other fields are
/// written before the state becomes live, and read only between counting in and counting out. What
/// growing changes (`end`, `covered` and `filled`) is relied on by patches only.
pub struct Slot {
    state: AtomicU32,
    /// How many handlers look at the slot.
    users: AtomicU32,
    /// How many handlers change its pages right now.
    patching: AtomicU32,
    /// The first page's address.
    base: AtomicUsize,
    /// The address after the last page.
    end: AtomicUsize,
    /// The address after the last page that has bytes of the map; what follows is its reserve.
    covered: AtomicUsize,
    /// The address from which on zero pages lie over the reserve; MAX for none.
    filled: AtomicUsize,
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
            patching: AtomicU32::new(0),
            base: AtomicUsize::new(0),
            end: AtomicUsize::new(0),
            covered: AtomicUsize::new(0),
            filled: AtomicUsize::new(0),
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
const WARNED: usize = SLOTS + 1;

/// For each flag, where it was first raised: the slot's generation (never 0) times the number of
/// slots, plus the slot.
static FIRST: [AtomicU64; 3] = [const { AtomicU64::new(0) }; 3];

/// How many patches all maps have by now.
static PATCHES: AtomicUsize = AtomicUsize::new(0);

/// No slot from this one on was ever used.
static USED: AtomicUsize = AtomicUsize::new(0);

/// Which slots can be taken. Never touched by a handler.
pub(super) struct Supply {
    free: Vec<u32>,
    /// Retired slots with the generation in which they were, oldest first.
    retired: VecDeque<(u32, u64)>,
}

static SUPPLY: Mutex<Supply> = Mutex::new(Supply {
    free: Vec::new(),
    retired: VecDeque::new(),
});

pub(super) fn supply() -> MutexGuard<'static, Supply> {
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
    /// The address after the last page that the file is known to have.
    pub covered: usize,
    /// Where in the file the first page is, in bytes.
    pub offset: u64,
    /// The descriptor of the file, open for as long as the watch is neither retired nor dropped.
    pub descriptor: i32,
    /// Whether the pages are not to be written.
    pub read_only: bool,
}

/// A map's place in the table, from [`Watch::new`] to [`Watch::free`].
#[must_use]
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
        let mut supply = supply();
        let index = take(&mut supply)?;
        let slot = &TABLE[index as usize];
        let generation = slot.generation.fetch_add(1, Ordering::Relaxed) + 1;
        slot.base.store(range.base, Ordering::Relaxed);
        slot.end.store(range.end, Ordering::Relaxed);
        slot.covered.store(range.covered, Ordering::Relaxed);
        slot.filled.store(usize::MAX, Ordering::Relaxed);
        slot.offset.store(range.offset, Ordering::Relaxed);
        slot.descriptor.store(range.descriptor, Ordering::Relaxed);
        slot.read_only
            .store(u32::from(range.read_only), Ordering::Relaxed);
        slot.lost_from.store(usize::MAX, Ordering::Relaxed);
        slot.io_start.store(usize::MAX, Ordering::Relaxed);
        slot.io_end.store(0, Ordering::Relaxed);
        slot.stray_writes.store(0, Ordering::Relaxed);
        slot.retries.store(0, Ordering::Relaxed);
        FLAGS[index as usize].store(0, Ordering::Relaxed);
        order::insert(index, range.base);
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

    /// Calls `lay`, which lays zero pages over the range, while no handler changes its pages, and
    /// answers what it answers. Where that is true no handler changes them any more, and no fault
    /// in the range is serious.
    pub fn retire(&self, lay: impl FnOnce() -> bool) -> bool {
        let slot = self.slot();
        slot.state.store(CHANGING, Ordering::SeqCst);
        slot.wait_for_patches();
        if !lay() {
            slot.state.store(LIVE, Ordering::SeqCst);
            return false;
        }
        slot.state.store(RETIRED, Ordering::SeqCst);
        slot.forget_patches();
        FLAGS[self.index as usize].store(0, Ordering::Relaxed);
        let mut supply = supply();
        supply.retired.push_back((self.index, self.generation));
        if supply.retired.len() > 2 * SLOTS {
            supply.retired.retain(|&(index, generation)| {
                TABLE[index as usize].generation.load(Ordering::Relaxed) == generation
            });
        }
        true
    }

    /// Drops the descriptor of a retired map once no handler uses it.
    pub fn release(&self, descriptor: impl Send + 'static) {
        deferred::when_unused(&self.slot().users, move || drop(descriptor));
    }

    /// Ends the guard, and drops the memory and the descriptor once no handler uses them.
    pub fn free(self, held: impl Send + 'static) {
        let slot = self.slot();
        {
            let _supply = supply();
            if slot.generation.load(Ordering::Relaxed) != self.generation {
                // Retired, unused and taken for another map since.
                return;
            }
            slot.state.store(FREE, Ordering::SeqCst);
            order::remove(self.index);
            // Its entry among the retired, if any, is recognised as stale by its generation.
            slot.generation.fetch_add(1, Ordering::Relaxed);
        }
        deferred::when_unused(&slot.users, move || {
            drop(held);
            slot.forget_patches();
            FLAGS[self.index as usize].store(0, Ordering::Relaxed);
            supply().free.push(self.index);
        });
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

    /// The flags of the kinds of faults that JavaScript has to be told of.
    pub fn raised(&self) -> u32 {
        match self.slot().generation.load(Ordering::Relaxed) == self.generation {
            true => FLAGS[self.index as usize].load(Ordering::Acquire),
            false => 0,
        }
    }

    /// Whether bytes of the map were lost: they are private zeros now.
    pub fn has_lost_bytes(&self) -> bool {
        self.raised() & (TRUNCATED | IO) != 0
    }

    /// Notes that the file was found to end before the map, at `from` bytes from the first page.
    pub fn note_truncation(&self, from: usize) {
        let faults = Faults {
            lost_from: Some(from),
            io: None,
            stray_writes: 0,
        };
        self.note(&faults, TRUNCATED);
    }

    /// Notes what no handler has met here, and raises `flags`.
    pub fn note(&self, faults: &Faults, flags: u32) {
        // While it is locked no retired slot is taken for another map.
        let _supply = supply();
        let slot = self.slot();
        if slot.generation.load(Ordering::Relaxed) != self.generation {
            return;
        }
        if let Some(from) = faults.lost_from {
            slot.lost_from.fetch_min(from, Ordering::AcqRel);
        }
        if let Some((start, end)) = faults.io {
            slot.io_start.fetch_min(start, Ordering::AcqRel);
            slot.io_end.fetch_max(end, Ordering::AcqRel);
        }
        slot.stray_writes
            .fetch_add(faults.stray_writes, Ordering::AcqRel);
        FLAGS[self.index as usize].fetch_or(flags, Ordering::AcqRel);
    }

    /// JavaScript was told of the stray writes so far.
    pub fn acknowledge(&self) {
        FLAGS[self.index as usize].fetch_and(!STRAY_WRITE, Ordering::AcqRel);
    }
}

/// The flags of the map at that slot; none for a number that is no slot.
pub fn raised(index: u32) -> u32 {
    match (index as usize) < SLOTS {
        true => FLAGS[index as usize].load(Ordering::Acquire),
        false => 0,
    }
}

/// A slot that is free, or was never used, or else the one retired longest ago.
fn take(supply: &mut Supply) -> Result<u32> {
    if let Some(index) = supply.free.pop() {
        return Ok(index);
    }
    let unused = USED.load(Ordering::Relaxed);
    if unused < SLOTS {
        USED.store(unused + 1, Ordering::SeqCst);
        return Ok(unused as u32);
    }
    for _ in 0..supply.retired.len() {
        let Some((index, generation)) = supply.retired.pop_front() else {
            break;
        };
        let slot = &TABLE[index as usize];
        if slot.generation.load(Ordering::Relaxed) != generation {
            continue;
        }
        if slot.users.load(Ordering::SeqCst) != 0 {
            supply.retired.push_back((index, generation));
            continue;
        }
        slot.generation.fetch_add(1, Ordering::Relaxed);
        slot.state.store(FREE, Ordering::SeqCst);
        order::remove(index);
        // A handler that came just now has seen that the map is retired, and waits for nothing.
        slot.wait_for_users();
        return Ok(index);
    }
    Err(Failure::unsupported(format!(
        "at most {SLOTS} guarded maps can be open at once; close some, or open with guard: false"
    )))
}

impl Slot {
    /// Returns when no handler looks at the slot; the state that keeps others away is set already.
    fn wait_for_users(&self) {
        while self.users.load(Ordering::SeqCst) != 0 {
            thread::yield_now();
        }
    }

    /// Returns when no handler changes pages; the state that keeps others from it is set already.
    fn wait_for_patches(&self) {
        while self.patching.load(Ordering::SeqCst) != 0 {
            thread::yield_now();
        }
    }

    fn forget_patches(&self) {
        let patches = self.patches.swap(0, Ordering::Relaxed);
        PATCHES.fetch_sub(patches as usize, Ordering::Relaxed);
    }

    fn has(&self, address: usize) -> bool {
        (self.base.load(Ordering::Relaxed)..self.end.load(Ordering::Relaxed)).contains(&address)
    }
}
