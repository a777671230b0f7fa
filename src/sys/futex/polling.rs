//! Waiting on words of memory where the system offers nothing that works between processes: on
//! Windows `WaitOnAddress` knows the waiters of one process only. So we look every few milliseconds.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So many words one thread looks at: waking up costs more than looking at a word.
pub const MOST_WORDS: usize = 4096;

/// How often a blocking wait looks: at first, and at most.
const FIRST_POLL: Duration = Duration::from_micros(100);
const LAST_POLL: Duration = Duration::from_millis(4);

/// Windows ends the waits of threads for one another at ticks of a clock, every 15.6 ms at worst; only
/// `thread::sleep` is more exact.
const TICK: Duration = Duration::from_millis(16);

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

/// Orders a ring and the look at the alarm before the sleep that it is to end.
static RINGING: Mutex<()> = Mutex::new(());
static RUNG: Condvar = Condvar::new();

fn ringing() -> MutexGuard<'static, ()> {
    RINGING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Rouses the thread that waits with this alarm.
pub fn ring(alarm: &AtomicU32) {
    alarm.fetch_add(1, Ordering::SeqCst);
    drop(ringing());
    RUNG.notify_all();
}

/// Whether [`wait_any`] is woken by changes.
pub fn waits_for_many() -> bool {
    false
}

/// Sleeps until the alarm no longer has the value `rung` or the time is over. The caller looks at
/// the words.
pub fn wait_any(alarm: &AtomicU32, rung: u32, _: &[(&AtomicU32, u32)], timeout: Duration) -> Woken {
    if timeout < TICK {
        std::thread::sleep(timeout);
    } else {
        let unrung = |(): &mut ()| alarm.load(Ordering::SeqCst) == rung;
        drop(RUNG.wait_timeout_while(ringing(), timeout, unrung));
    }
    Woken::Nothing
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn a_ring_ends_a_sleep_whenever_it_comes() {
        static ALARM: AtomicU32 = AtomicU32::new(0);
        for pause in [0, 1, 20] {
            let rung = ALARM.load(Ordering::SeqCst);
            let sleeper = thread::spawn(move || {
                // A test that is never rung hangs.
                wait_any(&ALARM, rung, &[], Duration::from_secs(100_000))
            });
            thread::sleep(Duration::from_millis(pause));
            ring(&ALARM);
            assert_eq!(sleeper.join().ok(), Some(Woken::Nothing));
        }
    }

    #[test]
    fn a_wait_ends_with_a_change_or_its_time() {
        static WORD: AtomicU32 = AtomicU32::new(0);
        assert_eq!(wait(&WORD, 1, Duration::from_secs(100_000)), Woken::By(0));
        assert_eq!(wait(&WORD, 0, Duration::from_millis(1)), Woken::Nothing);
        for timeout in [Duration::ZERO, Duration::from_millis(1), TICK] {
            assert_eq!(wait_any(&WORD, 0, &[], timeout), Woken::Nothing);
        }
        let waiter = thread::spawn(|| wait(&WORD, 0, Duration::from_secs(100_000)));
        WORD.store(1, Ordering::SeqCst);
        assert_eq!(waiter.join().ok(), Some(Woken::By(0)));
        assert_eq!(wake(&WORD, 1).ok(), Some(0));
        assert!(!waits_for_many());
    }
}
