//! ArrayBuffers of any map.

use napi::Env;
use napi_derive::napi;

use crate::memory::array_buffer::{self, ArrayBufferArgument};

/// Detaches an external ArrayBuffer.
#[napi(catch_unwind)]
pub fn detach(env: Env, #[napi(ts_arg_type = "ArrayBuffer")] array_buffer: ArrayBufferArgument) {
    array_buffer.detach(&env);
}

/// Whether this runtime can make a SharedArrayBuffer of a map's memory.
#[napi(catch_unwind)]
pub fn can_share() -> bool {
    array_buffer::can_share()
}
