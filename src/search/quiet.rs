//! Running what may panic through no fault of its own.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    /// Whether a panic of this thread is expected.
    static EXPECTED: Cell<bool> = const { Cell::new(false) };
}

/// The answer of `work`, or None where it panicked. Such a panic is not printed; what `work` has
/// changed by then stays as it is. Where no panic is `expected` it is printed and passed on.
pub fn unless_it_panics<T>(expected: bool, work: impl FnOnce() -> T) -> Option<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let report = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !EXPECTED.get() {
                report(panic);
            }
        }));
    });
    let outer = EXPECTED.replace(expected);
    let answer = panic::catch_unwind(AssertUnwindSafe(work));
    EXPECTED.set(outer);
    match answer {
        Err(panic) if !expected => panic::resume_unwind(panic),
        answer => answer.ok(),
    }
}
