//! Patterns against a naive oracle, over random needles, expressions and bytes. The seed is the same
//! each time; `MEMMAP_SEED` plays others, `MEMMAP_RUNS` more.

use super::*;
use crate::search::pattern::{Hit, Pattern};

/// A small generator of numbers (xorshift64*).
pub struct Random(u64);

impl Random {
    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit
    }

    /// Up to `longest` bytes of an alphabet.
    pub fn bytes(&mut self, longest: usize, alphabet: &[u8]) -> Vec<u8> {
        let length = self.below(longest + 1);
        (0..length)
            .map(|_| alphabet[self.below(alphabet.len())])
            .collect()
    }
}

fn setting(name: &str, default: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Plays `game` many times. What fails says which time, to be played alone.
pub fn play(mut game: impl FnMut(&mut Random)) {
    let seed = setting("MEMMAP_SEED", 1);
    for run in 0..setting("MEMMAP_RUNS", 3000) {
        let mut random = Random((seed << 32 | run).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| game(&mut random)));
        assert!(outcome.is_ok(), "seed {seed}, run {run}");
    }
}

/// A regular expression for the oracle.
#[derive(Debug)]
enum Part {
    Set(&'static [u8]),
    Start,
    End,
    Sequence(Vec<Part>),
    Choice(Vec<Part>),
    Group(usize, Box<Part>),
    /// Its body takes at least a byte, as TypeScript makes sure of.
    Repeat(Box<Part>, usize, Option<usize>, bool),
}

const SETS: [&[u8]; 5] = [b"a", b"b", b"ab", b"\n", b"abc\n\xff"];

impl Part {
    fn random(random: &mut Random, depth: usize, groups: &mut usize) -> Part {
        match random.below(if depth == 0 { 3 } else { 8 }) {
            0 if random.below(2) == 0 => Part::Start,
            0 => Part::End,
            1 | 2 => Part::Set(SETS[random.below(SETS.len())]),
            3 => Part::Choice(Part::several(random, depth, groups)),
            4 | 5 => Part::Sequence(Part::several(random, depth, groups)),
            6 if *groups < 3 => {
                *groups += 1;
                let number = *groups;
                Part::Group(number, Box::new(Part::random(random, depth - 1, groups)))
            }
            _ => {
                // Without groups: those inside repetitions differ between engines.
                let body = Part::random(random, depth - 1, &mut 3);
                let least = random.below(3);
                let most = [None, Some(least), Some(least + 2)][random.below(3)];
                match body.is_nullable() {
                    true => body,
                    false => Part::Repeat(Box::new(body), least, most, random.below(2) == 0),
                }
            }
        }
    }

    fn several(random: &mut Random, depth: usize, groups: &mut usize) -> Vec<Part> {
        let count = 1 + random.below(3);
        (0..count)
            .map(|_| Part::random(random, depth - 1, groups))
            .collect()
    }

    fn is_nullable(&self) -> bool {
        match self {
            Part::Set(_) => false,
            Part::Start | Part::End => true,
            Part::Sequence(parts) => parts.iter().all(Part::is_nullable),
            Part::Choice(parts) => parts.iter().any(Part::is_nullable),
            Part::Group(_, body) => body.is_nullable(),
            Part::Repeat(body, least, ..) => *least == 0 || body.is_nullable(),
        }
    }

    fn source(&self) -> String {
        let all = |parts: &[Part]| parts.iter().map(Part::source).collect::<Vec<_>>();
        match self {
            Part::Set(bytes) => {
                let bytes = bytes.iter().map(|byte| format!("\\x{byte:02x}"));
                format!("[{}]", bytes.collect::<String>())
            }
            Part::Start => r"\A".to_owned(),
            Part::End => "(?m:$)".to_owned(),
            Part::Sequence(parts) => format!("(?:{})", all(parts).concat()),
            Part::Choice(parts) => format!("(?:{})", all(parts).join("|")),
            Part::Group(_, body) => format!("({})", body.source()),
            Part::Repeat(body, least, most, lazy) => {
                let most = most.map_or(String::new(), |most| most.to_string());
                let lazy = if *lazy { "?" } else { "" };
                format!("(?:{}){{{least},{most}}}{lazy}", body.source())
            }
        }
    }

    /// Matches by backtracking: calls `then` with each place where a match may end, the preferred
    /// first, until it answers true.
    fn matches(
        &self,
        text: &[u8],
        at: usize,
        groups: &mut Groups,
        then: &mut dyn FnMut(usize, &mut Groups) -> bool,
    ) -> bool {
        match self {
            Part::Set(bytes) => match text.get(at) {
                Some(byte) if bytes.contains(byte) => then(at + 1, groups),
                _ => false,
            },
            Part::Start => at == 0 && then(at, groups),
            Part::End => matches!(text.get(at), None | Some(b'\n')) && then(at, groups),
            Part::Sequence(parts) => match parts.split_first() {
                None => then(at, groups),
                Some((first, rest)) => first.matches(text, at, groups, &mut |at, groups| {
                    Part::rest(rest, text, at, groups, then)
                }),
            },
            Part::Choice(parts) => parts
                .iter()
                .any(|part| part.matches(text, at, groups, then)),
            Part::Group(number, body) => {
                let before = groups[*number];
                let found = body.matches(text, at, groups, &mut |end, groups| {
                    let inner = groups[*number].replace((at, end));
                    then(end, groups) || {
                        groups[*number] = inner;
                        false
                    }
                });
                if !found {
                    groups[*number] = before;
                }
                found
            }
            Part::Repeat(body, least, most, lazy) => {
                Part::repeat(body, (*least, *most, *lazy), text, at, groups, then)
            }
        }
    }

    fn rest(
        parts: &[Part],
        text: &[u8],
        at: usize,
        groups: &mut Groups,
        then: &mut dyn FnMut(usize, &mut Groups) -> bool,
    ) -> bool {
        match parts.split_first() {
            None => then(at, groups),
            Some((first, rest)) => first.matches(text, at, groups, &mut |at, groups| {
                Part::rest(rest, text, at, groups, then)
            }),
        }
    }

    fn repeat(
        body: &Part,
        (least, most, lazy): (usize, Option<usize>, bool),
        text: &[u8],
        at: usize,
        groups: &mut Groups,
        then: &mut dyn FnMut(usize, &mut Groups) -> bool,
    ) -> bool {
        if lazy && least == 0 && then(at, groups) {
            return true;
        }
        let more = most != Some(0) && {
            let left = (least.saturating_sub(1), most.map(|most| most - 1), lazy);
            body.matches(text, at, groups, &mut |at, groups| {
                Part::repeat(body, left, text, at, groups, then)
            })
        };
        more || (!lazy && least == 0 && then(at, groups))
    }
}

type Groups = [Option<(usize, usize)>; 4];

/// The matches that begin in `from..to`, or at its end where that is the text's, one after the
/// other, each with the places of its groups.
fn oracle(
    text: &[u8],
    from: usize,
    to: usize,
    mut at: impl FnMut(usize) -> Option<(usize, Groups)>,
) -> Vec<Groups> {
    let mut all = Vec::new();
    let mut start = from;
    while start < to || (start == to && to == text.len()) {
        match at(start) {
            Some((end, groups)) => {
                all.push(groups);
                start = end + usize::from(start == end);
            }
            None => start += 1,
        }
    }
    all
}

/// What `pattern` finds in windows that begin in `from..to`: by `each` with groups and without, and
/// by `count`.
fn found(pattern: &Pattern, text: &[u8], from: usize, to: usize) -> Vec<Groups> {
    let mut with_groups = Vec::new();
    let mut hits = Vec::new();
    let next = Searcher::new(pattern)
        .each(text, from, to, true, |hit, slots| {
            let place = |slot: &Option<NonMaxUsize>| slot.map(NonMaxUsize::get);
            let mut groups = Groups::default();
            for (group, slots) in groups.iter_mut().zip(slots.chunks(2)) {
                *group = place(&slots[0]).zip(place(&slots[1]));
            }
            assert_eq!(groups[0], Some((hit.start, hit.end)));
            with_groups.push(groups);
            Ok(true)
        })
        .expect("memory");
    Searcher::new(pattern)
        .each(text, from, to, false, |hit, _| {
            hits.push(Some((hit.start, hit.end)));
            Ok(true)
        })
        .expect("memory");
    assert_eq!(
        hits,
        with_groups
            .iter()
            .map(|groups| groups[0])
            .collect::<Vec<_>>()
    );
    let counted = Searcher::new(pattern)
        .count(text, from, to, || true)
        .expect("memory");
    assert_eq!(counted, (next, hits.len()));
    assert_eq!(next > text.len(), to == text.len());
    with_groups
}

/// A random range of `text`, more often than not all of it.
fn range(random: &mut Random, text: &[u8]) -> (usize, usize) {
    let from = random.below(3) / 2 * random.below(text.len() + 1);
    let to = match random.below(3) {
        0 => from + random.below(text.len() + 1 - from),
        _ => text.len(),
    };
    (from, to)
}

#[test]
fn literals_are_found_where_a_naive_search_finds_them() {
    play(|random| {
        let text = random.bytes(40, b"aab\n\xff");
        let many = [1, 1, 2, 3, 40][random.below(5)];
        let mut needles = (0..many)
            .map(|_| random.bytes(4, b"aab\n\xff"))
            .collect::<Vec<_>>();
        // Only one alone may be empty.
        if many > 1 {
            needles.retain(|needle| !needle.is_empty());
        }
        if needles.is_empty() {
            return;
        }
        let slices = needles.iter().map(Vec::as_slice).collect::<Vec<_>>();
        let pattern = Pattern::literals(&slices).expect("an automaton");
        let (from, to) = range(random, &text);
        let wanted = oracle(&text, from, to, |at| {
            let needle = needles
                .iter()
                .find(|needle| text[at..].starts_with(needle))?;
            let end = at + needle.len();
            Some((end, [Some((at, end)), None, None, None]))
        });
        assert_eq!(
            found(&pattern, &text, from, to),
            wanted,
            "{needles:?} in {text:?}"
        );
        Searcher::new(&pattern)
            .each(&text, from, to, false, |hit, _| {
                let first = needles
                    .iter()
                    .position(|needle| text[hit.start..].starts_with(needle));
                assert_eq!(first, Some(hit.which));
                Ok(true)
            })
            .expect("memory");
    });
}

#[test]
fn expressions_match_where_backtracking_does() {
    let mut matches = 0;
    play(|random| {
        let part = Part::random(random, 3, &mut 0);
        let source = part.source();
        let pattern = Pattern::regex(&source, b'\n').expect("a pattern");
        let text = random.bytes(24, b"aaabbc\n\xff");
        let (from, to) = range(random, &text);
        let wanted = oracle(&text, from, to, |start| {
            let mut answer = None;
            part.matches(&text, start, &mut Groups::default(), &mut |end, groups| {
                let mut all = *groups;
                all[0] = Some((start, end));
                answer = Some((end, all));
                true
            });
            answer
        });
        matches += wanted.len();
        let groups = pattern.groups();
        let answer = found(&pattern, &text, from, to);
        assert!(groups <= 4);
        assert_eq!(answer, wanted, "{source} in {text:?} from {from} to {to}");
    });
    assert!(matches > 1000, "only {matches} matches");
}

/// Bytes that change cannot be had at will: here every second search of the bytes themselves panics,
/// or says that it saw them change, after it has found some.
#[test]
fn what_is_searched_in_copies_is_the_same() {
    play(|random| {
        let part = Part::random(random, 3, &mut 0);
        let pattern = match random.below(2) {
            0 => Pattern::regex(&part.source(), b'\n').expect("a pattern"),
            _ => Pattern::literals(&[b"ab", b"b"]).expect("an automaton"),
        };
        let text = random.bytes(40, b"aaabbc\n\xff");
        let (from, to) = range(random, &text);
        let mut wanted = Vec::new();
        let collect = |hits: &mut Vec<Hit>, hit| {
            hits.push(hit);
            Ok(true)
        };
        let end = Searcher::new(&pattern)
            .each(&text, from, to, false, |hit, _| collect(&mut wanted, hit))
            .expect("memory");
        let mut hits = Vec::new();
        let mut changes = 0;
        let mut calls = 0;
        let next = Searcher::new(&pattern)
            .steadily(&text, from, to, |searcher, bytes, next, to| {
                calls += 1;
                let is_copy = calls % 2 == 0;
                while let Some(window) = searcher.window(bytes, *next, to) {
                    if !is_copy && random.below(2) == 0 {
                        changes += 1;
                        match random.below(2) {
                            0 => return Ok(Ended::Changed),
                            _ => panic!("the second look contradicts the first"),
                        }
                    }
                    match searcher.find(bytes, window) {
                        Ok(Some(hit)) if hit.start < to || to == bytes.end() => {
                            *next = hit.after();
                            hits.push(hit);
                        }
                        Ok(_) => break,
                        Err(Changed) => unreachable!("nothing changes"),
                    }
                }
                Ok(Ended::Nothing)
            })
            .expect("memory");
        assert_eq!(
            (next, hits),
            (end, wanted),
            "{} in {text:?}, {} changes",
            part.source(),
            changes
        );
    });
}

#[test]
fn a_panic_over_a_copy_is_passed_on() {
    let pattern = Pattern::literals(&[b"ab", b"b"]).expect("an automaton");
    let outcome = std::panic::catch_unwind(|| {
        unless_it_panics(true, || {
            Searcher::new(&pattern).steadily(b"abc", 0, 3, |_, _, _, _| panic!("a bug"))
        })
    });
    assert!(matches!(outcome, Ok(None)));
}

#[test]
fn a_pattern_that_is_too_large_or_too_deep_is_refused() {
    for source in [
        "(?:a{1000}){10000}".to_owned(),
        format!("{}a{}", "(".repeat(700), ")".repeat(700)),
    ] {
        assert!(Pattern::regex(&source, b'\n').is_err());
    }
}
