//! How many mappings this process may still have: Linux. The kernel keeps one for all pages that are treated
//! alike, and allows 65,530 by default (`vm.max_map_count`). Past that an engine gets no memory any
//! more and ends the process, so memmap stops short of it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Failure, Result};

/// The default of `vm.max_map_count`.
const DEFAULT_MOST: usize = 65_530;

/// Each call makes at most two mappings more, and the runtime makes some of its own: after so many
/// calls they are counted again.
const UNSEEN: usize = 4096;

/// Counting takes some 20 ms when there are many; a hint is not worth that each time.
const PAUSE: Duration = Duration::from_millis(200);

struct Counted {
    /// The mappings at the last count, and the most that are allowed.
    maps: usize,
    most: usize,
    /// The calls since.
    calls: usize,
    when: Option<Instant>,
}

static COUNTED: Mutex<Counted> = Mutex::new(Counted {
    maps: 0,
    most: DEFAULT_MOST,
    calls: UNSEEN,
    when: None,
});

/// Whether two mappings more leave the process at `share` of those allowed or below. With `exactly`
/// a refusal is counted afresh; otherwise it may rest on a count of some 100 ms ago.
fn may_add(share: fn(usize) -> usize, exactly: bool) -> bool {
    let mut counted = COUNTED.lock().unwrap_or_else(PoisonError::into_inner);
    let fits = |counted: &Counted| counted.maps + 2 * counted.calls < share(counted.most);
    let is_fresh = counted.when.is_some_and(|when| when.elapsed() < PAUSE);
    if counted.calls >= UNSEEN || !fits(&counted) && (exactly || !is_fresh) {
        let maps = std::fs::read("/proc/self/maps");
        let most = std::fs::read_to_string("/proc/sys/vm/max_map_count");
        *counted = Counted {
            maps: maps.map_or(0, |text| memchr::memchr_iter(b'\n', &text).count()),
            most: most
                .ok()
                .and_then(|text| text.trim().parse().ok())
                .unwrap_or(DEFAULT_MOST),
            calls: 0,
            when: Some(Instant::now()),
        };
    }
    let fits = fits(&counted);
    counted.calls += usize::from(fits);
    fits
}

/// Whether hints and locks may still divide mappings: up to half of what is allowed. A program that
/// marks every second page of a gigabyte gets there.
pub fn may_divide() -> bool {
    may_add(|most| most / 2, false)
}

/// Refuses to open another map where three quarters of what is allowed are in use.
///
/// # Errors
/// `ENOMEM`.
pub fn check_room() -> Result<()> {
    if may_add(|most| most / 4 * 3, true) {
        return Ok(());
    }
    Err(Failure::system("mmap")(std::io::Error::new(
        std::io::ErrorKind::OutOfMemory,
        "this process has three quarters of the memory mappings that the kernel allows \
         (vm.max_map_count), and the runtime needs the others; close maps, or map larger ranges",
    )))
}
