//! The functions that the running program exports: Windows.

use windows_sys::Win32::System::LibraryLoader::{GetModuleHandleW, GetProcAddress};

/// The address of a function that the running program exports, such as the runtime's Node-API.
pub fn host_symbol(name: &std::ffi::CStr) -> Option<std::ptr::NonNull<std::ffi::c_void>> {
    // SAFETY: null names the program itself, which is never unloaded; the name ends with a zero.
    let found = unsafe { GetProcAddress(GetModuleHandleW(std::ptr::null()), name.as_ptr().cast()) };
    found.and_then(|function| std::ptr::NonNull::new(function as *mut std::ffi::c_void))
}

/// The address of a function of a library of the system that every process has loaded, if this version
/// has it. The name ends with a zero.
pub fn system_symbol(
    library: windows_sys::core::PCWSTR,
    name: &std::ffi::CStr,
) -> Option<std::ptr::NonNull<std::ffi::c_void>> {
    // SAFETY: callers name libraries by literals, and the names end with a zero.
    let found = unsafe { GetProcAddress(GetModuleHandleW(library), name.as_ptr().cast()) };
    found.and_then(|function| std::ptr::NonNull::new(function as *mut std::ffi::c_void))
}
