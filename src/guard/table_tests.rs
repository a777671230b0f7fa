//! The table in every order of its owners and handlers. It has two slots here.

use std::sync::{Arc, MutexGuard as StdGuard};

use super::*;
use crate::model::{Scenario, Task, explore};

/// The addresses of three maps.
const A: usize = 0x1000;
const B: usize = 0x2000;
const C: usize = 0x3000;

const MOST_RUNS: usize = 200_000;

/// There is one table, so one test at a time uses it.
fn alone() -> StdGuard<'static, ()> {
    static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes the table as it is at first: a scenario must begin alike each time.
fn reset() {
    let mut supply = supply();
    supply.free.clear();
    supply.retired.clear();
    USED.store(0, Ordering::Relaxed);
    for slot in &TABLE {
        slot.state.store(FREE, Ordering::Relaxed);
        slot.users.store(0, Ordering::Relaxed);
        slot.base.store(0, Ordering::Relaxed);
        slot.end.store(0, Ordering::Relaxed);
        slot.generation.store(0, Ordering::Relaxed);
    }
    for flags in &FLAGS {
        flags.store(0, Ordering::Relaxed);
    }
}

fn watch(base: usize) -> Watch {
    let range = Range {
        base,
        end: base + 0x1000,
        offset: 0,
        descriptor: 7,
        read_only: true,
    };
    Watch::new(&range).unwrap_or_else(|failure| panic!("{failure}"))
}

/// What a map has besides its slot: whether its pages are mapped, and its file is open.
struct Map {
    mapped: AtomicU32,
    open: AtomicU32,
}

impl Map {
    fn new() -> Arc<Map> {
        Arc::new(Map {
            mapped: AtomicU32::new(1),
            open: AtomicU32::new(1),
        })
    }

    /// What closing does, in this order (`Region::retire`).
    fn retire(&self, watch: &Watch) {
        watch.retire();
        self.open.store(0, Ordering::SeqCst);
    }

    /// What releasing the memory does (the order of the fields of `Region`).
    fn release(&self, watch: Watch) {
        drop(watch);
        self.mapped.store(0, Ordering::SeqCst);
    }

    /// What the handler does after a fault at `address` of this map.
    fn fault(&self, address: usize) {
        let Some(found) = find(address) else {
            return;
        };
        assert_eq!(found.base(), address, "another map was found");
        if !found.is_retired() {
            found.note_stray_write();
            let open = self.open.load(Ordering::SeqCst);
            assert_eq!(open, 1, "the handler uses a closed file");
        }
        let mapped = self.mapped.load(Ordering::SeqCst);
        assert_eq!(mapped, 1, "the handler changes unmapped pages");
    }
}

fn flags_of(watch: &Watch) -> u32 {
    FLAGS[watch.index() as usize].load(Ordering::SeqCst)
}

#[test]
fn a_handler_uses_no_closed_file_and_no_unmapped_page() {
    let _alone = alone();
    let runs = explore(MOST_RUNS, 0, || {
        reset();
        let map = Map::new();
        let (closing, first, second) = (Arc::clone(&map), Arc::clone(&map), map);
        let watch = watch(A);
        Scenario {
            threads: vec![
                Box::new(move || {
                    closing.retire(&watch);
                    closing.release(watch);
                }),
                Box::new(move || first.fault(A)),
                Box::new(move || second.fault(A)),
            ],
            check: Box::new(|| assert!(find(A).is_none(), "the slot is free again")),
        }
    });
    println!("{runs} orders");
}

#[test]
fn a_fault_is_noted_for_the_map_that_has_it() {
    let _alone = alone();
    let runs = explore(MOST_RUNS, 0, || {
        reset();
        let map = Map::new();
        let other = Map::new();
        let watch_a = watch(A);
        let opened = Arc::new(std::sync::Mutex::new(None));
        let kept = Arc::clone(&opened);
        let faulting = Arc::clone(&map);
        Scenario {
            threads: vec![
                Box::new(move || {
                    map.retire(&watch_a);
                    map.release(watch_a);
                    // Takes the same slot.
                    *opened.lock().unwrap() = Some(watch(B));
                }),
                Box::new(move || faulting.fault(A)),
                Box::new(move || other.fault(C)),
            ],
            check: Box::new(move || {
                let watch = kept.lock().unwrap().take().unwrap();
                assert_eq!(watch.index(), 0);
                assert_eq!(watch.faults().stray_writes, 0);
                assert_eq!(flags_of(&watch), 0);
                assert!(find(B).is_some());
            }),
        }
    });
    println!("{runs} orders");
}

#[test]
fn a_retired_slot_is_taken_from_its_owner_for_good() {
    let _alone = alone();
    let runs = explore(MOST_RUNS, 0, || {
        reset();
        let (old, other) = (watch(A), watch(B));
        old.retire();
        other.retire();
        let opened = Arc::new(std::sync::Mutex::new(None));
        let kept = Arc::clone(&opened);
        let retired = Map::new();
        Scenario {
            threads: vec![
                // No slot is free, so that this one takes that of A, unless A gives it back first.
                Box::new(move || *opened.lock().unwrap() = Some(watch(C))),
                Box::new(move || {
                    old.note_truncation(0);
                    drop(old);
                }),
                Box::new(move || {
                    if let Some(found) = find(A) {
                        assert!(found.is_retired());
                        assert_eq!(retired.mapped.load(Ordering::SeqCst), 1);
                    }
                }),
            ],
            check: Box::new(move || {
                let watch = kept.lock().unwrap().take().unwrap();
                assert!(watch.faults().lost_from.is_none(), "the note was for A");
                assert_eq!(flags_of(&watch), 0);
                let found = find(C).expect("the new map is guarded");
                assert!(!found.is_retired());
                drop(found);
                drop(watch);
                drop(other);
                assert!(find(C).is_none());
            }),
        }
    });
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
        offset: 0,
        descriptor: 7,
        read_only: false,
    };
    let refusal = Watch::new(&range).err().expect("both slots are taken");
    assert!(refusal.to_string().contains("ERR_MMAP_UNSUPPORTED"));
    drop(open);
    drop(watch(C));
}
