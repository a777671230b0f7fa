//! Searching a region, whole or in windows.
//!
//! A window is searched by one call: on the main thread with the whole range as one window, off it
//! in many (`lib/memory/jobs.ts`). Each answers where the next has to go on, so that a match that
//! reaches over a border is found once and nothing overlaps it.

use std::time::{Duration, Instant};

use memchr::{memchr_iter, memmem, memrchr};

use crate::error::{Failure, Result};
use crate::memory::Region;
use crate::search::pattern::{Pattern, push};
use crate::search::searcher::Searcher;

/// A job hands over what it has after this long: that is how often a slow regular expression looks
/// whether it was cancelled.
const PATIENCE: Duration = Duration::from_millis(20);

/// What part of a map is searched.
#[derive(Clone, Copy)]
pub struct Window {
    /// Where the first match may begin.
    pub from: usize,
    /// Where matches may begin no more, unless it is the end.
    pub to: usize,
    /// Behind the last byte that a match may have.
    pub end: usize,
}

/// What is noted of each match.
#[derive(Clone, Copy)]
pub enum Record {
    /// Its offset.
    Offset,
    /// Its offset, and apart from it the number of the needle.
    OffsetAndNeedle,
    /// Start and end of every group; -1 for groups that took no part.
    Groups,
}

/// What a search of one window found.
pub struct Found<T> {
    /// Where to go on; more than the end if nothing is left.
    pub next: usize,
    /// The matches.
    pub matches: T,
}

/// The matches that a search lists.
#[derive(Default)]
pub struct Matches {
    /// The numbers of each match, one match after the other.
    pub numbers: Vec<f64>,
    /// The number of each match's needle, for [`Record::OffsetAndNeedle`].
    pub which: Vec<u32>,
}

/// The first place in `start..end` where `needle` begins.
///
/// # Errors
/// `ERR_OUT_OF_RANGE`.
pub fn first(region: &Region, needle: &[u8], start: usize, end: usize) -> Result<Option<usize>> {
    let haystack = region.bytes(start, end)?;
    let found = match needle {
        [byte] => memchr::memchr(*byte, haystack),
        needle => memmem::find(haystack, needle),
    };
    Ok(place(found, haystack, needle).map(|offset| start + offset))
}

/// The last place in `start..end` where `needle` begins.
///
/// # Errors
/// `ERR_OUT_OF_RANGE`.
pub fn last(region: &Region, needle: &[u8], start: usize, end: usize) -> Result<Option<usize>> {
    let haystack = region.bytes(start, end)?;
    let found = match needle {
        [byte] => memrchr(*byte, haystack),
        needle => memmem::rfind(haystack, needle),
    };
    Ok(place(found, haystack, needle).map(|offset| start + offset))
}

/// Only a place where the needle fits is an answer: the bytes may be changing.
fn place(found: Option<usize>, haystack: &[u8], needle: &[u8]) -> Option<usize> {
    found.filter(|&offset| offset <= haystack.len().saturating_sub(needle.len()))
}

/// When a job ends early: a full batch, or its time being up.
struct Budget {
    matches: usize,
    until: Option<Instant>,
}

impl Budget {
    fn new(pattern: &Pattern, most: usize, patient: bool) -> Budget {
        let hurried = !patient && pattern.may_be_slow();
        Budget {
            matches: most,
            until: hurried.then(|| Instant::now() + PATIENCE),
        }
    }

    /// Takes one match; whether another may follow.
    fn take(&mut self) -> bool {
        self.matches -= 1;
        self.matches > 0 && self.until.is_none_or(|until| Instant::now() < until)
    }
}

/// The matches in a window, at most `most` (not 0). A search that is not `patient` may end before
/// that, too.
///
/// # Errors
/// `ENOMEM`, `ERR_OUT_OF_RANGE`.
pub fn find(
    region: &Region,
    pattern: &Pattern,
    window: Window,
    record: Record,
    most: usize,
    patient: bool,
) -> Result<Found<Matches>> {
    let haystack = checked(region, window)?;
    let mut matches = Matches::default();
    let mut budget = Budget::new(pattern, most, patient);
    let groups = matches!(record, Record::Groups);
    let (from, to) = (window.from, window.to);
    let next = Searcher::new(pattern).each(haystack, from, to, groups, |hit, slots| {
        match record {
            Record::Offset => push(&mut matches.numbers, hit.start as f64)?,
            Record::OffsetAndNeedle => {
                push(&mut matches.numbers, hit.start as f64)?;
                push(&mut matches.which, hit.which as u32)?;
            }
            Record::Groups => {
                for slot in slots {
                    push(
                        &mut matches.numbers,
                        slot.map_or(-1.0, |place| place.get() as f64),
                    )?;
                }
            }
        }
        Ok(budget.take())
    })?;
    Ok(Found { next, matches })
}

/// The number of matches in a window.
///
/// # Errors
/// `ERR_OUT_OF_RANGE`.
pub fn count(
    region: &Region,
    pattern: &Pattern,
    window: Window,
    patient: bool,
) -> Result<Found<usize>> {
    let haystack = checked(region, window)?;
    let (from, to) = (window.from, window.to);
    if let Pattern::Byte(byte) = pattern {
        let matches = memchr_iter(*byte, &haystack[from..to]).count();
        let next = to + usize::from(to == window.end);
        return Ok(Found { next, matches });
    }
    let mut budget = Budget::new(pattern, usize::MAX, patient);
    let (next, matches) = Searcher::new(pattern).count(haystack, from, to, || budget.take())?;
    Ok(Found { next, matches })
}

fn checked(region: &Region, window: Window) -> Result<&[u8]> {
    if window.from > window.to || window.to > window.end {
        return Err(Failure::OutOfRange(format!(
            "the window {} to {} does not lie before {}",
            window.from, window.to, window.end
        )));
    }
    region.bytes(0, window.end)
}

/// How many line feeds each block of `size` bytes (not 0) has, from `start` on.
///
/// # Errors
/// `ENOMEM`, `ERR_OUT_OF_RANGE`.
pub fn count_lines(region: &Region, start: usize, end: usize, size: usize) -> Result<Vec<f64>> {
    let mut counts = Vec::new();
    for block in region.bytes(start, end)?.chunks(size) {
        push(&mut counts, memchr_iter(b'\n', block).count() as f64)?;
    }
    Ok(counts)
}

/// Writes the places of the first line feeds in `start..end` into `places`, as many as there is room
/// for; returns how many.
///
/// # Errors
/// `ERR_OUT_OF_RANGE`.
pub fn line_feeds(region: &Region, start: usize, end: usize, places: &mut [f64]) -> Result<usize> {
    let feeds = memchr_iter(b'\n', region.bytes(start, end)?)
        .filter(|&offset| offset < end - start)
        .zip(places);
    let mut count = 0;
    for (offset, place) in feeds {
        *place = (start + offset) as f64;
        count += 1;
    }
    Ok(count)
}

/// Where the line feed number `n` (from 0) is in `start..end`.
///
/// # Errors
/// `ERR_OUT_OF_RANGE`.
pub fn nth_line_feed(region: &Region, start: usize, end: usize, n: usize) -> Result<Option<usize>> {
    let found = memchr_iter(b'\n', region.bytes(start, end)?).nth(n);
    Ok(found
        .filter(|&offset| offset < end - start)
        .map(|offset| start + offset))
}

/// Where the line begins that follows line feed number `n` (from 0) of `start..end`. None unless the range
/// has `count` line feeds, of which that is one.
///
/// # Errors
/// `ERR_OUT_OF_RANGE`.
pub fn line_start(
    region: &Region,
    (start, end): (usize, usize),
    count: usize,
    n: usize,
) -> Result<Option<usize>> {
    let mut feeds = memchr_iter(b'\n', region.bytes(start, end)?);
    let found = feeds.nth(n);
    // Bytes that change meanwhile may give any answer, but none outside the range.
    let is_so = n < count && feeds.count() == count - n - 1;
    Ok(found
        .filter(|&offset| is_so && offset < end - start)
        .map(|offset| start + offset + 1))
}
