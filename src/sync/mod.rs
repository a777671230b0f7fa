//! Words of a map that threads and promises wait for.

pub mod waiters;
pub mod word;
