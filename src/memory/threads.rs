//! Anonymous memory that the threads of this process share: each opens a map of its own by a number.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::SystemTime;

use super::region::Region;
use crate::error::{Failure, Result};

/// What was given a number, by it. Numbers are never used again.
#[derive(Default)]
struct Known {
    last: u64,
    regions: BTreeMap<u64, Weak<Region>>,
}

static KNOWN: Mutex<Option<Known>> = Mutex::new(None);

fn known() -> MutexGuard<'static, Option<Known>> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The process that numbers are of: another one has other memory under the same number.
pub fn process() -> u128 {
    static STARTED: OnceLock<u128> = OnceLock::new();
    *STARTED.get_or_init(|| {
        let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        since.as_nanos() << 32 | u128::from(std::process::id())
    })
}

/// The number by which [`find`] finds the region from now on.
pub fn publish(region: &Arc<Region>) -> u64 {
    let mut known = known();
    let known = known.get_or_insert_default();
    known.regions.retain(|_, region| region.strong_count() > 0);
    let number = region.number(|| {
        known.last += 1;
        known.last
    });
    known.regions.insert(number, Arc::downgrade(region));
    number
}

/// The region of that number and length in bytes, counted as one map more.
///
/// # Errors
/// `ERR_MMAP_REPLACED` where there is none: it was closed, or is another process's.
pub fn find(number: u64, of_process: Option<u128>, length: usize) -> Result<Arc<Region>> {
    let known = known();
    let region = match &*known {
        Some(known) if of_process == Some(process()) => {
            known.regions.get(&number).and_then(Weak::upgrade)
        }
        _ => None,
    };
    region
        .filter(|region| region.length() == length && region.open_again())
        .ok_or_else(|| Failure::Mmap {
            code: "ERR_MMAP_REPLACED",
            message:
                "the anonymous memory was closed, or belongs to another process; use a file or \
                      a SharedMemory between processes"
                    .to_owned(),
        })
}
