//! Waiting on words of memory with futex(2): the kernel puts the thread to sleep if the word still
//! has the expected value, and knows the word by the page behind it, so that processes which map
//! the same file meet (the operations go without `FUTEX_PRIVATE_FLAG`).

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use rustix::io::Errno;
use rustix::thread::futex::{self, ClockId, Flags, Timespec, Wait, WaitFlags, WaitvFlags};

/// So many words a thread can wait for at once: `FUTEX_WAITV_MAX` (`include/uapi/linux/futex.h`)
/// less the alarm.
pub const MOST_WORDS: usize = 127;

/// What ended a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// A wake, or the word no longer had the expected value; which word of several.
    By(usize),
    /// A word of several that the kernel could not read: its page is gone.
    Fault,
    /// The time was over, a signal came, or the alarm was rung.
    Nothing,
}

/// Sleeps until the word is woken, unless it has another value than `expected` already.
pub fn wait(word: &AtomicU32, expected: u32, timeout: Duration) -> Woken {
    match futex::wait(word, Flags::empty(), expected, Some(&timespec(timeout))) {
        Ok(()) | Err(Errno::AGAIN) => Woken::By(0),
        Err(Errno::FAULT) => Woken::Fault,
        Err(_) => Woken::Nothing,
    }
}

/// Wakes up to `count` threads, of any process, that wait on the word. Answers how many.
///
/// # Errors
/// `EFAULT` where the word's page is gone.
pub fn wake(word: &AtomicU32, count: u32) -> io::Result<usize> {
    // The kernel takes a signed number.
    Ok(futex::wake(
        word,
        Flags::empty(),
        count.min(i32::MAX as u32),
    )?)
}

/// Rouses the thread that waits with this alarm.
pub fn ring(alarm: &AtomicU32) {
    alarm.fetch_add(1, Ordering::SeqCst);
    // A word of our own memory cannot fault.
    let _ = futex::wake(alarm, Flags::PRIVATE, 1);
}

/// After this long the words are looked at again where the kernel could not wait for them.
const RETRY: Duration = Duration::from_millis(5);

/// Set once the kernel has refused futex_waitv(2): before Linux 5.16, or under a seccomp filter
/// that does not know it.
static NO_MULTI_WAIT: AtomicBool = AtomicBool::new(false);

/// Whether [`wait_any`] is woken by changes; where not, callers have to look every few
/// milliseconds.
pub fn waits_for_many() -> bool {
    !NO_MULTI_WAIT.load(Ordering::Relaxed)
}

/// Sleeps until one of up to [`MOST_WORDS`] words is woken or has another value than expected, or
/// the alarm no longer has the value `rung`.
pub fn wait_any(
    alarm: &AtomicU32,
    rung: u32,
    words: &[(&AtomicU32, u32)],
    timeout: Duration,
) -> Woken {
    if waits_for_many() && !words.is_empty() {
        match wait_for_many(alarm, rung, words, timeout) {
            Ok(0) | Err(Errno::TIMEDOUT | Errno::INTR | Errno::AGAIN) => return Woken::Nothing,
            Ok(index) => return Woken::By(index - 1),
            Err(Errno::FAULT) => return Woken::Fault,
            // For want of kernel memory at this moment.
            Err(Errno::NOMEM) => {
                let _ = futex::wait(
                    alarm,
                    Flags::PRIVATE,
                    rung,
                    Some(&timespec(RETRY.min(timeout))),
                );
            }
            // ENOSYS, or what a seccomp filter answers in its place.
            Err(_) => NO_MULTI_WAIT.store(true, Ordering::Relaxed),
        }
        return Woken::Nothing;
    }
    let _ = futex::wait(alarm, Flags::PRIVATE, rung, Some(&timespec(timeout)));
    Woken::Nothing
}

fn wait_for_many(
    alarm: &AtomicU32,
    rung: u32,
    words: &[(&AtomicU32, u32)],
    timeout: Duration,
) -> rustix::io::Result<usize> {
    let mut waits = [Wait::new(); MOST_WORDS + 1];
    waits[0] = one(alarm, rung, WaitFlags::PRIVATE);
    for (wait, &(word, expected)) in waits[1..].iter_mut().zip(words) {
        *wait = one(word, expected, WaitFlags::empty());
    }
    // Unlike FUTEX_WAIT's, this timeout is a point in time.
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let end = Duration::new(now.tv_sec as u64, now.tv_nsec as u32) + timeout;
    let used = 1 + words.len().min(MOST_WORDS);
    futex::waitv(
        &waits[..used],
        WaitvFlags::empty(),
        Some(&timespec(end)),
        ClockId::Monotonic,
    )
}

fn one(word: &AtomicU32, expected: u32, scope: WaitFlags) -> Wait {
    let mut wait = Wait::new();
    wait.val = u64::from(expected);
    wait.uaddr = word.as_ptr().cast::<std::ffi::c_void>().into();
    wait.flags = WaitFlags::SIZE_U32 | scope;
    wait
}

fn timespec(time: Duration) -> Timespec {
    Timespec {
        tv_sec: time.as_secs() as i64,
        tv_nsec: time.subsec_nanos().into(),
    }
}
