//! What the guard needs to know of macOS. Compiled, but not yet run by us.

use libc::{c_int, c_void, off_t, ucontext_t};

use super::{Kind, Probe, file_size, page_size, position};
use crate::guard::table::{Found, Phase};

/// The thread's error number.
pub fn errno() -> *mut c_int {
    // SAFETY: no preconditions.
    unsafe { libc::__error() }
}

/// Whether a process sent the signal, as opposed to an instruction that faulted. `SI_USER` and its
/// like are large numbers here (`sys/signal.h`), though the kernel says 0 as well.
pub fn was_sent(code: c_int) -> bool {
    const SI_USER: c_int = 0x10001;
    code <= 0 || code >= SI_USER
}

/// What happened at `address`. Either fault may come as either signal, so it is the processor that
/// tells a write, and the file whether it has the page.
pub fn kind_of(
    _: (c_int, c_int),
    found: &Found,
    address: usize,
    context: *const c_void,
) -> Option<Kind> {
    let access = access(context);
    if access.instruction == address {
        return None;
    }
    let page = address & !(page_size() - 1);
    // The descriptor of a closed map may be another file's.
    let has_page = || {
        found.phase() == Phase::Live
            && file_size(found).is_some_and(|size| position(found, page) < size)
    };
    Some(
        match access.is_write && found.is_read_only() && has_page() {
            true => Kind::ForbiddenWrite,
            false => Kind::Missing,
        },
    )
}

struct Access {
    /// The address of the instruction that faulted.
    instruction: usize,
    is_write: bool,
}

fn access(context: *const c_void) -> Access {
    // SAFETY: with SA_SIGINFO the third argument of a handler is a ucontext_t, whose pointer leads
    // to the registers.
    let machine = unsafe { &*(*context.cast::<ucontext_t>()).uc_mcontext };
    // Bit 1 of a page fault's error code: Intel's manual, volume 3, 4.7.
    #[cfg(target_arch = "x86_64")]
    return Access {
        instruction: machine.__ss.__rip as usize,
        is_write: machine.__es.__err & 1 << 1 != 0,
    };
    // Bit 6 of the syndrome, WnR: Arm's manual, ESR_EL1 for data aborts.
    #[cfg(target_arch = "aarch64")]
    return Access {
        instruction: machine.__ss.__pc as usize,
        is_write: machine.__es.__esr & 1 << 6 != 0,
    };
}

/// Puts a private copy of the page in the place of the shared one. Only that page: what was written
/// to its neighbours before would be lost. Should two threads write the same page at the same
/// moment, so may what the first has written.
pub fn make_private(found: &Found, page: usize, _: usize) -> bool {
    // SAFETY: the page is the map's own, which stays mapped while the slot has a user; the
    // descriptor is open for as long.
    let mapped = unsafe {
        libc::mmap(
            page as *mut c_void,
            page_size(),
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_FIXED,
            found.descriptor(),
            position(found, page) as off_t,
        )
    };
    mapped != libc::MAP_FAILED
}

/// Zero pages can always be written here.
pub fn make_block_writable(_: usize, _: usize, _: (usize, usize)) -> bool {
    true
}

/// As [`make_block_writable`].
pub fn make_writable(_: usize, _: usize) -> bool {
    true
}

/// XNU maps no block devices.
pub fn device_size(_: c_int) -> Option<u64> {
    None
}

/// There is no call that would reserve one page of the file; the next try answers the question.
pub fn room(_: &Found, _: off_t) -> Probe {
    Probe::Works
}
