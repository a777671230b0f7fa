//! Error numbers on Linux and macOS.

use std::io;

use rustix::io::Errno;

/// The error's number as libuv writes it: the negated errno.
pub fn libuv_error(error: &io::Error) -> i32 {
    match (error.raw_os_error(), error.kind()) {
        (Some(number), _) => -number,
        // What memmap refuses before the system does.
        (None, io::ErrorKind::OutOfMemory) => -Errno::NOMEM.raw_os_error(),
        (None, _) => 0,
    }
}
