//! Patterns, and searching a map for them.

use std::sync::Arc;

use napi::bindgen_prelude::{AsyncTask, Float64Array, Float64ArraySlice};
use napi_derive::napi;

use super::found::Found;
use super::job::Job;
use super::number::{integer, positive};
use super::threads::{Answer, Threads};
use crate::error::Result;
use crate::memory::{Mapping, SourceBytes, array_buffer};
use crate::search::pattern;
use crate::search::scan::{self, Record, Window};

/// Something to look for, prepared once.
#[napi]
pub struct Pattern(Arc<pattern::Pattern>);

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

/// What to record of each match, by its name: `offset`, `needle` (the offset, and apart from it the
/// number of the needle), `groups` (start and end of every group, -1 for those that took no part), or
/// `count` for nothing.
fn record(name: &str) -> Record {
    match name {
        "count" => Record::Nothing,
        "needle" => Record::OffsetAndNeedle,
        "groups" => Record::Groups,
        _ => Record::Offset,
    }
}

/// The part of a map that a search looks at.
///
/// # Errors
/// `ERR_OUT_OF_RANGE`.
pub fn window(from: f64, to: f64, end: f64) -> Result<Window> {
    Ok(Window {
        from: integer(from)?,
        to: integer(to)?,
        end: integer(end)?,
    })
}

fn offset(found: Option<usize>) -> f64 {
    found.map_or(-1.0, |offset| offset as f64)
}

/// The first offset in `start..end` where `needle` begins, or -1.
pub fn index_of(
    mapping: &Mapping,
    needle: &SourceBytes,
    start: f64,
    end: f64,
) -> napi::Result<f64> {
    let needle = needle.to_vec()?;
    let region = mapping.region()?;
    let found = scan::first(&region, &needle, integer(start)?, integer(end)?)?;
    Ok(offset(found))
}

/// The last offset in `start..end` where `needle` begins, or -1.
pub fn last_index_of(
    mapping: &Mapping,
    needle: &SourceBytes,
    start: f64,
    end: f64,
) -> napi::Result<f64> {
    let needle = needle.to_vec()?;
    let region = mapping.region()?;
    let found = scan::last(&region, &needle, integer(start)?, integer(end)?)?;
    Ok(offset(found))
}

/// At most `most` matches in a window, all in one call.
pub fn find_sync(
    mapping: &Mapping,
    pattern: &Pattern,
    window: Window,
    record: &str,
    most: f64,
) -> napi::Result<Found> {
    let region = mapping.region()?;
    let record = self::record(record);
    let found = scan::find(&region, &pattern.0, window, record, positive(most)?, true)?;
    Ok(found.into())
}

/// The job of a [`find`] or a [`reconcile`].
pub struct Search<'a> {
    /// The threads that do it.
    pub threads: &'a Threads,
    /// Its number.
    pub id: f64,
    /// What is searched for.
    pub pattern: &'a Pattern,
    /// What is noted of each match, by its name.
    pub record: &'a str,
}

/// At most `most` matches in a window, off the main thread.
pub fn find(mapping: &Mapping, search: &Search<'_>, window: Window, most: f64) -> napi::Result<()> {
    let region = mapping.region()?;
    scan::check(&region, window)?;
    let pattern = Arc::clone(&search.pattern.0);
    let record = record(search.record);
    let most = positive(most)?;
    Ok(search.threads.search(search.id, region, move |region| {
        scan::find(region, &pattern, window, record, most, false).map(Answer::Found)
    })?)
}

/// What the matches in a window are where its first may begin at `actual` only, off the main thread.
pub fn reconcile(
    mapping: &Mapping,
    search: &Search<'_>,
    window: Window,
    actual: f64,
) -> napi::Result<()> {
    let region = mapping.region()?;
    scan::check(&region, window)?;
    let actual = integer(actual)?;
    let pattern = Arc::clone(&search.pattern.0);
    let record = record(search.record);
    Ok(search.threads.search(search.id, region, move |region| {
        scan::reconcile(region, &pattern, window, actual, record).map(Answer::Reconciled)
    })?)
}

/// The number of matches in a window, all in one call.
pub fn count_sync(mapping: &Mapping, pattern: &Pattern, window: Window) -> napi::Result<f64> {
    let region = mapping.region()?;
    let found = scan::find(
        &region,
        &pattern.0,
        window,
        Record::Nothing,
        usize::MAX,
        true,
    )?;
    Ok(found.matches.count as f64)
}

/// The number of line feeds in each block of `size` bytes.
pub fn count_lines_sync(
    mapping: &Mapping,
    start: f64,
    end: f64,
    size: f64,
) -> napi::Result<Float64Array> {
    let region = mapping.region()?;
    let counts = scan::count_lines(&region, integer(start)?, integer(end)?, positive(size)?)?;
    Ok(Float64Array::new(counts))
}

/// As [`count_lines_sync`], off the main thread.
pub fn count_lines(
    mapping: &Mapping,
    (threads, id): (&Threads, f64),
    start: f64,
    end: f64,
    size: f64,
) -> napi::Result<()> {
    let region = mapping.region()?;
    let (start, end, size) = (integer(start)?, integer(end)?, positive(size)?);
    region.bytes(start, end)?;
    Ok(threads.search(id, region, move |region| {
        scan::count_lines(region, start, end, size).map(Answer::Counts)
    })?)
}

/// Writes the offsets of the first line feeds in `start..end` into `offsets`.
pub fn line_feeds(
    mapping: &Mapping,
    start: f64,
    end: f64,
    mut offsets: Float64ArraySlice<'_>,
) -> napi::Result<f64> {
    let region = mapping.region()?;
    let offsets = array_buffer::numbers(&mut offsets);
    let count = scan::line_feeds(&region, integer(start)?, integer(end)?, offsets)?;
    Ok(count as f64)
}

/// The offset of line feed number `n` (from 0) in `start..end`, or -1.
pub fn nth_line_feed(mapping: &Mapping, start: f64, end: f64, n: f64) -> napi::Result<f64> {
    let region = mapping.region()?;
    let found = scan::nth_line_feed(&region, integer(start)?, integer(end)?, integer(n)?)?;
    Ok(offset(found))
}

/// Where the line after line feed number `n` of `start..end` begins, or -1 where the range has not
/// `count` line feeds.
pub fn line_start(
    mapping: &Mapping,
    start: f64,
    end: f64,
    count: f64,
    n: f64,
) -> napi::Result<f64> {
    let region = mapping.region()?;
    let range = (integer(start)?, integer(end)?);
    let found = scan::line_start(&region, range, integer(count)?, integer(n)?)?;
    Ok(offset(found))
}
