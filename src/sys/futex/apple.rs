//! Waiting on words of memory with `os_sync_wait_on_address` (macOS 14.4 and later), whose SHARED
//! flag makes it work between processes. It takes one word at a time; what waits for many words, and
//! older systems, look every few milliseconds. Compiled only on macOS, and not yet run by us: what
//! it promises is from Apple's `os/os_sync_wait_on_address.h`.

use std::ffi::{CStr, c_int, c_void};
use std::io;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

#[path = "polling.rs"]
mod polling;

pub use polling::{MOST_WORDS, Woken, ring, wait_any, waits_for_many};

type WaitFunction = unsafe extern "C" fn(*mut c_void, u64, usize, u32, u32, u64) -> c_int;
type WakeFunction = unsafe extern "C" fn(*mut c_void, usize, u32) -> c_int;

/// The system's functions, looked up at run time: a reference to them would keep the addon from
/// loading where they are missing.
struct Functions {
    wait: WaitFunction,
    wake_any: WakeFunction,
    wake_all: WakeFunction,
}

fn functions() -> Option<&'static Functions> {
    static FUNCTIONS: OnceLock<Option<Functions>> = OnceLock::new();
    FUNCTIONS
        .get_or_init(|| {
            let wait = look_up(c"os_sync_wait_on_address_with_timeout")?;
            let wake_any = look_up(c"os_sync_wake_by_address_any")?;
            let wake_all = look_up(c"os_sync_wake_by_address_all")?;
            // SAFETY: the header gives these functions these types.
            unsafe {
                Some(Functions {
                    wait: std::mem::transmute::<*mut c_void, WaitFunction>(wait),
                    wake_any: std::mem::transmute::<*mut c_void, WakeFunction>(wake_any),
                    wake_all: std::mem::transmute::<*mut c_void, WakeFunction>(wake_all),
                })
            }
        })
        .as_ref()
}

fn look_up(name: &CStr) -> Option<*mut c_void> {
    // SAFETY: dlsym(3) takes any C string; RTLD_DEFAULT searches what is loaded already.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    (!found.is_null()).then_some(found)
}

/// Sleeps until the word is woken, unless it has another value than `expected` already.
pub fn wait(word: &AtomicU32, expected: u32, timeout: Duration) -> Woken {
    let Some(functions) = functions() else {
        return polling::wait(word, expected, timeout);
    };
    // SAFETY: the word is four aligned bytes that stay mapped during the call.
    let answer = unsafe {
        (functions.wait)(
            word.as_ptr().cast(),
            u64::from(expected),
            4,
            libc::OS_SYNC_WAIT_ON_ADDRESS_SHARED,
            libc::OS_CLOCK_MACH_ABSOLUTE_TIME,
            // A time of 0 is an error there.
            timeout.as_nanos().clamp(1, u128::from(u64::MAX)) as u64,
        )
    };
    if answer >= 0 {
        return Woken::By(0);
    }
    match io::Error::last_os_error().raw_os_error() {
        Some(libc::EFAULT) => Woken::Fault,
        _ => Woken::Nothing,
    }
}

/// Wakes up to `count` threads, of any process, that wait on the word. Answers how many, or 1 for
/// all: the system does not count them then.
///
/// # Errors
/// `EFAULT` where the word's page is gone.
pub fn wake(word: &AtomicU32, count: u32) -> io::Result<usize> {
    let Some(functions) = functions() else {
        return polling::wake(word, count);
    };
    let all = count >= 64;
    let function = if all {
        functions.wake_all
    } else {
        functions.wake_any
    };
    for woken in 0..count as usize {
        // SAFETY: as in `wait`.
        let answer = unsafe {
            function(
                word.as_ptr().cast(),
                4,
                libc::OS_SYNC_WAKE_BY_ADDRESS_SHARED,
            )
        };
        if answer < 0 {
            let error = io::Error::last_os_error();
            return match error.raw_os_error() {
                Some(libc::ENOENT) => Ok(woken),
                _ => Err(error),
            };
        }
        if all {
            return Ok(1);
        }
    }
    Ok(count as usize)
}
