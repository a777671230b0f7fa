//! Maps that become longer where they are, and the zero pages in what is reserved for that.
//!
//! A page of the reserve is one that the file does not have *yet*. A fault there loses nothing and is
//! not reported: zero pages are laid from there to the end of the map, and taken away again when the
//! map grows. Neither happens while the other does.

use std::sync::atomic::Ordering;

use super::{CHANGING, FLAGS, Found, LIVE, Watch};

/// How far a map reaches.
pub struct Reach {
    /// The address after the last page that has bytes of the map.
    pub covered: usize,
    /// The address after the last page.
    pub end: usize,
}

impl Watch {
    /// Makes the map longer while no handler changes its pages; whether that worked. Where bytes were
    /// lost or pages made private, nothing is done.
    ///
    /// `restore` takes the zero pages in the reserve away, from an address on, and answers whether
    /// that worked. `extend` answers how far the map reaches then, or None where it cannot grow.
    pub fn grow(
        &self,
        restore: impl FnOnce(usize) -> bool,
        extend: impl FnOnce() -> Option<Reach>,
    ) -> bool {
        let slot = self.slot();
        slot.state.store(CHANGING, Ordering::SeqCst);
        slot.wait_for_patches();
        let filled = slot.filled.load(Ordering::SeqCst);
        let mut reach = None;
        if !self.has_faults() && (filled == usize::MAX || restore(filled)) {
            slot.filled.store(usize::MAX, Ordering::SeqCst);
            reach = extend();
        }
        if let Some(reach) = &reach {
            slot.end.store(reach.end, Ordering::SeqCst);
            slot.covered.store(reach.covered, Ordering::SeqCst);
        }
        slot.state.store(LIVE, Ordering::SeqCst);
        reach.is_some()
    }

    fn has_faults(&self) -> bool {
        let faults = self.faults();
        FLAGS[self.index as usize].load(Ordering::SeqCst) != 0
            || faults.lost_from.is_some()
            || faults.io.is_some()
            || faults.stray_writes > 0
    }
}

#[cfg_attr(
    windows,
    allow(
        dead_code,
        reason = "there no page is mapped that the file does not have"
    )
)]
impl Found {
    /// The address after the last page that has bytes of the map.
    pub fn covered(&self) -> usize {
        self.slot.covered.load(Ordering::SeqCst)
    }

    /// The address from which on zero pages lie over the reserve; MAX for none. While pages are patched
    /// only other patches change it.
    pub fn filled(&self) -> usize {
        self.slot.filled.load(Ordering::SeqCst)
    }

    /// As [`Found::patch`], told whether zero pages lie over the reserve where that page is. Asked for
    /// before, the map might grow meanwhile and have a page of the file in this place.
    pub fn patch_page(&self, page: usize, patch: impl FnOnce(bool) -> bool) -> bool {
        self.patch(|| patch(page >= self.filled()))
    }

    /// Lays zero pages by `lay` over the reserve, from that page to the end of the map; whether the
    /// access may be tried again. Where the map has come to cover the page nothing is done.
    pub fn fill(&self, page: usize, lay: impl FnOnce(usize, usize) -> bool) -> bool {
        self.patch(|| {
            if page < self.covered() {
                return true;
            }
            self.slot.filled.fetch_min(page, Ordering::SeqCst);
            lay(page, self.end())
        })
    }
}
