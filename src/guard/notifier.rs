//! Tells the event loops that a fault was survived.
//!
//! The handler may only make system calls: it writes a byte to a pipe. One thread reads the pipe
//! and calls every listening environment (main thread or worker), whose JavaScript looks at the
//! flags of its own maps. The thread starts with the first listener and sleeps in `read`.

use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::sync::{Mutex, OnceLock, PoisonError};

use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};

/// A JavaScript function without arguments that does not keep its event loop alive.
pub type Listener = ThreadsafeFunction<(), (), (), napi::Status, false, true>;

static LISTENERS: Mutex<Vec<Listener>> = Mutex::new(Vec::new());
static PIPE: OnceLock<Option<PipeWriter>> = OnceLock::new();

/// Wakes the thread. Async-signal-safe: an atomic load and one write(2). The pipe holds more bytes
/// than there are slots with flags, so the write never blocks for long.
pub fn raise() {
    if let Some(Some(writer)) = PIPE.get() {
        let mut writer: &PipeWriter = writer;
        // Where it fails there are no listeners any more.
        let _ = writer.write(&[0]);
    }
}

/// Has `listener` called after each fault that JavaScript does not know of yet.
pub fn listen(listener: Listener) {
    LISTENERS
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(listener);
    PIPE.get_or_init(|| {
        let (reader, writer) = pipe().ok()?;
        std::thread::Builder::new()
            .name("memmap faults".to_owned())
            .spawn(move || report(reader))
            .ok()?;
        Some(writer)
    });
}

fn report(mut reader: PipeReader) {
    let mut byte = [0];
    // Unlike `read`, this goes on where a signal interrupts it: Bun stops threads by signals.
    while reader.read_exact(&mut byte).is_ok() {
        LISTENERS
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            // An environment that has ended says so, and is forgotten.
            .retain(|listener| {
                listener.call((), ThreadsafeFunctionCallMode::NonBlocking) != napi::Status::Closing
            });
    }
}
