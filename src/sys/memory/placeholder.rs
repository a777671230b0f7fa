//! Placeholders: addresses that stay this process's own while a view takes their place and leaves it
//! again. Windows 10 1803 and later have them (Microsoft's documentation of `VirtualAlloc2` and
//! `MapViewOfFile3`); Wine 8, where the rest of this folder was run, does not. The functions are looked up
//! at run time: an addon that refers to them does not load where they are missing.

use std::ffi::{CStr, c_void};
use std::mem::transmute;
use std::ptr;
use std::sync::OnceLock;

use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::System::Memory::{
    MEM_PRESERVE_PLACEHOLDER, MEM_RELEASE, MEM_REPLACE_PLACEHOLDER, MEM_RESERVE,
    MEM_RESERVE_PLACEHOLDER, PAGE_NOACCESS, PAGE_PROTECTION_FLAGS, PAGE_READWRITE,
    VIRTUAL_ALLOCATION_TYPE, VirtualFree,
};
use windows_sys::Win32::System::Threading::GetCurrentProcess;
use windows_sys::core::BOOL;

use crate::sys::symbol::system_symbol;

type Allocate = unsafe extern "system" fn(
    HANDLE,
    *const c_void,
    usize,
    VIRTUAL_ALLOCATION_TYPE,
    PAGE_PROTECTION_FLAGS,
    *mut c_void,
    u32,
) -> *mut c_void;
type Map = unsafe extern "system" fn(
    HANDLE,
    HANDLE,
    *const c_void,
    u64,
    usize,
    VIRTUAL_ALLOCATION_TYPE,
    PAGE_PROTECTION_FLAGS,
    *mut c_void,
    u32,
) -> *mut c_void;
type Unmap = unsafe extern "system" fn(HANDLE, *const c_void, u32) -> BOOL;

struct Functions {
    allocate: Allocate,
    map: Map,
    unmap: Unmap,
}

fn functions() -> Option<&'static Functions> {
    static FUNCTIONS: OnceLock<Option<Functions>> = OnceLock::new();
    let look_up = |name: &CStr| system_symbol(windows_sys::w!("kernelbase.dll"), name);
    let functions = FUNCTIONS.get_or_init(|| {
        let allocate = look_up(c"VirtualAlloc2")?.as_ptr();
        let map = look_up(c"MapViewOfFile3")?.as_ptr();
        let unmap = look_up(c"UnmapViewOfFile2")?.as_ptr();
        // SAFETY: `memoryapi.h` gives the functions these types; `MEMORY_MAPPED_VIEW_ADDRESS` of
        // windows-sys is the address there.
        unsafe {
            Some(Functions {
                allocate: transmute::<*mut c_void, Allocate>(allocate),
                map: transmute::<*mut c_void, Map>(map),
                unmap: transmute::<*mut c_void, Unmap>(unmap),
            })
        }
    });
    functions.as_ref()
}

/// Maps `length` bytes of the section from `offset` on, a multiple of the allocation granularity, in the
/// place of a new placeholder. None where the system has no placeholders, or does not map the view: then
/// mapping it the other way says why.
///
/// `pages` is the length in whole pages.
pub fn map(
    section: HANDLE,
    access: PAGE_PROTECTION_FLAGS,
    offset: u64,
    length: usize,
    pages: usize,
) -> Option<*mut c_void> {
    let functions = functions()?;
    // SAFETY: a new range, which the view takes whole, or which is given back here; null pointers stand
    // for addresses of Windows's choice and no further parameters.
    unsafe {
        let process = GetCurrentProcess();
        let kind = MEM_RESERVE | MEM_RESERVE_PLACEHOLDER;
        let none = ptr::null_mut();
        let base = (functions.allocate)(process, ptr::null(), pages, kind, PAGE_NOACCESS, none, 0);
        if base.is_null() {
            return None;
        }
        let kind = MEM_REPLACE_PLACEHOLDER;
        let view = (functions.map)(
            section, process, base, offset, length, kind, access, none, 0,
        );
        if view.is_null() {
            VirtualFree(base, 0, MEM_RELEASE);
            return None;
        }
        Some(view)
    }
}

/// Unmaps a view that [`map`] has made, and leaves a placeholder. Answers whether Windows did so.
///
/// # Safety
/// The view is used through raw addresses only, and not unmapped otherwise.
pub unsafe fn unmap(base: *mut c_void) -> bool {
    // SAFETY: the caller's promise.
    functions().is_some_and(|functions| unsafe {
        (functions.unmap)(GetCurrentProcess(), base, MEM_PRESERVE_PLACEHOLDER) != 0
    })
}

/// Replaces a placeholder of `pages` bytes by reserved memory, with `kind` also by committed zeros.
/// Answers whether Windows did so.
///
/// # Safety
/// The placeholder is the caller's own, and of just that size.
pub unsafe fn replace(base: *mut c_void, pages: usize, kind: VIRTUAL_ALLOCATION_TYPE) -> bool {
    let kind = kind | MEM_RESERVE | MEM_REPLACE_PLACEHOLDER;
    let none = ptr::null_mut();
    // SAFETY: the caller's promise.
    functions().is_some_and(|functions| unsafe {
        let process = GetCurrentProcess();
        let made = (functions.allocate)(process, base, pages, kind, PAGE_READWRITE, none, 0);
        !made.is_null()
    })
}
