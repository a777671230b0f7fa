//! In which order macOS is asked for what not every file system has, apart from the calls: so that
//! every system can test it.

use std::io;

/// From `sys/errno.h`.
const EBADF: i32 = 9;
const EINVAL: i32 = 22;
const ENOSPC: i32 = 28;
const ENOTTY: i32 = 25;
const ENOTSUP: i32 = 45;
const EDQUOT: i32 = 69;
const EOPNOTSUPP: i32 = 102;
const EFBIG: i32 = 27;

/// How changes get to the disk, from the most thorough way on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flush {
    /// `F_FULLFSYNC`: empties the drive's cache.
    Full,
    /// `F_BARRIERFSYNC`: before all that is written later.
    Barrier,
    /// `fsync`.
    Plain,
}

/// Flushes in the first way that the file system has, as libuv does (`uv__fs_fsync` in
/// `src/unix/fs.c`): SMB, NFS and exFAT have no `F_FULLFSYNC`. A descriptor that is known to be open and
/// yet a bad one is that of shared memory, which has no disk.
///
/// # Errors
/// What the last way refuses; what no other way would do better, at once.
pub fn flush(mut attempt: impl FnMut(Flush) -> io::Result<()>) -> io::Result<()> {
    let mut last = Ok(());
    for how in [Flush::Full, Flush::Barrier, Flush::Plain] {
        last = match attempt(how) {
            Err(error) if error.raw_os_error() == Some(EBADF) => return Ok(()),
            Err(error) if is_unsupported(&error) => Err(error),
            answer => return answer,
        };
    }
    last
}

/// Which blocks are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allocation {
    /// Neighbours.
    Contiguous,
    /// Any.
    Anywhere,
}

/// How many bytes to allocate behind the `allocated` ones that a file has on the disk, so that it has
/// `from..to`, too; None where its blocks may lie elsewhere, since it has holes.
pub fn wanting(from: u64, to: u64, allocated: u64) -> Option<u64> {
    if from >= to {
        return Some(0);
    }
    (allocated >= from).then(|| to.saturating_sub(allocated))
}

/// Allocates neighbouring blocks, or else any. Answers whether the file system can do so at all; shared
/// memory, of which nothing is reserved, counts as if it could.
///
/// # Errors
/// A full disk, and what else the system refuses.
pub fn reserve(mut attempt: impl FnMut(Allocation) -> io::Result<()>) -> io::Result<bool> {
    for how in [Allocation::Contiguous, Allocation::Anywhere] {
        let Err(error) = attempt(how) else {
            return Ok(true);
        };
        match error.raw_os_error() {
            Some(EBADF) => return Ok(true),
            Some(ENOSPC | EDQUOT | EFBIG) if how == Allocation::Contiguous => {}
            _ if is_unsupported(&error) => return Ok(false),
            _ => return Err(error),
        }
    }
    Ok(true)
}

fn is_unsupported(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(ENOTSUP | EOPNOTSUPP | EINVAL | ENOTTY)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(number: i32) -> io::Error {
        io::Error::from_raw_os_error(number)
    }

    /// Plays answers in their order, 0 for success. Answers what was asked, and the outcome.
    fn flushed(answers: &[i32]) -> (Vec<Flush>, Option<i32>) {
        let mut asked = Vec::new();
        let outcome = flush(|how| {
            asked.push(how);
            match answers[asked.len() - 1] {
                0 => Ok(()),
                number => Err(error(number)),
            }
        });
        (asked, outcome.err().and_then(|error| error.raw_os_error()))
    }

    #[test]
    fn flushes_in_the_first_way_that_there_is() {
        use Flush::{Barrier, Full, Plain};
        const EIO: i32 = 5;
        assert_eq!(flushed(&[0]), (vec![Full], None));
        assert_eq!(flushed(&[ENOTSUP, 0]), (vec![Full, Barrier], None));
        assert_eq!(
            flushed(&[ENOTSUP, EINVAL, 0]),
            (vec![Full, Barrier, Plain], None)
        );
        // A disk that fails is reported, not asked in another way that may hide it.
        assert_eq!(flushed(&[EIO]), (vec![Full], Some(EIO)));
        assert_eq!(
            flushed(&[ENOTTY, ENOSPC]),
            (vec![Full, Barrier], Some(ENOSPC))
        );
        assert_eq!(
            flushed(&[ENOTSUP, ENOTSUP, EINVAL]),
            (vec![Full, Barrier, Plain], Some(EINVAL))
        );
        // Shared memory.
        assert_eq!(flushed(&[EBADF]), (vec![Full], None));
    }

    #[test]
    fn allocates_what_is_wanting_behind_the_blocks_of_a_file() {
        assert_eq!(wanting(0, 100, 0), Some(100));
        assert_eq!(wanting(4000, 10_000, 4096), Some(5904));
        // Allocated beforehand.
        assert_eq!(wanting(4000, 10_000, 16_384), Some(0));
        assert_eq!(wanting(100, 100, 0), Some(0));
        // A hole: what is allocated behind it would not be the end of the file.
        assert_eq!(wanting(1 << 20, 2 << 20, 4096), None);
    }

    /// As [`flushed`].
    fn reserved(answers: &[i32]) -> (Vec<Allocation>, Result<bool, Option<i32>>) {
        let mut asked = Vec::new();
        let outcome = reserve(|how| {
            asked.push(how);
            match answers[asked.len() - 1] {
                0 => Ok(()),
                number => Err(error(number)),
            }
        });
        (asked, outcome.map_err(|error| error.raw_os_error()))
    }

    #[test]
    fn reserves_neighbours_or_else_any_blocks() {
        use Allocation::{Anywhere, Contiguous};
        const EPERM: i32 = 1;
        assert_eq!(reserved(&[0]), (vec![Contiguous], Ok(true)));
        // No room for neighbours is not yet a full disk.
        assert_eq!(
            reserved(&[ENOSPC, 0]),
            (vec![Contiguous, Anywhere], Ok(true))
        );
        assert_eq!(
            reserved(&[ENOSPC, ENOSPC]),
            (vec![Contiguous, Anywhere], Err(Some(ENOSPC)))
        );
        assert_eq!(reserved(&[EPERM]), (vec![Contiguous], Err(Some(EPERM))));
        // The file system cannot do it: zeros are written.
        for none in [ENOTSUP, EOPNOTSUPP, ENOTTY] {
            assert_eq!(reserved(&[none]), (vec![Contiguous], Ok(false)));
        }
        assert_eq!(
            reserved(&[ENOSPC, ENOTSUP]),
            (vec![Contiguous, Anywhere], Ok(false))
        );
        // Shared memory.
        assert_eq!(reserved(&[EBADF]), (vec![Contiguous], Ok(true)));
    }
}
