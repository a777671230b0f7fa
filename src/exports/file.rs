//! Files as arguments, and where a map's file is found again.

use std::fs::File;
use std::path::PathBuf;

use napi::bindgen_prelude::{Either, Either3, Uint8Array};
use napi_derive::napi;

use super::number::integer;
use crate::error::{Failure, Result};
use crate::memory::{Mapping, OpenOptions, Source, location, threads};
use crate::sys::file::Access;
use crate::sys::identity::{Identity, identity_at, identity_of};
use crate::sys::memory::SharedObject;
use crate::sys::path;

/// A path as a string or as its bytes on disk, or an open descriptor.
pub type FileArgument = Either3<String, Uint8Array, f64>;

/// Where the file comes from.
///
/// # Errors
/// `ERR_MMAP_UNSUPPORTED` for bytes that are no path on this platform.
pub fn source(file: FileArgument) -> Result<Source> {
    Ok(match file {
        Either3::A(path) => Source::Path(PathBuf::from(path)),
        Either3::B(bytes) => Source::Path(path::from_bytes(&bytes)?),
        // Any other number names no open file, as -1 does, which a closed FileHandle has.
        Either3::C(descriptor) => Source::Descriptor(
            integer(descriptor)
                .ok()
                .and_then(|number| i32::try_from(number).ok())
                .unwrap_or(-1),
        ),
    })
}

/// As [`source`], for calls that take no descriptor.
///
/// # Errors
/// `ERR_MMAP_UNSUPPORTED`.
pub fn path(file: FileArgument) -> Result<PathBuf> {
    match source(file)? {
        Source::Path(path) => Ok(path),
        Source::Descriptor(_) => Err(Failure::unsupported("a path is needed")),
    }
}

/// Where a map's file is found again, and which file it must be.
#[napi(object)]
pub struct Location {
    /// The file's absolute path; its bytes where they are not UTF-8; empty for anonymous memory.
    pub path: Either<String, Uint8Array>,
    /// The device it lives on, in decimal.
    pub device: String,
    /// Its inode number there, in decimal.
    pub inode: String,
    /// Its time of birth in nanoseconds since 1970, in decimal.
    pub created: Option<String>,
}

/// Where the map's file is found again; `opened` is what it was opened with. The path of anonymous
/// memory is empty: the threads of this process find it by its number.
///
/// # Errors
/// As [`location::locate`]; `ERR_MMAP_CLOSED`.
pub fn locate(mapping: &Mapping, opened: Option<FileArgument>) -> Result<Location> {
    let region = mapping.region()?;
    if region.object().is_some() {
        return Err(Failure::unsupported(
            "on Windows shared memory has no path; pass its name to the other thread or process, \
             which opens it by SharedMemory.open(name)",
        ));
    }
    let Some(file) = region.file()? else {
        return Ok(Location {
            path: Either::A(String::new()),
            device: "0".to_owned(),
            inode: threads::publish(&region).to_string(),
            created: Some(threads::process().to_string()),
        });
    };
    let opened = opened.map(path).transpose()?;
    let (path, identity) = location::locate(&file, opened.as_deref())?;
    Ok(Location {
        path: match path.to_str() {
            Some(text) => Either::A(text.to_owned()),
            None => Either::B(path::to_bytes(&path).into()),
        },
        device: identity.device.to_string(),
        inode: identity.inode.to_string(),
        created: identity.created.map(|time| time.to_string()),
    })
}

/// Whether the map's file is the one that `at` leads to.
///
/// # Errors
/// What `fstat` refuses; `ERR_MMAP_UNSUPPORTED` where no descriptor is kept; `ERR_MMAP_CLOSED`.
pub fn is_at(mapping: &Mapping, at: FileArgument) -> Result<bool> {
    let Some(file) = mapping.region()?.file()? else {
        return Ok(false);
    };
    let identity = identity_of(&file)?;
    Ok(identity_at(&path(at)?).is_ok_and(|other| other.is(&identity)))
}

/// Which file or shared memory object the map's is, as text; None for anonymous memory.
///
/// # Errors
/// What `fstat` refuses; `ERR_MMAP_UNSUPPORTED` where no descriptor is kept; `ERR_MMAP_CLOSED`.
pub fn identity_of_map(mapping: &Mapping) -> Result<Option<String>> {
    let region = mapping.region()?;
    match region.object() {
        Some(object) => Ok(Some(number_text(object))),
        None => region.file()?.map(|file| identity_text(&file)).transpose(),
    }
}

/// The number of a shared memory object that is no file, as text.
pub fn number_text(object: SharedObject) -> String {
    format!("0:{}", object.number)
}

/// The device and number of a file, as text.
///
/// # Errors
/// What `fstat` refuses.
pub fn identity_text(file: &File) -> Result<String> {
    let identity = identity_of(file)?;
    Ok(format!("{}:{}", identity.device, identity.inode))
}

/// Opens the file at `location`, if it is still that file.
///
/// # Errors
/// As [`Mapping::reopen`].
pub fn reopen(location: Location, options: &OpenOptions) -> Result<Mapping> {
    let path = match location.path {
        Either::A(path) => PathBuf::from(path),
        Either::B(bytes) => path::from_bytes(&bytes)?,
    };
    // TypeScript has checked that they are digits; too many of them name no file.
    let number = |text: &str| text.parse().map_err(|_| no_such_file(text));
    let created = location.created.map(|text| text.parse::<u128>());
    let identity = Identity {
        device: number(&location.device)?,
        inode: number(&location.inode)?,
        created: created.transpose().map_err(|_| no_such_file("created"))?,
    };
    if !path.as_os_str().is_empty() {
        return Mapping::reopen(&path, &identity, options);
    }
    if options.access != Access::ReadWrite {
        return Err(Failure::unsupported(
            "anonymous memory has no file; open its descriptor by MmapMut.from()",
        ));
    }
    Mapping::of_thread(
        identity.inode,
        identity.created,
        options.length.unwrap_or(0),
    )
}

fn no_such_file(what: &str) -> Failure {
    Failure::OutOfRange(format!("no file has the identity {what}"))
}
