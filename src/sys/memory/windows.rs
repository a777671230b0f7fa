//! Mapped memory: Windows. What it promises is from Microsoft's documentation of the functions it calls;
//! `docs/platforms.md` says how far it was tried.

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use windows_sys::Win32::System::Memory::{
    MEM_RELEASE, PAGE_PROTECTION_FLAGS, PAGE_READONLY, PAGE_WRITECOPY, VirtualFree, VirtualProtect,
};

use super::section::{self, Kind, Section, View};
use super::{Anonymous, FileView, SharedObject};
use crate::error::{Failure, Result};
use crate::sys::file::Access;
use crate::sys::paging::page_size;

/// What the addresses of a map hold.
enum State {
    /// A view of a file's section, or of one of the page file, with the handle that keeps the name of
    /// shared memory.
    Mapped {
        view: View,
        named: Option<Arc<Section>>,
    },
    /// Zeros; the map was retired.
    Zeros,
    /// Possibly of another owner: retiring could not keep the addresses.
    Lost,
}

/// No view reaches past the end of its section, nor does a section past the end of its file without
/// lengthening the file.
pub const CAN_RESERVE: bool = false;

/// A range of memory that is unmapped when it is dropped.
pub struct Memory {
    start: *mut u8,
    length: usize,
    /// Whether it is nobody else's: then there is nothing to release early.
    anonymous: bool,
    object: Option<SharedObject>,
    state: Mutex<State>,
}

/// The first address and the one after the last that are being retired now, one map at a time.
static RETIRING: [AtomicUsize; 2] = [const { AtomicUsize::new(0) }; 2];
static RETIRE: Mutex<()> = Mutex::new(());

/// Whether the address is unmapped just for the moment: see [`Memory::retire`].
pub fn is_being_retired(address: usize) -> bool {
    let [start, end] = [0, 1].map(|bound| RETIRING[bound].load(Ordering::SeqCst));
    (start..end).contains(&address)
}

/// Sets the access to the pages from `start` on.
fn protect(start: *const u8, length: usize, access: PAGE_PROTECTION_FLAGS) -> io::Result<()> {
    let mut before = 0;
    // SAFETY: callers pass ranges of views that they have just made and not exposed yet.
    match unsafe { VirtualProtect(start.cast(), length, access, &mut before) } {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// A view that may not be written, the pages of which the guard can make copy-on-write. A
/// copy-on-write view does for that, but Windows sets room aside in the page file for the whole of
/// it, as if every page were going to be written; so this is the second choice. The first is
/// allowed by all that is documented, and tried on the first page.
fn read_only_view(file: &File, offset: u64, length: usize) -> io::Result<View> {
    let view = Section::of_file(file, Kind::ReadOnly)?.view(Kind::ReadOnly, offset, length)?;
    let tried = protect(view.start(), 1, PAGE_WRITECOPY);
    if tried
        .and_then(|()| protect(view.start(), 1, PAGE_READONLY))
        .is_ok()
    {
        return Ok(view);
    }
    let view =
        Section::of_file(file, Kind::CopyOnWrite)?.view(Kind::CopyOnWrite, offset, length)?;
    protect(view.start(), view.length(), PAGE_READONLY)?;
    Ok(view)
}

// SAFETY: the address is only a number here; what it points to is shared memory that no
// Rust reference leads to, and the view is behind a lock.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

impl Memory {
    /// Windows extends no view.
    pub fn extend(&self, _: usize) -> bool {
        false
    }

    /// Nothing is laid over the pages of a view while it is mapped.
    pub fn restore(&self, _: &File, _: Access, _: u64, _: usize) -> bool {
        false
    }

    /// Windows moves no pages.
    pub fn move_pages(&self, _: &Memory, _: usize) -> bool {
        false
    }

    fn over(view: View, anonymous: bool) -> Memory {
        Memory {
            start: view.start(),
            length: view.length(),
            anonymous,
            object: None,
            state: Mutex::new(State::Mapped { view, named: None }),
        }
    }

    /// Maps `view` of `file`; it has at least one byte and begins at any offset.
    ///
    /// # Errors
    /// `EPERM` where the handle does not allow it, `ENOMEM`, ...
    pub fn of_file(file: &File, view: &FileView) -> Result<Memory> {
        let &FileView { offset, length, .. } = view;
        let mapped = |kind| Section::of_file(file, kind)?.view(kind, offset, length);
        let mapped = match view.access {
            Access::ReadWrite => mapped(Kind::Writable),
            Access::Read if view.guarded => read_only_view(file, offset, length),
            Access::Read | Access::CopyOnWrite => mapped(Kind::CopyOnWrite),
        };
        mapped
            .map(|view| Memory::over(view, false))
            .map_err(Failure::system("mmap"))
    }

    /// Maps `length` bytes of shared memory, or all of its pages. `number` is that of
    /// [`SharedObject`].
    ///
    /// # Errors
    /// `EPERM`, `ENOMEM`, ...; `ERR_MMAP_UNSUPPORTED` for a section that is only reserved.
    pub fn of_section(section: Arc<Section>, number: u64, length: Option<usize>) -> Result<Memory> {
        let view = match length {
            Some(length) => section.view(Kind::Writable, 0, length),
            None => section.view_of_all(),
        };
        let view = view.map_err(|error| match error.kind() {
            io::ErrorKind::Unsupported => Failure::unsupported(
                "the shared memory belongs to a program that commits its pages one by one",
            ),
            _ => Failure::system("mmap")(error),
        })?;
        let size = view.length().next_multiple_of(page_size()) as u64;
        Ok(Memory {
            start: view.start(),
            length: view.length(),
            anonymous: false,
            object: Some(SharedObject { size, number }),
            state: Mutex::new(State::Mapped {
                view,
                named: Some(section),
            }),
        })
    }

    /// The shared memory object that this maps, where that is no file.
    pub fn object(&self) -> Option<SharedObject> {
        self.object
    }

    /// All pages of the same object, mapped once more; None where this maps none, or is retired.
    ///
    /// # Errors
    /// As [`Memory::of_section`].
    pub fn of_same_object(&self) -> Result<Option<Memory>> {
        let section = match &*self.state() {
            State::Mapped { named, .. } => named.clone(),
            State::Zeros | State::Lost => None,
        };
        let number = self.object.map_or(0, |object| object.number);
        section
            .map(|section| Memory::of_section(section, number, None))
            .transpose()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `length` bytes (not 0) of zeros that belong to no file. Windows always sets room aside in
    /// the page file for them.
    ///
    /// # Errors
    /// `ENOMEM`; `ERR_MMAP_UNSUPPORTED` for huge pages, which need a privilege here that hardly
    /// any account has.
    pub fn anonymous(length: usize, how: Anonymous) -> Result<Memory> {
        if how.huge {
            return Err(Failure::unsupported(
                "huge pages for anonymous maps are supported on Linux only",
            ));
        }
        Section::of_memory(length, None)
            .and_then(|section| section.view(Kind::Writable, 0, length))
            .map(|view| Memory::over(view, true))
            .map_err(Failure::system("mmap"))
    }

    /// The address of the first byte.
    pub fn start(&self) -> *mut u8 {
        self.start
    }

    /// The number of bytes.
    pub fn length(&self) -> usize {
        self.length
    }

    /// Gives the changed pages of the range to the file system. Blocks.
    ///
    /// # Errors
    /// `EIO`, `ENOSPC`, ...
    pub fn flush(&self, start: usize, length: usize) -> Result<()> {
        match &*self.state() {
            State::Mapped { view, .. } => {
                view.flush(start, length).map_err(Failure::system("msync"))
            }
            State::Zeros | State::Lost => Ok(()),
        }
    }

    /// Unmaps the view, which gives up the name of shared memory, too, and puts zeros in its place.
    /// Windows has no call that does both at once. A thread that touches the range in between waits in
    /// the guard's handler until the zeros are there. Where Windows has no placeholders, another thread
    /// may be given the addresses in between; they stay its own then. Anonymous memory, which has no file
    /// to release, stays as it is.
    pub fn retire(&self, _: bool) -> bool {
        let mut state = self.state();
        if self.anonymous || !matches!(*state, State::Mapped { .. }) {
            return true;
        }
        let (base, end) = self.pages();
        let _turn = RETIRE.lock().unwrap_or_else(PoisonError::into_inner);
        RETIRING[0].store(base, Ordering::SeqCst);
        RETIRING[1].store(end, Ordering::SeqCst);
        // Its handle goes, too, after the view.
        if let State::Mapped { view, .. } = std::mem::replace(&mut *state, State::Lost)
            && view.replace_by_zeros()
        {
            *state = State::Zeros;
        }
        RETIRING[1].store(0, Ordering::SeqCst);
        true
    }

    /// The range rounded out to what the view was mapped with: views begin at multiples of the
    /// allocation granularity.
    pub fn pages(&self) -> (usize, usize) {
        let start = self.start as usize;
        let base = start - start % section::granularity();
        (base, start + self.length)
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if matches!(state, State::Zeros) {
            // SAFETY: `retire` has allocated exactly this range, and no owner is left.
            unsafe { VirtualFree(self.pages().0 as *mut _, 0, MEM_RELEASE) };
        }
    }
}
