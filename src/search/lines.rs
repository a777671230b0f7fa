//! Where the lines of a region are.

use memchr::memchr_iter;

use crate::error::Result;
use crate::memory::Region;
use crate::search::pattern::push;

/// How many line feeds each block of `size` bytes (not 0) has, from `start` on.
///
/// # Errors
/// `ENOMEM`, `ERR_OUT_OF_RANGE`.
pub fn count_lines(region: &Region, start: usize, end: usize, size: usize) -> Result<Vec<f64>> {
    let mut counts = Vec::new();
    for block in region.bytes(start, end)?.chunks(size) {
        push(&mut counts, memchr_iter(b'\n', block).count() as f64)?;
    }
    Ok(counts)
}

/// Writes the places of the first line feeds in `start..end` into `places`, as many as there is room
/// for; returns how many.
///
/// # Errors
/// `ERR_OUT_OF_RANGE`.
pub fn line_feeds(region: &Region, start: usize, end: usize, places: &mut [f64]) -> Result<usize> {
    let feeds = memchr_iter(b'\n', region.bytes(start, end)?)
        .filter(|&offset| offset < end - start)
        .zip(places);
    let mut count = 0;
    for (offset, place) in feeds {
        *place = (start + offset) as f64;
        count += 1;
    }
    Ok(count)
}

/// Where the line feed number `n` (from 0) is in `start..end`.
///
/// # Errors
/// `ERR_OUT_OF_RANGE`.
pub fn nth_line_feed(region: &Region, start: usize, end: usize, n: usize) -> Result<Option<usize>> {
    let found = memchr_iter(b'\n', region.bytes(start, end)?).nth(n);
    Ok(found
        .filter(|&offset| offset < end - start)
        .map(|offset| start + offset))
}

/// Where the line begins that follows line feed number `n` (from 0) of `start..end`. None unless the range
/// has `count` line feeds, of which that is one.
///
/// # Errors
/// `ERR_OUT_OF_RANGE`.
pub fn line_start(
    region: &Region,
    (start, end): (usize, usize),
    count: usize,
    n: usize,
) -> Result<Option<usize>> {
    let mut feeds = memchr_iter(b'\n', region.bytes(start, end)?);
    let found = feeds.nth(n);
    // Bytes that change meanwhile may give any answer, but none outside the range.
    let is_so = n < count && feeds.count() == count - n - 1;
    Ok(found
        .filter(|&offset| is_so && offset < end - start)
        .map(|offset| start + offset + 1))
}
