//! What of a map is in memory.

use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;

use super::job::Job;
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
