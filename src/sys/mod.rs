//! The operating system, one folder a capability.
//!
//! The files of a folder offer the same names for one platform each; nothing outside this district
//! asks which platform it runs on. A folder has a `mod.rs` where its platforms share something.

pub mod cache;
pub mod file;
pub mod identity;
pub mod memory;
pub mod shm;
pub mod thread;

#[cfg_attr(target_os = "linux", path = "futex/linux.rs")]
#[cfg_attr(target_vendor = "apple", path = "futex/apple.rs")]
#[cfg_attr(
    not(any(target_os = "linux", target_vendor = "apple")),
    path = "futex/polling.rs"
)]
pub mod futex;

#[cfg_attr(target_os = "linux", path = "kernel_maps/linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "kernel_maps/other.rs")]
pub mod kernel_maps;

#[cfg_attr(target_os = "linux", path = "lock/linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "lock/other.rs")]
pub mod lock;

#[cfg_attr(unix, path = "paging/unix.rs")]
#[cfg_attr(windows, path = "paging/windows.rs")]
pub mod paging;

#[cfg_attr(unix, path = "symbol/unix.rs")]
#[cfg_attr(windows, path = "symbol/windows.rs")]
pub mod symbol;
