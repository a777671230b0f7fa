//! Going through the matches of a pattern in a slice, whose bytes may change meanwhile.

use regex_automata::meta::Cache;
use regex_automata::util::primitives::NonMaxUsize;
use regex_automata::{Input, Span};

use crate::error::Result;
use crate::search::pattern::{Hit, Pattern, copied};
use crate::search::quiet::unless_it_panics;

/// How much is searched in a copy, beside what a match may reach, where bytes have changed.
const STRETCH: usize = if cfg!(test) { 5 } else { 1 << 20 };

/// The groups of a match as places in the haystack: start and end of the whole match, of group 1,
/// ... Groups that took no part are None.
pub type Slots = Vec<Option<NonMaxUsize>>;

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
            regex.give_cache(cache);
        }
    }
}

/// Bytes to search: all of the haystack, or a copy of a part.
#[derive(Clone, Copy)]
struct Bytes<'h> {
    bytes: &'h [u8],
    /// Where in the haystack they begin.
    base: usize,
}

impl Bytes<'_> {
    /// Where in the haystack they end.
    fn end(self) -> usize {
        self.base + self.bytes.len()
    }
}

/// Why a search has ended.
enum Ended {
    /// There are no more matches that begin where they may.
    Nothing,
    /// The caller has enough.
    Enough,
    /// The engine contradicted itself: bytes have changed between two looks at them.
    Changed,
}

/// A search that looked twice at bytes which changed between.
struct Changed;

type Found = std::result::Result<Option<Hit>, Changed>;

impl Searcher<'_> {
    /// A searcher for a pattern, with a cache of one before where there is one.
    pub fn new(pattern: &Pattern) -> Searcher<'_> {
        let cache = match pattern {
            Pattern::Regex(regex) => Some(regex.take_cache()),
            _ => None,
        };
        Searcher {
            pattern,
            cache,
            slots: vec![None; pattern.groups() * 2],
        }
    }

    /// The first match within `window`, which lies in `bytes` but is counted from the haystack's
    /// start. Assertions look at the bytes around the window.
    #[inline(always)]
    fn find(&mut self, Bytes { bytes, base }: Bytes<'_>, window: Span) -> Found {
        let (start, end) = (window.start - base, window.end - base);
        let within = &bytes[start..end];
        let at = |start: usize, length: usize, which: usize| Hit {
            start: window.start + start,
            end: window.start + start + length,
            which,
        };
        let hit = match (self.pattern, &mut self.cache) {
            (Pattern::Byte(byte), _) => memchr::memchr(*byte, within).map(|start| at(start, 1, 0)),
            (Pattern::Literal(finder), _) => finder
                .find(within)
                .map(|start| at(start, finder.needle().len(), 0)),
            (Pattern::Literals { automaton, .. }, _) => automaton
                .find(within)
                .map(|found| at(found.start(), found.len(), found.pattern().as_usize())),
            (Pattern::Regex(regex), Some(cache)) => {
                let input = Input::new(bytes).range(start..end);
                let found = regex.engine.search_with(cache, &input);
                found.map(|found| Hit {
                    start: base + found.start(),
                    end: base + found.end(),
                    which: 0,
                })
            }
            (Pattern::Regex(_), None) => None,
        };
        match hit {
            Some(hit) if !hit.lies_in(window.range()) => Err(Changed),
            hit => Ok(hit),
        }
    }

    /// As [`Searcher::find`], and notes the groups in `slots`.
    fn find_groups(&mut self, bytes: Bytes<'_>, window: Span) -> Found {
        let (Pattern::Regex(regex), Some(cache)) = (self.pattern, &mut self.cache) else {
            let found = self.find(bytes, window)?;
            if let Some(hit) = found {
                self.slots[0] = NonMaxUsize::new(hit.start);
                self.slots[1] = NonMaxUsize::new(hit.end);
            }
            return Ok(found);
        };
        let Bytes { bytes, base } = bytes;
        let input = Input::new(bytes).range(window.start - base..window.end - base);
        let found = regex
            .engine
            .search_slots_with(cache, &input, &mut self.slots);
        if found.is_none() {
            return Ok(None);
        }
        for slot in &mut self.slots {
            *slot = slot.and_then(|place| NonMaxUsize::new(base + place.get()));
        }
        let groups = self.slots.chunks_exact(2).map(|group| match *group {
            [Some(start), Some(end)] => Ok(Some(Hit {
                start: start.get(),
                end: end.get(),
                which: 0,
            })),
            [None, None] => Ok(None),
            _ => Err(Changed),
        });
        let mut whole = None;
        for group in groups {
            let within = whole.map_or(window.range(), |hit: Hit| hit.start..hit.end);
            match group? {
                Some(hit) if !hit.lies_in(within) => return Err(Changed),
                hit => whole = whole.or(hit),
            }
        }
        whole.map(Some).ok_or(Changed)
    }

    /// Calls `visit` with each match that begins in `from..to` (or at `to`, where the haystack ends
    /// there) until it answers false; with the groups where `groups` says so. Returns where to go
    /// on: a value past the haystack's end if nothing is left.
    ///
    /// # Errors
    /// Whatever `visit` returns; `ENOMEM`.
    pub fn each(
        &mut self,
        haystack: &[u8],
        from: usize,
        to: usize,
        groups: bool,
        mut visit: impl FnMut(Hit, &Slots) -> Result<bool>,
    ) -> Result<usize> {
        self.steadily(haystack, from, to, |searcher, bytes, next, to| {
            while let Some(window) = searcher.window(bytes, *next, to) {
                let found = match groups {
                    true => searcher.find_groups(bytes, window),
                    false => searcher.find(bytes, window),
                };
                match found {
                    Err(Changed) => return Ok(Ended::Changed),
                    Ok(Some(hit)) if hit.start < to || to == bytes.end() => {
                        *next = hit.after();
                        if !visit(hit, &searcher.slots)? {
                            return Ok(Ended::Enough);
                        }
                    }
                    Ok(_) => break,
                }
            }
            Ok(Ended::Nothing)
        })
    }

    /// The number of matches that [`Searcher::each`] would visit, while `go_on` answers true, and
    /// where to go on.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn count(
        &mut self,
        haystack: &[u8],
        from: usize,
        to: usize,
        mut go_on: impl FnMut() -> bool,
    ) -> Result<(usize, usize)> {
        let mut count = 0;
        let next = self.steadily(haystack, from, to, |searcher, bytes, next, to| {
            while let Some(window) = searcher.window(bytes, *next, to) {
                match searcher.find_end(bytes, window) {
                    // It takes at least a byte, so that it begins before `to`. Where it begins need
                    // not be known: that saves going back over it.
                    Some(Some(end)) if *next < end && end <= to => *next = end,
                    Some(None) => break,
                    _ => match searcher.find(bytes, window) {
                        Err(Changed) => return Ok(Ended::Changed),
                        Ok(Some(hit)) if hit.start < to || to == bytes.end() => *next = hit.after(),
                        Ok(_) => break,
                    },
                }
                count += 1;
                if !go_on() {
                    return Ok(Ended::Enough);
                }
            }
            Ok(Ended::Nothing)
        })?;
        Ok((next, count))
    }

    /// The end of the first match within `window`, for patterns that it is found sooner for than
    /// the start, and whose matches are not empty.
    fn find_end(&mut self, bytes: Bytes<'_>, window: Span) -> Option<Option<usize>> {
        let (Pattern::Regex(regex), Some(cache)) = (self.pattern, &mut self.cache) else {
            return None;
        };
        let Bytes { bytes, base } = bytes;
        let input = Input::new(bytes).range(window.start - base..window.end - base);
        regex.takes_bytes.then(|| {
            let found = regex.engine.search_half_with(cache, &input);
            found.map(|half| base + half.offset())
        })
    }

    /// Where a match that begins between `next` and `to` may lie; None where none can begin.
    #[inline(always)]
    fn window(&self, bytes: Bytes<'_>, next: usize, to: usize) -> Option<Span> {
        let end = bytes.end();
        let possible = next < to || (to == end && next == end);
        possible.then(|| Span {
            start: next,
            end: end.min(to.saturating_add(self.pattern.reach())),
        })
    }

    /// Lets `search` go through the matches that begin in `from..to`, and returns where to go on.
    /// It is told the bytes to search, where to begin, which it moves on with each match, and where
    /// matches may begin no more.
    ///
    /// The haystack may change meanwhile. The engine looks at some bytes twice, such as forwards for
    /// the end of a match and back for its start, and panics where the second look contradicts the
    /// first. So the next stretch is searched in a copy then, which costs nothing where nothing
    /// changes. A panic there is an error of the engine's, and passed on.
    fn steadily(
        &mut self,
        haystack: &[u8],
        from: usize,
        to: usize,
        mut search: impl FnMut(&mut Self, Bytes<'_>, &mut usize, usize) -> Result<Ended>,
    ) -> Result<usize> {
        let mut next = from;
        let mut copy: Option<(Vec<u8>, usize, usize)> = None;
        loop {
            // One call for both: only so is it compiled into this loop.
            let (bytes, limit) = match &copy {
                None => (
                    Bytes {
                        bytes: haystack,
                        base: 0,
                    },
                    to,
                ),
                Some((bytes, base, limit)) => (Bytes { bytes, base: *base }, *limit),
            };
            let work = || search(self, bytes, &mut next, limit);
            let ended = match unless_it_panics(copy.is_none(), work) {
                Some(ended) => ended?,
                None => {
                    self.forget();
                    Ended::Changed
                }
            };
            match ended {
                Ended::Enough => return Ok(next),
                Ended::Changed if copy.is_none() => {
                    let limit = to.min(next.saturating_add(STRETCH));
                    // Assertions look at one byte on either side.
                    let base = next.saturating_sub(1);
                    let reach = limit.saturating_add(self.pattern.reach() + 1);
                    let bytes = copied(&haystack[base..haystack.len().min(reach)])?;
                    copy = Some((bytes, base, limit));
                }
                _ if limit == to => return Ok(behind(haystack, next, to)),
                _ => {
                    next = next.max(limit);
                    copy = None;
                }
            }
        }
    }

    /// Replaces what a panic may have left half done.
    fn forget(&mut self) {
        if let Pattern::Regex(regex) = self.pattern {
            self.cache = Some(regex.engine.create_cache());
        }
    }
}

/// Where to go on behind a window in which nothing more was found.
fn behind(haystack: &[u8], next: usize, to: usize) -> usize {
    match to == haystack.len() {
        true => to + 1,
        false => next.max(to),
    }
}

#[cfg(test)]
#[path = "pattern_tests.rs"]
pub mod tests;
