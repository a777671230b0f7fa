//! Searching a map for patterns.

use std::sync::Arc;

use napi::bindgen_prelude::{Float64Array, Float64ArraySlice};
use napi_derive::napi;

use super::found::Found;
use super::maps::{Mmap, MmapCow, MmapMut};
use super::number::{integer, positive};
use super::pattern::Pattern;
use super::threads::{Answer, Lane};
use crate::error::Result;
use crate::memory::{Mapping, Region, SourceBytes, array_buffer};
use crate::search::scan::{self, Record, Window};
use crate::search::{self, lines};

/// What to record of each match, by its name: `offset`, `needle` (the offset, and apart from it the
/// number of the needle), `groups` (start and end of every group, -1 for those that took no part), or
/// `count` for nothing.
fn record(name: &str) -> Record {
    match name {
        "count" => Record::Nothing,
        "needle" => Record::OffsetAndNeedle,
        "groups" => Record::Groups,
        _ => Record::Offset,
    }
}

/// The part of a map that a search looks at.
///
/// # Errors
/// `ERR_OUT_OF_RANGE`.
pub fn window(from: f64, to: f64, end: f64) -> Result<Window> {
    Ok(Window {
        from: integer(from)?,
        to: integer(to)?,
        end: integer(end)?,
    })
}

fn offset(found: Option<usize>) -> f64 {
    found.map_or(-1.0, |offset| offset as f64)
}

/// The first offset in `start..end` where `needle` begins, or -1.
pub fn index_of(
    mapping: &Mapping,
    needle: &SourceBytes,
    start: f64,
    end: f64,
) -> napi::Result<f64> {
    let needle = needle.to_vec()?;
    let region = mapping.region()?;
    let found = scan::first(&region, &needle, integer(start)?, integer(end)?)?;
    Ok(offset(found))
}

/// The last offset in `start..end` where `needle` begins, or -1.
pub fn last_index_of(
    mapping: &Mapping,
    needle: &SourceBytes,
    start: f64,
    end: f64,
) -> napi::Result<f64> {
    let needle = needle.to_vec()?;
    let region = mapping.region()?;
    let found = scan::last(&region, &needle, integer(start)?, integer(end)?)?;
    Ok(offset(found))
}

/// At most `most` matches in a window, all in one call.
pub fn find_sync(
    mapping: &Mapping,
    pattern: &Pattern,
    window: Window,
    record: &str,
    most: f64,
) -> napi::Result<Found> {
    let most = positive(most)?;
    let region = mapping.region()?;
    let record = self::record(record);
    let found = scan::find(&region, &pattern.0, window, record, most, true)?;
    Ok(found.into())
}

/// The job of a [`find`] or a [`reconcile`].
pub struct Search<'a> {
    /// Where it waits for a thread.
    pub lane: &'a Lane,
    /// Its number.
    pub id: f64,
    /// What is searched for.
    pub pattern: &'a Pattern,
    /// What is noted of each match, by its name.
    pub record: &'a str,
}

impl Search<'_> {
    /// Has a thread search a window.
    ///
    /// # Errors
    /// `ERR_MMAP_CLOSED`, `ERR_OUT_OF_RANGE`; what the system refuses where a thread has to be started.
    fn submit(
        &self,
        mapping: &Mapping,
        window: Window,
        work: impl FnOnce(&Region, &search::pattern::Pattern, Record) -> Result<Answer> + Send + 'static,
    ) -> napi::Result<()> {
        let region = mapping.region()?;
        scan::check(&region, window)?;
        let pattern = Arc::clone(&self.pattern.0);
        let record = record(self.record);
        Ok(self
            .lane
            .submit(self.id, window.from, region, move |region| {
                work(region, &pattern, record)
            })?)
    }
}

/// At most `most` matches in a window, off the main thread.
pub fn find(mapping: &Mapping, search: &Search<'_>, window: Window, most: f64) -> napi::Result<()> {
    let most = positive(most)?;
    search.submit(mapping, window, move |region, pattern, record| {
        scan::find(region, pattern, window, record, most, false).map(Answer::Found)
    })
}

/// What the matches in a window are where its first may begin at `actual` only, off the main thread.
pub fn reconcile(
    mapping: &Mapping,
    search: &Search<'_>,
    window: Window,
    actual: f64,
) -> napi::Result<()> {
    let actual = integer(actual)?;
    search.submit(mapping, window, move |region, pattern, record| {
        scan::reconcile(region, pattern, window, actual, record).map(Answer::Reconciled)
    })
}

/// The number of matches in a window, all in one call.
pub fn count_sync(mapping: &Mapping, pattern: &Pattern, window: Window) -> napi::Result<f64> {
    let region = mapping.region()?;
    let found = scan::find(
        &region,
        &pattern.0,
        window,
        Record::Nothing,
        usize::MAX,
        true,
    )?;
    Ok(found.matches.count as f64)
}

/// The number of line feeds in each block of `size` bytes.
pub fn count_lines_sync(
    mapping: &Mapping,
    start: f64,
    end: f64,
    size: f64,
) -> napi::Result<Float64Array> {
    let region = mapping.region()?;
    let counts = lines::count_lines(&region, integer(start)?, integer(end)?, positive(size)?)?;
    Ok(Float64Array::new(counts))
}

/// As [`count_lines_sync`], off the main thread.
pub fn count_lines(
    mapping: &Mapping,
    (lane, id): (&Lane, f64),
    start: f64,
    end: f64,
    size: f64,
) -> napi::Result<()> {
    let region = mapping.region()?;
    let (start, end, size) = (integer(start)?, integer(end)?, positive(size)?);
    region.bytes(start, end)?;
    Ok(lane.submit(id, start, region, move |region| {
        lines::count_lines(region, start, end, size).map(Answer::Counts)
    })?)
}

/// Writes the offsets of the first line feeds in `start..end` into `offsets`.
pub fn line_feeds(
    mapping: &Mapping,
    start: f64,
    end: f64,
    mut offsets: Float64ArraySlice<'_>,
) -> napi::Result<f64> {
    let region = mapping.region()?;
    let offsets = array_buffer::numbers(&mut offsets);
    let count = lines::line_feeds(&region, integer(start)?, integer(end)?, offsets)?;
    Ok(count as f64)
}

/// The offset of line feed number `n` (from 0) in `start..end`, or -1.
pub fn nth_line_feed(mapping: &Mapping, start: f64, end: f64, n: f64) -> napi::Result<f64> {
    let region = mapping.region()?;
    let found = lines::nth_line_feed(&region, integer(start)?, integer(end)?, integer(n)?)?;
    Ok(offset(found))
}

/// Where the line after line feed number `n` of `start..end` begins, or -1 where the range has not
/// `count` line feeds.
pub fn line_start(
    mapping: &Mapping,
    start: f64,
    end: f64,
    count: f64,
    n: f64,
) -> napi::Result<f64> {
    let region = mapping.region()?;
    let range = (integer(start)?, integer(end)?);
    let found = lines::line_start(&region, range, integer(count)?, integer(n)?)?;
    Ok(offset(found))
}

/// Adds the searches of a map.
macro_rules! searches {
    ($name:ident) => {
        #[napi]
        impl $name {
            /// The first offset from `start` to `end` where `needle` begins, or -1. Blocks.
            #[napi(catch_unwind)]
            pub fn index_of(
                &self,
                #[napi(ts_arg_type = "Uint8Array")] needle: SourceBytes,
                start: f64,
                end: f64,
            ) -> napi::Result<f64> {
                index_of(&self.0, &needle, start, end)
            }

            /// The last offset from `start` to `end` where `needle` begins, or -1. Blocks.
            #[napi(catch_unwind)]
            pub fn last_index_of(
                &self,
                #[napi(ts_arg_type = "Uint8Array")] needle: SourceBytes,
                start: f64,
                end: f64,
            ) -> napi::Result<f64> {
                last_index_of(&self.0, &needle, start, end)
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
                let window = window(from, end, end)?;
                find_sync(&self.0, pattern, window, &record, most)
            }

            /// At most `most` (not 0) matches that begin between `from` and `to`; may stop sooner.
            #[napi(catch_unwind)]
            #[allow(
                clippy::too_many_arguments,
                reason = "an object would cost more than the call"
            )]
            pub fn find(
                &self,
                lane: &Lane,
                id: f64,
                pattern: &Pattern,
                from: f64,
                to: f64,
                end: f64,
                #[napi(ts_arg_type = "'count' | 'offset' | 'needle' | 'groups'")] record: String,
                most: f64,
            ) -> napi::Result<()> {
                let window = window(from, to, end)?;
                let record = &record;
                let search = Search {
                    lane,
                    id,
                    pattern,
                    record,
                };
                find(&self.0, &search, window, most)
            }

            /// The matches between `from` and `to` of which the first may begin at `actual` only,
            /// compared to those that `find` finds from `from` on.
            #[napi(catch_unwind)]
            #[allow(
                clippy::too_many_arguments,
                reason = "an object would cost more than the call"
            )]
            pub fn reconcile(
                &self,
                lane: &Lane,
                id: f64,
                pattern: &Pattern,
                from: f64,
                to: f64,
                end: f64,
                #[napi(ts_arg_type = "'count' | 'offset' | 'needle' | 'groups'")] record: String,
                actual: f64,
            ) -> napi::Result<()> {
                let window = window(from, to, end)?;
                let record = &record;
                let search = Search {
                    lane,
                    id,
                    pattern,
                    record,
                };
                reconcile(&self.0, &search, window, actual)
            }

            /// The number of matches between `from` and `end`. Blocks.
            #[napi(catch_unwind)]
            pub fn count_sync(&self, pattern: &Pattern, from: f64, end: f64) -> napi::Result<f64> {
                count_sync(&self.0, pattern, window(from, end, end)?)
            }

            /// The number of line feeds in each block of `size` bytes, from `start` to `end`.
            /// Blocks.
            #[napi(catch_unwind)]
            pub fn count_lines_sync(
                &self,
                start: f64,
                end: f64,
                size: f64,
            ) -> napi::Result<Float64Array> {
                count_lines_sync(&self.0, start, end, size)
            }

            /// As `countLinesSync`, off the main thread.
            #[napi(catch_unwind)]
            pub fn count_lines(
                &self,
                lane: &Lane,
                id: f64,
                start: f64,
                end: f64,
                size: f64,
            ) -> napi::Result<()> {
                count_lines(&self.0, (lane, id), start, end, size)
            }

            /// Writes the offsets of the first line feeds between `start` and `end` into
            /// `offsets`, up to its length. Answers their number. Blocks.
            #[napi(catch_unwind)]
            pub fn line_feeds(
                &self,
                start: f64,
                end: f64,
                offsets: Float64ArraySlice<'_>,
            ) -> napi::Result<f64> {
                line_feeds(&self.0, start, end, offsets)
            }

            /// Where the line after line feed number `n` (from 0) between `start` and `end` begins, or
            /// -1 where there are not `count` line feeds.
            #[napi(catch_unwind)]
            pub fn line_start(
                &self,
                start: f64,
                end: f64,
                count: f64,
                n: f64,
            ) -> napi::Result<f64> {
                line_start(&self.0, start, end, count, n)
            }

            /// The offset of line feed number `n` (from 0) between `start` and `end`, or -1.
            #[napi(catch_unwind)]
            pub fn nth_line_feed(&self, start: f64, end: f64, n: f64) -> napi::Result<f64> {
                nth_line_feed(&self.0, start, end, n)
            }
        }
    };
}

searches!(Mmap);
searches!(MmapMut);
searches!(MmapCow);
