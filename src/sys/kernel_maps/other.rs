//! How many mappings this process may still have, on systems without a limit that would be reached
//! before others.

use crate::error::Result;

/// Whether hints and locks may still divide mappings.
pub fn may_divide() -> bool {
    true
}

/// Refuses no map.
///
/// # Errors
/// None.
pub fn check_room() -> Result<()> {
    Ok(())
}
