//! POSIX has no way to rename a shared memory object: it is made under its name.

use crate::error::Result;

/// The name under which an object is to be made: its own.
pub fn first_name(name: &str) -> String {
    name.to_owned()
}

/// Does nothing: the object has its name.
///
/// # Errors
/// None.
pub fn publish(_: &str, _: &str) -> Result<()> {
    Ok(())
}
