//! Work off the main thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use napi::bindgen_prelude::{ToNapiValue, TypeName};
use napi::{Env, Task};

use crate::error::Result;
use crate::memory::Region;

type Work<T> = Box<dyn FnOnce() -> Result<T> + Send>;

/// One piece of work for a thread of libuv's pool; its promise settles with what the work returns.
/// TypeScript divides long work into many such pieces (`lib/memory/jobs.ts`), which is what makes it
/// cancellable.
pub struct Job<T>(Option<Work<T>>);

impl<T> Job<T> {
    /// A job that runs `work`, once.
    pub fn new(work: impl FnOnce() -> Result<T> + Send + 'static) -> Job<T> {
        Job(Some(Box::new(work)))
    }

    /// A job that runs `work`, once, on a map's memory.
    pub fn on(
        region: Arc<Region>,
        work: impl FnOnce(&Region) -> Result<T> + Send + 'static,
    ) -> Job<T> {
        Job::new(move || {
            let answer = work(&region);
            region.report_losses();
            answer
        })
    }
}

impl<T: ToNapiValue + TypeName + Send + 'static> Task for Job<T> {
    type Output = T;
    type JsValue = T;

    fn compute(&mut self) -> napi::Result<T> {
        let work = self
            .0
            .take()
            .ok_or_else(|| napi::Error::from_reason("a job runs once"))?;
        // A panic must not unwind into libuv's C frames.
        match catch_unwind(AssertUnwindSafe(work)) {
            Ok(answer) => answer.map_err(napi::Error::from),
            Err(_) => Err(napi::Error::from_reason("memmap panicked in a job")),
        }
    }

    fn resolve(&mut self, _: Env, output: T) -> napi::Result<T> {
        Ok(output)
    }
}
