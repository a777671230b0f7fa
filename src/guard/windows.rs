//! What Windows allows, by a vectored exception handler.
//!
//! - **Stray writes.** A read-only map is a view that may not be written. Making the page
//!   copy-on-write turns the write into a private one.
//! - **Closing.** A view cannot be replaced in one step (see `replace_by_zeros` in
//!   `sys/memory/section.rs`): a thread that touches it meanwhile waits here, and gets zeros.
//! - **Truncation** needs no guard: Windows refuses to truncate a file that is mapped.
//! - A page that cannot be read (`EXCEPTION_IN_PAGE_ERROR`: a network drive that went away) cannot
//!   be replaced within a view; such a fault goes on to the handlers after us and ends the process,
//!   as it does everywhere else.

use windows_sys::Win32::Foundation::EXCEPTION_ACCESS_VIOLATION;
use windows_sys::Win32::System::Diagnostics::Debug::{
    AddVectoredExceptionHandler, EXCEPTION_CONTINUE_EXECUTION, EXCEPTION_CONTINUE_SEARCH,
    EXCEPTION_POINTERS,
};
use windows_sys::Win32::System::Memory::{
    MEM_COMMIT, MEMORY_BASIC_INFORMATION, PAGE_READWRITE, PAGE_WRITECOPY, VirtualAlloc,
    VirtualProtect, VirtualQuery,
};
use windows_sys::Win32::System::Threading::SwitchToThread;

use super::notifier;
use super::table::{self, Phase};
use crate::sys::memory;

/// The accesses that an access violation reports first among its parameters; 8 is jumping there.
const READ: usize = 0;
const WRITE: usize = 1;

const PAGE: usize = 4096;

/// Puts the handler in place, before all others; whether that worked.
pub fn install() -> bool {
    // SAFETY: the handler lives as long as the process, since the image is pinned.
    unsafe { !AddVectoredExceptionHandler(1, Some(handle)).is_null() }
}

/// # Safety
/// Called by Windows, which passes valid pointers.
unsafe extern "system" fn handle(exception: *mut EXCEPTION_POINTERS) -> i32 {
    // SAFETY: as above.
    let record = unsafe { &*(*exception).ExceptionRecord };
    let [access, address, ..] = record.ExceptionInformation;
    let is_ours = record.ExceptionCode == EXCEPTION_ACCESS_VIOLATION
        && (access == READ || access == WRITE)
        && survive(access, address);
    match is_ours {
        true => EXCEPTION_CONTINUE_EXECUTION,
        false => EXCEPTION_CONTINUE_SEARCH,
    }
}

/// Whether the access may be tried again.
fn survive(access: usize, address: usize) -> bool {
    if memory::is_being_retired(address) {
        // SAFETY: no preconditions.
        unsafe { SwitchToThread() };
        return true;
    }
    match table::find(address) {
        Some(found) => match found.phase() {
            Phase::Retired => make_zeros(address),
            Phase::Changing => {
                std::thread::yield_now();
                true
            }
            Phase::Live if found.is_read_only() && access == WRITE => {
                found.patch(|| allow_write(&found, address))
            }
            Phase::Live => is_writable(address),
        },
        // The zeros may have come between the fault and here.
        None => is_writable(address),
    }
}

/// Gives a page to a range that is only reserved; one that is there already stays as it is.
fn make_zeros(address: usize) -> bool {
    let page = (address & !(PAGE - 1)) as *const _;
    // SAFETY: the page belongs to a map that was closed and whose memory is still held.
    unsafe { !VirtualAlloc(page, PAGE, MEM_COMMIT, PAGE_READWRITE).is_null() }
}

fn is_writable(address: usize) -> bool {
    let mut facts = MEMORY_BASIC_INFORMATION::default();
    // SAFETY: fills in the structure that it is given, whatever the address.
    let known = unsafe { VirtualQuery(address as *const _, &mut facts, size_of_val(&facts)) };
    known != 0 && facts.State == MEM_COMMIT && facts.Protect == PAGE_READWRITE
}

fn allow_write(found: &table::Found, address: usize) -> bool {
    let mut before = 0;
    let page = (address & !(PAGE - 1)) as *const _;
    // SAFETY: the page is the map's own, which stays mapped while the slot has a user.
    if unsafe { VirtualProtect(page, PAGE, PAGE_WRITECOPY, &mut before) } == 0 {
        return false;
    }
    if found.note_stray_write() {
        notifier::raise();
    }
    true
}
