//! Which thread this is, and whether another one still lives. Compiled only on macOS, and not yet
//! run.
//!
//! macOS gives out no thread ids that other processes could look up, so a signature is that of the
//! process, and distinguishes up to 32 threads of it that live at a time. That a process has ended is found out; that a
//! worker was terminated while its process lives on is not.

use std::io;
use std::mem::MaybeUninit;
use std::sync::{Mutex, PoisonError};

use super::Signature;
use super::numbers::Numbers;

/// Process ids stay below 100,000 (`PID_MAX` in XNU's `bsd/sys/proc_internal.h`), which leaves five
/// of the 22 bits.
const THREAD_BITS: u32 = Numbers::COUNT.ilog2();

static NUMBERS: Mutex<Numbers> = Mutex::new(Numbers::new());

/// The number of a thread, which others get once it has ended.
struct Number(u32);

impl Number {
    fn take() -> Number {
        Number(
            NUMBERS
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        )
    }
}

impl Drop for Number {
    fn drop(&mut self) {
        NUMBERS
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .give_back(self.0);
    }
}

thread_local! {
    static NUMBER: Number = Number::take();
}

/// This thread as it signs the locks that it takes.
pub fn current() -> Signature {
    let thread = NUMBER.with(|number| number.0);
    let process = std::process::id();
    let started = information(process).map_or(0, |info| start_time(&info));
    Signature::new(process << THREAD_BITS | thread, started)
}

/// macOS has one namespace of process ids.
pub fn namespace() -> Option<u64> {
    Some(1)
}

/// Whether the process that signed is certainly gone.
pub fn is_dead(owner: Signature) -> bool {
    let process = owner.id() >> THREAD_BITS;
    // SAFETY: kill(2) with signal 0 only looks whether there is such a process.
    let answer = unsafe { libc::kill(process as libc::pid_t, 0) };
    if answer != 0 && io::Error::last_os_error().raw_os_error() == Some(libc::ESRCH) {
        return true;
    }
    information(process).is_some_and(|info| {
        info.pbi_status == libc::SZOMB || owner != Signature::new(owner.id(), start_time(&info))
    })
}

fn start_time(info: &libc::proc_bsdinfo) -> u64 {
    info.pbi_start_tvsec * 1_000_000 + info.pbi_start_tvusec
}

/// What proc_pidinfo(3) reports of a process, also of a zombie; nothing where it belongs to another user.
fn information(process: u32) -> Option<libc::proc_bsdinfo> {
    let mut info = MaybeUninit::<libc::proc_bsdinfo>::uninit();
    let size = size_of::<libc::proc_bsdinfo>() as libc::c_int;
    // SAFETY: the call writes at most `size` bytes there, and answers how many it wrote.
    let written = unsafe {
        libc::proc_pidinfo(
            process as libc::c_int,
            libc::PROC_PIDTBSDINFO,
            // Zombies, too (`proc_pidinfo` in XNU's `bsd/kern/proc_info.c`).
            1,
            info.as_mut_ptr().cast(),
            size,
        )
    };
    // SAFETY: all of it was written.
    (written == size).then(|| unsafe { info.assume_init() })
}
