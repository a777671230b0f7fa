//! The fault guard: no truncated file, full disk or stray write kills the process.
//!
//! The memory behind a Buffer is read and written by machine code that the engine has compiled; no
//! check of ours runs before such an access. What can go wrong with it only shows as a fault: the
//! processor stops at the instruction and the kernel sends the thread SIGBUS or SIGSEGV, which by
//! default ends the process. The guard handles both signals. It looks the address up in a table of
//! live maps and makes the page accessible, whereupon the same instruction runs again and succeeds:
//!
//! | what happened | what the handler does |
//! |---|---|
//! | the file was truncated, a page past its end was touched | lays zero pages from there to the map's end |
//! | the disk is full or broken, the page cannot be had | replaces that page by a zero page |
//! | something wrote to a read-only map | makes the page a private one that may be written |
//! | a page was touched that is reserved for the file to grow | lays zero pages there, until the map grows |
//! | the file has the page after all (it regrew), or the map was closed meanwhile | nothing: trying again succeeds |
//! | anything else | calls the handler that was there before |
//!
//! What happened is noted in the table and in one word of flags per map, which TypeScript reads
//! before every call (`lib/memory/faults.ts`), and a thread is woken that tells the event loops.
//!
//! A handler may run on any thread between any two instructions. So it takes no lock, allocates
//! nothing and calls only system calls; all that it shares is atomic and static:
//!
//! - `table.rs` is the table. A slot is looked at only between counting oneself as its user and
//!   counting off again, and a slot's memory is unmapped only when no handler uses the slot.
//! - `order.rs` finds an address in the table in O(log n).
//! - `deferred.rs` is the thread that waits for handlers, which may wait for a disk.
//! - `unix.rs` has the handler and the call of the previous one; `windows.rs` what Windows allows.
//! - `notifier.rs` tells JavaScript.

mod deferred;
mod notifier;
mod order;
mod table;

#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(windows, path = "windows.rs")]
mod platform;

pub use notifier::listen;
pub use table::{Faults, Range, Reach, STRAY_WRITE, Watch, flags, raised};

use std::path::PathBuf;
use std::sync::OnceLock;

/// The kinds of faults that were survived for the first time in this process since the last call,
/// each with the path of the file where that was, as far as the system knows it.
pub fn first_faults() -> Vec<(u32, Option<PathBuf>)> {
    let path = |map: table::Found| crate::sys::identity::path_of_descriptor(map.descriptor());
    table::first_faults()
        .into_iter()
        .map(|(flag, map)| (flag, map.and_then(path)))
        .collect()
}

/// Whether the handlers are in place. They are put there by the first call, unless the environment
/// variable `MEMMAP_GUARD` is `0`. The addon's image must be pinned before.
pub fn is_on() -> bool {
    static ON: OnceLock<bool> = OnceLock::new();
    *ON.get_or_init(|| {
        let wanted = std::env::var_os("MEMMAP_GUARD").is_none_or(|value| value != "0");
        wanted && platform::install()
    })
}

/// There is one table, so one test at a time uses it.
#[cfg(test)]
fn alone() -> std::sync::MutexGuard<'static, ()> {
    static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    ALONE
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
