//! Mappings that become longer, where they are or by another one of the same file.

use super::{Mapping, State};
use crate::error::Result;
use crate::sys::file::Access;

impl Mapping {
    /// Makes the map `length` bytes long where it is, if that is possible: see [`Region::grow`].
    ///
    /// # Errors
    /// As `Region::grow`; `ERR_MMAP_CLOSED`.
    pub fn grow(&self, length: usize) -> Result<bool> {
        self.region()?.grow(length)
    }

    /// Another mapping of the same file, `length` bytes from the same offset on, that takes this one's
    /// place. This one stays mapped for as long as an ArrayBuffer over it lives, or until the new one
    /// is closed. None where the two would not show the same bytes: copy-on-write and anonymous memory.
    ///
    /// # Errors
    /// As [`Mapping::remap`].
    pub fn beside(&self, length: usize) -> Result<Option<Mapping>> {
        if self.view.access == Access::CopyOnWrite || self.region()?.file()?.is_none() {
            return Ok(None);
        }
        let made = self.remap(length)?;
        let mut state = self.state();
        if let (
            State::Open {
                region,
                exposed,
                earlier,
            },
            State::Open {
                region: longer,
                earlier: of_new,
                ..
            },
        ) = (&mut *state, &mut *made.state())
        {
            region.followed_by(longer);
            *of_new = std::mem::take(earlier);
            of_new.push(region);
            if !*exposed {
                *state = State::Closed { _reserved: None };
            }
        }
        Ok(Some(made))
    }

    /// Releases the memory of the mappings that this one has followed: their ArrayBuffers see zeros.
    pub fn release_earlier(&self) {
        if let State::Open { earlier, .. } = &mut *self.state() {
            earlier.retire();
        }
    }

    /// The number of bytes that it can have where it is, 0 once closed.
    pub fn capacity(&self) -> usize {
        self.region().map_or(0, |region| region.capacity())
    }
}
