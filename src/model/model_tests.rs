//! The model finds what it is for.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex as StdMutex};

use super::sync::{AtomicU32, Mutex};
use super::{Scenario, Task, explore};

/// What `thread` computes in all orders of two of its kind, over two words.
fn outcomes(thread: fn(&AtomicU32, &AtomicU32) -> u32) -> BTreeSet<(u32, u32)> {
    let seen = Arc::new(StdMutex::new(BTreeSet::new()));
    explore(1000, 0, || {
        let words = Arc::new((AtomicU32::new(0), AtomicU32::new(0)));
        let results = Arc::new(StdMutex::new((0, 0)));
        let task = |second: bool| -> Task {
            let (words, results) = (Arc::clone(&words), Arc::clone(&results));
            Box::new(move || match second {
                false => {
                    let result = thread(&words.0, &words.1);
                    results.lock().unwrap().0 = result;
                }
                true => {
                    let result = thread(&words.1, &words.0);
                    results.lock().unwrap().1 = result;
                }
            })
        };
        let (seen, results) = (Arc::clone(&seen), Arc::clone(&results));
        Scenario {
            threads: vec![task(false), task(true)],
            check: Box::new(move || {
                seen.lock().unwrap().insert(*results.lock().unwrap());
            }),
        }
    });
    let seen = seen.lock().unwrap();
    seen.clone()
}

#[test]
fn all_orders_of_two_threads_are_seen() {
    // Announce, then look: at least one sees the other.
    let announced = outcomes(|own, other| {
        own.store(1, Ordering::SeqCst);
        other.load(Ordering::SeqCst)
    });
    assert_eq!(announced, BTreeSet::from([(0, 1), (1, 0), (1, 1)]));
    // Look, then announce: both may miss each other.
    let looked = outcomes(|own, other| {
        let seen = other.load(Ordering::SeqCst);
        own.store(1, Ordering::SeqCst);
        seen
    });
    assert_eq!(looked, BTreeSet::from([(0, 0), (0, 1), (1, 0)]));
}

#[test]
#[should_panic(expected = "all threads are blocked")]
fn locks_taken_in_opposite_orders_are_found_to_block() {
    explore(1000, 0, || {
        let locks = Arc::new((Mutex::new(()), Mutex::new(())));
        let other = Arc::clone(&locks);
        Scenario {
            threads: vec![
                Box::new(move || {
                    let _first = locks.0.lock();
                    let _second = locks.1.lock();
                }),
                Box::new(move || {
                    let _first = other.1.lock();
                    let _second = other.0.lock();
                }),
            ],
            check: Box::new(|| {}),
        }
    });
}
