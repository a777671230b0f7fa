//! What the fault guard shows to TypeScript.

use napi::Env;
use napi::bindgen_prelude::Function;
use napi_derive::napi;

use super::{Mmap, MmapCow, MmapMut};
use crate::guard;
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

macro_rules! tells_faults {
    ($name:ident) => {
        #[napi]
        impl $name {
            /// The index of this map's word in the flags, none where it is not guarded.
            #[napi(getter, catch_unwind)]
            pub fn slot(&self) -> Option<u32> {
                let region = self.0.region().ok()?;
                region.watch().map(guard::Watch::index)
            }

            /// What the guard has survived so far.
            #[napi(catch_unwind)]
            pub fn faults(&self) -> Option<SurvivedFaults> {
                let faults = self.0.region().ok()?.faults()?;
                let (io_start, io_end) = faults.io.unzip();
                Some(SurvivedFaults {
                    lost_from: faults.lost_from.map(|at| at as f64),
                    io_start: io_start.map(|at| at as f64),
                    io_end: io_end.map(|at| at as f64),
                    stray_writes: faults.stray_writes as f64,
                })
            }

            /// JavaScript was told of the stray writes so far.
            #[napi(catch_unwind)]
            pub fn acknowledge_stray_writes(&self) {
                if let Ok(region) = self.0.region() {
                    region.watch().inspect(|watch| watch.acknowledge());
                }
            }
        }
    };
}

tells_faults!(Mmap);
tells_faults!(MmapMut);
tells_faults!(MmapCow);

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
