//! What can go wrong in the core, and how it travels to TypeScript.
//!
//! napi-rs carries one string with an error, so a failure is written as one line,
//! `memmap|code|syscall|errno|message`, which `lib/base/errors.ts` turns into an instance of the right
//! class. The core therefore knows nothing of JavaScript's error classes.

use std::fmt;
use std::io;

#[cfg_attr(unix, path = "errno_unix.rs")]
#[cfg_attr(windows, path = "errno_windows.rs")]
mod errno;

/// A failure of one operation of the core.
#[derive(Debug)]
pub enum Failure {
    /// The operating system refused `syscall`.
    System {
        /// The system call as its manual names it.
        syscall: &'static str,
        /// What the system answered.
        error: io::Error,
    },
    /// An offset or a length that the file or the map does not have.
    OutOfRange(String),
    /// One of memmap's own errors.
    Mmap {
        /// The stable code, such as `ERR_MMAP_CLOSED`.
        code: &'static str,
        /// What was asked, what is allowed and what to do.
        message: String,
    },
}

/// What operations of the core return.
pub type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// For `map_err`: the refusal of `syscall`.
    pub fn system<E: Into<io::Error>>(syscall: &'static str) -> impl FnOnce(E) -> Failure {
        move |error| Failure::System {
            syscall,
            error: error.into(),
        }
    }

    /// The map was closed before the operation could begin.
    pub fn closed() -> Failure {
        Failure::Mmap {
            code: "ERR_MMAP_CLOSED",
            message: "the map is closed".to_owned(),
        }
    }

    /// There is no memory for the results.
    pub fn out_of_memory() -> Failure {
        Failure::Mmap {
            code: "ENOMEM",
            message: "there is not enough memory for so many results; search a part of the map, \
                      give a limit, or use scan()"
                .to_owned(),
        }
    }

    /// This platform or this file cannot do what was asked.
    pub fn unsupported(message: impl Into<String>) -> Failure {
        Failure::Mmap {
            code: "ERR_MMAP_UNSUPPORTED",
            message: message.into(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::System { syscall, error } => {
                let number = errno::libuv_error(error);
                // What memmap refuses in the system's stead comes with a message of its own.
                let code = match error.raw_os_error() {
                    Some(_) => "SYSTEM",
                    None => "REFUSED",
                };
                write!(to, "memmap|{code}|{syscall}|{number}|{error}")
            }
            Failure::OutOfRange(message) => write!(to, "memmap|ERR_OUT_OF_RANGE|||{message}"),
            Failure::Mmap { code, message } => write!(to, "memmap|{code}|||{message}"),
        }
    }
}

impl From<Failure> for napi::Error {
    fn from(failure: Failure) -> napi::Error {
        napi::Error::from_reason(failure.to_string())
    }
}
