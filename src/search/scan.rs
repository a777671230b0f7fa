//! Searching a region, whole or in windows.
//!
//! A window is searched by one call: on the main thread with the whole range as one window, off it
//! in many (`lib/memory/jobs.ts`). Each answers where the next has to go on, so that a match that
//! reaches over a border is found once and nothing overlaps it.

use std::time::{Duration, Instant};

use memchr::{memchr_iter, memmem, memrchr};

use crate::error::{Failure, Result};
use crate::memory::Region;
use crate::search::pattern::{Hit, Pattern, push};
use crate::search::searcher::{Searcher, Slots};

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    /// Nothing: they are counted.
    Nothing,
    /// Its offset.
    Offset,
    /// Its offset, and apart from it the number of the needle.
    OffsetAndNeedle,
    /// Start and end of every group; -1 for groups that took no part.
    Groups,
}

/// What a search of one window found.
#[derive(Debug, PartialEq)]
pub struct Found {
    /// Where to go on; more than the end if nothing is left.
    pub next: usize,
    /// The matches.
    pub matches: Matches,
}

/// The matches that a search found.
#[derive(Debug, Default, PartialEq)]
pub struct Matches {
    /// How many.
    pub count: usize,
    /// The numbers of each match, one match after the other.
    pub numbers: Vec<f64>,
    /// The number of each match's needle, for [`Record::OffsetAndNeedle`].
    pub which: Vec<u32>,
}

impl Matches {
    /// Adds one.
    fn note(&mut self, record: Record, hit: Hit, slots: &Slots) -> Result<()> {
        self.count += 1;
        match record {
            Record::Nothing => {}
            Record::Offset => push(&mut self.numbers, hit.start as f64)?,
            Record::OffsetAndNeedle => {
                push(&mut self.numbers, hit.start as f64)?;
                push(&mut self.which, hit.which as u32)?;
            }
            Record::Groups => {
                for slot in slots {
                    let number = slot.map_or(-1.0, |place| place.get() as f64);
                    push(&mut self.numbers, number)?;
                }
            }
        }
        Ok(())
    }
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
    clock: Option<Clock>,
}

/// Looks at the time after each match where that takes long, and seldom where matches are found fast:
/// a look takes as long as finding one.
struct Clock {
    until: Instant,
    looked: Instant,
    /// How many matches there are between two looks, and how many are left until the next.
    stride: u32,
    left: u32,
}

impl Clock {
    /// Matches that take less than this each need no look each.
    const FAST: Duration = Duration::from_micros(2);
    const LONGEST_STRIDE: u32 = 64;

    fn new(time: Duration) -> Clock {
        let now = Instant::now();
        Clock {
            until: now + time,
            looked: now,
            stride: 1,
            left: 1,
        }
    }

    /// Counts one match; whether the time is up.
    fn is_over(&mut self) -> bool {
        self.left -= 1;
        if self.left > 0 {
            return false;
        }
        let now = Instant::now();
        self.stride = match now - self.looked < Self::FAST * self.stride {
            true => (self.stride * 2).min(Self::LONGEST_STRIDE),
            false => 1,
        };
        self.left = self.stride;
        self.looked = now;
        now >= self.until
    }
}

impl Budget {
    fn new(pattern: &Pattern, most: usize, patient: bool) -> Budget {
        let hurried = !patient && pattern.may_be_slow();
        Budget {
            matches: most,
            clock: hurried.then(|| Clock::new(PATIENCE)),
        }
    }

    /// Takes one match; whether another may follow.
    fn take(&mut self) -> bool {
        self.matches -= 1;
        self.matches > 0 && !self.clock.as_mut().is_some_and(Clock::is_over)
    }
}

/// The matches in a window, at most `most` (not 0) where they are noted. A search that is not
/// `patient` may end before that, too.
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
) -> Result<Found> {
    find_in(
        checked(region, window)?,
        pattern,
        window,
        record,
        most,
        patient,
    )
}

/// As [`find`], in bytes that end where the window's matches must.
fn find_in(
    haystack: &[u8],
    pattern: &Pattern,
    window: Window,
    record: Record,
    most: usize,
    patient: bool,
) -> Result<Found> {
    let (from, to) = (window.from, window.to);
    let mut matches = Matches::default();
    if let (Pattern::Byte(byte), Record::Nothing) = (pattern, record) {
        matches.count = memchr_iter(*byte, &haystack[from..to]).count();
        let next = to + usize::from(to == window.end);
        return Ok(Found { next, matches });
    }
    let mut budget = Budget::new(pattern, most, patient);
    let mut searcher = Searcher::new(pattern);
    let next = if record == Record::Nothing {
        let (next, count) = searcher.count(haystack, from, to, || budget.take())?;
        matches.count = count;
        next
    } else {
        let groups = record == Record::Groups;
        searcher.each(haystack, from, to, groups, |hit, slots| {
            matches.note(record, hit, slots)?;
            Ok(budget.take())
        })?
    };
    Ok(Found { next, matches })
}

/// How the matches in a window differ from those that were found from its start on, where the first
/// may begin only later: the match before it reaches into the window.
#[derive(Debug, PartialEq)]
pub struct Reconciled {
    /// How many of the matches that were found are none.
    pub skipped: usize,
    /// Whether those after them are matches. If not, go on at `found.next`.
    pub agrees: bool,
    /// The matches before them.
    pub found: Found,
}

/// How many matches are compared at most. Searches that do not agree soon may never do, such as
/// those for any three bytes.
const MOST_COMPARED: usize = 4096;

/// Goes through the matches of a window from its start on, and through those from `actual` on, until
/// the two searches go the same way.
///
/// A search is where it has to begin, and nothing else: two that look for their next match at the
/// same place find the same matches from there on. The one that is behind goes on, up to the place
/// of the other. If it then stands at or before that place, nothing begins between the two, so that
/// the same match is next for both.
///
/// # Errors
/// `ENOMEM`, `ERR_OUT_OF_RANGE`.
pub fn reconcile(
    region: &Region,
    pattern: &Pattern,
    window: Window,
    actual: usize,
    record: Record,
) -> Result<Reconciled> {
    reconcile_in(checked(region, window)?, pattern, window, actual, record)
}

fn reconcile_in(
    haystack: &[u8],
    pattern: &Pattern,
    window: Window,
    actual: usize,
    record: Record,
) -> Result<Reconciled> {
    let Window { from, to, end } = window;
    let mut searcher = Searcher::new(pattern);
    let mut budget = Budget::new(pattern, MOST_COMPARED, false);
    let (mut guessed, mut actual) = (from, actual);
    let (mut skipped, mut matches) = (0, Matches::default());
    // At the end of the haystack an empty match may still begin.
    let is_within = |place: usize| place < to || (place == to && to == end);
    let (mut agrees, mut is_enough) = (false, false);
    while is_within(actual) {
        searcher.each(haystack, guessed, to, false, |hit, _| {
            if hit.start >= actual {
                return Ok(false);
            }
            guessed = hit.after();
            skipped += 1;
            is_enough = !budget.take();
            Ok(!is_enough)
        })?;
        agrees = guessed <= actual;
        if is_enough || agrees {
            break;
        }
        let groups = record == Record::Groups;
        searcher.each(haystack, actual, to, groups, |hit, slots| {
            if hit.start >= guessed {
                return Ok(false);
            }
            actual = hit.after();
            matches.note(record, hit, slots)?;
            is_enough = !budget.take();
            Ok(!is_enough)
        })?;
        if is_enough {
            break;
        }
        if !is_within(guessed) {
            // All that is left of the window was searched.
            actual = actual.max(if to == end { to + 1 } else { to });
            break;
        }
        agrees = actual <= guessed;
        if agrees {
            break;
        }
    }
    let found = Found {
        next: actual,
        matches,
    };
    Ok(Reconciled {
        skipped,
        agrees: agrees && !is_enough,
        found,
    })
}

/// Checks that a window lies in the region.
///
/// # Errors
/// `ERR_OUT_OF_RANGE`.
pub fn check(region: &Region, window: Window) -> Result<()> {
    checked(region, window).map(|_| ())
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

#[cfg(test)]
#[path = "scan_tests.rs"]
mod tests;
