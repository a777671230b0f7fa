//! Shared memory by name: the objects of POSIX's `shm_open`, which C programs and Python's
//! `multiprocessing.shared_memory` see as well. On Linux they are files in `/dev/shm`.

use rustix::fs::Mode;
use rustix::shm::{self, OFlags};

use super::Object;
use crate::error::{Failure, Result};

#[cfg_attr(target_os = "linux", path = "linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "posix.rs")]
mod system;

pub use system::{first_name, publish};

/// Creates the object `name`, which has no bytes before it is given a length. `shm_open` sets close-on-exec itself.
///
/// # Errors
/// `EEXIST`, `EACCES`, ...
pub fn create(name: &str, mode: u32, _length: usize) -> Result<Object> {
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDWR;
    // The type of mode bits differs between platforms; nine bits fit all of them.
    shm::open(posix(name), flags, Mode::from_bits_truncate(mode as _))
        .map(|descriptor| Object::File(descriptor.into()))
        .map_err(Failure::system("shm_open"))
}

/// Opens the object `name` for reading and writing.
///
/// # Errors
/// `ENOENT`, `EACCES`, ...
pub fn open(name: &str) -> Result<Object> {
    shm::open(posix(name), OFlags::RDWR, Mode::empty())
        .map(|descriptor| Object::File(descriptor.into()))
        .map_err(Failure::system("shm_open"))
}

/// Removes the name; maps of the object go on.
///
/// # Errors
/// `ENOENT`, `EACCES`, ...
pub fn unlink(name: &str) -> Result<()> {
    shm::unlink(posix(name)).map_err(Failure::system("shm_unlink"))
}

/// POSIX leaves open what a name without a leading slash means, so it has one.
fn posix(name: &str) -> String {
    format!("/{name}")
}
