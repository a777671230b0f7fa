//! Handlers against closing and unmapping.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::thread;

use super::*;
use crate::guard::alone;

/// What happens to the pages and the file of one use of a slot.
#[derive(Default)]
struct Fate {
    has_zeros: AtomicBool,
    is_closed: AtomicBool,
    is_unmapped: AtomicBool,
}

/// Sets its flag when it is dropped.
struct Drops(Arc<Fate>, fn(&Fate) -> &AtomicBool);

impl Drop for Drops {
    fn drop(&mut self) {
        self.1(&self.0).store(true, Ordering::SeqCst);
    }
}

struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Handlers find, use and patch a map while it is closed and unmapped, many times.
#[test]
fn nothing_is_taken_from_a_handler_nor_laid_over_zeros() {
    const ROUNDS: usize = 10_000;
    const ADDRESS: usize = 0x7000_0000_0000;
    let _alone = alone();
    let current = Mutex::new(Arc::new(Fate::default()));
    let is_done = AtomicBool::new(false);
    let met = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !is_done.load(Ordering::SeqCst) {
                    let Some(found) = find(ADDRESS + 8) else {
                        thread::yield_now();
                        continue;
                    };
                    // The fate is the one of this use, unless the slot is free already.
                    let fate = Arc::clone(&current.lock().unwrap());
                    let generation = found.generation();
                    if found.phase() != Phase::Live {
                        continue;
                    }
                    met.fetch_add(1, Ordering::Relaxed);
                    // As long as a disk may take.
                    thread::yield_now();
                    // Freeing counts up once, and so does another use.
                    assert!(found.generation() < generation + 2, "the slot was taken");
                    assert!(
                        !fate.is_closed.load(Ordering::SeqCst),
                        "the file was closed"
                    );
                    assert!(!fate.is_unmapped.load(Ordering::SeqCst), "it was unmapped");
                    found.patch(|| {
                        assert!(!fate.has_zeros.load(Ordering::SeqCst), "laid over zeros");
                        (0..4).for_each(|_| thread::yield_now());
                        assert!(!fate.has_zeros.load(Ordering::SeqCst), "laid under zeros");
                        true
                    });
                }
            });
        }
        // Also where an assertion below fails.
        let _done = Done(&is_done);
        for round in 0..ROUNDS {
            let fate = Arc::new(Fate::default());
            let range = Range {
                base: ADDRESS,
                end: ADDRESS + 4096,
                covered: ADDRESS + 4096,
                offset: 0,
                descriptor: -1,
                read_only: false,
            };
            // Handlers may keep both slots for a moment, and wait for the lock then.
            let watch = loop {
                let mut current = current.lock().unwrap();
                if let Ok(watch) = Watch::new(&range) {
                    *current = Arc::clone(&fate);
                    break watch;
                }
                drop(current);
                thread::yield_now();
            };
            (0..4).for_each(|_| thread::yield_now());
            if round % 2 == 0 {
                let laid = watch.retire(|| {
                    fate.has_zeros.store(true, Ordering::SeqCst);
                    true
                });
                assert!(laid);
                watch.release(Drops(Arc::clone(&fate), |fate| &fate.is_closed));
            }
            watch.free(Drops(fate, |fate| &fate.is_unmapped));
        }
    });
    assert!(
        met.load(Ordering::Relaxed) > 100,
        "hardly any handler met a live map"
    );
    assert!(find(ADDRESS).is_none());
}
