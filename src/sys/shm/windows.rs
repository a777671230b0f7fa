//! Shared memory by name: sections of the page file in the session's namespace (`Local\\`), which
//! other languages see as well, such as Python's `multiprocessing.shared_memory`. Windows takes the name
//! away with the last handle, so this process keeps a handle of each object that it creates.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use windows_sys::Win32::Foundation::ERROR_INVALID_HANDLE;

use super::Object;
use crate::error::{Failure, Result};
use crate::sys::memory::Memory;
use crate::sys::memory::section::Section;

/// The objects that this process has created and not unlinked, by name, with their numbers.
struct Kept {
    last: u64,
    objects: BTreeMap<String, (u64, Arc<Section>)>,
}

static KEPT: Mutex<Kept> = Mutex::new(Kept {
    last: 0,
    objects: BTreeMap::new(),
});

fn kept() -> MutexGuard<'static, Kept> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Creates the object `name` and keeps it until it is unlinked here or this process ends.
///
/// # Errors
/// `EEXIST`, also where another kind of object has the name; `ENOMEM`, `EPERM`, ...;
/// `ERR_OUT_OF_RANGE` for no bytes.
pub fn create(name: &str, _mode: u32, length: usize) -> Result<Object> {
    if length == 0 {
        return Err(Failure::OutOfRange(
            "on Windows shared memory has at least 1 byte".to_owned(),
        ));
    }
    let section = Section::of_memory(length, Some(&local(name))).map_err(|error| {
        // An event, a mutex, ...
        Failure::system("shm_open")(match is_of_other_kind(&error) {
            true => io::Error::from(io::ErrorKind::AlreadyExists),
            false => error,
        })
    })?;
    let section = Arc::new(section);
    let mut kept = kept();
    let number = kept.last + 1;
    let memory = Memory::of_section(Arc::clone(&section), number, Some(length))?;
    kept.last = number;
    kept.objects.insert(name.to_owned(), (number, section));
    Ok(Object::Memory(memory))
}

/// Opens the object `name` for reading and writing, all of its pages.
///
/// # Errors
/// `ENOENT`, `EPERM`, ...; `ERR_MMAP_UNSUPPORTED` where another kind of object has the name.
pub fn open(name: &str) -> Result<Object> {
    let section = find(name)?;
    // While this process keeps an object of that name, there is no other.
    let number = kept().objects.get(name).map_or(0, |(number, _)| *number);
    Memory::of_section(Arc::new(section), number, None).map(Object::Memory)
}

/// Stops keeping the object, which goes with its last map. While there are some, the name stays.
///
/// # Errors
/// `ENOENT`, `EPERM`, ...
pub fn unlink(name: &str) -> Result<()> {
    find(name)?;
    kept().objects.remove(name);
    Ok(())
}

fn find(name: &str) -> Result<Section> {
    Section::open(&local(name)).map_err(|error| match is_of_other_kind(&error) {
        true => Failure::unsupported(format!(
            "'{name}' is the name of another kind of object, such as an event or a mutex"
        )),
        false => Failure::system("shm_open")(error),
    })
}

fn is_of_other_kind(error: &io::Error) -> bool {
    error.raw_os_error() == Some(ERROR_INVALID_HANDLE as i32)
}

/// The name in the namespace of this session, which needs no privilege.
fn local(name: &str) -> String {
    format!("Local\\{name}")
}

/// The name under which an object is to be made: its own.
pub fn first_name(name: &str) -> String {
    name.to_owned()
}

/// Does nothing: the object has its name.
///
/// # Errors
/// None.
pub fn publish(_: &str, _: &str) -> Result<()> {
    Ok(())
}
