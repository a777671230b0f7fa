//! What is looked for, and looking for it.

pub mod lines;
pub mod pattern;
mod quiet;
pub mod scan;
mod searcher;
