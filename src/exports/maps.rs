//! The three classes of maps, which differ in how they are made and in what may be written. What all
//! have is written once, by macros: here what a map is, in the files beside it what it can do.

use napi::Env;
use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;

use super::faults::{self, SurvivedFaults};
use super::file::{self, FileArgument, Location};
use super::job::Job;
use super::number::integer;
use crate::error::{Failure, Result};
use crate::memory::array_buffer::{ExternalBuffer, Kind};
use crate::memory::{CreateOptions, Mapping, OpenOptions, TargetBytes};
use crate::sys::file::Access;
use crate::sys::memory::Anonymous;

/// Defines a class of maps. napi-rs takes no generic types, so that macros write what all three have.
macro_rules! map_class {
    ($(#[$documentation:meta])* $name:ident, $access:expr) => {
        $(#[$documentation])*
        #[napi]
        pub struct $name(pub(super) Mapping);

        #[napi]
        impl $name {
            /// Maps a file, or `length` bytes of it from `offset` on.
            #[napi(constructor, catch_unwind)]
            pub fn open(
                #[napi(ts_arg_type = "string | Uint8Array | number")] file: FileArgument,
                offset: f64,
                length: Option<f64>,
                reserve: f64,
                guarded: bool,
                keep_descriptor: bool,
            ) -> napi::Result<Self> {
                let options = OpenOptions {
                    reserve: integer(reserve)?,
                    keep_descriptor,
                    ..options($access, offset, length, guarded)?
                };
                Ok(Self(Mapping::open(&file::source(file)?, &options)?))
            }

            /// Opens the file at `location`, if it is still that file.
            #[napi(factory, catch_unwind)]
            pub fn reopen(
                location: Location,
                offset: f64,
                length: f64,
                guarded: bool,
            ) -> napi::Result<Self> {
                let options = options($access, offset, Some(length), guarded)?;
                Ok(Self(file::reopen(location, &options)?))
            }

            /// Another map of the same file, or a copy of the same anonymous memory.
            #[napi(catch_unwind)]
            pub fn remap(&self, length: f64) -> napi::Result<$name> {
                Ok($name(self.0.remap(integer(length)?)?))
            }

            /// Makes the map longer where it is; whether that was possible.
            #[napi(catch_unwind)]
            pub fn grow(&self, length: f64) -> napi::Result<bool> {
                Ok(self.0.grow(integer(length)?)?)
            }

            /// A longer map of the same file, beside which this one stays mapped for its ArrayBuffers
            /// only; null where the two would not show the same bytes.
            #[napi(catch_unwind)]
            pub fn beside(&self, length: f64) -> napi::Result<Option<$name>> {
                Ok(self.0.beside(integer(length)?)?.map($name))
            }

            /// Releases the memory of the maps beside which this one was made.
            #[napi(catch_unwind)]
            pub fn release_earlier(&self) {
                self.0.release_earlier();
            }

            /// Releases the file, and the memory where no ArrayBuffer was made.
            #[napi(catch_unwind)]
            pub fn close(&self) {
                self.0.close();
            }

            /// The number of bytes, 0 once closed.
            #[napi(getter, catch_unwind)]
            pub fn length(&self) -> f64 {
                self.0.length() as f64
            }

            /// The number of bytes that it can have where it is, 0 once closed.
            #[napi(getter, catch_unwind)]
            pub fn capacity(&self) -> f64 {
                self.0.capacity() as f64
            }

            /// The size of the whole file as it is now; null for anonymous memory.
            #[napi(catch_unwind)]
            pub fn file_size(&self) -> napi::Result<Option<f64>> {
                Ok(self.0.file_size()?.map(|size| size as f64))
            }

            /// Where the file, or the anonymous memory, is found again.
            #[napi(catch_unwind)]
            pub fn location(
                &self,
                #[napi(ts_arg_type = "string | Uint8Array | undefined")] opened: Option<
                    FileArgument,
                >,
            ) -> napi::Result<Location> {
                Ok(file::locate(&self.0, opened)?)
            }

            /// Whether the path leads to the map's file.
            #[napi(catch_unwind)]
            pub fn is_at(
                &self,
                #[napi(ts_arg_type = "string | Uint8Array")] path: FileArgument,
            ) -> napi::Result<bool> {
                Ok(file::is_at(&self.0, path)?)
            }

            /// The device and number of the file in decimal, such as `35:1204`; null for anonymous
            /// memory. On Windows that of shared memory tells apart what this process has created.
            #[napi(catch_unwind)]
            pub fn identity(&self) -> napi::Result<Option<String>> {
                Ok(file::identity_of_map(&self.0)?)
            }

            /// An ArrayBuffer over the bytes from `start` to `end`.
            #[napi(catch_unwind, ts_return_type = "ArrayBuffer")]
            pub fn external_array_buffer(
                &self,
                env: Env,
                start: f64,
                end: f64,
            ) -> napi::Result<ExternalBuffer> {
                let (start, end) = (integer(start)?, integer(end)?);
                Ok(self.0.external(&env, start, end, Kind::ArrayBuffer)?)
            }

            /// A SharedArrayBuffer over the bytes from `start` to `end`.
            #[napi(catch_unwind, ts_return_type = "SharedArrayBuffer")]
            pub fn external_shared_array_buffer(
                &self,
                env: Env,
                start: f64,
                end: f64,
            ) -> napi::Result<ExternalBuffer> {
                let (start, end) = (integer(start)?, integer(end)?);
                Ok(self.0.external(&env, start, end, Kind::SharedArrayBuffer)?)
            }

            /// Copies the bytes from `start` to `end` to `target`, from `targetStart` on.
            #[napi(catch_unwind)]
            pub fn copy_out(
                &self,
                #[napi(ts_arg_type = "Uint8Array")] target: TargetBytes,
                target_start: f64,
                start: f64,
                end: f64,
            ) -> napi::Result<()> {
                let (start, end) = (integer(start)?, integer(end)?);
                let region = self.0.region()?;
                Ok(region.copy_out(&target, integer(target_start)?, start, end)?)
            }

            /// The index of this map's word in the fault flags; null where it is not guarded.
            #[napi(getter, catch_unwind)]
            pub fn slot(&self) -> Option<u32> {
                self.0.region().ok()?.slot()
            }

            /// What the guard has survived so far.
            #[napi(catch_unwind)]
            pub fn faults(&self) -> Option<SurvivedFaults> {
                faults::survived(&self.0)
            }

            /// Clears the flag of stray writes, once they are reported.
            #[napi(catch_unwind)]
            pub fn acknowledge_stray_writes(&self) {
                if let Ok(region) = self.0.region() {
                    region.acknowledge_stray_writes();
                }
            }
        }
    };
}

fn options(access: Access, offset: f64, length: Option<f64>, guarded: bool) -> Result<OpenOptions> {
    Ok(OpenOptions {
        access,
        offset: integer(offset)? as u64,
        length: length.map(integer).transpose()?,
        reserve: 0,
        guarded,
        keep_descriptor: true,
    })
}

map_class!(
    /// A read-only map of a file.
    Mmap,
    Access::Read
);
map_class!(
    /// A map whose changes reach the file, or of anonymous memory.
    MmapMut,
    Access::ReadWrite
);
map_class!(
    /// A map whose changes stay private.
    MmapCow,
    Access::CopyOnWrite
);

/// How to make a new file or shared memory object.
#[napi(object)]
pub struct NewFile {
    /// The number of bytes.
    pub length: f64,
    /// The number of bytes that it may have later at the same addresses; 0 for none.
    pub reserve: f64,
    /// Whether disk blocks are reserved.
    pub allocate: bool,
    /// The permission bits, before the process's umask.
    pub mode: u32,
    /// Whether the kernel is asked for huge pages.
    pub huge_pages: bool,
    /// Whether all pages are brought into memory.
    pub populate: bool,
}

impl TryFrom<&NewFile> for CreateOptions {
    type Error = Failure;

    fn try_from(new: &NewFile) -> Result<CreateOptions> {
        Ok(CreateOptions {
            length: integer(new.length)?,
            reserve: integer(new.reserve)?,
            allocate: new.allocate,
            mode: new.mode,
            huge_pages: new.huge_pages,
            populate: new.populate,
        })
    }
}

#[napi]
impl MmapMut {
    /// Creates a file, under `temporary` first where that is given, and maps it.
    #[napi(factory, catch_unwind)]
    pub fn create(
        #[napi(ts_arg_type = "string | Uint8Array")] file: FileArgument,
        #[napi(ts_arg_type = "string | Uint8Array | undefined")] temporary: Option<FileArgument>,
        options: NewFile,
    ) -> napi::Result<Self> {
        let path = file::path(file)?;
        let temporary = temporary.map(file::path).transpose()?;
        let options = CreateOptions::try_from(&options)?;
        Ok(Self(Mapping::create(
            &path,
            temporary.as_deref(),
            &options,
        )?))
    }

    /// As `create`, off the main thread.
    #[napi(catch_unwind, ts_return_type = "Promise<MmapMut>")]
    pub fn create_async(
        #[napi(ts_arg_type = "string | Uint8Array")] file: FileArgument,
        #[napi(ts_arg_type = "string | Uint8Array | undefined")] temporary: Option<FileArgument>,
        options: NewFile,
    ) -> napi::Result<AsyncTask<Job<MmapMut>>> {
        let path = file::path(file)?;
        let temporary = temporary.map(file::path).transpose()?;
        let options = CreateOptions::try_from(&options)?;
        Ok(AsyncTask::new(Job::new(move || {
            Ok(MmapMut(Mapping::create(
                &path,
                temporary.as_deref(),
                &options,
            )?))
        })))
    }

    /// Maps zeros that belong to no file.
    #[napi(factory, catch_unwind)]
    pub fn anonymous(length: f64, huge: bool, no_reserve: bool) -> napi::Result<Self> {
        let how = Anonymous { huge, no_reserve };
        Ok(Self(Mapping::anonymous(integer(length)?, how)?))
    }

    /// Truncates or lengthens the file.
    #[napi(catch_unwind)]
    pub fn set_file_size(&self, size: f64, allocate: bool) -> napi::Result<()> {
        Ok(self
            .0
            .region()?
            .set_file_size(integer(size)? as u64, allocate)?)
    }

    /// As `setFileSize`, off the main thread.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn set_file_size_async(
        &self,
        size: f64,
        allocate: bool,
    ) -> napi::Result<AsyncTask<Job<()>>> {
        let region = self.0.region()?;
        let size = integer(size)? as u64;
        Ok(AsyncTask::new(Job::new(move || {
            region.set_file_size(size, allocate)
        })))
    }
}
