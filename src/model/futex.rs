//! The futexes of Linux in the model, as `sys/futex/linux.rs` offers them.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::sync::AtomicU32;
use super::{Id, Ready, Step, current, step};

/// Few, so that a few waits need several threads.
pub const MOST_WORDS: usize = 2;

/// As `sys::futex::Woken`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    By(usize),
    #[allow(dead_code, reason = "no page is lost in the model")]
    Fault,
    Nothing,
}

pub fn waits_for_many() -> bool {
    true
}

/// Wakes up to `count` waiters of the word.
pub fn wake(word: &AtomicU32, count: usize) {
    step(&[(&word.object, true)], |_| Ready::Always);
    if let Some((run, _)) = current() {
        let id = word.object.id(&run);
        let mut state = run.state();
        let asleep = state.sleeping.values_mut();
        for (_, woken) in asleep
            .filter(|(ids, woken)| woken.is_none() && ids.contains(&id))
            .take(count)
        {
            *woken = Some(id);
        }
    }
}

pub fn ring(alarm: &AtomicU32) {
    alarm.fetch_add(1, Ordering::SeqCst);
    wake(alarm, 1);
}

pub fn wait_any(
    alarm: &AtomicU32,
    rung: u32,
    words: &[(&AtomicU32, u32)],
    timeout: Duration,
) -> Woken {
    let (run, thread) = current().expect("a thread of a model");
    let all = || std::iter::once((alarm, rung)).chain(words.iter().copied());
    let objects: Vec<_> = all().map(|(word, _)| (&word.object, false)).collect();
    // The kernel compares and enqueues in one step.
    step(&objects, |_| Ready::Always);
    let by = |index: usize| match index {
        0 => Woken::Nothing,
        index => Woken::By(index - 1),
    };
    if let Some(index) = all().position(|(word, expected)| word.peek() != expected) {
        return by(index);
    }
    let ids: Vec<Id> = objects.iter().map(|(object, _)| object.id(&run)).collect();
    let mut state = run.state();
    let until = state.now + timeout;
    state.timeouts.insert(thread, until);
    state.sleeping.insert(thread, (ids.clone(), None));
    drop(state);
    let accesses = ids.iter().map(|&id| (id, false)).collect();
    run.take(
        thread,
        Step {
            accesses,
            ready: Ready::Woken,
        },
    );
    let mut state = run.state();
    state.timeouts.remove(&thread);
    let woken = state.sleeping.remove(&thread).and_then(|(_, woken)| woken);
    let index = woken.and_then(|woken| ids.iter().position(|&id| id == woken));
    index.map_or(Woken::Nothing, by)
}
