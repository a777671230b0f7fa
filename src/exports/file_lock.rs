//! Locks on files. TypeScript (`lib/sync/file-lock.ts`) has checked the arguments and does the
//! waiting.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use napi_derive::napi;

use super::file::{FileArgument, source};
use super::number::integer;
use crate::error::{Failure, Result};
use crate::memory::Source;
use crate::sys::identity::identity_of;
use crate::sys::{file, lock};

/// Opens a file for a lock. Writing is what creates it, and what an exclusive lock on a range needs.
fn open(path: &Path, shared: bool) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    options.open(path).or_else(|error| match error.kind() {
        // Another user's file, a disk that is mounted read-only, a program that runs.
        ErrorKind::PermissionDenied
        | ErrorKind::ReadOnlyFilesystem
        | ErrorKind::ExecutableFileBusy
            if shared =>
        {
            File::open(path).map_err(|_| error)
        }
        _ => Err(error),
    })
}

/// An open file that can be locked, as a whole or in a range of bytes.
#[napi]
pub struct FileLock {
    /// None once closed.
    file: Mutex<Option<File>>,
    /// The first byte and the number of bytes.
    range: Option<(u64, u64)>,
}

#[napi]
impl FileLock {
    /// Opens the file, creating it where it is missing, or takes a share of an open descriptor. For
    /// a shared lock a file that only may be read is enough.
    #[napi(constructor, catch_unwind)]
    pub fn open(
        #[napi(ts_arg_type = "string | Uint8Array | number")] file: FileArgument,
        shared: bool,
        start: Option<f64>,
        length: Option<f64>,
    ) -> napi::Result<Self> {
        let range = match start {
            Some(start) => {
                let length = integer(length.unwrap_or(0.0))?;
                Some((integer(start)? as u64, length as u64))
            }
            None => None,
        };
        let file = match source(file)? {
            Source::Path(path) => open(&path, shared).map_err(Failure::system("open"))?,
            Source::Descriptor(descriptor) => file::duplicate(descriptor)?,
        };
        let file = Mutex::new(Some(file));
        Ok(FileLock { file, range })
    }

    /// Whether both are locks on one file, whatever paths lead to it.
    #[napi(catch_unwind)]
    pub fn is_of_same_file(&self, other: &FileLock) -> napi::Result<bool> {
        let one = self.with_file(identity_of)?;
        Ok(one.is(&other.with_file(identity_of)?))
    }

    fn file(&self) -> MutexGuard<'_, Option<File>> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with_file<T>(&self, work: impl FnOnce(&File) -> Result<T>) -> Result<T> {
        work(self.file().as_ref().ok_or_else(Failure::closed)?)
    }

    /// Locks unless another owner has a lock that conflicts. Answers whether it did.
    #[napi(catch_unwind)]
    pub fn try_lock(&self, shared: bool) -> napi::Result<bool> {
        Ok(self.with_file(|file| {
            if let Some((start, length)) = self.range {
                return lock::try_lock_range(file, shared, start, length);
            }
            lock::try_lock(file, shared)
        })?)
    }

    /// Unlocks and closes the file.
    #[napi(catch_unwind)]
    pub fn unlock(&self) -> napi::Result<()> {
        let unlocked = self.with_file(|file| match self.range {
            Some((start, length)) => lock::unlock_range(file, start, length),
            None => lock::unlock(file),
        });
        // Closing the file releases a lock that the system has refused to release.
        self.close();
        Ok(unlocked?)
    }

    /// Closes the file.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        self.file().take();
    }
}
