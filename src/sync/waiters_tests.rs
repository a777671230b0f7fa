//! The waiters in every order of waits, wakes and cancels. A thread serves two words here.

use std::sync::MutexGuard as StdGuard;

use super::*;
use crate::model::{Scenario, Task, explore, sample};

const MOST_RUNS: usize = 300_000;

/// Stands for `sync::word::Word`: a word, and perhaps the word of an owner.
pub struct Word {
    word: Arc<AtomicU32>,
    owner: Option<Arc<AtomicU32>>,
}

/// Nothing is looked up: an owner that is lost is one that has released.
#[derive(Default)]
pub struct Lookups(());

impl Word {
    pub fn futex(&self) -> (&AtomicU32, u32) {
        (&self.word, 0)
    }

    pub fn has_changed(&self) -> bool {
        self.word.load(Ordering::SeqCst) != 0
    }

    pub fn is_readable(&self) -> bool {
        true
    }

    pub fn lost_owner(&self, _: Option<&mut Lookups>) -> bool {
        let owner = self.owner.as_ref();
        owner.is_some_and(|owner| owner.load(Ordering::SeqCst) == 0)
    }
}

/// Stands for the function of a JavaScript thread: what was called, and when.
#[derive(Default)]
pub struct Settle(std::sync::Mutex<Vec<(f64, bool, Duration)>>);

impl Settle {
    pub fn call(&self, arguments: FnArgs<(f64, bool)>, _: ThreadsafeFunctionCallMode) -> Status {
        let (id, lost_owner) = arguments.data;
        let now = Instant::now().since_start();
        self.0.lock().unwrap().push((id, lost_owner, now));
        Status::Ok
    }

    pub fn aborted(&self) -> bool {
        false
    }

    /// How often each id of `0..count` was settled.
    fn counts(&self, count: usize) -> Vec<usize> {
        let calls = self.0.lock().unwrap();
        let settled = |id: usize| calls.iter().filter(|call| call.0 == id as f64).count();
        (0..count).map(settled).collect()
    }

    /// Whether no time passed before the last was settled.
    fn at_once(&self) -> bool {
        self.0.lock().unwrap().iter().all(|call| call.2.is_zero())
    }
}

/// There is one pool, so one test at a time uses it.
fn alone() -> StdGuard<'static, ()> {
    static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn word() -> Arc<AtomicU32> {
    Arc::new(AtomicU32::new(0))
}

fn pending(word: &Arc<AtomicU32>, id: usize, settle: &Arc<Settle>) -> Arc<Pending> {
    let word = Word {
        word: Arc::clone(word),
        owner: None,
    };
    Arc::new(Pending::new(word, id as f64, Arc::clone(settle)))
}

fn submitting(pending: Arc<Pending>) -> Task {
    Box::new(move || submit(pending).unwrap_or_else(|failure| panic!("{failure}")))
}

/// Changes a word and wakes its waiters, as unlocking does.
fn changing(word: Arc<AtomicU32>) -> Task {
    Box::new(move || {
        word.store(1, Ordering::SeqCst);
        futex::wake(&word, usize::MAX);
    })
}

#[test]
fn a_change_settles_the_wait_once_and_at_once() {
    let _alone = alone();
    let runs = explore(MOST_RUNS, 0, || {
        let (word, settle) = (word(), Arc::new(Settle::default()));
        let pending = pending(&word, 0, &settle);
        Scenario {
            threads: vec![submitting(pending), changing(word)],
            check: Box::new(move || {
                assert_eq!(settle.counts(1), [1]);
                assert!(
                    settle.at_once(),
                    "the wake was missed and the word looked at later"
                );
                assert_eq!(thread_count(), 0, "a thread is left");
            }),
        }
    });
    println!("{runs} orders");
}

#[test]
fn a_cancelled_wait_settles_at_most_once_and_is_released() {
    let _alone = alone();
    let runs = explore(MOST_RUNS, 0, || {
        let (word, settle) = (word(), Arc::new(Settle::default()));
        let pending = pending(&word, 0, &settle);
        let cancelled = Arc::clone(&pending);
        let weak = Arc::downgrade(&pending);
        Scenario {
            threads: vec![
                Box::new(move || {
                    submit(pending).unwrap_or_else(|failure| panic!("{failure}"));
                    cancelled.cancel();
                }),
                changing(word),
            ],
            check: Box::new(move || {
                assert!(settle.counts(1)[0] <= 1);
                assert!(settle.at_once(), "it settled long after it was cancelled");
                assert!(weak.upgrade().is_none(), "the memory is still in use");
                assert_eq!(thread_count(), 0, "a thread is left");
            }),
        }
    });
    println!("{runs} orders");
}

#[test]
fn a_wait_that_comes_while_the_thread_ends_is_served() {
    let _alone = alone();
    // The thread's lingering may end at any moment.
    let runs = explore(MOST_RUNS, 1, || {
        let words = [word(), word()];
        let settle = Arc::new(Settle::default());
        words[0].store(1, Ordering::SeqCst);
        words[1].store(1, Ordering::SeqCst);
        let first = pending(&words[0], 0, &settle);
        let second = pending(&words[1], 1, &settle);
        Scenario {
            threads: vec![submitting(first), submitting(second)],
            check: Box::new(move || {
                assert_eq!(settle.counts(2), [1, 1]);
                assert_eq!(thread_count(), 0, "a thread is left");
            }),
        }
    });
    println!("{runs} orders");
}

#[test]
fn more_waits_than_one_thread_serves_all_settle() {
    let _alone = alone();
    // There are too many orders to run them all.
    sample(2_000, 0, || {
        let words = [word(), word(), word()];
        let settle = Arc::new(Settle::default());
        let waits: Vec<_> = (0..3).map(|id| pending(&words[id], id, &settle)).collect();
        let [first, second, third] = words;
        Scenario {
            threads: vec![Box::new(move || {
                for wait in waits {
                    submit(wait).unwrap_or_else(|failure| panic!("{failure}"));
                }
                assert!(thread_count() <= 2, "more threads than the waits need");
                for word in [first, third, second] {
                    changing(word)();
                }
            })],
            check: Box::new(move || {
                assert_eq!(settle.counts(3), [1, 1, 1]);
                assert!(settle.at_once(), "a wake was missed");
                assert_eq!(thread_count(), 0, "a thread is left");
            }),
        }
    });
}

#[test]
fn an_owner_that_is_lost_settles_the_wait() {
    let _alone = alone();
    let runs = explore(MOST_RUNS, 0, || {
        let (word, owner, settle) = (word(), word(), Arc::new(Settle::default()));
        owner.store(7, Ordering::SeqCst);
        let wait = Word {
            word,
            owner: Some(Arc::clone(&owner)),
        };
        let pending = Arc::new(Pending::new(wait, 0.0, Arc::clone(&settle)));
        Scenario {
            // It wakes no thread.
            threads: vec![
                submitting(pending),
                Box::new(move || owner.store(0, Ordering::SeqCst)),
            ],
            check: Box::new(move || {
                assert_eq!(settle.counts(1), [1]);
                assert!(settle.0.lock().unwrap()[0].1, "it is not said why");
                assert_eq!(thread_count(), 0, "a thread is left");
            }),
        }
    });
    println!("{runs} orders");
}
