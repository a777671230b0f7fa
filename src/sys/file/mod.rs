//! Files: opening, measuring and lengthening them.

use std::fs::File;
use std::path::Path;

use crate::error::{Failure, Result};

#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(windows, path = "windows.rs")]
mod platform;

#[cfg(any(target_vendor = "apple", test))]
mod sequences;

#[cfg(unix)]
pub use platform::unmappable;
pub use platform::{
    check_pages, descriptor, duplicate, keeps_length, open, read_at, replace, reserve, size_of,
    sync_after_flush,
};

/// How the pages of a map relate to the file behind them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Sees the file; nothing written to the memory reaches it.
    Read,
    /// Sees and changes the file.
    ReadWrite,
    /// Sees the file until a page is written; that page is private from then on.
    CopyOnWrite,
}

/// Creates a file that must not exist yet and opens it for reading and writing.
///
/// # Errors
/// Whatever `open` with `O_CREAT | O_EXCL` refuses: `EEXIST`, `ENOENT`, `EACCES`, ...
pub fn create_new(path: &Path, mode: u32) -> Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create_new(true);
    platform::with_mode(&mut options, mode);
    options.open(path).map_err(Failure::system("open"))
}

/// Gives `file` the length `length`; bytes that are new read as zeros and take no room on the disk.
///
/// # Errors
/// Whatever `ftruncate` refuses: `EFBIG`, `EINVAL`, ...
pub fn set_length(file: &File, length: u64) -> Result<()> {
    file.set_len(length).map_err(Failure::system("ftruncate"))
}

/// Fills `file` from `from` to `to` with written zeros: the way to reserve room where the file
/// system has no call for it. It looks for the room first: a disk that is filled to the last byte
/// fails every other program, too. The file position, which other descriptors may share, stays.
///
/// # Errors
/// `ENOSPC`, `EIO`, ...
fn write_zeros(file: &File, from: u64, to: u64) -> Result<()> {
    static ZEROS: [u8; 1 << 16] = [0; 1 << 16];
    if platform::free_space(file).is_some_and(|free| free < to - from) {
        return Err(Failure::system("write")(platform::disk_full()));
    }
    let mut at = from;
    while at < to {
        let step = (to - at).min(ZEROS.len() as u64) as usize;
        let written = platform::write_at(file, &ZEROS[..step], at);
        at += written.map_err(Failure::system("write"))? as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Seek, SeekFrom, Write};

    use super::*;

    #[test]
    fn zeros_are_written_where_they_belong_and_leave_the_shared_position() {
        let path = std::env::temp_dir().join(format!("memmap-zeros-{}", std::process::id()));
        let mut file = create_new(&path, 0o600).unwrap();
        let mut other = file.try_clone().unwrap();
        std::fs::remove_file(&path).unwrap();
        file.write_all(&[7; 100]).unwrap();
        other.seek(SeekFrom::Start(3)).unwrap();

        write_zeros(&file, 90, 150_000).unwrap();

        assert_eq!(file.stream_position().unwrap(), 3);
        other.seek(SeekFrom::Start(0)).unwrap();
        let mut bytes = Vec::new();
        other.read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes.len(), 150_000);
        assert!(bytes[..90].iter().all(|byte| *byte == 7));
        assert!(bytes[90..].iter().all(|byte| *byte == 0));
    }
}
