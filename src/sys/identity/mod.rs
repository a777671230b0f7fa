//! Which file a file is, and where it is found.

#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(windows, path = "windows.rs")]
mod platform;

pub use platform::{identity_at, identity_of, path_of, path_of_descriptor};

/// Which file a file is, whatever paths lead to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The device or volume it lives on.
    pub device: u64,
    /// Its number there. File systems give the number of a deleted file to the next new one.
    pub inode: u64,
    /// Its time of birth in nanoseconds since 1970, where the file system knows it: it
    /// distinguishes a new file with a reused number.
    pub created: Option<u128>,
}

impl Identity {
    /// Whether both are the same file, as far as the system shows.
    pub fn is(&self, other: &Identity) -> bool {
        let same_birth = match (self.created, other.created) {
            (Some(one), Some(another)) => one == another,
            _ => true,
        };
        self.device == other.device && self.inode == other.inode && same_birth
    }
}

/// The time of birth of a file, as [`Identity::created`].
fn created(metadata: &std::fs::Metadata) -> Option<u128> {
    let time = metadata.created().ok()?;
    let since = time.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(since.as_nanos())
}
