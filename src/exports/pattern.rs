//! Patterns.

use std::sync::Arc;

use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;

use super::job::Job;
use super::number::integer;
use crate::error::Result;
use crate::search::pattern;

/// Something to look for, prepared once.
#[napi]
pub struct Pattern(pub(super) Arc<pattern::Pattern>);

/// Compiles literals that lie in `bytes` one after the other.
fn literals(bytes: &[u8], lengths: &[f64]) -> Result<Pattern> {
    for &length in lengths {
        integer(length)?;
    }
    let literals = pattern::split(bytes, lengths)?;
    Ok(Pattern(Arc::new(pattern::Pattern::literals(&literals)?)))
}

/// Compiles a regular expression.
fn regex(source: &str, line_terminator: u8) -> Result<Pattern> {
    let regex = pattern::Pattern::regex(source, line_terminator)?;
    Ok(Pattern(Arc::new(regex)))
}

#[napi]
impl Pattern {
    /// One literal, or several of which the first listed wins: their bytes one after the other, and
    /// the length of each.
    #[napi(factory, catch_unwind)]
    pub fn literals_sync(bytes: &[u8], lengths: &[f64]) -> napi::Result<Self> {
        Ok(literals(bytes, lengths)?)
    }

    /// As `literalsSync`, off the main thread.
    #[napi(catch_unwind, ts_return_type = "Promise<Pattern>")]
    pub fn literals(bytes: &[u8], lengths: &[f64]) -> napi::Result<AsyncTask<Job<Pattern>>> {
        let (bytes, lengths) = (pattern::copied(bytes)?, pattern::copied(lengths)?);
        Ok(AsyncTask::new(Job::new(move || literals(&bytes, &lengths))))
    }

    /// A regular expression in the syntax of the Rust crate `regex`.
    #[napi(factory, catch_unwind)]
    pub fn regex_sync(source: String, line_terminator: u8) -> napi::Result<Self> {
        Ok(regex(&source, line_terminator)?)
    }

    /// As `regexSync`, off the main thread.
    #[napi(catch_unwind, ts_return_type = "Promise<Pattern>")]
    pub fn regex(source: String, line_terminator: u8) -> AsyncTask<Job<Pattern>> {
        AsyncTask::new(Job::new(move || regex(&source, line_terminator)))
    }

    /// How many groups a match has, the whole one included.
    #[napi(getter, catch_unwind)]
    pub fn groups(&self) -> u32 {
        self.0.groups() as u32
    }
}
