//! Waiting on words of memory where the system offers nothing that works between processes: on
//! Windows `WaitOnAddress` knows the waiters of one process only. So we look every few milliseconds.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// So many words one thread looks at: as many as on Linux.
pub const MOST_WORDS: usize = 127;

/// How often a blocking wait looks: at first, and at most.
const FIRST_POLL: Duration = Duration::from_micros(100);
const LAST_POLL: Duration = Duration::from_millis(4);

/// What ended a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// The word no longer had the expected value; which word of several.
    By(usize),
    /// A word that the system could not read. Never said here.
    #[allow(dead_code, reason = "part of what all platforms offer")]
    Fault,
    /// The time was over, or the alarm was rung.
    Nothing,
}

/// Sleeps until the word has another value than `expected`.
pub fn wait(word: &AtomicU32, expected: u32, timeout: Duration) -> Woken {
    let end = Instant::now() + timeout;
    let mut poll = FIRST_POLL;
    loop {
        if word.load(Ordering::SeqCst) != expected {
            return Woken::By(0);
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Woken::Nothing;
        }
        std::thread::sleep(poll.min(left));
        poll = (poll * 2).min(LAST_POLL);
    }
}

/// No thread sleeps in the system, so none is woken.
///
/// # Errors
/// None.
pub fn wake(_: &AtomicU32, _: u32) -> io::Result<usize> {
    Ok(0)
}

/// Rouses the thread that waits with this alarm.
pub fn ring(alarm: &AtomicU32) {
    alarm.fetch_add(1, Ordering::SeqCst);
}

/// Whether [`wait_any`] is woken by changes.
pub fn waits_for_many() -> bool {
    false
}

/// Sleeps until the alarm no longer has the value `rung` or the time is over. The caller looks at
/// the words.
pub fn wait_any(alarm: &AtomicU32, rung: u32, _: &[(&AtomicU32, u32)], timeout: Duration) -> Woken {
    wait(alarm, rung, timeout);
    Woken::Nothing
}
