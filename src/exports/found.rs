//! What searches find, for TypeScript.

use napi::bindgen_prelude::{Float64Array, Uint32Array};
use napi_derive::napi;

use crate::search::scan;

/// What a search of one window found.
#[napi(object, object_from_js = false)]
pub struct Found {
    /// Where to go on; more than the end if nothing is left.
    pub next: f64,
    /// The number of matches.
    pub count: f64,
    /// The numbers of each match, one match after the other, where they were to be listed.
    pub matches: Float64Array,
    /// Which needle each match is, where that was asked for.
    pub which: Uint32Array,
}

impl From<scan::Found> for Found {
    fn from(found: scan::Found) -> Found {
        Found {
            next: found.next as f64,
            count: found.matches.count as f64,
            matches: Float64Array::new(found.matches.numbers),
            which: Uint32Array::new(found.matches.which),
        }
    }
}

/// How the matches of a window differ from those of a search that began before the window's first.
#[napi(object, object_from_js = false)]
pub struct Reconciled {
    /// How many matches of that search are none.
    pub skipped: f64,
    /// Whether those after them are matches.
    pub agrees: bool,
    /// The matches instead of those that are none.
    pub found: Found,
}

impl From<scan::Reconciled> for Reconciled {
    fn from(reconciled: scan::Reconciled) -> Reconciled {
        Reconciled {
            skipped: reconciled.skipped as f64,
            agrees: reconciled.agrees,
            found: reconciled.found.into(),
        }
    }
}
