//! Searching in windows, guessed ahead, against searching in one go.

use super::*;
use crate::search::searcher::tests::{Random, play};

/// Literals, and expressions whose matches overlap, are empty, or agree late or never.
fn pattern(random: &mut Random) -> Pattern {
    const EXPRESSIONS: [&str; 10] = [
        "a+",
        "a*",
        "",
        "(?s-u:...)",
        "ab*a|b",
        "(a)(b)?",
        "(?s-u)a.*b",
        r"(?-u)\bab",
        "(?m)^a|b$",
        "a{2,5}",
    ];
    match random.below(3) {
        0 => Pattern::literals(&[&random.bytes(4, b"ab")]).unwrap(),
        1 => Pattern::literals(&[b"ab", b"ba", b"aab"]).unwrap(),
        _ => Pattern::regex(EXPRESSIONS[random.below(EXPRESSIONS.len())], b'\n').unwrap(),
    }
}

/// All matches between `from` and `to`.
fn all(text: &[u8], pattern: &Pattern, from: usize, to: usize, record: Record) -> Found {
    let end = text.len();
    let window = Window { from, to, end };
    let mut all = find_in(text, pattern, window, record, usize::MAX, true).unwrap();
    all.matches.count = all.matches.numbers.len();
    all
}

#[test]
fn a_guess_that_is_reconciled_is_what_is_found() {
    play(|random| {
        let pattern = pattern(random);
        let text = random.bytes(60, b"aab\n");
        let from = random.below(text.len() + 1);
        let to = from + random.below(text.len() - from + 1);
        let actual = from + random.below(to - from + 1);
        let window = Window {
            from,
            to,
            end: text.len(),
        };
        let guess = all(&text, &pattern, from, to, Record::Offset);
        let truth = all(&text, &pattern, actual, to, Record::Offset);
        let Reconciled {
            skipped,
            agrees,
            found,
        } = reconcile_in(&text, &pattern, window, actual, Record::Offset).unwrap();
        assert!(skipped <= guess.matches.count);
        let mut numbers = found.matches.numbers;
        assert_eq!(numbers.len(), found.matches.count);
        if agrees {
            numbers.extend(&guess.matches.numbers[skipped..]);
        } else {
            // Few matches are always compared to the end.
            assert_eq!(found.next, truth.next);
        }
        assert_eq!(
            numbers, truth.matches.numbers,
            "{text:?}, {from}..{to}, {actual}"
        );
        let counted = reconcile_in(&text, &pattern, window, actual, Record::Nothing).unwrap();
        assert_eq!((counted.skipped, counted.agrees), (skipped, agrees));
        assert_eq!(counted.found.matches.count, found.matches.count);
    });
}

#[test]
fn searches_that_never_agree_are_given_up() {
    let text = vec![b'a'; 5 * MOST_COMPARED];
    let pattern = Pattern::regex("(?s-u:...)", b'\n').unwrap();
    let window = Window {
        from: 0,
        to: text.len(),
        end: text.len(),
    };
    let reconciled = reconcile_in(&text, &pattern, window, 1, Record::Offset).unwrap();
    assert!(!reconciled.agrees);
    // What was compared is of use all the same.
    let truth = all(&text, &pattern, 1, reconciled.found.next, Record::Offset);
    assert_eq!(reconciled.found.matches.numbers, truth.matches.numbers);
    assert!(reconciled.found.next < text.len());
}
