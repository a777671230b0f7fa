//! The mappings that a longer one of the same file has followed.

use std::sync::{Arc, Weak};

use super::region::Region;

/// Shorter mappings of a file that grew. Each stays mapped for as long as something else owns it: an
/// ArrayBuffer, which may have been transferred since, or a job.
#[derive(Default)]
pub struct Earlier {
    regions: Vec<Weak<Region>>,
}

impl Earlier {
    /// Adds one. Those that are unmapped are forgotten now and then, so that a call takes constant
    /// time on average.
    pub fn push(&mut self, region: &Arc<Region>) {
        if self.regions.len() == self.regions.capacity() {
            self.regions.retain(|region| region.strong_count() > 0);
        }
        self.regions.push(Arc::downgrade(region));
    }

    /// Releases the file of each that is still mapped: its owners see private zero pages from now on.
    pub fn retire(&mut self) {
        for region in std::mem::take(&mut self.regions) {
            if let Some(region) = region.upgrade() {
                region.retire(true);
            }
        }
    }
}
