//! What of a map is in memory.

use napi::bindgen_prelude::{AsyncTask, Uint8Array};
use napi_derive::napi;

use super::job::Job;
use super::maps::{Mmap, MmapCow, MmapMut};
use super::number::integer;
use super::threads::Threads;
use crate::error::Result;
use crate::memory::{Mapping, PagedMap};
use crate::sys::{cache, paging};

/// Runs `work` off the main thread.
pub fn job(
    mapping: &Mapping,
    work: impl FnOnce(&PagedMap) -> Result<()> + Send + 'static,
) -> napi::Result<AsyncTask<Job<()>>> {
    let pages = mapping.paged()?;
    Ok(AsyncTask::new(Job::new(move || work(&pages))))
}

/// Brings the bytes from `start` to `end` into memory, off the main thread.
pub fn prefetch(
    mapping: &Mapping,
    (threads, id): (&Threads, f64),
    start: f64,
    end: f64,
) -> napi::Result<()> {
    let (start, end) = (integer(start)?, integer(end)?);
    let pages = mapping.paged()?;
    pages.check(start, end)?;
    Ok(threads.prefetch(id, pages, start, end)?)
}

/// As [`prefetch`], for a few bytes that somebody waits for.
pub fn read(
    mapping: &Mapping,
    (threads, id): (&Threads, f64),
    start: f64,
    end: f64,
) -> napi::Result<()> {
    let (start, end) = (integer(start)?, integer(end)?);
    let pages = mapping.paged()?;
    pages.check(start, end)?;
    Ok(threads.read(id, pages, start, end)?)
}

/// What of a range of a file the system's cache has, in pages.
#[napi(object, object_from_js = false)]
pub struct CachedPages {
    pub resident: f64,
    /// Not on the disk yet.
    pub dirty: f64,
}

impl From<cache::CachedPages> for CachedPages {
    fn from(pages: cache::CachedPages) -> Self {
        CachedPages {
            resident: pages.resident as f64,
            dirty: pages.dirty as f64,
        }
    }
}

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

/// Adds what a map does with its pages.
macro_rules! pages {
    ($name:ident) => {
        #[napi]
        impl $name {
            /// Gives the system a hint. Answers whether the system took it.
            #[napi(catch_unwind)]
            pub fn advise(&self, hint: String, start: f64, end: f64) -> napi::Result<bool> {
                let pages = self.0.paged()?;
                Ok(pages.advise(&hint, integer(start)?, integer(end)?)?)
            }

            /// Brings the bytes from `start` to `end` into memory, on so many threads. Blocks.
            #[napi(catch_unwind)]
            pub fn prefetch_sync(
                &self,
                start: f64,
                end: f64,
                concurrency: u32,
            ) -> napi::Result<()> {
                let (start, end) = (integer(start)?, integer(end)?);
                let pages = self.0.paged()?;
                Ok(pages.prefetch_on(start, end, concurrency as usize)?)
            }

            /// As `prefetchSync`, off the main thread.
            #[napi(catch_unwind)]
            pub fn prefetch(
                &self,
                threads: &Threads,
                id: f64,
                start: f64,
                end: f64,
            ) -> napi::Result<()> {
                prefetch(&self.0, (threads, id), start, end)
            }

            /// As `prefetch`, for a few bytes that somebody waits for.
            #[napi(catch_unwind)]
            pub fn read(
                &self,
                threads: &Threads,
                id: f64,
                start: f64,
                end: f64,
            ) -> napi::Result<()> {
                read(&self.0, (threads, id), start, end)
            }

            /// Whether the bytes from `start` to `end` are certainly in memory.
            #[napi(catch_unwind)]
            pub fn is_resident(&self, start: f64, end: f64) -> napi::Result<bool> {
                let pages = self.0.paged()?;
                Ok(pages.is_resident(integer(start)?, integer(end)?)?)
            }

            /// One byte a page: 1 where it is in memory.
            #[napi(catch_unwind)]
            pub fn resident(&self, start: f64, end: f64) -> napi::Result<Uint8Array> {
                let pages = self.0.paged()?;
                Ok(pages.resident(integer(start)?, integer(end)?)?.into())
            }

            /// What the system's cache has of the bytes; null where it does not tell.
            #[napi(catch_unwind)]
            pub fn cached(&self, start: f64, end: f64) -> napi::Result<Option<CachedPages>> {
                let pages = self.0.paged()?;
                let cached = pages.cached(integer(start)?, integer(end)?)?;
                Ok(cached.map(CachedPages::from))
            }

            /// Keeps the bytes from `start` to `end` in memory. Blocks.
            #[napi(catch_unwind)]
            pub fn lock(&self, start: f64, end: f64) -> napi::Result<()> {
                Ok(self.0.paged()?.lock(integer(start)?, integer(end)?)?)
            }

            /// Undoes `lock`.
            #[napi(catch_unwind)]
            pub fn unlock(&self, start: f64, end: f64) -> napi::Result<()> {
                Ok(self.0.paged()?.unlock(integer(start)?, integer(end)?)?)
            }

            /// Drops the bytes from `start` to `end` from memory. Blocks.
            #[napi(catch_unwind)]
            pub fn evict_sync(&self, start: f64, end: f64) -> napi::Result<()> {
                Ok(self.0.paged()?.evict(integer(start)?, integer(end)?)?)
            }

            /// As `evictSync`, off the main thread.
            #[napi(catch_unwind, ts_return_type = "Promise<void>")]
            pub fn evict(&self, start: f64, end: f64) -> napi::Result<AsyncTask<Job<()>>> {
                let (start, end) = (integer(start)?, integer(end)?);
                job(&self.0, move |pages| pages.evict(start, end))
            }
        }
    };
}

pages!(Mmap);
pages!(MmapMut);
pages!(MmapCow);
