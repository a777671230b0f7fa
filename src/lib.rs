//! The native core of memmap: what JavaScript cannot do by itself.
//!
//! It exports three classes, `Mmap`, `MmapMut` and `MmapCow`, over one [`mapping::Mapping`]. They
//! are internal: the TypeScript classes of the same names in `lib/` check every argument, own the
//! Buffers and are what users see.
//!
//! From bottom to top: `sys` is the operating system, `guard` survives faults, `region` is the
//! memory and who holds it, `external` the ArrayBuffers lent from it, `job` work off the main
//! thread, `pattern` what can be looked for and `search` looking for it, `word` a word in a region
//! that can be waited for, `waiters` the threads that wait for promises, `residency` what is in
//! memory, `descriptor` where a file is found again, `mapping` what a map does, `classes` what is
//! exported.

mod classes;
mod descriptor;
mod error;
mod external;
mod guard;
mod job;
mod mapping;
mod pattern;
mod region;
mod residency;
mod search;
mod sys;
mod waiters;
mod word;

/// Pins the addon's image, before any thread or handler of ours exists: finalizers may run after
/// the worker that loaded the addon is gone.
#[napi_derive::module_init]
fn pin() {
    napi::bindgen_prelude::retain_current_module_for_unload_safety();
}
