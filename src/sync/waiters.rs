//! The threads that wait for the promises of all JavaScript threads of the process.
//!
//! A thread serves as many words as the system lets it wait for at once (127 with futex_waitv(2)),
//! so there are at most 1 + words/127 of them; with nothing to wait for they end. Blocking libuv's
//! threads instead would stop all file operations of the process after four waits.
//!
//! A process can die between changing a word and waking its waiters, so the threads look at their
//! words every 50 ms by themselves, and then also whether owners have died.

use std::sync::atomic::Ordering;
#[cfg(not(test))]
use std::sync::atomic::{AtomicBool, AtomicU32};
use std::sync::{Arc, PoisonError, Weak};
#[cfg(not(test))]
use std::sync::{Mutex, MutexGuard};
#[cfg(not(test))]
use std::thread;
use std::time::Duration;
#[cfg(not(test))]
use std::time::Instant;

use napi::Status;
use napi::bindgen_prelude::FnArgs;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};

#[cfg(test)]
use self::tests::{Lookups, Settle, Word};
use crate::error::{Failure, Result};
#[cfg(test)]
use crate::model::{
    futex::{self, MOST_WORDS, Woken},
    sync::{AtomicBool, AtomicU32, Mutex, MutexGuard},
    thread,
    time::Instant,
};
#[cfg(not(test))]
use crate::sync::word::{Lookups, Word};
#[cfg(not(test))]
use crate::sys::futex::{self, MOST_WORDS, Woken};

/// How often the threads look by themselves.
const SLICE: Duration = Duration::from_millis(50);

/// How long a thread with nothing to wait for stays, so that a busy lock need not start one for
/// every wait.
const LINGER: Duration = Duration::from_secs(1);

/// How often to look where the system cannot wait for several words: at first, and at most.
const FIRST_POLL: Duration = Duration::from_micros(250);
const LAST_POLL: Duration = Duration::from_millis(16);

/// Calls the JavaScript thread that waits, with the number of the wait and whether an owner was
/// lost. It does not keep that thread's event loop alive; `lib/memory/waiting.ts` does while it waits.
#[cfg(not(test))]
pub type Settle =
    ThreadsafeFunction<FnArgs<(f64, bool)>, (), FnArgs<(f64, bool)>, Status, false, true, 0>;

/// One pending wait.
pub struct Pending {
    word: Word,
    id: f64,
    settle: Arc<Settle>,
    cancelled: AtomicBool,
    /// The thread that serves it.
    waiter: Mutex<Weak<Waiter>>,
}

impl Pending {
    /// A wait that will call `settle` with `id`.
    pub fn new(word: Word, id: f64, settle: Arc<Settle>) -> Pending {
        Pending {
            word,
            id,
            settle,
            cancelled: AtomicBool::new(false),
            waiter: Mutex::default(),
        }
    }

    /// Ends the wait: nothing is called any more but what is on its way already, and the memory is
    /// released at once. Costs no more however many waits there are.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::SeqCst);
        // A thread that gets the wait after this looks at it first of all.
        let waiter = self.waiter().upgrade();
        if let Some(waiter) = waiter {
            waiter.ring();
        }
    }

    fn waiter(&self) -> MutexGuard<'_, Weak<Waiter>> {
        self.waiter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_over(&self) -> bool {
        self.cancelled.load(Ordering::SeqCst) || self.settle.aborted()
    }

    fn settle(&self, lost_owner: bool) {
        // Fails only where the JavaScript thread has ended, and with it the wait.
        let _: Status = self.settle.call(
            FnArgs::from((self.id, lost_owner)),
            ThreadsafeFunctionCallMode::NonBlocking,
        );
    }
}

/// One thread.
struct Waiter {
    /// Changed whenever the thread has to look at its inbox or for cancelled waits.
    alarm: AtomicU32,
    /// Whether the alarm was changed since the thread looked: then it need not be again.
    rung: AtomicBool,
    /// What it was given and has not taken up yet, and how many waits it serves with those.
    /// Changed only while the pool is locked.
    inbox: Mutex<Inbox>,
}

#[derive(Default)]
struct Inbox {
    new: Vec<Arc<Pending>>,
    served: usize,
}

static POOL: Mutex<Vec<Arc<Waiter>>> = Mutex::new(Vec::new());

fn pool() -> MutexGuard<'static, Vec<Arc<Waiter>>> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The number of threads, for tests.
pub fn thread_count() -> usize {
    pool().len()
}

/// Serves the wait from now on.
///
/// # Errors
/// What the system refuses where a thread has to be started.
pub fn submit(pending: Arc<Pending>) -> Result<()> {
    let mut pool = pool();
    // The fullest that has room: the others may run empty and end.
    let roomy = pool
        .iter()
        .filter(|waiter| waiter.inbox().served < MOST_WORDS)
        .max_by_key(|waiter| waiter.inbox().served);
    if let Some(waiter) = roomy {
        waiter.give(pending);
        return Ok(());
    }
    let waiter = Arc::new(Waiter {
        alarm: AtomicU32::new(0),
        rung: AtomicBool::new(false),
        inbox: Mutex::default(),
    });
    let served = Arc::clone(&waiter);
    thread::Builder::new()
        .name("memmap-wait".to_owned())
        .stack_size(128 * 1024)
        .spawn(move || served.run())
        .map_err(Failure::system("pthread_create"))?;
    waiter.give(pending);
    pool.push(waiter);
    Ok(())
}

impl Waiter {
    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the thread look at its inbox and for cancelled waits.
    fn ring(&self) {
        if !self.rung.swap(true, Ordering::SeqCst) {
            futex::ring(&self.alarm);
        }
    }

    /// Only while the pool is locked.
    fn give(self: &Arc<Waiter>, pending: Arc<Pending>) {
        *pending.waiter() = Arc::downgrade(self);
        let mut inbox = self.inbox();
        inbox.new.push(pending);
        inbox.served += 1;
        drop(inbox);
        self.ring();
    }

    fn run(self: Arc<Waiter>) {
        let mut waits: Vec<Arc<Pending>> = Vec::new();
        let mut woken = Woken::Nothing;
        let mut next_look = Instant::now() + SLICE;
        let mut poll = FIRST_POLL;
        let mut idle_since = Instant::now();
        loop {
            // Before the inbox is read: what comes later rings the alarm again.
            self.rung.store(false, Ordering::SeqCst);
            let rung = self.alarm.load(Ordering::SeqCst);
            // Behind the others, to whose numbers `woken` refers.
            waits.append(&mut self.inbox().new);
            let before = waits.len();
            settle(&mut waits, woken, &mut next_look);
            let settled = before - waits.len();
            if settled > 0 {
                poll = FIRST_POLL;
                idle_since = Instant::now();
                if self.leave_to_others(&mut waits, settled) {
                    return;
                }
            }
            if waits.is_empty()
                && idle_since.elapsed() >= LINGER
                && self.leave_to_others(&mut waits, 0)
            {
                return;
            }
            let timeout = if waits.is_empty() {
                LINGER
            } else if futex::waits_for_many() {
                SLICE
            } else {
                poll = (poll * 2).min(LAST_POLL);
                poll
            };
            let words: Vec<_> = waits.iter().map(|wait| wait.word.futex()).collect();
            woken = futex::wait_any(&self.alarm, rung, &words, timeout);
        }
    }

    /// After `settled` waits have gone: hands the rest to other threads where they have room, so
    /// that there are never more threads than the waits need. Answers whether this one ends.
    fn leave_to_others(self: &Arc<Waiter>, waits: &mut Vec<Arc<Pending>>, settled: usize) -> bool {
        let mut pool = pool();
        let mut inbox = self.inbox();
        inbox.served -= settled;
        let left = inbox.served;
        let others = || pool.iter().filter(|other| !Arc::ptr_eq(other, self));
        let room: usize = others()
            .map(|other| MOST_WORDS - other.inbox().served)
            .sum();
        // The last thread lingers, others have nothing to stay for.
        let idle = left == 0 && (settled == 0 || pool.len() > 1);
        if !idle && (left == 0 || room < left) {
            return false;
        }
        waits.append(&mut inbox.new);
        drop(inbox);
        for other in others() {
            let room = MOST_WORDS - other.inbox().served;
            for wait in waits.drain(..room.min(waits.len())) {
                other.give(wait);
            }
        }
        pool.retain(|waiter| !Arc::ptr_eq(waiter, self));
        true
    }
}

/// Settles and removes what is over.
fn settle(waits: &mut Vec<Arc<Pending>>, woken: Woken, next_look: &mut Instant) {
    let now = Instant::now();
    let mut lookups = (now >= *next_look).then(|| {
        *next_look = now + SLICE;
        Lookups::default()
    });
    // All waits for one word are woken together: several wakes may have been meant, and the system
    // tells of one.
    let woken_word = match woken {
        Woken::By(index) => waits
            .get(index)
            .map(|wait| std::ptr::from_ref(wait.word.futex().0)),
        _ => None,
    };
    waits.retain(|wait| {
        if wait.is_over() {
            return false;
        }
        let changed = woken == Woken::Fault && !wait.word.is_readable()
            || woken_word.is_some_and(|word| std::ptr::eq(word, wait.word.futex().0))
            || wait.word.has_changed();
        let lost_owner = !changed && wait.word.lost_owner(lookups.as_mut());
        if changed || lost_owner {
            wait.settle(lost_owner);
        }
        !changed && !lost_owner
    });
}

#[cfg(test)]
#[path = "waiters_tests.rs"]
mod tests;
