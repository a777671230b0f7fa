//! The time of the model: it passes where a wait times out.

use std::ops::Add;
use std::time::Duration;

use super::current;

/// As `std::time::Instant`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(Duration);

impl Instant {
    pub fn now() -> Instant {
        Instant(current().map_or(Duration::ZERO, |(run, _)| run.state().now))
    }

    pub fn elapsed(&self) -> Duration {
        Instant::now().0 - self.0
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;

    fn add(self, time: Duration) -> Instant {
        Instant(self.0 + time)
    }
}

impl Instant {
    /// How much time has passed since the run began.
    pub fn since_start(self) -> Duration {
        self.0
    }
}
