//! Threads of the model.

use std::io;
use std::time::Duration;

use super::{Ready, current};

/// As `std::thread::yield_now`, for loops that wait for a change of what they have read last.
pub fn yield_now() {
    let Some((run, thread)) = current() else {
        return std::thread::yield_now();
    };
    let (id, version) = run.state().last_read[&thread];
    run.take(
        thread,
        super::Step {
            accesses: vec![(id, false)],
            ready: Ready::Changed(id, version),
        },
    );
}

/// As `std::thread::sleep`, for loops like those of [`yield_now`].
pub fn sleep(duration: Duration) {
    match current() {
        Some(_) => yield_now(),
        None => std::thread::sleep(duration),
    }
}

/// As `std::thread::Builder`.
#[derive(Default)]
pub struct Builder;

impl Builder {
    pub fn new() -> Builder {
        Builder
    }

    pub fn name(self, _: String) -> Builder {
        self
    }

    pub fn stack_size(self, _: usize) -> Builder {
        self
    }

    pub fn spawn(self, task: impl FnOnce() + Send + 'static) -> io::Result<()> {
        match current() {
            Some((run, _)) => drop(run.spawn(Box::new(task))),
            None => drop(std::thread::spawn(task)),
        }
        Ok(())
    }
}
