//! What a map does, whichever of the three classes it belongs to.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use napi::Env;

use super::array_buffer::{self, ExternalBuffer, Kind};
use super::earlier::Earlier;
use super::paging::PagedMap;
use super::region::{Region, fixed_length};
use super::threads;
use crate::error::{Failure, Result};
use crate::sys::file::{self, Access};
use crate::sys::identity::{self, Identity};
use crate::sys::memory::{Anonymous, FileView};
use crate::sys::shm::{self, Object};

mod growth;
mod options;

use options::WHOLE;
pub use options::{CreateOptions, OpenOptions};

/// One mapping of a file or of anonymous memory. It never moves. It grows where it is by
/// [`Mapping::grow`]; for any other length another one takes its place: [`Mapping::beside`],
/// [`Mapping::remap`].
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
        /// The shorter mappings of the same file that this one has followed.
        earlier: Earlier,
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
            earlier: Earlier::default(),
        })
    }
}

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
        Mapping::of_file(Arc::new(file), view, options.keep_descriptor)
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
        Mapping::of_file(Arc::new(file), view, options.keep_descriptor)
    }

    fn of_file(file: Arc<File>, view: FileView, keep: bool) -> Result<Mapping> {
        let region = Region::of_file(file, &view, keep)?;
        Ok(Mapping {
            view,
            anonymous: Anonymous::default(),
            state: State::open(region),
        })
    }

    /// Creates the file `path` and maps it. With `temporary` it is made under that path, and takes
    /// the place of `path` in one step once everything else has succeeded; maps of a file that was
    /// there before keep that file. Where anything fails, nothing is left behind.
    ///
    /// # Errors
    /// `EEXIST`, `ENOSPC` and whatever else `open`, `fallocate`, `ftruncate`, `mmap` and `rename`
    /// refuse; `ERR_MMAP_IO` where the pages cannot be brought in.
    pub fn create(
        path: &Path,
        temporary: Option<&Path>,
        options: &CreateOptions,
    ) -> Result<Mapping> {
        let first = temporary.unwrap_or(path);
        let file = file::create_new(first, options.mode)?;
        let publish = || match temporary {
            Some(temporary) => file::replace(temporary, path),
            None => Ok(()),
        };
        Mapping::of_new(file, options, publish).inspect_err(|_| {
            // The first failure is the one to report.
            let _ = std::fs::remove_file(first);
        })
    }

    /// Creates the shared memory object `name`, all of its bytes reserved, and maps it. Where
    /// anything fails, nothing is left behind. On Linux the name appears with the whole object.
    ///
    /// # Errors
    /// As [`Mapping::create`].
    pub fn create_shared(name: &str, options: &CreateOptions) -> Result<Mapping> {
        let first = shm::first_name(name);
        let publish = || shm::publish(&first, name);
        let made = match shm::create(&first, options.mode, options.length)? {
            Object::File(file) => Mapping::of_new(file, options, publish),
            Object::Memory(memory) => Mapping::of_object(Region::of_object(memory)?)
                .prepared(options)
                .and_then(|made| publish().map(|()| made)),
        };
        made.inspect_err(|_| {
            let _ = shm::unlink(&first);
        })
    }

    /// Gives a new file its length and maps it. `publish` comes last.
    fn of_new(
        file: File,
        options: &CreateOptions,
        publish: impl FnOnce() -> Result<()>,
    ) -> Result<Mapping> {
        let length = options.length as u64;
        file::check_pages(&file)?;
        // macOS allocates behind the blocks that the file has, so before it is lengthened, which shared
        // memory is only once.
        if options.allocate {
            file::reserve(&file, 0, length)?;
        }
        file::set_length(&file, length)?;
        let wanted = OpenOptions {
            reserve: options.reserve,
            ..WHOLE
        };
        let made = Mapping::of_file(Arc::new(file), wanted.view(length)?, true)?;
        let made = made.prepared(options)?;
        publish()?;
        Ok(made)
    }

    /// Does what the options ask for once the memory is mapped.
    fn prepared(self, options: &CreateOptions) -> Result<Mapping> {
        let pages = self.paged()?;
        if options.huge_pages {
            pages.advise("hugepage", 0, options.length)?;
        }
        if options.populate {
            pages.prefetch(0, options.length)?;
        }
        Ok(self)
    }

    /// Maps the whole shared memory object `name`.
    ///
    /// # Errors
    /// `ENOENT`, `EACCES` and whatever else `shm_open` and `mmap` refuse.
    pub fn open_shared(name: &str) -> Result<Mapping> {
        match shm::open(name)? {
            Object::File(file) => {
                let view = WHOLE.view(file::size_of(&file)?)?;
                Mapping::of_file(Arc::new(file), view, true)
            }
            Object::Memory(memory) => Ok(Mapping::of_object(Region::of_object(memory)?)),
        }
    }

    fn of_object(region: Region) -> Mapping {
        Mapping {
            view: of_no_file(region.length(), true),
            anonymous: Anonymous::default(),
            state: State::open(region),
        }
    }

    /// `length` bytes of zeros that belong to no file.
    ///
    /// # Errors
    /// As [`crate::sys::memory::Memory::anonymous`].
    pub fn anonymous(length: usize, how: Anonymous) -> Result<Mapping> {
        Ok(Mapping {
            view: of_no_file(length, false),
            anonymous: how,
            state: State::open(Region::anonymous(length, how)?),
        })
    }

    /// Another map of the anonymous memory that a thread of this process has published by
    /// [`threads::publish`].
    ///
    /// # Errors
    /// As [`threads::find`].
    pub fn of_thread(number: u64, process: Option<u128>, length: usize) -> Result<Mapping> {
        let region = threads::find(number, process, length)?;
        Ok(Mapping {
            view: of_no_file(length, false),
            anonymous: Anonymous::default(),
            state: Mutex::new(State::Open {
                region,
                exposed: false,
                earlier: Earlier::default(),
            }),
        })
    }

    /// Another mapping of the same file, `length` bytes from the same offset on, while this one
    /// stays as it is; or other anonymous memory with the bytes of this one, truncated or extended
    /// with zeros, while this one may be zeros afterwards.
    ///
    /// # Errors
    /// What `mmap` refuses; `ERR_MMAP_CLOSED`; `ERR_MMAP_UNSUPPORTED` where no descriptor is kept;
    /// and for another length of shared memory that is no file; `ERR_MMAP_IN_USE` for anonymous
    /// memory that other threads may have opened.
    pub fn remap(&self, length: usize) -> Result<Mapping> {
        let region = self.region()?;
        if let Some(file) = region.file()? {
            return Mapping::of_file(
                file,
                FileView {
                    length,
                    ..self.view
                },
                true,
            );
        }
        if let Some(object) = region.object() {
            return match region.of_same_object()? {
                Some(region) if object.size == length as u64 => Ok(Mapping::of_object(region)),
                _ => Err(fixed_length()),
            };
        }
        if region.is_published() {
            return Err(Failure::Mmap {
                code: "ERR_MMAP_IN_USE",
                message: "other threads may use this anonymous memory, so that it cannot move or \
                          change its length; make other memory, of the new length"
                    .to_owned(),
            });
        }
        let moved = Mapping::anonymous(length, self.anonymous)?;
        moved.region()?.take_from(&region)?;
        Ok(moved)
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
    /// What `fstat` refuses; `ERR_MMAP_CLOSED`; `ERR_MMAP_UNSUPPORTED` where no descriptor is kept.
    pub fn file_size(&self) -> Result<Option<u64>> {
        self.region()?.file_size()
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
            State::Open {
                region, exposed, ..
            } => {
                let made = array_buffer::external(env, region, start, end, kind)?;
                *exposed = true;
                Ok(made)
            }
            State::Closed { .. } => Err(Failure::closed()),
        }
    }

    /// Releases the file, also of the mappings that this one has followed, and unmaps the memory where
    /// no ArrayBuffer was made. Idempotent.
    pub fn close(&self) {
        let mut state = self.state();
        let closed = State::Closed { _reserved: None };
        if let State::Open {
            region,
            exposed,
            mut earlier,
        } = std::mem::replace(&mut *state, closed)
        {
            earlier.retire();
            let reserved = region.retire(exposed);
            *state = State::Closed {
                _reserved: reserved,
            };
        }
    }
}

/// What a map of no file is to the methods that ask.
fn of_no_file(length: usize, guarded: bool) -> FileView {
    FileView {
        access: Access::ReadWrite,
        offset: 0,
        length,
        reserve: 0,
        guarded,
    }
}
