//! What can be looked for: a byte, a literal, any of several literals, a regular expression.
//!
//! Everything here works on plain slices and knows nothing of maps. Matches are found as
//! JavaScript's `matchAll` finds them: leftmost first, none overlapping the one before; after an
//! empty match the search goes on one byte later.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use aho_corasick::{AhoCorasick, MatchKind};
use memchr::memmem::Finder;
use regex_automata::meta::{self, Cache};
use regex_automata::util::syntax;

use crate::error::{Failure, Result};

/// How many bytes past the end of its window a regular expression may look for the end of a match.
/// The documentation of `scan` in `lib/search/matches.ts` tells users the same number.
const MAX_MATCH_LENGTH: usize = 1 << 18;

/// How deep the parts of a regular expression may lie in each other: each of the groups that
/// `lib/search/regexp-parser.ts` allows (`MAX_DEPTH`) may have alternatives, a sequence and a repetition.
/// Compiling takes stack for each.
const NEST_LIMIT: u32 = 600;

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

/// A regular expression, and the caches of searches that have ended.
pub struct Regex {
    /// What finds it.
    pub engine: meta::Regex,
    /// Whether no match of it is empty.
    pub takes_bytes: bool,
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

    /// Whether it lies in a range.
    pub fn lies_in(self, window: Range<usize>) -> bool {
        window.start <= self.start && self.start <= self.end && self.end <= window.end
    }
}

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
        let config = syntax::Config::new()
            .unicode(false)
            .utf8(false)
            .nest_limit(NEST_LIMIT);
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
}

impl Regex {
    /// A cache of an earlier search, or a new one.
    pub fn take_cache(&self) -> Cache {
        let known = self.caches().pop();
        known.unwrap_or_else(|| self.engine.create_cache())
    }

    /// Keeps a cache for the next.
    pub fn give_cache(&self, cache: Cache) {
        self.caches().push(cache);
    }

    fn caches(&self) -> std::sync::MutexGuard<'_, Vec<Cache>> {
        self.caches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The literals that lie in `bytes` one after the other.
///
/// # Errors
/// `ENOMEM`; `ERR_OUT_OF_RANGE` where the lengths are not those of `bytes`.
pub fn split<'b>(bytes: &'b [u8], lengths: &[f64]) -> Result<Vec<&'b [u8]>> {
    let mut literals = Vec::new();
    let mut rest = bytes;
    for &length in lengths {
        let Some((literal, others)) = rest.split_at_checked(length as usize) else {
            return Err(Failure::OutOfRange(format!(
                "the literals are longer than the {} bytes given",
                bytes.len()
            )));
        };
        push(&mut literals, literal)?;
        rest = others;
    }
    Ok(literals)
}

/// Appends to a list that may become too long for the memory there is.
///
/// # Errors
/// `ENOMEM`.
pub fn push<T>(list: &mut Vec<T>, item: T) -> Result<()> {
    if list.len() == list.capacity() {
        list.try_reserve(1).map_err(|_| Failure::out_of_memory())?;
    }
    list.push(item);
    Ok(())
}

/// A copy of bytes or numbers.
///
/// # Errors
/// `ENOMEM`.
pub fn copied<T: Copy>(items: &[T]) -> Result<Vec<T>> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(items.len())
        .map_err(|_| Failure::out_of_memory())?;
    copy.extend_from_slice(items);
    Ok(copy)
}
