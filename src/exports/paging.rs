//! What controls and tells what is in memory, and what finds a map's file again.

use std::path::PathBuf;

use napi::bindgen_prelude::{AsyncTask, Either, Uint8Array};
use napi_derive::napi;

use super::job::Job;
use super::{File, Mmap, MmapCow, MmapMut, path};
use crate::error::{Failure, Result};
use crate::memory::PagedMap;
use crate::memory::array_buffer;
use crate::memory::location;
use crate::memory::{Mapping, OpenOptions};
use crate::sys::file::{self, Access};
use crate::sys::identity::{self, Identity};
use crate::sys::paging;

/// Where a map's file is found again, and which file it must be.
#[napi(object)]
pub struct Location {
    /// The file's absolute path; its bytes where they are no UTF-8.
    pub path: Either<String, Uint8Array>,
    /// The device it lives on, in decimal.
    pub device: String,
    /// Its number there, in decimal.
    pub inode: String,
    /// Its time of birth in nanoseconds since 1970, in decimal.
    pub created: Option<String>,
}

fn location(mapping: &Mapping, opened: Option<File>) -> Result<Option<Location>> {
    let Some(file) = mapping.region()?.file() else {
        return Ok(None);
    };
    let opened = opened.map(path).transpose()?;
    let (path, identity) = location::locate(&file, opened.as_deref())?;
    Ok(Some(Location {
        path: match path.to_str() {
            Some(text) => Either::A(text.to_owned()),
            None => Either::B(identity::path_to_bytes(&path).into()),
        },
        device: identity.device.to_string(),
        inode: identity.inode.to_string(),
        created: identity.created.map(|time| time.to_string()),
    }))
}

fn reopen(location: Location, options: &OpenOptions) -> Result<Mapping> {
    let path = match location.path {
        Either::A(path) => PathBuf::from(path),
        Either::B(bytes) => file::path_from_bytes(&bytes)?,
    };
    // TypeScript has checked that they are digits; too many of them name no file.
    let number = |text: &str| text.parse().map_err(|_| no_such_file(text));
    let created = location.created.map(|text| text.parse::<u128>());
    let identity = Identity {
        device: number(&location.device)?,
        inode: number(&location.inode)?,
        created: created.transpose().map_err(|_| no_such_file("created"))?,
    };
    Mapping::reopen(&path, &identity, options)
}

fn no_such_file(what: &str) -> Failure {
    Failure::OutOfRange(format!("no file has the identity {what}"))
}

/// Runs `work` off the main thread.
fn job(
    mapping: &Mapping,
    work: impl FnOnce(&PagedMap) -> Result<()> + Send + 'static,
) -> napi::Result<AsyncTask<Job<()>>> {
    let pages = mapping.paged()?;
    Ok(AsyncTask::new(Job::new(move || work(&pages))))
}

macro_rules! controls_memory {
    ($name:ident, $access:expr) => {
        #[napi]
        impl $name {
            /// Opens the file that `location` tells of, if it is still that file.
            #[napi(factory, catch_unwind)]
            pub fn reopen(
                location: Location,
                offset: f64,
                length: f64,
                guarded: bool,
            ) -> napi::Result<Self> {
                let options = OpenOptions {
                    access: $access,
                    offset: offset as u64,
                    length: Some(length as usize),
                    guarded,
                };
                Ok(Self(reopen(location, &options)?))
            }

            /// Where the file is found again; null for anonymous memory.
            #[napi(catch_unwind)]
            pub fn location(
                &self,
                #[napi(ts_arg_type = "string | Uint8Array | undefined")] opened: Option<File>,
            ) -> napi::Result<Option<Location>> {
                Ok(location(&self.0, opened)?)
            }

            /// Gives the system a hint; whether it took it.
            #[napi(catch_unwind)]
            pub fn advise(&self, hint: String, start: f64, end: f64) -> napi::Result<bool> {
                let pages = self.0.paged()?;
                Ok(pages.advise(&hint, start as usize, end as usize)?)
            }

            /// Brings the bytes from `start` to `end` into memory. Blocks.
            #[napi(catch_unwind)]
            pub fn prefetch_sync(&self, start: f64, end: f64) -> napi::Result<()> {
                Ok(self.0.paged()?.prefetch(start as usize, end as usize)?)
            }

            /// As `prefetchSync`, off the main thread.
            #[napi(catch_unwind, ts_return_type = "Promise<void>")]
            pub fn prefetch(&self, start: f64, end: f64) -> napi::Result<AsyncTask<Job<()>>> {
                job(&self.0, move |pages| {
                    pages.prefetch(start as usize, end as usize)
                })
            }

            /// One byte for each page: 1 where it is in memory.
            #[napi(catch_unwind)]
            pub fn resident(&self, start: f64, end: f64) -> napi::Result<Uint8Array> {
                let pages = self.0.paged()?;
                Ok(pages.resident(start as usize, end as usize)?.into())
            }

            /// Keeps the bytes from `start` to `end` in memory. Blocks.
            #[napi(catch_unwind)]
            pub fn lock(&self, start: f64, end: f64) -> napi::Result<()> {
                Ok(self.0.paged()?.lock(start as usize, end as usize)?)
            }

            /// Undoes `lock`.
            #[napi(catch_unwind)]
            pub fn unlock(&self, start: f64, end: f64) -> napi::Result<()> {
                Ok(self.0.paged()?.unlock(start as usize, end as usize)?)
            }

            /// Drops the bytes from `start` to `end` from memory. Blocks.
            #[napi(catch_unwind)]
            pub fn evict_sync(&self, start: f64, end: f64) -> napi::Result<()> {
                Ok(self.0.paged()?.evict(start as usize, end as usize)?)
            }

            /// As `evictSync`, off the main thread.
            #[napi(catch_unwind, ts_return_type = "Promise<void>")]
            pub fn evict(&self, start: f64, end: f64) -> napi::Result<AsyncTask<Job<()>>> {
                job(&self.0, move |pages| {
                    pages.evict(start as usize, end as usize)
                })
            }
        }
    };
}

controls_memory!(Mmap, Access::Read);
controls_memory!(MmapMut, Access::ReadWrite);
controls_memory!(MmapCow, Access::CopyOnWrite);

/// The size of a page in bytes.
#[napi(catch_unwind)]
pub fn page_size() -> f64 {
    paging::page_size() as f64
}

/// How many bytes this process may lock in memory; null for no limit.
#[napi(catch_unwind)]
pub fn lock_limit() -> Option<f64> {
    paging::lock_limit().map(|limit| limit as f64)
}

/// Whether this runtime can lend memory as a SharedArrayBuffer.
#[napi(catch_unwind)]
pub fn can_share() -> bool {
    array_buffer::can_share()
}
