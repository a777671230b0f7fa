//! Where another thread or process finds the file of a map again.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::error::{Failure, Result};
use crate::sys::identity::{self, Identity};

/// A path that leads to `file`, and which file that is. `opened` is the path that it was opened
/// with, if it was one.
///
/// # Errors
/// `ERR_MMAP_UNSUPPORTED` where no path leads to the file: it was deleted or replaced, it never
/// had a name, or it was opened by descriptor on a system that does not report the path.
pub fn locate(file: &File, opened: Option<&Path>) -> Result<(PathBuf, Identity)> {
    let identity = identity::identity_of(file)?;
    let leads_there =
        |path: &Path| identity::identity_at(path).is_ok_and(|other| other.is(&identity));
    let candidates = [identity::path_of(file), opened.map(Path::to_path_buf)];
    let found = candidates
        .into_iter()
        .flatten()
        .filter(|path| path.is_absolute())
        .find(|path| leads_there(path));
    let path = found.ok_or_else(|| {
        Failure::unsupported(
            "no path leads to the map's file: it was deleted or replaced by another, or it never \
             had a name (such as a memfd), so no other thread or process can open it",
        )
    })?;
    Ok((path, identity))
}
