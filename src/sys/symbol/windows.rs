//! The functions that the running program exports: Windows.

use windows_sys::Win32::System::LibraryLoader::{GetModuleHandleW, GetProcAddress};

/// The address of a function that the running program exports, such as the runtime's Node-API.
pub fn host_symbol(name: &std::ffi::CStr) -> Option<std::ptr::NonNull<std::ffi::c_void>> {
    // SAFETY: null names the program itself, which is never unloaded; the name ends with a zero.
    let found = unsafe { GetProcAddress(GetModuleHandleW(std::ptr::null()), name.as_ptr().cast()) };
    found.and_then(|function| std::ptr::NonNull::new(function as *mut std::ffi::c_void))
}
