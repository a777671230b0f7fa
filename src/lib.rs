//! The native core of memmap: what JavaScript cannot do by itself.
//!
//! It exports three classes, `Mmap`, `MmapMut` and `MmapCow`, over one [`memory::Mapping`]. They
//! are internal: the TypeScript classes of the same names in `lib/` check every argument, own the
//! Buffers and are what users see.
//!
//! The districts, from bottom to top; each imports only from those before it:
//!
//! - `model`: for tests, runs threads in every order;
//! - `error`: what can go wrong, and how it travels to TypeScript;
//! - `pool`: threads of our own for long work;
//! - `sys`: the operating system, one folder a capability;
//! - `guard`: survives faults in mapped memory;
//! - `memory`: one mapped range, its owners, its pages and the ArrayBuffers over it;
//! - `search`: patterns, and scanning a range for them; `sync`: words that threads wait for;
//! - `exports`: the addon's face.
//!
//! `unsafe` is in `sys`, `guard`, `memory/region/` and `memory/array_buffer.rs` only.
//! `__test__/house.spec.ts` checks both rules.

#![cfg_attr(
    test,
    allow(
        dead_code,
        unused_imports,
        reason = "without the exports much of the core has no caller"
    )
)]

mod error;
#[cfg(not(test))]
mod exports;
mod guard;
mod memory;
#[cfg(test)]
mod model;
mod pool;
mod search;
mod sync;
mod sys;

/// Pins the addon's image before any thread or handler exists: finalizers may run after the worker
/// that loaded the addon has ended.
#[cfg(not(test))]
#[napi_derive::module_init]
fn pin() {
    napi::bindgen_prelude::retain_current_module_for_unload_safety();
}
