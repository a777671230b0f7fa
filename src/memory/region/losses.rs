//! What the fault guard has survived in a region, and through which it is reported.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::Region;
use crate::guard::{Faults, STRAY_WRITE, Watch};

/// The region that is a map's by now. All that were before it share this.
#[derive(Default)]
pub struct Newest(Mutex<Weak<Region>>);

impl Newest {
    /// The region, unless it is unmapped.
    pub fn get(&self) -> Option<Arc<Region>> {
        let region = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        region.upgrade()
    }

    /// Another one takes its place.
    pub fn set(&self, region: &Arc<Region>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(region);
    }
}

impl Region {
    /// The index of the region's word in the guard's flags; None where it is not guarded.
    pub fn slot(&self) -> Option<u32> {
        self.watch.as_ref().map(Watch::index)
    }

    /// Clears the flag of stray writes.
    pub fn acknowledge_stray_writes(&self) {
        if let Some(watch) = &self.watch {
            watch.acknowledge();
        }
    }

    /// Whether bytes of the memory were lost, as far as they were touched.
    pub fn has_lost_bytes(&self) -> bool {
        self.watch.as_ref().is_some_and(Watch::has_lost_bytes)
    }

    /// What the guard has survived, in bytes from the start of the region.
    pub fn faults(&self) -> Option<Faults> {
        let faults = self.watch.as_ref()?.faults();
        let inside = |at: usize| at.saturating_sub(self.before()).min(self.length());
        Some(Faults {
            lost_from: faults.lost_from.map(inside),
            io: faults.io.map(|(start, end)| (inside(start), inside(end))),
            stray_writes: faults.stray_writes,
        })
    }

    /// Has what is lost here reported through `longer` as well, which takes this one's place as the
    /// memory of its map.
    pub fn followed_by(&self, longer: &Arc<Region>) {
        let newest = self.newest.get_or_init(Arc::default);
        newest.set(longer);
        // The longer one is new: it has none yet.
        let _ = longer.newest.set(Arc::clone(newest));
    }

    /// Reports what was lost here through the region that is the map's by now. A job on this one calls
    /// it before it answers: nobody else may know of this region any more.
    pub fn report_losses(&self) {
        self.report(!STRAY_WRITE);
    }

    /// As [`Region::report_losses`], and the stray writes that JavaScript was not told of: nothing
    /// more can happen here, so that none is counted twice.
    pub(super) fn report_all(&self) {
        self.report(u32::MAX);
    }

    /// Reports the faults whose flags are in `kinds`.
    fn report(&self, kinds: u32) {
        let (Some(newest), Some(watch)) = (self.newest.get(), &self.watch) else {
            return;
        };
        let flags = watch.raised() & kinds;
        // What happens to the Buffers of a closed map is nobody's loss.
        if flags == 0 || self.maps.load(Ordering::SeqCst) == 0 {
            return;
        }
        let Some(newest) = newest.get() else { return };
        let (Some(faults), Some(of_newest)) = (self.faults(), &newest.watch) else {
            return;
        };
        if std::ptr::eq(self, &raw const *newest) || newest.maps.load(Ordering::SeqCst) == 0 {
            return;
        }
        let on_page = |at: usize| at + newest.before();
        let noted = Faults {
            lost_from: faults.lost_from.map(on_page),
            io: faults.io.map(|(start, end)| (on_page(start), on_page(end))),
            stray_writes: match flags & STRAY_WRITE {
                0 => 0,
                _ => faults.stray_writes,
            },
        };
        of_newest.note(&noted, flags);
    }
}
