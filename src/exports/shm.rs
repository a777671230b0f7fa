//! Shared memory by name. TypeScript (`lib/shm.ts`) has checked the names.

use napi_derive::napi;

use super::maps::MmapMut;
use crate::memory::Mapping;
use crate::sys::shm;

#[napi]
impl MmapMut {
    /// Creates a shared memory object and maps it.
    #[napi(factory, catch_unwind)]
    pub fn create_shared(name: String, length: f64, mode: u32) -> napi::Result<Self> {
        Ok(Self(Mapping::create_shared(&name, length as usize, mode)?))
    }

    /// Maps a whole shared memory object.
    #[napi(factory, catch_unwind)]
    pub fn open_shared(name: String) -> napi::Result<Self> {
        Ok(Self(Mapping::open_shared(&name)?))
    }
}

/// Removes the name of a shared memory object.
#[napi(catch_unwind)]
pub fn unlink_shared(name: String) -> napi::Result<()> {
    Ok(shm::unlink(&name)?)
}
