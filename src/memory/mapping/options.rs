//! What is mapped of a file, and what a new file is like.

use crate::error::{Failure, Result};
use crate::sys::file::Access;
use crate::sys::memory::FileView;

/// What to map of a file that is to be opened, and how.
#[derive(Clone, Copy, Debug)]
pub struct OpenOptions {
    /// How the pages relate to the file.
    pub access: Access,
    /// The first byte of the file.
    pub offset: u64,
    /// The number of bytes; None for all up to the end.
    pub length: Option<usize>,
    /// The number of bytes that the map may have later at the same addresses; 0 for none.
    pub reserve: usize,
    /// Whether the fault guard watches the pages.
    pub guarded: bool,
    /// Whether the map keeps a descriptor of the file.
    pub keep_descriptor: bool,
}

impl OpenOptions {
    /// The view of a file of `size` bytes.
    pub(super) fn view(&self, size: u64) -> Result<FileView> {
        let length = length_within(size, self.offset, self.length)?;
        if self.reserve > 0 {
            check_reserve(self.reserve, length, (self.offset + length as u64, size))?;
        }
        Ok(FileView {
            access: self.access,
            offset: self.offset,
            length,
            reserve: self.reserve,
            guarded: self.guarded,
        })
    }
}

/// How to make a new file or shared memory object.
#[derive(Clone, Copy, Debug)]
pub struct CreateOptions {
    /// The number of zero bytes.
    pub length: usize,
    /// As [`OpenOptions::reserve`].
    pub reserve: usize,
    /// Whether disk blocks are reserved for them.
    pub allocate: bool,
    /// The permission bits, before the process's umask.
    pub mode: u32,
    /// Whether the kernel is asked for huge pages.
    pub huge_pages: bool,
    /// Whether all pages are brought into memory.
    pub populate: bool,
}

/// A whole file, for reading and writing.
pub(super) const WHOLE: OpenOptions = OpenOptions {
    access: Access::ReadWrite,
    offset: 0,
    length: None,
    reserve: 0,
    guarded: true,
    keep_descriptor: true,
};

/// Refuses a reserve that the map is longer than, or could not grow into, since it ends at `end` of a
/// file of `size` bytes.
fn check_reserve(reserve: usize, length: usize, (end, size): (u64, u64)) -> Result<()> {
    if end != size {
        return Err(Failure::OutOfRange(format!(
            "the map ends at byte {end} of a file of {size} bytes: only a map that reaches the end \
             of its file can grow into a reserve; leave out options.reserve, or options.length"
        )));
    }
    if reserve < length {
        return Err(Failure::OutOfRange(format!(
            "options.reserve is {reserve} and the map has {length} bytes already; reserve as many at \
             least"
        )));
    }
    Ok(())
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
