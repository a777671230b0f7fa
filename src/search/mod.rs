//! What is looked for, and looking for it.

pub mod pattern;
pub mod scan;
