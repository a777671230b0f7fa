//! Work that waits until no fault handler uses a slot any more.
//!
//! A handler may wait for a disk, and the main thread must not wait for it. So what the handler
//! needs (the file, the memory) is dropped by a thread that looks for it now and then. It starts
//! with the first such work and ends with the last; most closings never need it.

use std::sync::PoisonError;
#[cfg(not(test))]
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
#[cfg(not(test))]
use std::sync::{Mutex, MutexGuard};
#[cfg(not(test))]
use std::thread;
use std::time::Duration;

#[cfg(test)]
use crate::model::sync::{AtomicU32, Mutex, MutexGuard};
#[cfg(test)]
use crate::model::thread;

/// How long the thread sleeps between two looks.
const PAUSE: Duration = Duration::from_millis(5);

type Work = Box<dyn FnOnce() + Send>;

struct Waiting {
    /// The work, each with the number of handlers that use its slot.
    work: Vec<(&'static AtomicU32, Work)>,
    has_thread: bool,
}

static WAITING: Mutex<Waiting> = Mutex::new(Waiting {
    work: Vec::new(),
    has_thread: false,
});

fn waiting() -> MutexGuard<'static, Waiting> {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `work` once `users`, the number of handlers that use a slot, is 0: now if it is. The slot's
/// state already tells handlers to leave alone what the work takes away.
pub fn when_unused(users: &'static AtomicU32, work: impl FnOnce() + Send + 'static) {
    if users.load(Ordering::SeqCst) == 0 {
        return work();
    }
    let mut waiting = waiting();
    waiting.work.push((users, Box::new(work)));
    if !waiting.has_thread {
        // Without a thread the work waits for the next that comes: what is not done does no harm.
        let started = thread::Builder::new()
            .name("memmap closing".to_owned())
            .spawn(serve);
        waiting.has_thread = started.is_ok();
    }
}

fn serve() {
    loop {
        let (ready, first_busy) = {
            let mut waiting = waiting();
            if waiting.work.is_empty() {
                waiting.has_thread = false;
                return;
            }
            let is_ready = |(users, _): &mut (&AtomicU32, Work)| users.load(Ordering::SeqCst) == 0;
            let ready = waiting.work.extract_if(.., is_ready).collect::<Vec<_>>();
            (ready, waiting.work.first().map(|(users, _)| *users))
        };
        // Without the lock, since the work may add more.
        for (_, work) in ready {
            work();
        }
        if first_busy.is_some_and(|users| users.load(Ordering::SeqCst) != 0) {
            thread::sleep(PAUSE);
        }
    }
}
