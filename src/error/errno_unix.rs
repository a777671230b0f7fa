//! Error numbers on Linux and macOS.

use std::io;

/// The error's number as libuv writes it: the negated errno.
pub fn libuv_error(error: &io::Error) -> i32 {
    error.raw_os_error().map_or(0, |number| -number)
}
