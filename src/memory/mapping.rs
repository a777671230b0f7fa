//! What a map does, whichever of the three classes it belongs to.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use napi::Env;

use super::array_buffer::{self, ExternalBuffer, Kind};
use super::paging::PagedMap;
use super::region::Region;
use crate::error::{Failure, Result};
use crate::sys::file::{self, Access};
use crate::sys::identity::{self, Identity};
use crate::sys::memory::{Anonymous, FileView};
use crate::sys::shm;

/// One mapping of a file or of anonymous memory. It never moves or changes its length: resizing
/// and refreshing make another one with [`Mapping::remap`].
pub struct Mapping {
    view: FileView,
    /// How the memory was made where it belongs to no file.
    anonymous: Anonymous,
    /// Only the thread of the map's JavaScript touches it; the lock is what lets napi-rs catch
    /// panics around it.
    state: Mutex<State>,
}

enum State {
    Open {
        region: Arc<Region>,
        /// Whether an ArrayBuffer was ever made over it.
        exposed: bool,
    },
    /// Closed. ArrayBuffers keep the object that owns this alive (the TypeScript class of the
    /// memory sees to it), and this keeps the addresses reserved.
    Closed { _reserved: Option<Arc<Region>> },
}

impl State {
    fn open(region: Region) -> Mutex<State> {
        Mutex::new(State::Open {
            region: Arc::new(region),
            exposed: false,
        })
    }
}

/// What to map of a file that is to be opened, and how.
#[derive(Clone, Copy, Debug)]
pub struct OpenOptions {
    /// How the pages relate to the file.
    pub access: Access,
    /// The first byte of the file.
    pub offset: u64,
    /// The number of bytes; None for all up to the end.
    pub length: Option<usize>,
    /// Whether the fault guard watches the pages.
    pub guarded: bool,
}

impl OpenOptions {
    /// The view of a file of `size` bytes.
    fn view(&self, size: u64) -> Result<FileView> {
        Ok(FileView {
            access: self.access,
            offset: self.offset,
            length: length_within(size, self.offset, self.length)?,
            guarded: self.guarded,
        })
    }
}

/// A whole file, for reading and writing.
const WHOLE: OpenOptions = OpenOptions {
    access: Access::ReadWrite,
    offset: 0,
    length: None,
    guarded: true,
};

/// Where a map's file comes from.
pub enum Source {
    /// A file to be opened here.
    Path(PathBuf),
    /// A descriptor that the caller has opened and goes on owning.
    Descriptor(i32),
}

impl Mapping {
    /// Maps part of a file.
    ///
    /// # Errors
    /// What `open`, `fstat` and `mmap` refuse; `ERR_OUT_OF_RANGE` past the end of the file;
    /// `ERR_MMAP_UNSUPPORTED` for what is no file of bytes.
    pub fn open(source: &Source, options: &OpenOptions) -> Result<Mapping> {
        let file = match source {
            Source::Path(path) => file::open(path, options.access)?,
            Source::Descriptor(descriptor) => file::duplicate(*descriptor)?,
        };
        let view = options.view(file::size_of(&file)?)?;
        Mapping::of_file(Arc::new(file), view)
    }

    /// As [`Mapping::open`], if the file at `path` is still the one that `expected` tells of.
    ///
    /// # Errors
    /// As `open`; `ERR_MMAP_REPLACED` where it is another file.
    pub fn reopen(path: &Path, expected: &Identity, options: &OpenOptions) -> Result<Mapping> {
        let file = file::open(path, options.access)?;
        if !identity::identity_of(&file)?.is(expected) {
            return Err(Failure::Mmap {
                code: "ERR_MMAP_REPLACED",
                message: "the path leads to another file now than when the descriptor was made; \
                          make a new descriptor, or open the path to map the new file"
                    .to_owned(),
            });
        }
        let view = options.view(file::size_of(&file)?)?;
        Mapping::of_file(Arc::new(file), view)
    }

    fn of_file(file: Arc<File>, view: FileView) -> Result<Mapping> {
        let region = Region::of_file(file, &view)?;
        Ok(Mapping {
            view,
            anonymous: Anonymous::default(),
            state: State::open(region),
        })
    }

    /// Creates the file `path` with `length` zero bytes and maps it. With `allocate` the disk
    /// blocks are reserved. What was created is removed again where anything fails.
    ///
    /// # Errors
    /// `EEXIST`, `ENOSPC` and whatever else `open`, `fallocate`, `ftruncate` and `mmap` refuse.
    pub fn create(path: &Path, length: usize, allocate: bool, mode: u32) -> Result<Mapping> {
        let file = file::create_new(path, mode)?;
        Mapping::of_new(file, length, allocate, || {
            // The first failure is the one to report.
            let _ = std::fs::remove_file(path);
        })
    }

    /// Gives a new file its length and maps it; `remove` is called where that fails.
    fn of_new(file: File, length: usize, allocate: bool, remove: impl FnOnce()) -> Result<Mapping> {
        let made = (|| {
            file::set_length(&file, length as u64)?;
            if allocate {
                file::reserve(&file, 0, length as u64)?;
            }
            let view = WHOLE.view(length as u64)?;
            Mapping::of_file(Arc::new(file), view)
        })();
        made.inspect_err(|_| remove())
    }

    /// Creates the shared memory object `name` with `length` zero bytes, all of them reserved, and
    /// maps it.
    ///
    /// # Errors
    /// `EEXIST`, `ENOSPC` and whatever else `shm_open`, `fallocate` and `mmap` refuse.
    pub fn create_shared(name: &str, length: usize, mode: u32) -> Result<Mapping> {
        let file = shm::create(name, mode)?;
        Mapping::of_new(file, length, true, || {
            let _ = shm::unlink(name);
        })
    }

    /// Maps the whole shared memory object `name`.
    ///
    /// # Errors
    /// `ENOENT`, `EACCES` and whatever else `shm_open` and `mmap` refuse.
    pub fn open_shared(name: &str) -> Result<Mapping> {
        let file = shm::open(name)?;
        let view = WHOLE.view(file::size_of(&file)?)?;
        Mapping::of_file(Arc::new(file), view)
    }

    /// As [`Mapping::create`], under `temporary`, which then takes the place of `path` in one step.
    /// Maps of a file that was there before keep that file.
    ///
    /// # Errors
    /// As `create`, and what `rename` refuses.
    pub fn replace(
        path: &Path,
        temporary: &Path,
        length: usize,
        allocate: bool,
        mode: u32,
    ) -> Result<Mapping> {
        let made = Mapping::create(temporary, length, allocate, mode)?;
        if let Err(error) = std::fs::rename(temporary, path) {
            let _ = std::fs::remove_file(temporary);
            return Err(Failure::system("rename")(error));
        }
        Ok(made)
    }

    /// `length` bytes of zeros that belong to no file.
    ///
    /// # Errors
    /// As [`crate::sys::memory::Memory::anonymous`].
    pub fn anonymous(length: usize, how: Anonymous) -> Result<Mapping> {
        Ok(Mapping {
            view: FileView {
                access: Access::ReadWrite,
                offset: 0,
                length,
                guarded: false,
            },
            anonymous: how,
            state: State::open(Region::anonymous(length, how)?),
        })
    }

    /// Another mapping of the same file, `length` bytes from the same offset on; of anonymous
    /// memory a copy, truncated or extended with zeros. This one stays as it is.
    ///
    /// # Errors
    /// What `mmap` refuses; `ERR_MMAP_CLOSED`.
    pub fn remap(&self, length: usize) -> Result<Mapping> {
        let region = self.region()?;
        if let Some(file) = region.file() {
            return Mapping::of_file(
                file,
                FileView {
                    length,
                    ..self.view
                },
            );
        }
        let copy = Mapping::anonymous(length, self.anonymous)?;
        copy.region()?.copy_from(&region)?;
        Ok(copy)
    }

    /// The map as what can be asked for and about in pages.
    ///
    /// # Errors
    /// `ERR_MMAP_CLOSED`.
    pub fn paged(&self) -> Result<PagedMap> {
        Ok(PagedMap::new(self.region()?, self.view.access))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The memory, which stays mapped while the caller keeps it.
    ///
    /// # Errors
    /// `ERR_MMAP_CLOSED`.
    pub fn region(&self) -> Result<Arc<Region>> {
        match &*self.state() {
            State::Open { region, .. } => Ok(Arc::clone(region)),
            State::Closed { .. } => Err(Failure::closed()),
        }
    }

    /// The number of bytes, 0 once closed.
    pub fn length(&self) -> usize {
        self.region().map_or(0, |region| region.length())
    }

    /// The size of the whole file in bytes as it is now; None for anonymous memory.
    ///
    /// # Errors
    /// What `fstat` refuses; `ERR_MMAP_CLOSED`.
    pub fn file_size(&self) -> Result<Option<u64>> {
        let file = self.region()?.file();
        file.map(|file| file::size_of(&file)).transpose()
    }

    /// Truncates the file, or lengthens it with zeros, for which disk blocks are reserved with
    /// `allocate`. Where that fails the file keeps the size it had.
    ///
    /// # Errors
    /// What `ftruncate` and `fallocate` refuse; `ERR_MMAP_CLOSED`.
    pub fn set_file_size(&self, size: u64, allocate: bool) -> Result<()> {
        let Some(file) = self.region()?.file() else {
            return Ok(());
        };
        let before = file::size_of(&file)?;
        file::set_length(&file, size)?;
        if allocate && before < size {
            file::reserve(&file, before, size).inspect_err(|_| {
                // Only zeros were added: taking them away again loses nothing.
                let _ = file::set_length(&file, before);
            })?;
        }
        Ok(())
    }

    /// An ArrayBuffer over the bytes `start..end`, or a SharedArrayBuffer.
    ///
    /// # Errors
    /// As [`array_buffer::external`]; `ERR_MMAP_CLOSED`.
    pub fn external(
        &self,
        env: &Env,
        start: usize,
        end: usize,
        kind: Kind,
    ) -> Result<ExternalBuffer> {
        match &mut *self.state() {
            State::Open { region, exposed } => {
                *exposed = true;
                array_buffer::external(env, region, start, end, kind)
            }
            State::Closed { .. } => Err(Failure::closed()),
        }
    }

    /// Releases the file, and unmaps the memory where no ArrayBuffer was made. Idempotent.
    pub fn close(&self) {
        let mut state = self.state();
        let closed = State::Closed { _reserved: None };
        if let State::Open { region, exposed } = std::mem::replace(&mut *state, closed) {
            let reserved = region.retire(exposed);
            *state = State::Closed {
                _reserved: reserved,
            };
        }
    }
}

/// The length of a map from `offset` on in a file of `size` bytes.
fn length_within(size: u64, offset: u64, length: Option<usize>) -> Result<usize> {
    let available = size.checked_sub(offset).ok_or_else(|| {
        Failure::OutOfRange(format!(
            "the offset {offset} lies past the end of the file, which has {size} bytes"
        ))
    })?;
    match length {
        Some(length) if length as u64 > available => Err(Failure::OutOfRange(format!(
            "{length} bytes from offset {offset} on reach past the end of the file, which has \
             {size} bytes; at most {available} can be mapped from there"
        ))),
        Some(length) => Ok(length),
        None => usize::try_from(available).map_err(|_| {
            Failure::OutOfRange(format!(
                "{available} bytes are more than this platform can address; give a length"
            ))
        }),
    }
}
