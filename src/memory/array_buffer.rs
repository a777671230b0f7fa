//! The one place where ArrayBuffers over a region are made, lent and released.
//!
//! What keeps the addresses of a lent ArrayBuffer reserved:
//! - the finalizer of its *memory* holds a share of the region. It runs when the ArrayBuffer is
//!   detached or collected, and `transfer()` hands it on to the new ArrayBuffer;
//! - the ArrayBuffer *object* holds the native map object (`lib/memory.ts` puts it there), which
//!   keeps its share even when closed. A pending `fs.read` or zlib job keeps the ArrayBuffer object
//!   alive but not its memory's finalizer, so this is what protects such a job after a detach.
//!
//! A SharedArrayBuffer cannot be detached, and workers may hold it for longer than this thread
//! lives: its memory's finalizer alone keeps the addresses reserved, on whichever thread and
//! however late it runs.
//!
//! They are created through `napi::sys`, because napi's own wrappers copy where a runtime refuses
//! external memory, and a copy would silently cut the map off from its file.

use std::ffi::c_void;
use std::ptr;
use std::sync::{Arc, OnceLock};

use napi::bindgen_prelude::{FromNapiValue, ToNapiValue, TypeName, ValueType};
use napi::{Env, check_status, sys};

use super::region::Region;
use crate::error::{Failure, Result};
use crate::sys::symbol::host_symbol;

/// The addresses of lent memory are aligned to this many bytes, so that an element of any typed
/// array that the engine considers aligned is aligned in memory, too: on arm64 an atomic access
/// that is not faults.
const ALIGNMENT: usize = 8;

/// How memory is lent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lending {
    /// As an ArrayBuffer of the thread that asked.
    Owned,
    /// As a SharedArrayBuffer, which threads can pass on to each other.
    Shared,
}

/// An ArrayBuffer or SharedArrayBuffer on its way to JavaScript.
pub struct LentBuffer(sys::napi_value);

impl TypeName for LentBuffer {
    fn type_name() -> &'static str {
        "ArrayBuffer"
    }

    fn value_type() -> ValueType {
        ValueType::Object
    }
}

impl ToNapiValue for LentBuffer {
    unsafe fn to_napi_value(_: sys::napi_env, value: Self) -> napi::Result<sys::napi_value> {
        Ok(value.0)
    }
}

/// Makes an ArrayBuffer over the bytes `start..end` (not none) of the region. Where the address of
/// `start` is not a multiple of eight, the ArrayBuffer begins up to seven bytes before it.
///
/// # Errors
/// `ERR_MMAP_UNSUPPORTED` on runtimes that take no external memory; `ERR_OUT_OF_RANGE`.
pub fn lend(
    env: &Env,
    region: &Arc<Region>,
    start: usize,
    end: usize,
    how: Lending,
) -> Result<LentBuffer> {
    let address = region.address(start, end)?;
    let before = address as usize % ALIGNMENT;
    let length = end - start + before;
    // SAFETY: the memory is mapped from the aligned address on, since pages are aligned to more
    // than eight bytes.
    let data = unsafe { address.sub(before) }.cast::<c_void>();
    let create_shared = match how {
        Lending::Owned => None,
        Lending::Shared => Some(create_shared().ok_or_else(no_sharing)?),
    };
    let memory_share = Arc::into_raw(Arc::clone(region));
    let hint = memory_share.cast_mut().cast::<c_void>();
    let mut made = ptr::null_mut();
    // SAFETY: the memory stays mapped until the finalizer has given back the share passed as hint.
    let status = unsafe {
        match create_shared {
            None => sys::napi_create_external_arraybuffer(
                env.raw(),
                data,
                length,
                Some(release),
                hint,
                &mut made,
            ),
            Some(create) => create(
                env.raw(),
                data,
                length,
                Some(release_shared),
                hint,
                &mut made,
            ),
        }
    };
    if status != sys::Status::napi_ok {
        // SAFETY: the runtime did not take the share, so it is still ours to drop.
        drop(unsafe { Arc::from_raw(memory_share) });
        return Err(refused(status, length));
    }
    Ok(LentBuffer(made))
}

/// Called with the memory and the hint, on any thread, without an environment.
type SharedFinalizer = unsafe extern "C" fn(*mut c_void, *mut c_void);

/// `node_api_create_external_sharedarraybuffer` (nodejs/node pull request 62623).
type CreateShared = unsafe extern "C" fn(
    sys::napi_env,
    *mut c_void,
    usize,
    Option<SharedFinalizer>,
    *mut c_void,
    *mut sys::napi_value,
) -> sys::napi_status;

/// The runtime's function, which only some have: hence it is looked up and not linked.
fn create_shared() -> Option<CreateShared> {
    static FOUND: OnceLock<Option<CreateShared>> = OnceLock::new();
    *FOUND.get_or_init(|| {
        host_symbol(c"node_api_create_external_sharedarraybuffer").map(|function| {
            // SAFETY: the runtime's function of that name has this signature.
            unsafe { std::mem::transmute::<*mut c_void, CreateShared>(function.as_ptr()) }
        })
    })
}

/// Whether this runtime can lend memory as a SharedArrayBuffer.
pub fn can_share() -> bool {
    create_shared().is_some()
}

fn no_sharing() -> Failure {
    Failure::unsupported(
        "this runtime cannot make a SharedArrayBuffer of a map's memory; Node.js 22.23.3 and later \
         22, 24.16 and later 24, 26.1 and later, and Bun 1.4 and later can. Without `shared`, post \
         map.descriptor() to the worker and open it there",
    )
}

/// Makes an ArrayBuffer over words that live as long as the process.
///
/// # Errors
/// `ERR_MMAP_UNSUPPORTED` on runtimes that take no external memory.
pub fn lend_static(env: &Env, words: *const u32, count: usize) -> Result<LentBuffer> {
    let length = count * size_of::<u32>();
    let mut array_buffer = ptr::null_mut();
    // SAFETY: the caller's words are static and atomic; there is nothing to release.
    let status = unsafe {
        sys::napi_create_external_arraybuffer(
            env.raw(),
            words.cast_mut().cast::<c_void>(),
            length,
            Some(keep),
            ptr::null_mut(),
            &mut array_buffer,
        )
    };
    match status {
        sys::Status::napi_ok => Ok(LentBuffer(array_buffer)),
        refusal => Err(refused(refusal, length)),
    }
}

/// Releases nothing.
unsafe extern "C" fn keep(_: sys::napi_env, _: *mut c_void, _: *mut c_void) {}

fn refused(status: sys::napi_status, length: usize) -> Failure {
    let why = match status {
        sys::Status::napi_no_external_buffers_allowed => {
            "this runtime allows no memory from outside its heap (Electron does not)".to_owned()
        }
        _ => format!("the runtime refused a Buffer of {length} bytes (status {status})"),
    };
    Failure::unsupported(why)
}

/// Gives back one share of a region.
///
/// # Safety
/// `hint` is a share made with `Arc::into_raw`, and this is the one call for it. The engine sees
/// to both, on whichever thread it calls.
unsafe extern "C" fn release(_: sys::napi_env, _: *mut c_void, hint: *mut c_void) {
    // SAFETY: the caller's promise.
    drop(unsafe { Arc::from_raw(hint.cast::<Region>().cast_const()) });
}

/// As [`release`], for a SharedArrayBuffer.
///
/// # Safety
/// As for `release`; any thread.
unsafe extern "C" fn release_shared(_: *mut c_void, hint: *mut c_void) {
    // SAFETY: the caller's promise. A region may be dropped on any thread.
    drop(unsafe { Arc::from_raw(hint.cast::<Region>().cast_const()) });
}

/// An ArrayBuffer that JavaScript hands back.
pub struct ReturnedBuffer(sys::napi_value);

impl ReturnedBuffer {
    /// Detaches it: it and every view of it have length 0 from then on. Whether the runtime does
    /// so does not matter for safety, since the region outlives the object.
    pub fn detach(&self, env: &Env) {
        // SAFETY: a live handle of the running call.
        unsafe { sys::napi_detach_arraybuffer(env.raw(), self.0) };
    }
}

impl FromNapiValue for ReturnedBuffer {
    unsafe fn from_napi_value(_: sys::napi_env, value: sys::napi_value) -> napi::Result<Self> {
        Ok(ReturnedBuffer(value))
    }
}

/// The bytes of a Uint8Array argument, for the length of one synchronous call. Only an address:
/// the array may lie in the very map that is written to, where Rust allows no `&[u8]`.
pub struct ArgumentBytes {
    /// The first byte.
    pub address: *const u8,
    /// The number of bytes.
    pub length: usize,
}

impl FromNapiValue for ArgumentBytes {
    unsafe fn from_napi_value(env: sys::napi_env, array: sys::napi_value) -> napi::Result<Self> {
        let mut kind = 0;
        let mut length = 0;
        let mut address = ptr::null_mut();
        // SAFETY: live handles of the running call; the results that nobody needs may be null.
        let status = unsafe {
            sys::napi_get_typedarray_info(
                env,
                array,
                &mut kind,
                &mut length,
                &mut address,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        check_status!(status, "a Uint8Array is needed")?;
        if !matches!(
            kind,
            sys::TypedarrayType::uint8_array | sys::TypedarrayType::uint8_clamped_array
        ) {
            return Err(napi::Error::from_reason("a Uint8Array is needed"));
        }
        Ok(ArgumentBytes {
            address: address.cast_const().cast::<u8>(),
            length,
        })
    }
}
