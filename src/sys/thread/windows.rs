//! Which thread this is, and whether another one still lives: Windows. Run under Wine only.

use windows_sys::Win32::Foundation::{
    CloseHandle, ERROR_INVALID_PARAMETER, FILETIME, GetLastError, HANDLE, WAIT_OBJECT_0,
};
use windows_sys::Win32::System::Threading::{
    GetCurrentThread, GetCurrentThreadId, GetThreadTimes, OpenThread,
    THREAD_QUERY_LIMITED_INFORMATION, THREAD_SYNCHRONIZE, WaitForSingleObject,
};

use super::Signature;

/// Ids of threads are multiples of four (Raymond Chen, "Why are process and thread IDs multiples of
/// four?"), so 22 bits are enough for those below 2^24.
const STEP: u32 = 4;

/// This thread as it signs the locks that it takes.
pub fn current() -> Signature {
    // SAFETY: the functions have no arguments, and the pseudo handle needs no closing.
    let (id, this) = unsafe { (GetCurrentThreadId(), GetCurrentThread()) };
    Signature::new(id / STEP, start_time(this).unwrap_or(0))
}

/// Windows has one namespace of ids. None where this thread's id does not fit a signature.
pub fn namespace() -> Option<u64> {
    // SAFETY: as above.
    let id = unsafe { GetCurrentThreadId() };
    (id.is_multiple_of(STEP) && id / STEP < 1 << 22).then_some(1)
}

/// Whether the thread that signed is certainly gone.
pub fn is_dead(owner: Signature) -> bool {
    let rights = THREAD_QUERY_LIMITED_INFORMATION | THREAD_SYNCHRONIZE;
    // SAFETY: any id may be asked for.
    let thread = unsafe { OpenThread(rights, 0, owner.id() * STEP) };
    if thread.is_null() {
        // SAFETY: reads this thread's last error. Any other one, such as a refusal, proves nothing.
        return unsafe { GetLastError() } == ERROR_INVALID_PARAMETER;
    }
    // SAFETY: the handle is open until it is closed here, once.
    let (ended, started) = unsafe {
        let ended = WaitForSingleObject(thread, 0) == WAIT_OBJECT_0;
        let started = start_time(thread);
        CloseHandle(thread);
        (ended, started)
    };
    ended || started.is_some_and(|time| owner != Signature::new(owner.id(), time))
}

fn start_time(thread: HANDLE) -> Option<u64> {
    let mut times = [FILETIME::default(); 4];
    let [created, ended, kernel, user] = &mut times;
    // SAFETY: the handle is open and the call fills in the four structures.
    let done = unsafe { GetThreadTimes(thread, created, ended, kernel, user) };
    (done != 0).then(|| u64::from(created.dwHighDateTime) << 32 | u64::from(created.dwLowDateTime))
}
