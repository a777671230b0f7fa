//! Shared memory by name. TypeScript (`lib/map/shared-memory.ts`) has checked the names.

use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;

use super::file::{identity_text, number_text};
use super::job::Job;
use super::maps::{MmapMut, NewFile};
use crate::error::Result;
use crate::memory::{CreateOptions, Mapping};
use crate::sys::shm::{self, Object};

#[napi]
impl MmapMut {
    /// Creates a shared memory object and maps it.
    #[napi(factory, catch_unwind)]
    pub fn create_shared(name: String, options: NewFile) -> napi::Result<Self> {
        let options = CreateOptions::try_from(&options)?;
        Ok(Self(Mapping::create_shared(&name, &options)?))
    }

    /// As `createShared`, off the main thread.
    #[napi(catch_unwind, ts_return_type = "Promise<MmapMut>")]
    pub fn create_shared_async(
        name: String,
        options: NewFile,
    ) -> napi::Result<AsyncTask<Job<MmapMut>>> {
        let options = CreateOptions::try_from(&options)?;
        Ok(AsyncTask::new(Job::new(move || {
            Ok(MmapMut(Mapping::create_shared(&name, &options)?))
        })))
    }

    /// Maps a whole shared memory object.
    #[napi(factory, catch_unwind)]
    pub fn open_shared(name: String) -> napi::Result<Self> {
        Ok(Self(Mapping::open_shared(&name)?))
    }
}

/// Removes the name of a shared memory object; where `identity` is given, only if it is still the
/// name of that object. Answers whether it did.
#[napi(catch_unwind)]
pub fn unlink_shared(name: String, identity: Option<String>) -> napi::Result<bool> {
    if let Some(expected) = identity
        && identity_of(&shm::open(&name)?)? != Some(expected)
    {
        return Ok(false);
    }
    shm::unlink(&name)?;
    Ok(true)
}

/// As that of a map of the object.
fn identity_of(object: &Object) -> Result<Option<String>> {
    match object {
        Object::File(file) => identity_text(file).map(Some),
        Object::Memory(memory) => Ok(memory.object().map(number_text)),
    }
}
