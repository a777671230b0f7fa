//! The three classes that Node loads. They differ in how they are made and in who may write; the
//! bodies are [`Mapping`]'s.
//!
//! Every export catches panics. Numbers arrive as doubles that TypeScript has checked to be safe
//! integers, so converting them is exact.

use std::path::PathBuf;

use napi::Env;
use napi::bindgen_prelude::{AsyncTask, Either3, Uint8Array};
use napi_derive::napi;

use self::job::Job;
use crate::memory::SourceBytes;
use crate::memory::array_buffer::{ArrayBufferArgument, ExternalBuffer, Kind};
use crate::memory::{Mapping, OpenOptions, Source};
use crate::sys::file::{self, Access};
use crate::sys::memory::Anonymous;

mod faults;
mod job;
mod search;

/// A path as a string or as its bytes on disk, or an open descriptor.
type File = Either3<String, Uint8Array, i32>;

fn source(file: File) -> crate::error::Result<Source> {
    Ok(match file {
        Either3::A(path) => Source::Path(PathBuf::from(path)),
        Either3::B(bytes) => Source::Path(file::path_from_bytes(&bytes)?),
        Either3::C(descriptor) => Source::Descriptor(descriptor),
    })
}

fn path(file: File) -> crate::error::Result<PathBuf> {
    match source(file)? {
        Source::Path(path) => Ok(path),
        Source::Descriptor(_) => Err(crate::error::Failure::unsupported("a path is needed")),
    }
}

/// Adds what all three have.
macro_rules! map_class {
    ($name:ident) => {
        #[napi]
        impl $name {
            /// The number of bytes, 0 once closed.
            #[napi(getter, catch_unwind)]
            pub fn length(&self) -> f64 {
                self.0.length() as f64
            }

            /// An ArrayBuffer over the bytes from `start` to `end`.
            #[napi(catch_unwind, ts_return_type = "ArrayBuffer")]
            pub fn lend(&self, env: Env, start: f64, end: f64) -> napi::Result<ExternalBuffer> {
                let (start, end) = (start as usize, end as usize);
                Ok(self.0.external(&env, start, end, Kind::ArrayBuffer)?)
            }

            /// A SharedArrayBuffer over the bytes from `start` to `end`.
            #[napi(catch_unwind, ts_return_type = "SharedArrayBuffer")]
            pub fn lend_shared(
                &self,
                env: Env,
                start: f64,
                end: f64,
            ) -> napi::Result<ExternalBuffer> {
                let (start, end) = (start as usize, end as usize);
                Ok(self.0.external(&env, start, end, Kind::SharedArrayBuffer)?)
            }

            /// Lets go of the file, and of the memory where nothing was lent.
            #[napi(catch_unwind)]
            pub fn close(&self) {
                self.0.close();
            }

            /// Another map of the same file, or a copy of the same anonymous memory.
            #[napi(catch_unwind)]
            pub fn again(&self, length: f64) -> napi::Result<$name> {
                Ok($name(self.0.remap(length as usize)?))
            }

            /// The size of the whole file as it is now.
            #[napi(catch_unwind)]
            pub fn file_size(&self) -> napi::Result<Option<f64>> {
                Ok(self.0.file_size()?.map(|size| size as f64))
            }
        }
    };
}

/// Adds what opens an existing file.
macro_rules! opens_files {
    ($name:ident, $access:expr) => {
        #[napi]
        impl $name {
            /// Maps a file, or `length` bytes of it from `offset` on.
            #[napi(constructor, catch_unwind)]
            pub fn open(
                #[napi(ts_arg_type = "string | Uint8Array | number")] file: File,
                offset: f64,
                length: Option<f64>,
                guarded: bool,
            ) -> napi::Result<Self> {
                let options = OpenOptions {
                    access: $access,
                    offset: offset as u64,
                    length: length.map(|length| length as usize),
                    guarded,
                };
                Ok(Self(Mapping::open(&source(file)?, &options)?))
            }
        }
    };
}

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
                Ok(self.0.region()?.copy_in(&bytes, offset as usize)?)
            }

            /// Repeats `pattern` from `start` to `end`.
            #[napi(catch_unwind)]
            pub fn fill(
                &self,
                #[napi(ts_arg_type = "Uint8Array")] pattern: SourceBytes,
                start: f64,
                end: f64,
            ) -> napi::Result<()> {
                Ok(self
                    .0
                    .region()?
                    .fill(&pattern, start as usize, end as usize)?)
            }

            /// Moves the bytes from `start` to `end` to `target`.
            #[napi(catch_unwind)]
            pub fn copy_within(&self, target: f64, start: f64, end: f64) -> napi::Result<()> {
                Ok(self
                    .0
                    .region()?
                    .copy_within(target as usize, start as usize, end as usize)?)
            }
        }
    };
}

/// A read-only map of a file.
#[napi]
pub struct Mmap(Mapping);

map_class!(Mmap);
opens_files!(Mmap, Access::Read);

/// A map whose changes reach the file, or of anonymous memory.
#[napi]
pub struct MmapMut(Mapping);

map_class!(MmapMut);
opens_files!(MmapMut, Access::ReadWrite);
writes!(MmapMut);

/// A map whose changes stay private.
#[napi]
pub struct MmapCow(Mapping);

map_class!(MmapCow);
opens_files!(MmapCow, Access::CopyOnWrite);
writes!(MmapCow);

#[napi]
impl MmapMut {
    /// Creates a file, under `temporary` first where that is given, and maps it.
    #[napi(factory, catch_unwind)]
    pub fn create(
        #[napi(ts_arg_type = "string | Uint8Array")] file: File,
        #[napi(ts_arg_type = "string | Uint8Array | undefined")] temporary: Option<File>,
        length: f64,
        allocate: bool,
        mode: u32,
    ) -> napi::Result<Self> {
        let file = path(file)?;
        let length = length as usize;
        let mapping = match temporary {
            None => Mapping::create(&file, length, allocate, mode)?,
            Some(temporary) => Mapping::replace(&file, &path(temporary)?, length, allocate, mode)?,
        };
        Ok(Self(mapping))
    }

    /// Maps zeros that belong to no file.
    #[napi(factory, catch_unwind)]
    pub fn anonymous(length: f64, huge: bool, no_reserve: bool) -> napi::Result<Self> {
        let how = Anonymous { huge, no_reserve };
        Ok(Self(Mapping::anonymous(length as usize, how)?))
    }

    /// Cuts or lengthens the file.
    #[napi(catch_unwind)]
    pub fn set_file_size(&self, size: f64, allocate: bool) -> napi::Result<()> {
        Ok(self.0.set_file_size(size as u64, allocate)?)
    }

    /// Writes the changed pages from `start` to `end` to the disk. Blocks.
    #[napi(catch_unwind)]
    pub fn flush_sync(&self, start: f64, end: f64) -> napi::Result<()> {
        Ok(self.0.region()?.flush(start as usize, end as usize)?)
    }

    /// As `flushSync`, off the main thread.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn flush(&self, start: f64, end: f64) -> napi::Result<AsyncTask<Job<()>>> {
        let region = self.0.region()?;
        Ok(AsyncTask::new(Job::new(move || {
            region.flush(start as usize, end as usize)
        })))
    }
}

// After the classes: napi-rs wants to have seen them.
mod paging;

/// Detaches an ArrayBuffer that was lent.
#[napi(catch_unwind)]
pub fn detach(env: Env, #[napi(ts_arg_type = "ArrayBuffer")] array_buffer: ArrayBufferArgument) {
    array_buffer.detach(&env);
}

// After the classes: `#[napi]` knows a class only once it has expanded it.
mod file_lock;
mod shm;
mod sync;
