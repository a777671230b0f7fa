//! What the fault guard reports to TypeScript.

use napi::Env;
use napi::bindgen_prelude::Function;
use napi_derive::napi;

use crate::guard;
use crate::memory::Mapping;
use crate::memory::array_buffer::{self, ExternalBuffer};

/// What the guard has survived in one map; positions in bytes from the start of the map.
#[napi(object, object_from_js = false)]
pub struct SurvivedFaults {
    /// The first byte that the file has lost.
    pub lost_from: Option<f64>,
    /// The range of pages that had I/O errors.
    pub io_start: Option<f64>,
    /// The end of that range.
    pub io_end: Option<f64>,
    /// The number of stray writes.
    pub stray_writes: f64,
}

/// What the guard has survived in `mapping`; None where it is closed or not guarded.
pub fn survived(mapping: &Mapping) -> Option<SurvivedFaults> {
    let faults = mapping.region().ok()?.faults()?;
    let (io_start, io_end) = faults.io.unzip();
    Some(SurvivedFaults {
        lost_from: faults.lost_from.map(|at| at as f64),
        io_start: io_start.map(|at| at as f64),
        io_end: io_end.map(|at| at as f64),
        stray_writes: faults.stray_writes as f64,
    })
}

/// An ArrayBuffer of one word of flags per guarded map.
#[napi(catch_unwind, ts_return_type = "ArrayBuffer")]
pub fn fault_flags(env: Env) -> napi::Result<ExternalBuffer> {
    let (flags, count) = guard::flags();
    Ok(array_buffer::external_static(&env, flags, count)?)
}

/// Has `listener` called on this thread after each fault that JavaScript does not know of yet.
#[napi(catch_unwind, ts_args_type = "listener: () => void")]
pub fn listen_for_faults(listener: Function<'_, (), ()>) -> napi::Result<()> {
    let listener = listener
        .build_threadsafe_function()
        .weak::<true>()
        .build()?;
    guard::listen(listener);
    Ok(())
}
