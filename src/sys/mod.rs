//! The operating system, one folder a capability.
//!
//! The files of a folder offer the same names for one platform each; nothing outside this district
//! asks which platform it runs on. A folder has a `mod.rs` where its platforms share something.

pub mod cache;
pub mod file;
pub mod identity;
pub mod lock;
pub mod memory;
pub mod path;
pub mod shm;
pub mod thread;

#[cfg_attr(target_os = "linux", path = "futex/linux.rs")]
#[cfg_attr(target_vendor = "apple", path = "futex/apple.rs")]
#[cfg_attr(
    not(any(target_os = "linux", target_vendor = "apple")),
    path = "futex/polling.rs"
)]
pub mod futex;

// What other systems do, so that every system tests it.
#[cfg(all(test, target_os = "linux"))]
#[path = "futex/polling.rs"]
mod polling;

#[cfg_attr(target_os = "linux", path = "kernel_maps/linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "kernel_maps/other.rs")]
pub mod kernel_maps;

#[cfg_attr(unix, path = "paging/unix.rs")]
#[cfg_attr(windows, path = "paging/windows.rs")]
pub mod paging;

#[cfg_attr(unix, path = "symbol/unix.rs")]
#[cfg_attr(windows, path = "symbol/windows.rs")]
pub mod symbol;
