//! The guarded maps in the order of their addresses: a treap over the slots of the table.
//!
//! Writers hold the lock of the table's supply. A signal handler reads without a lock: it compares
//! a version before and after, and gives up after some tries, for the interrupted thread may itself
//! be the writer.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

/// The version alone is seen by the model: it brackets all that is read and written here.
#[cfg(test)]
use crate::model::sync::AtomicU32 as Version;
#[cfg(not(test))]
use std::sync::atomic::AtomicU32 as Version;

/// As many slots as Linux allows maps in a process by default (65,530), rounded up.
pub const MOST: usize = 65_536;

/// More steps than any path of a treap of this size takes, by all odds.
const LONGEST_PATH: usize = 256;

/// How often a lookup is tried while maps are opened and closed.
const TRIES: usize = if cfg!(test) { 2 } else { 64 };

/// A slot's index plus one, or 0 for none.
type Link = AtomicU32;

const NONE: u32 = 0;

/// A slot's place in the order. All zeros at first, so that it takes no room in the addon's file.
struct Node {
    base: AtomicUsize,
    left: Link,
    right: Link,
}

static NODES: [Node; MOST] = [const {
    Node {
        base: AtomicUsize::new(0),
        left: Link::new(NONE),
        right: Link::new(NONE),
    }
}; MOST];

static ROOT: Link = Link::new(NONE);

/// Odd while the order is being changed.
static VERSION: Version = Version::new(0);

fn node(link: u32) -> &'static Node {
    &NODES[link as usize - 1]
}

/// What orders the nodes. Bases differ except where a closed map has lost its addresses (Windows).
fn key(link: u32) -> (usize, u32) {
    (node(link).base.load(Ordering::SeqCst), link)
}

/// A node stands above all of lower priority: a number without a pattern (MurmurHash3's finalizer),
/// so that the tree is balanced whatever the order of insertions.
fn priority(link: u32) -> u32 {
    let mut hash = link;
    hash = (hash ^ hash >> 16).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ hash >> 13).wrapping_mul(0xc2b2_ae35);
    hash ^ hash >> 16
}

fn change(work: impl FnOnce()) {
    VERSION.fetch_add(1, Ordering::SeqCst);
    work();
    VERSION.fetch_add(1, Ordering::SeqCst);
}

/// Adds the slot whose first address is `base`. The caller holds the supply's lock.
pub fn insert(index: u32, base: usize) {
    let new = index + 1;
    change(|| {
        let added = node(new);
        added.base.store(base, Ordering::SeqCst);
        let mut place = &ROOT;
        loop {
            let at = place.load(Ordering::SeqCst);
            if at == NONE || priority(at) < priority(new) {
                split(at, key(new), &added.left, &added.right);
                place.store(new, Ordering::SeqCst);
                break;
            }
            place = side(at, key(new));
        }
    });
}

/// Takes a slot out that is in. The caller holds the supply's lock.
pub fn remove(index: u32) {
    let old = index + 1;
    change(|| {
        let mut place = &ROOT;
        loop {
            let at = place.load(Ordering::SeqCst);
            debug_assert_ne!(at, NONE, "a slot that is not in the order was removed");
            if at == NONE {
                break;
            }
            if at == old {
                let [left, right] =
                    [&node(old).left, &node(old).right].map(|link| link.load(Ordering::SeqCst));
                merge(left, right, place);
                break;
            }
            place = side(at, key(old));
        }
    });
}

/// The link below `at` on the side where `key` is.
fn side(at: u32, sought: (usize, u32)) -> &'static Link {
    match sought < key(at) {
        true => &node(at).left,
        false => &node(at).right,
    }
}

/// Divides the tree below `at` into what is before `border` and what is behind.
fn split<'a>(mut at: u32, border: (usize, u32), mut before: &'a Link, mut behind: &'a Link) {
    while at != NONE {
        let below = node(at);
        if key(at) < border {
            before.store(at, Ordering::SeqCst);
            before = &below.right;
            at = below.right.load(Ordering::SeqCst);
        } else {
            behind.store(at, Ordering::SeqCst);
            behind = &below.left;
            at = below.left.load(Ordering::SeqCst);
        }
    }
    before.store(NONE, Ordering::SeqCst);
    behind.store(NONE, Ordering::SeqCst);
}

/// Joins two trees, all of `left` before all of `right`, at `place`.
fn merge(mut left: u32, mut right: u32, mut place: &Link) {
    while left != NONE && right != NONE {
        if priority(left) > priority(right) {
            place.store(left, Ordering::SeqCst);
            place = &node(left).right;
            left = place.load(Ordering::SeqCst);
        } else {
            place.store(right, Ordering::SeqCst);
            place = &node(right).left;
            right = place.load(Ordering::SeqCst);
        }
    }
    place.store(left.max(right), Ordering::SeqCst);
}

/// The answer of [`floor`] where the order changed all the while.
pub struct Changing;

/// The slot with the highest base up to `address`. Async-signal-safe.
///
/// # Errors
/// [`Changing`]; the answer is unknown then.
pub fn floor(address: usize) -> Result<Option<usize>, Changing> {
    for _ in 0..TRIES {
        let version = VERSION.load(Ordering::SeqCst);
        if version.is_multiple_of(2) {
            let found = descend(address);
            if VERSION.load(Ordering::SeqCst) == version {
                return found;
            }
        }
        std::hint::spin_loop();
    }
    Err(Changing)
}

fn descend(address: usize) -> Result<Option<usize>, Changing> {
    let mut best = None;
    let mut at = ROOT.load(Ordering::SeqCst);
    for _ in 0..LONGEST_PATH {
        if at == NONE {
            return Ok(best);
        }
        let below = node(at);
        at = if below.base.load(Ordering::SeqCst) <= address {
            best = Some(at as usize - 1);
            below.right.load(Ordering::SeqCst)
        } else {
            below.left.load(Ordering::SeqCst)
        };
    }
    Err(Changing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// A random number generator (xorshift), so that each run is the same.
    fn random(state: &mut u64) -> u64 {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state
    }

    #[test]
    fn finds_what_a_sorted_map_finds() {
        let _alone = crate::guard::alone();
        let mut state = 1;
        let mut model = BTreeMap::new();
        let mut free = (60_000..65_000_u32).collect::<Vec<_>>();
        for round in 0..60_000 {
            let number = random(&mut state) as usize;
            if !free.is_empty() && (round < 5_000 || number.is_multiple_of(2)) {
                let base = match round < 5_000 {
                    // As a kernel does: each below the one before.
                    true => (10_000 - round) << 20,
                    false => (number % 1_000_000) << 12,
                };
                if model.contains_key(&base) {
                    continue;
                }
                let index = free.swap_remove(number % free.len());
                model.insert(base, index);
                insert(index, base);
            } else if let Some((&base, &index)) = model.range(number % (1 << 34)..).next() {
                model.remove(&base);
                remove(index);
                free.push(index);
            }
            let address = random(&mut state) as usize % (1 << 34);
            let expected = model.range(..=address).next_back();
            let found = floor(address).ok().expect("nothing else changes the order");
            assert_eq!(found, expected.map(|(_, &index)| index as usize));
        }
        for index in model.into_values() {
            remove(index);
        }
        assert!(matches!(floor(1 << 34), Ok(None)));
    }
}
