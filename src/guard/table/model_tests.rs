//! The table in every order of its owners and handlers. It has two slots here.

use std::sync::Arc;

use super::*;
use crate::guard::alone;
use crate::model::{Scenario, Task, explore, sample};

/// The addresses of three maps.
const A: usize = 0x1000;
const B: usize = 0x2000;
const C: usize = 0x3000;

const MOST_RUNS: usize = 200_000;

/// Of scenarios with too many orders.
const DRAWN_RUNS: usize = 3_000;

/// Makes the table as it is at first: a scenario must begin alike each time.
fn reset() {
    let mut supply = supply();
    supply.free.clear();
    supply.retired.clear();
    PATCHES.store(0, Ordering::Relaxed);
    for (index, slot) in TABLE.iter().enumerate() {
        if index < USED.load(Ordering::Relaxed) && slot.state.load(Ordering::Relaxed) != FREE {
            order::remove(index as u32);
        }
        slot.state.store(FREE, Ordering::Relaxed);
        slot.users.store(0, Ordering::Relaxed);
        slot.patching.store(0, Ordering::Relaxed);
        slot.patches.store(0, Ordering::Relaxed);
        slot.base.store(0, Ordering::Relaxed);
        slot.end.store(0, Ordering::Relaxed);
        slot.generation.store(0, Ordering::Relaxed);
    }
    USED.store(0, Ordering::Relaxed);
    for flags in &FLAGS {
        flags.store(0, Ordering::Relaxed);
    }
    for first in &FIRST {
        first.store(0, Ordering::Relaxed);
    }
}

fn watch(base: usize) -> Watch {
    let range = Range {
        base,
        end: base + 0x1000,
        covered: base + 0x1000,
        offset: 0,
        descriptor: 7,
        read_only: true,
    };
    Watch::new(&range).unwrap_or_else(|failure| panic!("{failure}"))
}

/// What a map has besides its slot: whether its pages are mapped and are zero pages, and whether its
/// file is open.
struct Map {
    mapped: AtomicU32,
    zeros: AtomicU32,
    open: AtomicU32,
}

/// Sets a word of a map to 0 when it is dropped.
struct Held(Arc<Map>, fn(&Map) -> &AtomicU32);

impl Drop for Held {
    fn drop(&mut self) {
        self.1(&self.0).store(0, Ordering::SeqCst);
    }
}

impl Map {
    fn new() -> Arc<Map> {
        Arc::new(Map {
            mapped: AtomicU32::new(1),
            zeros: AtomicU32::new(0),
            open: AtomicU32::new(1),
        })
    }

    /// What closing does (`Region::retire`).
    fn retire(self: &Arc<Map>, watch: &Watch) {
        let laid = watch.retire(|| {
            self.zeros.store(1, Ordering::SeqCst);
            true
        });
        assert!(laid);
        watch.release(Held(Arc::clone(self), |map| &map.open));
    }

    /// What unmapping the memory does (`Drop` of `Region`).
    fn free(self: &Arc<Map>, watch: Watch) {
        watch.free(Held(Arc::clone(self), |map| &map.mapped));
    }

    /// What the handler does after a fault at `address` of this map.
    fn fault(&self, address: usize) {
        let Some(found) = find(address) else {
            return;
        };
        assert_eq!(found.base(), address, "another map was found");
        if found.phase() == Phase::Live {
            let open = self.open.load(Ordering::SeqCst);
            assert_eq!(open, 1, "the handler uses a closed file");
            found.patch(|| {
                let zeros = self.zeros.load(Ordering::SeqCst);
                assert_eq!(zeros, 0, "the handler lays pages over the zeros");
                found.note_stray_write();
                true
            });
        }
        let mapped = self.mapped.load(Ordering::SeqCst);
        assert_eq!(mapped, 1, "the handler changes unmapped pages");
    }
}

fn flags_of(watch: &Watch) -> u32 {
    FLAGS[watch.index() as usize].load(Ordering::SeqCst)
}

/// A map is closed and unmapped while so many handlers look at it.
fn closing(handlers: usize) -> Scenario {
    reset();
    let map = Map::new();
    let watch = watch(A);
    let mut threads: Vec<Task> = Vec::new();
    for _ in 0..handlers {
        let map = Arc::clone(&map);
        threads.push(Box::new(move || map.fault(A)));
    }
    threads.push(Box::new(move || {
        map.retire(&watch);
        map.free(watch);
    }));
    Scenario {
        threads,
        check: Box::new(|| {
            assert!(find(A).is_none(), "the slot is free again");
            assert_eq!(supply().free.len(), 1);
            assert_eq!(PATCHES.load(Ordering::Relaxed), 0);
        }),
    }
}

#[test]
fn a_handler_uses_no_closed_file_and_no_unmapped_page() {
    let _alone = alone();
    let runs = explore(MOST_RUNS, 0, || closing(1));
    println!("{runs} orders");
    sample(DRAWN_RUNS, 0, || closing(2));
}

/// A map is closed and another opened in its slot while a handler looks at each of `addresses`.
fn reopening(addresses: &[usize]) -> Scenario {
    reset();
    let map = Map::new();
    let watch_a = watch(A);
    let opened = Arc::new(std::sync::Mutex::new(None));
    let kept = Arc::clone(&opened);
    let mut threads: Vec<Task> = Vec::new();
    for &address in addresses {
        let map = Arc::clone(&map);
        threads.push(Box::new(move || map.fault(address)));
    }
    threads.push(Box::new(move || {
        map.retire(&watch_a);
        map.free(watch_a);
        // Takes the same slot, unless a handler still uses it.
        *opened.lock().unwrap() = Some(watch(B));
    }));
    Scenario {
        threads,
        check: Box::new(move || {
            let watch = kept.lock().unwrap().take().unwrap();
            assert_eq!(watch.faults().stray_writes, 0);
            assert_eq!(flags_of(&watch), 0);
            assert!(find(B).is_some());
            // Other tests find what is left in the table.
            watch.free(());
        }),
    }
}

#[test]
fn a_fault_is_noted_for_the_map_that_has_it() {
    let _alone = alone();
    let runs = explore(MOST_RUNS, 0, || reopening(&[A]));
    println!("{runs} orders");
    sample(DRAWN_RUNS, 0, || reopening(&[A, C]));
}

#[test]
fn a_retired_slot_is_taken_from_its_owner_for_good() {
    let _alone = alone();
    let runs = explore(MOST_RUNS, 0, || {
        reset();
        let (old, other) = (watch(A), watch(B));
        for watch in [&old, &other] {
            assert!(watch.retire(|| true));
        }
        let opened = Arc::new(std::sync::Mutex::new(None));
        let kept = Arc::clone(&opened);
        let map = Map::new();
        let memory = Held(Arc::clone(&map), |map| &map.mapped);
        Scenario {
            threads: vec![
                // No slot is free, so that this one takes that of A, unless A gives it back first.
                Box::new(move || *opened.lock().unwrap() = Some(watch(C))),
                Box::new(move || {
                    old.note_truncation(0);
                    old.free(memory);
                }),
                Box::new(move || {
                    if let Some(found) = find(A) {
                        assert_ne!(found.phase(), Phase::Live);
                        assert_eq!(map.mapped.load(Ordering::SeqCst), 1);
                    }
                }),
            ],
            check: Box::new(move || {
                let watch = kept.lock().unwrap().take().unwrap();
                assert!(watch.faults().lost_from.is_none(), "the note was for A");
                assert_eq!(flags_of(&watch), 0);
                let found = find(C).expect("the new map is guarded");
                assert_eq!(found.phase(), Phase::Live);
                drop(found);
                watch.free(());
                other.free(());
                assert!(find(C).is_none());
            }),
        }
    });
    println!("{runs} orders");
}

/// A map grows while a handler looks at the page behind its end, once and again.
fn growing() -> Scenario {
    reset();
    let range = Range {
        base: A,
        end: A + 0x3000,
        covered: A + 0x1000,
        offset: 0,
        descriptor: 7,
        read_only: false,
    };
    let watch = Watch::new(&range).unwrap_or_else(|failure| panic!("{failure}"));
    // The first address with zero pages.
    let zeros = Arc::new(AtomicUsize::new(usize::MAX));
    let (laying, growing) = (Arc::clone(&zeros), Arc::clone(&zeros));
    let watch = Arc::new(watch);
    let grown = Arc::clone(&watch);
    Scenario {
        threads: vec![
            Box::new(move || {
                for page in [A + 0x2000, A + 0x1000] {
                    let found = find(page).expect("the map is guarded");
                    // Else the access is tried again.
                    if found.phase() != Phase::Live {
                        continue;
                    }
                    let again = found.fill(page, |start, end| {
                        assert_eq!(end, A + 0x3000);
                        assert!(start >= found.covered(), "zeros over the map's own pages");
                        laying.store(start, Ordering::SeqCst);
                        assert!(start >= found.covered(), "the map grows under the zeros");
                        true
                    });
                    assert!(again);
                }
            }),
            Box::new(move || {
                let done = grown.grow(
                    |from| {
                        assert_eq!(growing.swap(usize::MAX, Ordering::SeqCst), from);
                        true
                    },
                    || {
                        Some(Reach {
                            covered: A + 0x2000,
                            end: A + 0x3000,
                        })
                    },
                );
                assert!(done);
            }),
        ],
        check: Box::new(move || {
            let left = zeros.load(Ordering::SeqCst);
            assert!(
                left >= A + 0x2000,
                "zeros are left over the map's own pages"
            );
            let found = find(A).expect("the map is guarded");
            assert_eq!(found.covered(), A + 0x2000);
            assert_eq!(found.filled() == A + 0x2000, left == A + 0x2000);
            drop(found);
            assert_eq!(flags_of(&watch), 0);
            let watch = Arc::into_inner(watch).expect("the threads have ended");
            watch.free(());
        }),
    }
}

#[test]
fn a_page_that_a_map_has_grown_to_is_never_under_zeros() {
    let _alone = alone();
    let runs = explore(MOST_RUNS, 0, growing);
    println!("{runs} orders");
}

/// A map grows over zero pages in its reserve, of which a handler wants to write to one.
fn growing_over_zeros() -> Scenario {
    reset();
    let range = Range {
        base: A,
        end: A + 0x2000,
        covered: A + 0x1000,
        offset: 0,
        descriptor: 7,
        read_only: true,
    };
    let watch = Watch::new(&range).unwrap_or_else(|failure| panic!("{failure}"));
    let page = A + 0x1000;
    let handled = find(page).expect("the map is guarded");
    assert!(handled.fill(page, |_, _| true));
    let zeros = Arc::new(AtomicU32::new(1));
    let (patched, restored) = (Arc::clone(&zeros), Arc::clone(&zeros));
    Scenario {
        threads: vec![
            Box::new(move || {
                handled.patch_page(page, |is_filled| {
                    let are_zeros = patched.load(Ordering::SeqCst) == 1;
                    assert_eq!(
                        is_filled, are_zeros,
                        "a page of the file is taken for a zero page"
                    );
                    true
                });
            }),
            Box::new(move || {
                let restore = |_| {
                    restored.store(0, Ordering::SeqCst);
                    true
                };
                let (covered, end) = (A + 0x2000, A + 0x2000);
                assert!(watch.grow(restore, || Some(Reach { covered, end })));
                watch.free(());
            }),
        ],
        check: Box::new(move || assert_eq!(zeros.load(Ordering::SeqCst), 0)),
    }
}

#[test]
fn a_patch_knows_which_pages_are_zero_pages() {
    let _alone = alone();
    let runs = explore(MOST_RUNS, 0, growing_over_zeros);
    println!("{runs} orders");
}

#[test]
fn maps_that_are_open_at_once_have_slots_of_their_own() {
    let _alone = alone();
    let runs = explore(MOST_RUNS, 0, || {
        reset();
        let task = |base: usize| -> Task {
            Box::new(move || {
                let watch = watch(base);
                let found = find(base).expect("the map is guarded");
                assert_eq!(found.base(), base);
                found.note_stray_write();
                drop(found);
                assert_eq!(watch.faults().stray_writes, 1);
                watch.free(());
            })
        };
        Scenario {
            threads: vec![task(A), task(B)],
            check: Box::new(|| {
                assert_eq!(supply().free.len(), USED.load(Ordering::Relaxed));
            }),
        }
    });
    println!("{runs} orders");
}

#[test]
fn more_maps_than_slots_are_refused() {
    let _alone = alone();
    reset();
    let open = [watch(A), watch(B)];
    let range = Range {
        base: C,
        end: C + 0x1000,
        covered: C + 0x1000,
        offset: 0,
        descriptor: 7,
        read_only: false,
    };
    let refusal = Watch::new(&range).err().expect("both slots are taken");
    assert!(refusal.to_string().contains("ERR_MMAP_UNSUPPORTED"));
    for watch in open {
        watch.free(());
    }
    watch(C).free(());
}
