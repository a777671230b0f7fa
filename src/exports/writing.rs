//! What changes the memory of a map, and writes it to the disk.

use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;

use super::job::Job;
use super::maps::{MmapCow, MmapMut};
use super::number::integer;
use crate::memory::SourceBytes;

/// Adds what changes the memory.
macro_rules! writes {
    ($name:ident) => {
        #[napi]
        impl $name {
            /// Copies `bytes` to `offset`.
            #[napi(catch_unwind)]
            pub fn write(
                &self,
                #[napi(ts_arg_type = "Uint8Array")] bytes: SourceBytes,
                offset: f64,
            ) -> napi::Result<()> {
                Ok(self.0.region()?.copy_in(&bytes, integer(offset)?)?)
            }

            /// Repeats `pattern` from `start` to `end`.
            #[napi(catch_unwind)]
            pub fn fill(
                &self,
                #[napi(ts_arg_type = "Uint8Array")] pattern: SourceBytes,
                start: f64,
                end: f64,
            ) -> napi::Result<()> {
                let region = self.0.region()?;
                Ok(region.fill(&pattern, integer(start)?, integer(end)?)?)
            }

            /// As `fill`, off the main thread.
            #[napi(catch_unwind, ts_return_type = "Promise<void>")]
            pub fn fill_async(
                &self,
                #[napi(ts_arg_type = "Uint8Array")] pattern: SourceBytes,
                start: f64,
                end: f64,
            ) -> napi::Result<AsyncTask<Job<()>>> {
                let region = self.0.region()?;
                let pattern = pattern.to_vec()?;
                let (start, end) = (integer(start)?, integer(end)?);
                Ok(AsyncTask::new(Job::on(region, move |region| {
                    region.fill_with(&pattern, start, end)
                })))
            }

            /// As `copyWithin`, off the main thread.
            #[napi(catch_unwind, ts_return_type = "Promise<void>")]
            pub fn copy_within_async(
                &self,
                target: f64,
                start: f64,
                end: f64,
            ) -> napi::Result<AsyncTask<Job<()>>> {
                let region = self.0.region()?;
                let (target, start, end) = (integer(target)?, integer(start)?, integer(end)?);
                Ok(AsyncTask::new(Job::on(region, move |region| {
                    region.copy_within(target, start, end)
                })))
            }

            /// Moves the bytes from `start` to `end` to `target`.
            #[napi(catch_unwind)]
            pub fn copy_within(&self, target: f64, start: f64, end: f64) -> napi::Result<()> {
                let region = self.0.region()?;
                Ok(region.copy_within(integer(target)?, integer(start)?, integer(end)?)?)
            }
        }
    };
}

writes!(MmapMut);
writes!(MmapCow);

#[napi]
impl MmapMut {
    /// Writes the changed pages from `start` to `end` to the disk. Blocks.
    #[napi(catch_unwind)]
    pub fn flush_sync(&self, start: f64, end: f64) -> napi::Result<()> {
        Ok(self.0.region()?.flush(integer(start)?, integer(end)?)?)
    }

    /// As `flushSync`, off the main thread.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn flush(&self, start: f64, end: f64) -> napi::Result<AsyncTask<Job<()>>> {
        let region = self.0.region()?;
        let (start, end) = (integer(start)?, integer(end)?);
        Ok(AsyncTask::new(Job::on(region, move |region| {
            region.flush(start, end)
        })))
    }
}
