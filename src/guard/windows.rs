//! What Windows allows, by a vectored exception handler. Compiled only there, and not yet run by
//! us.
//!
//! Stray writes: a read-only map is a copy-on-write view made read-only, so that making the page
//! copy-on-write again turns the write into a private one. Truncation needs no guard: Windows
//! refuses to cut a file that is mapped. A page that cannot be read (`EXCEPTION_IN_PAGE_ERROR`: a
//! network drive that went away) cannot be replaced within a view; such a fault goes on to the
//! handlers after us and ends the process, as it does everywhere else.

use windows_sys::Win32::Foundation::EXCEPTION_ACCESS_VIOLATION;
use windows_sys::Win32::System::Diagnostics::Debug::{
    AddVectoredExceptionHandler, EXCEPTION_CONTINUE_EXECUTION, EXCEPTION_CONTINUE_SEARCH,
    EXCEPTION_POINTERS,
};
use windows_sys::Win32::System::Memory::{PAGE_WRITECOPY, VirtualProtect};

use super::notice;
use super::table;

/// The access that an access violation reports first among its parameters: 1 is a write.
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
    let is_write = record.ExceptionCode == EXCEPTION_ACCESS_VIOLATION && access == WRITE;
    match is_write && allow_write(address) {
        true => EXCEPTION_CONTINUE_EXECUTION,
        false => EXCEPTION_CONTINUE_SEARCH,
    }
}

fn allow_write(address: usize) -> bool {
    let Some(found) = table::find(address) else {
        return false;
    };
    if found.is_retired() {
        return true;
    }
    if !found.is_read_only() {
        return false;
    }
    let mut before = 0;
    let page = address & !(PAGE - 1);
    // SAFETY: the page is the map's own, which stays mapped while the slot has a user.
    let allowed = unsafe { VirtualProtect(page as *const _, PAGE, PAGE_WRITECOPY, &mut before) };
    if allowed == 0 {
        return false;
    }
    if found.note_stray_write() {
        notice::raise();
    }
    true
}
