//! The three classes of maps. They differ in how they are made and in what may be written; each method is
//! written once, here, and its body is [`Mapping`]'s.

use napi::Env;
use napi::bindgen_prelude::{AsyncTask, Float64Array, Float64ArraySlice, Uint8Array};
use napi_derive::napi;

use super::faults::{self, SurvivedFaults};
use super::file::{self, FileArgument, Location};
use super::found::Found;
use super::job::Job;
use super::number::integer;
use super::paging::{self, CachedPages};
use super::search::{self, Pattern, Search};
use super::threads::Threads;
use crate::error::{Failure, Result};
use crate::memory::array_buffer::{ExternalBuffer, Kind};
use crate::memory::{CreateOptions, Mapping, OpenOptions, SourceBytes, TargetBytes};
use crate::sys::file::Access;
use crate::sys::memory::Anonymous;

/// Defines a class with the methods of all three. napi-rs takes no generic types, so that a macro is
/// what writes them for each class.
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
                paging::prefetch(&self.0, (threads, id), start, end)
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
                paging::read(&self.0, (threads, id), start, end)
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
                paging::job(&self.0, move |pages| pages.evict(start, end))
            }

            /// The first offset from `start` to `end` where `needle` begins, or -1. Blocks.
            #[napi(catch_unwind)]
            pub fn index_of(
                &self,
                #[napi(ts_arg_type = "Uint8Array")] needle: SourceBytes,
                start: f64,
                end: f64,
            ) -> napi::Result<f64> {
                search::index_of(&self.0, &needle, start, end)
            }

            /// The last offset from `start` to `end` where `needle` begins, or -1. Blocks.
            #[napi(catch_unwind)]
            pub fn last_index_of(
                &self,
                #[napi(ts_arg_type = "Uint8Array")] needle: SourceBytes,
                start: f64,
                end: f64,
            ) -> napi::Result<f64> {
                search::last_index_of(&self.0, &needle, start, end)
            }

            /// At most `most` (not 0) matches between `from` and `end`. Blocks.
            #[napi(catch_unwind)]
            pub fn find_sync(
                &self,
                pattern: &Pattern,
                from: f64,
                end: f64,
                #[napi(ts_arg_type = "'offset' | 'needle' | 'groups'")] record: String,
                most: f64,
            ) -> napi::Result<Found> {
                let window = search::window(from, end, end)?;
                search::find_sync(&self.0, pattern, window, &record, most)
            }

            /// At most `most` (not 0) matches that begin between `from` and `to`; may stop sooner.
            #[napi(catch_unwind)]
            #[allow(clippy::too_many_arguments, reason = "an object would cost more than the call")]
            pub fn find(
                &self,
                threads: &Threads,
                id: f64,
                pattern: &Pattern,
                from: f64,
                to: f64,
                end: f64,
                #[napi(ts_arg_type = "'count' | 'offset' | 'needle' | 'groups'")] record: String,
                most: f64,
            ) -> napi::Result<()> {
                let window = search::window(from, to, end)?;
                let record = &record;
                let search = Search { threads, id, pattern, record };
                search::find(&self.0, &search, window, most)
            }

            /// The matches between `from` and `to` of which the first may begin at `actual` only,
            /// compared to those that `find` finds from `from` on.
            #[napi(catch_unwind)]
            #[allow(clippy::too_many_arguments, reason = "an object would cost more than the call")]
            pub fn reconcile(
                &self,
                threads: &Threads,
                id: f64,
                pattern: &Pattern,
                from: f64,
                to: f64,
                end: f64,
                #[napi(ts_arg_type = "'count' | 'offset' | 'needle' | 'groups'")] record: String,
                actual: f64,
            ) -> napi::Result<()> {
                let window = search::window(from, to, end)?;
                let record = &record;
                let search = Search { threads, id, pattern, record };
                search::reconcile(&self.0, &search, window, actual)
            }

            /// The number of matches between `from` and `end`. Blocks.
            #[napi(catch_unwind)]
            pub fn count_sync(&self, pattern: &Pattern, from: f64, end: f64) -> napi::Result<f64> {
                search::count_sync(&self.0, pattern, search::window(from, end, end)?)
            }

            /// The number of line feeds in each block of `size` bytes, from `start` to `end`.
            /// Blocks.
            #[napi(catch_unwind)]
            pub fn count_lines_sync(
                &self,
                start: f64,
                end: f64,
                size: f64,
            ) -> napi::Result<Float64Array> {
                search::count_lines_sync(&self.0, start, end, size)
            }

            /// As `countLinesSync`, off the main thread.
            #[napi(catch_unwind)]
            pub fn count_lines(
                &self,
                threads: &Threads,
                id: f64,
                start: f64,
                end: f64,
                size: f64,
            ) -> napi::Result<()> {
                search::count_lines(&self.0, (threads, id), start, end, size)
            }

            /// Writes the offsets of the first line feeds between `start` and `end` into
            /// `offsets`, up to its length. Answers their number. Blocks.
            #[napi(catch_unwind)]
            pub fn line_feeds(
                &self,
                start: f64,
                end: f64,
                offsets: Float64ArraySlice<'_>,
            ) -> napi::Result<f64> {
                search::line_feeds(&self.0, start, end, offsets)
            }

            /// Where the line after line feed number `n` (from 0) between `start` and `end` begins, or
            /// -1 where there are not `count` line feeds.
            #[napi(catch_unwind)]
            pub fn line_start(
                &self,
                start: f64,
                end: f64,
                count: f64,
                n: f64,
            ) -> napi::Result<f64> {
                search::line_start(&self.0, start, end, count, n)
            }

            /// The offset of line feed number `n` (from 0) between `start` and `end`, or -1.
            #[napi(catch_unwind)]
            pub fn nth_line_feed(&self, start: f64, end: f64, n: f64) -> napi::Result<f64> {
                search::nth_line_feed(&self.0, start, end, n)
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
