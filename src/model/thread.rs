//! Threads of the model.

use std::io;

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
        let (run, _) = current().ok_or_else(|| io::Error::other("outside of a model"))?;
        run.spawn(Box::new(task));
        Ok(())
    }
}
