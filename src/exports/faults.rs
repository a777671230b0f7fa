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

/// An ArrayBuffer of one word of flags per guarded map; null on runtimes that take no memory from
/// outside their heap, where `raised` is to be asked.
#[napi(catch_unwind, ts_return_type = "ArrayBuffer | null")]
pub fn fault_flags(env: Env) -> napi::Result<Option<ExternalBuffer>> {
    let (flags, count) = guard::flags();
    Ok(array_buffer::external_static(&env, flags, count)?)
}

/// The flags of the guarded map at `slot`, 0 for none.
#[napi(catch_unwind)]
pub fn raised(slot: u32) -> u32 {
    guard::raised(slot)
}

/// A kind of fault that the process is to be warned of.
#[napi(object, object_from_js = false)]
pub struct FirstFault {
    /// The flag of that kind.
    pub flag: u32,
    /// The path of the file, as far as it is known.
    pub path: Option<String>,
}

/// The kinds of faults that were survived for the first time in this process since the last call
/// on any thread.
#[napi(catch_unwind)]
pub fn first_faults() -> Vec<FirstFault> {
    guard::first_faults()
        .into_iter()
        .map(|(flag, path)| FirstFault {
            flag,
            path: path.map(|path| path.to_string_lossy().into_owned()),
        })
        .collect()
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
