//! What the three classes have for searching, and the patterns that are searched for.

use std::sync::Arc;

use napi::bindgen_prelude::{AsyncTask, Float64Array, Float64ArraySlice};
use napi_derive::napi;

use super::job::Job;
use super::{Mmap, MmapCow, MmapMut};
use crate::error::Result;
use crate::memory::SourceBytes;
use crate::memory::array_buffer;
use crate::search::pattern;
use crate::search::scan::{self, Record, Window};

/// Something to look for, prepared once.
#[napi]
pub struct Pattern(Arc<pattern::Pattern>);

#[napi]
impl Pattern {
    /// One literal, or several of which the first listed wins.
    #[napi(factory, catch_unwind)]
    pub fn literals(
        #[napi(ts_arg_type = "Array<Uint8Array>")] needles: Vec<SourceBytes>,
    ) -> napi::Result<Self> {
        let copies = needles
            .iter()
            .map(SourceBytes::to_vec)
            .collect::<Result<Vec<_>>>()?;
        let slices = copies.iter().map(Vec::as_slice).collect::<Vec<_>>();
        Ok(Pattern(Arc::new(pattern::Pattern::literals(&slices)?)))
    }

    /// A regular expression in the syntax of the Rust crate `regex`.
    #[napi(factory, catch_unwind)]
    pub fn regex(source: String, line_terminator: u8) -> napi::Result<Self> {
        let regex = pattern::Pattern::regex(&source, line_terminator)?;
        Ok(Pattern(Arc::new(regex)))
    }

    /// How many groups a match has, the whole one included.
    #[napi(getter, catch_unwind)]
    pub fn groups(&self) -> u32 {
        self.0.groups() as u32
    }
}

/// What a search of one window found.
#[napi(object, object_from_js = false)]
pub struct Found {
    /// Where to go on; more than the end if nothing is left.
    pub next: f64,
    /// The numbers of each match, one match after the other.
    pub matches: Float64Array,
}

impl From<scan::Found<Vec<f64>>> for Found {
    fn from(found: scan::Found<Vec<f64>>) -> Found {
        Found {
            next: found.next as f64,
            matches: Float64Array::new(found.matches),
        }
    }
}

/// How many matches a search of one window found.
#[napi(object, object_from_js = false)]
pub struct Counted {
    /// Where to go on; more than the end if nothing is left.
    pub next: f64,
    /// The number of matches.
    pub matches: f64,
}

impl From<scan::Found<usize>> for Counted {
    fn from(found: scan::Found<usize>) -> Counted {
        Counted {
            next: found.next as f64,
            matches: found.matches as f64,
        }
    }
}

/// What to note of each match, by its name: `offset`, `needle` (the offset and the number of the
/// needle) or `groups` (start and end of every group, -1 for those that took no part).
fn record(name: &str) -> Record {
    match name {
        "needle" => Record::OffsetAndNeedle,
        "groups" => Record::Groups,
        _ => Record::Offset,
    }
}

fn window(from: f64, to: f64, end: f64) -> Window {
    Window {
        from: from as usize,
        to: to as usize,
        end: end as usize,
    }
}

fn offset(found: Option<usize>) -> f64 {
    found.map_or(-1.0, |offset| offset as f64)
}

macro_rules! searches {
    ($name:ident) => {
        #[napi]
        impl $name {
            /// The first place from `start` to `end` where `needle` begins, or -1. Blocks.
            #[napi(catch_unwind)]
            pub fn index_of(
                &self,
                #[napi(ts_arg_type = "Uint8Array")] needle: SourceBytes,
                start: f64,
                end: f64,
            ) -> napi::Result<f64> {
                let needle = needle.to_vec()?;
                let region = self.0.region()?;
                let found = scan::first(&region, &needle, start as usize, end as usize)?;
                Ok(offset(found))
            }

            /// The last place from `start` to `end` where `needle` begins, or -1. Blocks.
            #[napi(catch_unwind)]
            pub fn last_index_of(
                &self,
                #[napi(ts_arg_type = "Uint8Array")] needle: SourceBytes,
                start: f64,
                end: f64,
            ) -> napi::Result<f64> {
                let needle = needle.to_vec()?;
                let region = self.0.region()?;
                let found = scan::last(&region, &needle, start as usize, end as usize)?;
                Ok(offset(found))
            }

            /// At most `most` (not 0) matches between `from` and `end`. Blocks.
            #[napi(catch_unwind)]
            pub fn find_sync(
                &self,
                pattern: &Pattern,
                from: f64,
                end: f64,
                #[napi(ts_arg_type = "'offset' | 'needle' | 'groups'")] record: String,
                most: f64,
            ) -> napi::Result<Found> {
                let window = window(from, end, end);
                let record = self::record(&record);
                let region = self.0.region()?;
                let most = most as usize;
                let found = scan::find(&region, &pattern.0, window, record, most, true)?;
                Ok(found.into())
            }

            /// At most `most` (not 0) matches that begin between `from` and `to`; may stop sooner.
            #[napi(catch_unwind, ts_return_type = "Promise<Found>")]
            pub fn find(
                &self,
                pattern: &Pattern,
                from: f64,
                to: f64,
                end: f64,
                #[napi(ts_arg_type = "'offset' | 'needle' | 'groups'")] record: String,
                most: f64,
            ) -> napi::Result<AsyncTask<Job<Found>>> {
                let region = self.0.region()?;
                let pattern = Arc::clone(&pattern.0);
                let window = window(from, to, end);
                let record = self::record(&record);
                let most = most as usize;
                Ok(AsyncTask::new(Job::new(move || {
                    scan::find(&region, &pattern, window, record, most, false).map(Found::from)
                })))
            }

            /// The number of matches between `from` and `end`. Blocks.
            #[napi(catch_unwind)]
            pub fn count_sync(&self, pattern: &Pattern, from: f64, end: f64) -> napi::Result<f64> {
                let window = window(from, end, end);
                let region = self.0.region()?;
                Ok(scan::count(&region, &pattern.0, window, true)?.matches as f64)
            }

            /// The number of matches that begin between `from` and `to`; may stop sooner.
            #[napi(catch_unwind, ts_return_type = "Promise<Counted>")]
            pub fn count(
                &self,
                pattern: &Pattern,
                from: f64,
                to: f64,
                end: f64,
            ) -> napi::Result<AsyncTask<Job<Counted>>> {
                let region = self.0.region()?;
                let pattern = Arc::clone(&pattern.0);
                let window = window(from, to, end);
                Ok(AsyncTask::new(Job::new(move || {
                    scan::count(&region, &pattern, window, false).map(Counted::from)
                })))
            }

            /// How many line feeds each block of `size` bytes has from `start` to `end`. Blocks.
            #[napi(catch_unwind)]
            pub fn count_lines_sync(
                &self,
                start: f64,
                end: f64,
                size: f64,
            ) -> napi::Result<Float64Array> {
                let region = self.0.region()?;
                let (start, end, size) = (start as usize, end as usize, size as usize);
                let counts = scan::count_lines(&region, start, end, size)?;
                Ok(Float64Array::new(counts))
            }

            /// As `countLinesSync`, off the main thread.
            #[napi(catch_unwind, ts_return_type = "Promise<Float64Array>")]
            pub fn count_lines(
                &self,
                start: f64,
                end: f64,
                size: f64,
            ) -> napi::Result<AsyncTask<Job<Float64Array>>> {
                let region = self.0.region()?;
                let (start, end, size) = (start as usize, end as usize, size as usize);
                Ok(AsyncTask::new(Job::new(move || {
                    scan::count_lines(&region, start, end, size).map(Float64Array::new)
                })))
            }

            /// Writes the places of the first line feeds between `start` and `end` into `places`,
            /// as many as there is room for, and returns how many. Blocks.
            #[napi(catch_unwind)]
            pub fn line_feeds(
                &self,
                start: f64,
                end: f64,
                mut places: Float64ArraySlice<'_>,
            ) -> napi::Result<f64> {
                let region = self.0.region()?;
                let places = array_buffer::numbers(&mut places);
                let count = scan::line_feeds(&region, start as usize, end as usize, places)?;
                Ok(count as f64)
            }

            /// Where the line feed number `n` (from 0) is between `start` and `end`, or -1.
            #[napi(catch_unwind)]
            pub fn nth_line_feed(&self, start: f64, end: f64, n: f64) -> napi::Result<f64> {
                let region = self.0.region()?;
                let found = scan::nth_line_feed(&region, start as usize, end as usize, n as usize)?;
                Ok(offset(found))
            }
        }
    };
}

searches!(Mmap);
searches!(MmapMut);
searches!(MmapCow);
