//! Which thread this is, and whether another one still lives.
//!
//! A thread is known by its id together with its start time, since ids are used again, and both
//! mean something only within one pid namespace and, for the start time, one time namespace.

use std::io;
use std::os::unix::fs::MetadataExt;

use super::Signature;

/// This thread as it signs the locks that it takes.
pub fn current() -> Signature {
    // SAFETY: gettid(2) has no arguments and cannot fail.
    let id = unsafe { libc::gettid() } as u32;
    Signature::new(id, start_time("thread-self").unwrap_or(0))
}

/// A number for the namespaces in which ids and start times of this process mean the same. None
/// where `/proc` is missing or belongs to another pid namespace: then no thread's death can be proved.
pub fn namespace() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/thread-self/status").ok()?;
    // One id for each namespace from that of this /proc inwards to this process's (proc_pid_status(5)).
    let ids = status
        .lines()
        .find_map(|line| line.strip_prefix("NSpid:"))?;
    if ids.split_whitespace().count() != 1 {
        return None;
    }
    // The number of a namespace is the inode of its link (namespaces(7)).
    let pid = std::fs::metadata("/proc/self/ns/pid").ok()?.ino();
    // Kernels before 5.6 have no time namespaces.
    let time = std::fs::metadata("/proc/self/ns/time").map_or(0, |link| link.ino());
    Some(pid ^ time.rotate_left(32))
}

/// Whether the thread that signed is certainly gone. It must have signed in this namespace.
pub fn is_dead(owner: Signature) -> bool {
    let id = owner.id();
    // SAFETY: tkill(2) with signal 0 only looks whether there is such a thread.
    let answer = unsafe { libc::syscall(libc::SYS_tkill, id as libc::c_int, 0) };
    if answer != 0 && io::Error::last_os_error().raw_os_error() == Some(libc::ESRCH) {
        return true;
    }
    // A zombie still has its id. Where /proc hides the thread (`hidepid`) nothing is known: a lock
    // is never taken from an owner that may live.
    let Some((state, started)) = state_and_start(&format!("{id}/task/{id}")) else {
        return false;
    };
    matches!(state, b'Z' | b'X') || owner != Signature::new(id, started)
}

fn start_time(thread: &str) -> Option<u64> {
    state_and_start(thread).map(|(_, started)| started)
}

/// Fields 3 and 22 of `/proc/<thread>/stat` (proc_pid_stat(5)). Field 2, the name, is in
/// parentheses and may contain any byte, parentheses too.
fn state_and_start(thread: &str) -> Option<(u8, u64)> {
    let stat = std::fs::read(format!("/proc/{thread}/stat")).ok()?;
    let end_of_name = stat.iter().rposition(|&byte| byte == b')')?;
    let rest = std::str::from_utf8(stat.get(end_of_name + 1..)?).ok()?;
    let mut fields = rest.split_ascii_whitespace();
    let state = *fields.next()?.as_bytes().first()?;
    let started = fields.nth(18)?.parse().ok()?;
    Some((state, started))
}
