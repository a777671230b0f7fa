//! A shared memory object that appears with its whole length: it is made under another name in
//! `/dev/shm` (shm_overview(7)) and renamed.

use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::error::{Failure, Result};

/// The name under which the object `_name` is to be made, before [`publish`]. No other process makes
/// the same: it has this one's id, the time, and a number.
pub fn first_name(_name: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let time = SystemTime::now().duration_since(UNIX_EPOCH);
    let time = time.map_or(0, |since| since.as_nanos());
    format!(".memmap-{}-{time}-{count}", process::id())
}

/// Gives the object `first` the name `name`, unless there is one of that name.
///
/// # Errors
/// `EEXIST`, `EACCES`, ...
pub fn publish(first: &str, name: &str) -> Result<()> {
    let path = |name: &str| format!("/dev/shm/{name}");
    renameat_with(CWD, path(first), CWD, path(name), RenameFlags::NOREPLACE)
        .map_err(Failure::system("shm_open"))
}
