//! The signal handler, on Linux and macOS.
//!
//! Everything from [`handle`] down runs in a signal handler and is async-signal-safe: system calls
//! and atomics only, `errno` saved and put back. What the two systems do differently is in
//! `linux.rs` and `macos.rs`.

use std::cell::UnsafeCell;
use std::mem::{MaybeUninit, zeroed};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use libc::{c_int, c_void, siginfo_t};

use super::notifier;
use super::table::{self, Found, Phase};
use crate::sys::{memory, paging};

#[cfg_attr(target_os = "linux", path = "linux.rs")]
#[cfg_attr(target_vendor = "apple", path = "macos.rs")]
mod system;

/// Patches of single pages before the pages made different at a time are doubled. Each may cost
/// the kernel two maps more, of the 65,530 that a process has by default.
const SINGLE_PATCHES: u32 = 256;

/// Patches of all maps together before every further one goes as far as it can: they leave the
/// runtime three quarters of the kernel's maps.
const ALL_PATCHES: usize = 8_192;

/// How often in a row a page is tried again although by all signs it can be had.
const TRIES: u32 = 1_000;

static PAGE: AtomicUsize = AtomicUsize::new(4096);

/// Puts the handlers in place; whether that worked.
pub fn install() -> bool {
    PAGE.store(paging::page_size(), Ordering::Relaxed);
    PREVIOUS_BUS.save(libc::SIGBUS)
        && PREVIOUS_SEGV.save(libc::SIGSEGV)
        && set_handler(libc::SIGBUS)
        && set_handler(libc::SIGSEGV)
}

fn set_handler(signal: c_int) -> bool {
    // SAFETY: all-zero bytes are a `sigaction`; the handler has the signature that SA_SIGINFO asks
    // for, lives as long as the process (the image is pinned) and is async-signal-safe.
    unsafe {
        let mut action: libc::sigaction = zeroed();
        action.sa_sigaction = handle as *const () as usize;
        // NODEFER: a fault within the previous handler must be seen, not kill. ONSTACK: the engine
        // may have set up a stack for handlers.
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_NODEFER;
        libc::sigemptyset(&mut action.sa_mask);
        libc::sigaction(signal, &action, ptr::null_mut()) == 0
    }
}

/// What a signal did before we came.
struct Previous {
    action: UnsafeCell<MaybeUninit<libc::sigaction>>,
    /// Whether it was called, and was to be called once only.
    spent: AtomicBool,
}

// SAFETY: the cell is written once, before the handler that reads it is installed.
unsafe impl Sync for Previous {}

static PREVIOUS_BUS: Previous = Previous::unknown();
static PREVIOUS_SEGV: Previous = Previous::unknown();

impl Previous {
    const fn unknown() -> Previous {
        Previous {
            action: UnsafeCell::new(MaybeUninit::uninit()),
            spent: AtomicBool::new(false),
        }
    }

    fn save(&self, signal: c_int) -> bool {
        // SAFETY: the cell is written here only, before the handler is installed; a null action
        // asks without changing anything.
        unsafe { libc::sigaction(signal, ptr::null(), (*self.action.get()).as_mut_ptr()) == 0 }
    }

    /// Does what would have happened without us.
    fn call(&self, signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
        // SAFETY: `save` ran before any handler was installed.
        let action = unsafe { (*self.action.get()).assume_init_ref() };
        match action.sa_sigaction {
            libc::SIG_DFL => die(signal, info),
            // A fault cannot be ignored: the kernel would kill. A signal that was sent can.
            libc::SIG_IGN if was_sent(info) => {}
            libc::SIG_IGN => die(signal, info),
            // The kernel would have put the default action in its place before calling it.
            _ if action.sa_flags & libc::SA_RESETHAND != 0
                && self.spent.swap(true, Ordering::Relaxed) =>
            {
                die(signal, info)
            }
            handler => {
                // SAFETY: the kernel would have called this address with these arguments and this
                // mask; which of the two signatures it has is what SA_SIGINFO says.
                unsafe {
                    let mut mask = action.sa_mask;
                    if action.sa_flags & libc::SA_NODEFER == 0 {
                        libc::sigaddset(&mut mask, signal);
                    }
                    let mut before: libc::sigset_t = zeroed();
                    libc::pthread_sigmask(libc::SIG_BLOCK, &mask, &mut before);
                    if action.sa_flags & libc::SA_SIGINFO != 0 {
                        let call: extern "C" fn(c_int, *mut siginfo_t, *mut c_void) =
                            std::mem::transmute(handler);
                        call(signal, info, context);
                    } else {
                        let call: extern "C" fn(c_int) = std::mem::transmute(handler);
                        call(signal);
                    }
                    libc::pthread_sigmask(libc::SIG_SETMASK, &before, ptr::null_mut());
                }
            }
        }
    }
}

fn was_sent(info: *const siginfo_t) -> bool {
    // SAFETY: the kernel passes a valid structure.
    system::was_sent(unsafe { (*info).si_code })
}

/// Lets the signal end the process as it does by default. A faulting instruction runs again when
/// the handler returns and faults for good; a signal that was sent has to be sent again.
fn die(signal: c_int, info: *const siginfo_t) {
    // SAFETY: all-zero bytes are a `sigaction` with the default action.
    unsafe {
        let action: libc::sigaction = zeroed();
        libc::sigaction(signal, &action, ptr::null_mut());
        if was_sent(info) {
            libc::raise(signal);
        }
    }
}

extern "C" fn handle(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    let errno = system::errno();
    // SAFETY: the thread's own variable, valid for its life.
    let saved = unsafe { *errno };
    // SAFETY: the kernel passes a valid structure; for a fault it holds the address.
    let (code, address) = unsafe { ((*info).si_code, (*info).si_addr() as usize) };
    let survived = !was_sent(info) && survive(signal, code, address, context);
    // SAFETY: as above.
    unsafe { *errno = saved };
    if !survived {
        let previous = match signal {
            libc::SIGBUS => &PREVIOUS_BUS,
            _ => &PREVIOUS_SEGV,
        };
        previous.call(signal, info, context);
    }
}

/// Whether the fault was one of ours and the instruction may be tried again.
fn survive(signal: c_int, code: c_int, address: usize, context: *const c_void) -> bool {
    let Some(found) = table::find(address) else {
        return false;
    };
    let page = address & !(page_size() - 1);
    let kind = system::kind_of((signal, code), &found, address, context);
    match (found.phase(), kind) {
        (_, None) => false,
        // Once the zero pages are there, an access that still fails is a write for which there was
        // no room.
        (Phase::Retired, Some(Kind::ForbiddenWrite)) => system::make_writable(page, page_size()),
        (Phase::Retired, _) => true,
        (Phase::Changing, _) => {
            std::thread::yield_now();
            true
        }
        (Phase::Live, Some(Kind::ForbiddenWrite)) => allow_write(&found, page),
        (Phase::Live, Some(Kind::Missing)) => replace_missing(&found, page),
    }
}

enum Kind {
    /// A write to a page that is there and may not be written: one of a read-only map, or a zero
    /// page that was laid while there was no room for one to write to.
    ForbiddenWrite,
    /// A page that the file does not have, or that could not be read or reserved.
    Missing,
}

fn page_size() -> usize {
    PAGE.load(Ordering::Relaxed)
}

/// Where in the file a page is.
fn position(found: &Found, page: usize) -> u64 {
    found.offset() + (page - found.base()) as u64
}

fn file_size(found: &Found) -> Option<u64> {
    let mut metadata = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: the call fills the structure in; the descriptor stays open while the slot has a user.
    let metadata = unsafe {
        match libc::fstat(found.descriptor(), metadata.as_mut_ptr()) {
            0 => metadata.assume_init(),
            _ => return None,
        }
    };
    Some(match metadata.st_mode & libc::S_IFMT {
        // Its size is not among the metadata. Where it cannot be asked for, reading tells.
        libc::S_IFBLK => system::device_size(found.descriptor()).unwrap_or(u64::MAX),
        _ => metadata.st_size as u64,
    })
}

/// How many bytes to change for one more fault: a page, and after some hundred faults of a map
/// twice as many each time, which bounds what the kernel has to keep apart.
fn patch_size(found: &Found) -> usize {
    let (patches, of_all_maps) = found.count_patch();
    let doublings = match of_all_maps < ALL_PATCHES {
        true => patches.saturating_sub(SINGLE_PATCHES),
        false => u32::MAX,
    };
    let whole = (found.end() - found.base()).next_power_of_two();
    let most = (whole / page_size()).max(1).ilog2();
    page_size() << doublings.min(most)
}

fn allow_write(found: &Found, page: usize) -> bool {
    let lacks_page = || file_size(found).is_none_or(|size| size <= position(found, page));
    if page >= found.covered() && page < found.filled() && lacks_page() {
        return fill_reserve(found, page);
    }
    found.patch_page(page, |is_filled| {
        if is_filled {
            let zeros = (found.filled(), found.end());
            return system::make_block_writable(page, patch_size(found), zeros);
        }
        if !system::make_private(found, page, patch_size(found)) {
            return false;
        }
        if found.is_read_only() && found.note_stray_write() {
            notifier::raise();
        }
        true
    })
}

/// A page that is not there: past the end of the file, or the disk refuses it.
fn replace_missing(found: &Found, page: usize) -> bool {
    while found.count_retry(page) <= TRIES {
        // Before the size: a map grows after its file has, so that a page of the map that lies past
        // the end is lost, and not one that was only reserved when the size was asked for.
        let is_of_map = page < found.covered();
        let Some(size) = file_size(found) else {
            break;
        };
        if size <= position(found, page) {
            return match is_of_map {
                true => replace_tail(found, size),
                false => fill_reserve(found, page),
            };
        }
        match probe(found, page) {
            Probe::Works => return true,
            Probe::Refused => break,
            // The file was truncated again meanwhile.
            Probe::Gone => {}
        }
    }
    replace_unreadable(found, page)
}

/// Zero pages from a page on that the file does not have yet. Nothing is lost: the map ends before.
fn fill_reserve(found: &Found, page: usize) -> bool {
    found.fill(page, |start, end| {
        [end, start + page_size()]
            .into_iter()
            .any(|end| lay_zeros(start, end))
    })
}

/// Zero pages from the file's end to the map's: one map for all, however many pages are lost. The
/// loss is noted first: another thread that reads the zeros must find the flag.
fn replace_tail(found: &Found, size: u64) -> bool {
    let kept = size.saturating_sub(found.offset()) as usize;
    let start = found.base() + kept.next_multiple_of(page_size());
    found.patch(|| {
        if found.note_truncation(found.base() + kept) {
            notifier::raise();
        }
        lay_zeros(start, found.covered())
    })
}

/// Zero pages instead of a page that the disk cannot read or has no room for. After many such pages
/// those behind it are given up as well, and all of them where the process is out of kernel maps.
fn replace_unreadable(found: &Found, page: usize) -> bool {
    found.patch(|| {
        if found.note_io(page, page + page_size()) {
            notifier::raise();
        }
        [patch_size(found), usize::MAX].into_iter().any(|size| {
            let end = page.saturating_add(size).min(found.end());
            found.note_io(page, end);
            lay_zeros(page, end)
        })
    })
}

fn lay_zeros(start: usize, end: usize) -> bool {
    // SAFETY: the pages are the map's own, which stay mapped while the slot has a user, so that
    // nothing else is replaced.
    unsafe { memory::lay_zeros(start, end - start) }
}

enum Probe {
    Works,
    Refused,
    Gone,
}

/// Whether a page that the file has can be had: that it is read without an error, and, where a
/// write must reach the file, that the disk has room for it. Both calls answer with an error where
/// the access itself would fault.
fn probe(found: &Found, page: usize) -> Probe {
    let position = position(found, page) as libc::off_t;
    let mut byte = 0u8;
    // SAFETY: reads at most one byte into one byte; the descriptor is open (see `file_size`), and
    // `errno` is the thread's own variable.
    let (read, error) = unsafe {
        let byte = (&raw mut byte).cast::<c_void>();
        let read = libc::pread(found.descriptor(), byte, 1, position);
        (read, *system::errno())
    };
    match (read, error) {
        (0, _) => Probe::Gone,
        (1, _) if found.is_read_only() => Probe::Works,
        (1, _) => system::room(found, position),
        // Another signal came, or the descriptor takes no reads of one byte (O_DIRECT).
        (_, libc::EINTR | libc::EINVAL) => Probe::Works,
        _ => Probe::Refused,
    }
}
