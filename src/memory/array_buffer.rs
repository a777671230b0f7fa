//! The one place where ArrayBuffers over a region are made and released, and where the arguments of
//! a call are read as memory.
//!
//! What keeps the addresses of an external ArrayBuffer reserved:
//! - the finalizer of its *memory* (the backing store) holds a share of the region. It runs when the ArrayBuffer is
//!   detached or collected, and `transfer()` hands it on to the new ArrayBuffer;
//! - the ArrayBuffer *object* holds the native map object (`lib/memory/buffers.ts` puts it there), which
//!   keeps its share even when closed. A pending `fs.read` or zlib job keeps the ArrayBuffer object
//!   alive but not its memory's finalizer, so this is what protects such a job after a detach.
//!
//! A SharedArrayBuffer cannot be detached, and workers may hold it for longer than this thread
//! lives: its memory's finalizer alone keeps the addresses reserved, on whichever thread and
//! however late it runs.
//!
//! They are created through `napi::sys`, because napi's own wrappers copy where a runtime refuses
//! external memory, and a copy would silently separate the map from its file.

use std::ffi::c_void;
use std::ptr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use napi::bindgen_prelude::{Float64ArraySlice, FromNapiValue, ToNapiValue, TypeName, ValueType};
use napi::{Env, check_status, sys};

use super::region::{Region, SourceBytes, TargetBytes};
use crate::error::{Failure, Result};
use crate::sys::symbol::host_symbol;

/// The addresses of external memory are aligned to this many bytes, so that an element of any typed
/// array that the engine considers aligned is aligned in memory, too: on arm64 an atomic access
/// that is not faults.
const ALIGNMENT: usize = 8;

/// What is made over memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An ArrayBuffer, which belongs to the calling thread.
    ArrayBuffer,
    /// A SharedArrayBuffer, which threads can pass on to each other.
    SharedArrayBuffer,
}

/// An ArrayBuffer or SharedArrayBuffer on its way to JavaScript.
pub struct ExternalBuffer(sys::napi_value);

impl TypeName for ExternalBuffer {
    fn type_name() -> &'static str {
        "ArrayBuffer"
    }

    fn value_type() -> ValueType {
        ValueType::Object
    }
}

impl ToNapiValue for ExternalBuffer {
    unsafe fn to_napi_value(_: sys::napi_env, value: Self) -> napi::Result<sys::napi_value> {
        Ok(value.0)
    }
}

/// Makes an ArrayBuffer over the bytes `start..end` (not none) of the region. Where the address of
/// `start` is not a multiple of eight, the ArrayBuffer begins up to seven bytes before it.
///
/// # Errors
/// `ERR_MMAP_UNSUPPORTED` on runtimes that take no external memory; `ERR_OUT_OF_RANGE`.
pub fn external(
    env: &Env,
    region: &Arc<Region>,
    start: usize,
    end: usize,
    kind: Kind,
) -> Result<ExternalBuffer> {
    let (address, length) = region.backing_store((start, end), ALIGNMENT)?;
    let data = address.cast::<c_void>();
    let create_shared = match kind {
        Kind::ArrayBuffer => None,
        Kind::SharedArrayBuffer => Some(create_shared().ok_or_else(no_sharing)?),
    };
    let share = Arc::new(Share(Mutex::new(Some(Arc::clone(region)))));
    let hint = Arc::into_raw(Arc::clone(&share))
        .cast_mut()
        .cast::<c_void>();
    let mut made = ptr::null_mut();
    // SAFETY: the memory stays mapped until the finalizer has dropped the share passed as hint.
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
        share.empty();
        if status == sys::Status::napi_no_external_buffers_allowed {
            // SAFETY: the runtime has taken nothing, so the finalizer is never called.
            drop(unsafe { Arc::from_raw(hint.cast::<Share>().cast_const()) });
        }
        return Err(refused(env, status, length));
    }
    Ok(ExternalBuffer(made))
}

/// What a finalizer drops: a share of a region.
///
/// Node.js calls the finalizer also of some ArrayBuffers that it has refused to make (longer than a
/// Buffer may be), later; other refusals call none. The two look alike. So the finalizer owns
/// this cell and not the region itself, and after a refusal the cell is emptied: at worst it is the
/// few bytes of an empty cell that are never freed.
struct Share(Mutex<Option<Arc<Region>>>);

impl Share {
    fn empty(&self) {
        let region = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(region);
    }
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

/// Whether this runtime can make a SharedArrayBuffer of external memory.
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

/// Makes an ArrayBuffer over words that live as long as the process; None on runtimes that take no
/// external memory.
///
/// # Errors
/// `ERR_MMAP_UNSUPPORTED` where the runtime refuses for another reason.
pub fn external_static(
    env: &Env,
    words: *const u32,
    count: usize,
) -> Result<Option<ExternalBuffer>> {
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
        sys::Status::napi_ok => Ok(Some(ExternalBuffer(array_buffer))),
        sys::Status::napi_no_external_buffers_allowed => Ok(None),
        refusal => Err(refused(env, refusal, length)),
    }
}

/// Releases nothing.
unsafe extern "C" fn keep(_: sys::napi_env, _: *mut c_void, _: *mut c_void) {}

fn refused(env: &Env, status: sys::napi_status, length: usize) -> Failure {
    let mut pending = ptr::null_mut();
    // The runtime may have thrown an error of its own, which would take the place of this one.
    // SAFETY: a live environment on its own thread; without a pending error this does nothing.
    unsafe { sys::napi_get_and_clear_last_exception(env.raw(), &mut pending) };
    let why = match status {
        sys::Status::napi_no_external_buffers_allowed => {
            "this runtime allows no memory from outside its heap (Electron does not)".to_owned()
        }
        _ => format!("the runtime refused a Buffer of {length} bytes (status {status})"),
    };
    Failure::unsupported(why)
}

/// Drops one share of a region.
///
/// # Safety
/// `hint` is a [`Share`] from `Arc::into_raw`, and this is the one call for it. The engine sees to
/// both, on whichever thread it calls.
unsafe extern "C" fn release(_: sys::napi_env, _: *mut c_void, hint: *mut c_void) {
    // SAFETY: the caller's promise.
    drop(unsafe { Arc::from_raw(hint.cast::<Share>().cast_const()) });
}

/// As [`release`], for a SharedArrayBuffer.
///
/// # Safety
/// As for `release`; any thread.
unsafe extern "C" fn release_shared(_: *mut c_void, hint: *mut c_void) {
    // SAFETY: the caller's promise. A region may be dropped on any thread.
    drop(unsafe { Arc::from_raw(hint.cast::<Share>().cast_const()) });
}

/// An external ArrayBuffer that JavaScript passes to be detached.
pub struct ArrayBufferArgument(sys::napi_value);

impl ArrayBufferArgument {
    /// Detaches it: it and every view of it have length 0 from then on. Whether the runtime does
    /// so does not matter for safety, since the region outlives the object.
    pub fn detach(&self, env: &Env) {
        // SAFETY: a live handle of the running call.
        unsafe { sys::napi_detach_arraybuffer(env.raw(), self.0) };
    }
}

impl FromNapiValue for ArrayBufferArgument {
    unsafe fn from_napi_value(_: sys::napi_env, value: sys::napi_value) -> napi::Result<Self> {
        Ok(ArrayBufferArgument(value))
    }
}

/// The elements of a Float64Array argument, to write results into.
pub fn numbers<'a>(argument: &'a mut Float64ArraySlice<'_>) -> &'a mut [f64] {
    // SAFETY: `lib/` has made the array and shares it with no other code; the
    // exports that take one are synchronous, so that no JavaScript runs meanwhile.
    unsafe { argument.as_mut() }
}

/// The address and the length of a Uint8Array, which keeps its memory for the length of the call
/// that it is an argument of.
///
/// # Safety
/// The values are those of the running call.
unsafe fn bytes_of(env: sys::napi_env, array: sys::napi_value) -> napi::Result<(*mut u8, usize)> {
    let mut kind = 0;
    let mut length = 0;
    let mut address = ptr::null_mut();
    // SAFETY: live handles of the running call; results that are not needed may be null.
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
    Ok((address.cast::<u8>(), length))
}

/// A Uint8Array argument, for the length of one synchronous call: it cannot be sent to a thread.
impl FromNapiValue for SourceBytes {
    unsafe fn from_napi_value(env: sys::napi_env, array: sys::napi_value) -> napi::Result<Self> {
        // SAFETY: napi passes values of the running call, for whose length the array is kept.
        unsafe {
            let (address, length) = bytes_of(env, array)?;
            Ok(SourceBytes::new(address.cast_const(), length))
        }
    }
}

/// As for [`SourceBytes`].
impl FromNapiValue for TargetBytes {
    unsafe fn from_napi_value(env: sys::napi_env, array: sys::napi_value) -> napi::Result<Self> {
        // SAFETY: as for `SourceBytes`; an array's memory may be written.
        unsafe {
            let (address, length) = bytes_of(env, array)?;
            Ok(TargetBytes::new(address, length))
        }
    }
}
