//! What can be looked for: a byte, a literal, any of several literals, a regular expression.
//!
//! Everything here works on plain slices and knows nothing of maps. Matches are found as
//! JavaScript's `matchAll` finds them: leftmost first, none overlapping the one before; after an
//! empty match the search goes on one byte later.

use std::sync::{Mutex, PoisonError};

use aho_corasick::{AhoCorasick, MatchKind};
use memchr::memmem::Finder;
use regex_automata::meta::{self, Cache};
use regex_automata::util::primitives::NonMaxUsize;
use regex_automata::util::syntax;
use regex_automata::{Input, Span};

use crate::error::{Failure, Result};

/// How many bytes past the end of its window a regular expression may look for the end of a match.
/// The documentation of `scan` in `lib/matches.ts` tells users the same number.
const MAX_MATCH_LENGTH: usize = 1 << 18;

/// Something to look for.
pub enum Pattern {
    /// One byte.
    Byte(u8),
    /// A literal; may be empty.
    Literal(Box<Finder<'static>>),
    /// Several literals. Where more than one begins at the same place, the first listed wins.
    Literals {
        /// Finds them all at once.
        automaton: AhoCorasick,
        /// The length of the longest.
        longest: usize,
    },
    /// A regular expression.
    Regex(Box<Regex>),
}

/// A regular expression, and the caches of those who have searched for it.
pub struct Regex {
    engine: meta::Regex,
    /// Whether no match of it is empty.
    takes_bytes: bool,
    caches: Mutex<Vec<Cache>>,
}

/// Where something was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Its first byte.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
    /// Which of several literals it is; 0 otherwise.
    pub which: usize,
}

impl Hit {
    /// Where the search goes on.
    pub fn after(self) -> usize {
        self.end + usize::from(self.start == self.end)
    }
}

/// The groups of a match as places in the haystack: start and end of the whole match, of group 1,
/// ... Groups that took no part are None.
pub type Slots = Vec<Option<NonMaxUsize>>;

impl Pattern {
    /// One literal, or several, none of them empty: aho-corasick 1.1.5 misses places where only an
    /// empty one of several matches.
    ///
    /// # Errors
    /// `ENOMEM`; `ERR_MMAP_UNSUPPORTED` where the literals are too many for one automaton.
    pub fn literals(needles: &[&[u8]]) -> Result<Pattern> {
        match needles {
            [[byte]] => Ok(Pattern::Byte(*byte)),
            [needle] => Ok(Pattern::Literal(Box::new(
                Finder::new(*needle).into_owned(),
            ))),
            needles => {
                let automaton = AhoCorasick::builder()
                    .match_kind(MatchKind::LeftmostFirst)
                    .build(needles)
                    .map_err(|error| Failure::unsupported(error.to_string()))?;
                let longest = needles.iter().map(|needle| needle.len()).max().unwrap_or(0);
                Ok(Pattern::Literals { automaton, longest })
            }
        }
    }

    /// A regular expression over bytes. `line_terminator` is what `(?m:^)` and `(?m:$)` look for.
    ///
    /// # Errors
    /// `ERR_MMAP_UNSUPPORTED` where the engine cannot take it: it would be too large compiled.
    pub fn regex(source: &str, line_terminator: u8) -> Result<Pattern> {
        let config = syntax::Config::new().unicode(false).utf8(false);
        let parsed = syntax::parse_with(source, &config).map_err(|error| {
            Failure::unsupported(format!("the pattern cannot be compiled: {error}"))
        })?;
        let engine = meta::Regex::builder()
            .configure(
                meta::Config::new()
                    .utf8_empty(false)
                    .line_terminator(line_terminator),
            )
            .build_from_hir(&parsed)
            .map_err(|error| match error.size_limit() {
                Some(limit) => Failure::unsupported(format!(
                    "the pattern is too large: compiled it would take more than {limit} bytes; use \
                     smaller counts in its repetitions"
                )),
                None => Failure::unsupported(format!("the pattern cannot be compiled: {error}")),
            })?;
        Ok(Pattern::Regex(Box::new(Regex {
            engine,
            takes_bytes: parsed.properties().minimum_len() > Some(0),
            caches: Mutex::new(Vec::new()),
        })))
    }

    /// How many groups a match has, the whole one included.
    pub fn groups(&self) -> usize {
        match self {
            Pattern::Regex(regex) => regex.engine.captures_len(),
            _ => 1,
        }
    }

    /// How far behind a window the matches may reach that begin in it.
    pub fn reach(&self) -> usize {
        match self {
            Pattern::Byte(_) => 0,
            Pattern::Literal(finder) => finder.needle().len().saturating_sub(1),
            Pattern::Literals { longest, .. } => longest.saturating_sub(1),
            Pattern::Regex(_) => MAX_MATCH_LENGTH,
        }
    }

    /// Whether searching a window once for every match in it can take longer than in proportion to
    /// the window: each search of a regular expression may look at all of it.
    pub fn may_be_slow(&self) -> bool {
        matches!(self, Pattern::Regex(_))
    }

    /// Something that searches for this.
    pub fn searcher(&self) -> Searcher<'_> {
        let cache = match self {
            Pattern::Regex(regex) => {
                let known = regex.caches().pop();
                Some(known.unwrap_or_else(|| regex.engine.create_cache()))
            }
            _ => None,
        };
        Searcher {
            pattern: self,
            cache,
            slots: vec![None; self.groups() * 2],
        }
    }
}

impl Regex {
    fn caches(&self) -> std::sync::MutexGuard<'_, Vec<Cache>> {
        self.caches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A pattern and the memory that searching for it takes.
pub struct Searcher<'p> {
    pattern: &'p Pattern,
    /// Only a regular expression has one.
    cache: Option<Cache>,
    slots: Slots,
}

impl Drop for Searcher<'_> {
    fn drop(&mut self) {
        if let (Pattern::Regex(regex), Some(cache)) = (self.pattern, self.cache.take()) {
            regex.caches().push(cache);
        }
    }
}

impl Searcher<'_> {
    /// The first match within `window`. Assertions look at the bytes around the window.
    fn find(&mut self, haystack: &[u8], window: Span) -> Option<Hit> {
        let within = &haystack[window.range()];
        let at = |start: usize, length: usize, which: usize| Hit {
            start: window.start + start,
            end: window.start + start + length,
            which,
        };
        let hit = match (self.pattern, &mut self.cache) {
            (Pattern::Byte(byte), _) => at(memchr::memchr(*byte, within)?, 1, 0),
            (Pattern::Literal(finder), _) => at(finder.find(within)?, finder.needle().len(), 0),
            (Pattern::Literals { automaton, .. }, _) => {
                let found = automaton.find(within)?;
                at(found.start(), found.len(), found.pattern().as_usize())
            }
            (Pattern::Regex(regex), Some(cache)) => {
                let input = Input::new(haystack).span(window);
                let found = regex.engine.search_with(cache, &input)?;
                Hit {
                    start: found.start(),
                    end: found.end(),
                    which: 0,
                }
            }
            (Pattern::Regex(_), None) => return None,
        };
        // The haystack may be changing under our eyes: only a place within the window is an answer.
        (window.start <= hit.start && hit.start <= hit.end && hit.end <= window.end).then_some(hit)
    }

    /// As [`Searcher::find`], and notes the groups in `slots`.
    fn find_groups(&mut self, haystack: &[u8], window: Span) -> Option<Hit> {
        if let (Pattern::Regex(regex), Some(cache)) = (self.pattern, &mut self.cache) {
            let input = Input::new(haystack).span(window);
            regex
                .engine
                .search_slots_with(cache, &input, &mut self.slots)?;
        } else {
            let hit = self.find(haystack, window)?;
            self.slots[0] = NonMaxUsize::new(hit.start);
            self.slots[1] = NonMaxUsize::new(hit.end);
        }
        let within = |slot: &Option<NonMaxUsize>| {
            slot.is_none_or(|place| window.start <= place.get() && place.get() <= window.end)
        };
        let (start, end) = (self.slots[0]?.get(), self.slots[1]?.get());
        (start <= end && self.slots.iter().all(within)).then_some(Hit {
            start,
            end,
            which: 0,
        })
    }

    /// Calls `visit` with each match that begins in `from..to` (or at `to`, where the haystack ends
    /// there) until it answers false; with the groups where `groups` says so. Returns where to go
    /// on: a value past the haystack's end if nothing is left.
    ///
    /// # Errors
    /// Whatever `visit` returns.
    pub fn each(
        &mut self,
        haystack: &[u8],
        from: usize,
        to: usize,
        groups: bool,
        mut visit: impl FnMut(Hit, &Slots) -> Result<bool>,
    ) -> Result<usize> {
        let mut next = from;
        while let Some(window) = self.window(haystack, next, to) {
            let found = match groups {
                true => self.find_groups(haystack, window),
                false => self.find(haystack, window),
            };
            match found {
                Some(hit) if hit.start < to || to == haystack.len() => {
                    next = hit.after();
                    if !visit(hit, &self.slots)? {
                        return Ok(next);
                    }
                }
                _ => break,
            }
        }
        Ok(behind(haystack, next, to))
    }

    /// The number of matches that [`Searcher::each`] would visit, while `go_on` answers true, and
    /// where to go on.
    pub fn count(
        &mut self,
        haystack: &[u8],
        from: usize,
        to: usize,
        mut go_on: impl FnMut() -> bool,
    ) -> (usize, usize) {
        let mut count = 0;
        let mut next = from;
        while let Some(window) = self.window(haystack, next, to) {
            let found = match self.find_end(haystack, window) {
                // It takes at least a byte, so that it begins before `to`. Where it begins need not
                // be known: that saves going back over it.
                Some(Some(end)) if next < end && end <= to => {
                    next = end;
                    Some(())
                }
                Some(None) => None,
                _ => self
                    .find(haystack, window)
                    .filter(|hit| hit.start < to || to == haystack.len())
                    .map(|hit| next = hit.after()),
            };
            if found.is_none() {
                break;
            }
            count += 1;
            if !go_on() {
                return (next, count);
            }
        }
        (behind(haystack, next, to), count)
    }

    /// The end of the first match within `window`, for patterns that it is found sooner for than
    /// the start, and whose matches are not empty.
    fn find_end(&mut self, haystack: &[u8], window: Span) -> Option<Option<usize>> {
        let (Pattern::Regex(regex), Some(cache)) = (self.pattern, &mut self.cache) else {
            return None;
        };
        let input = Input::new(haystack).span(window);
        regex.takes_bytes.then(|| {
            let found = regex.engine.search_half_with(cache, &input);
            found.map(|half| half.offset())
        })
    }

    /// Where a match that begins between `next` and `to` may lie; None where none can begin.
    fn window(&self, haystack: &[u8], next: usize, to: usize) -> Option<Span> {
        let end = haystack.len();
        let possible = next < to || (to == end && next == end);
        possible.then(|| Span {
            start: next,
            end: end.min(to.saturating_add(self.pattern.reach())),
        })
    }
}

/// Where to go on behind a window in which nothing more was found.
fn behind(haystack: &[u8], next: usize, to: usize) -> usize {
    match to == haystack.len() {
        true => to + 1,
        false => next.max(to),
    }
}

/// Appends to a list that may become too long for the memory there is.
///
/// # Errors
/// `ENOMEM`.
pub fn push(list: &mut Vec<f64>, number: f64) -> Result<()> {
    if list.len() == list.capacity() {
        list.try_reserve(1).map_err(|_| Failure::out_of_memory())?;
    }
    list.push(number);
    Ok(())
}
