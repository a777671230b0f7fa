//! What the system's cache holds of files.

#[cfg_attr(target_os = "linux", path = "linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "other.rs")]
mod platform;

pub use platform::pages;

/// Numbers of pages of a range of a file.
pub struct CachedPages {
    /// In memory.
    pub resident: u64,
    /// Of these, not on the disk yet.
    pub dirty: u64,
}
