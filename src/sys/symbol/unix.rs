//! The functions that the running program exports: Linux and macOS.

/// The address of a function that the running program exports, such as the runtime's Node-API.
pub fn host_symbol(name: &std::ffi::CStr) -> Option<std::ptr::NonNull<std::ffi::c_void>> {
    // SAFETY: looks the name up among the symbols that the program and its libraries export.
    std::ptr::NonNull::new(unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) })
}
