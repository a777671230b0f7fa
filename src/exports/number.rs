//! Numbers as arguments. They arrive as doubles that TypeScript has checked; the checks here are what
//! keeps files whole.

use crate::error::{Failure, Result};

/// An offset or a length.
///
/// # Errors
/// `ERR_OUT_OF_RANGE` for what is no integer from 0 to 2^53 - 1.
pub fn integer(number: f64) -> Result<usize> {
    const MAX_SAFE: f64 = ((1_u64 << 53) - 1) as f64;
    match (0.0..=MAX_SAFE).contains(&number) && number.fract() == 0.0 {
        true => Ok(number as usize),
        false => Err(Failure::OutOfRange(format!(
            "{number} is no offset or length; it must be an integer from 0 to 2^53 - 1"
        ))),
    }
}

/// As [`integer`], not 0.
///
/// # Errors
/// `ERR_OUT_OF_RANGE`.
pub fn positive(number: f64) -> Result<usize> {
    match integer(number)? {
        0 => Err(Failure::OutOfRange(
            "0 is no size; it must be at least 1".to_owned(),
        )),
        size => Ok(size),
    }
}
