//! What the guard needs to know of Linux.

use libc::{c_int, c_void, off_t, ucontext_t};

use super::{Kind, Probe, page_size};
use crate::guard::table::Found;
use crate::sys::memory::has_room;

/// The thread's error number.
pub fn errno() -> *mut c_int {
    // SAFETY: no preconditions.
    unsafe { libc::__errno_location() }
}

/// Whether a process sent the signal, as opposed to an instruction that faulted (sigaction(2)).
pub fn was_sent(code: c_int) -> bool {
    code <= 0
}

/// What happened at `address`, if it is an affair of the guard's.
pub fn kind_of(
    (signal, code): (c_int, c_int),
    _: &Found,
    address: usize,
    context: *const c_void,
) -> Option<Kind> {
    // From Linux's include/uapi/asm-generic/siginfo.h, as the libc crate lacks them for some.
    const SEGV_ACCERR: c_int = 2;
    const BUS_ADRERR: c_int = 2;
    match (signal, code) {
        (libc::SIGBUS, BUS_ADRERR) => Some(Kind::Missing),
        (libc::SIGSEGV, SEGV_ACCERR) => {
            // A jump into the map is no write, and making it writable does not mend it.
            (instruction(context) != address).then_some(Kind::ForbiddenWrite)
        }
        _ => None,
    }
}

/// The address of the instruction that faulted.
fn instruction(context: *const c_void) -> usize {
    // SAFETY: with SA_SIGINFO the third argument of a handler is a ucontext_t.
    let machine = unsafe { &(*context.cast::<ucontext_t>()).uc_mcontext };
    #[cfg(target_arch = "x86_64")]
    return machine.gregs[libc::REG_RIP as usize] as usize;
    #[cfg(target_arch = "aarch64")]
    return machine.pc as usize;
    #[cfg(target_arch = "riscv64")]
    return machine.__gregs[libc::REG_PC] as usize;
    #[cfg(target_arch = "powerpc64")]
    {
        /// `PT_NIP`, from Linux's `arch/powerpc/include/uapi/asm/ptrace.h`.
        const NEXT_INSTRUCTION: usize = 32;
        machine.gp_regs[NEXT_INSTRUCTION] as usize
    }
}

/// Lets the page be written, without the file seeing it, and its neighbours within a block of
/// `size` bytes as well: the pages are private, so the kernel copies what is written.
pub fn make_private(found: &Found, page: usize, size: usize) -> bool {
    make_block_writable(page, size, (found.base(), found.end()))
}

/// Lets a private page be written, and those of `within` that are in the same block of `size` bytes.
/// Where there is no room for so many (`RLIMIT_DATA`, strict overcommit) the block is smaller, down to
/// the page.
pub fn make_block_writable(page: usize, mut size: usize, within: (usize, usize)) -> bool {
    loop {
        let start = (page & !(size - 1)).max(within.0);
        let end = page.saturating_add(size) & !(size - 1);
        let end = end.max(page + page_size()).min(within.1);
        if has_room(end - start) && make_writable(start, end - start) {
            return true;
        }
        if size == page_size() {
            break;
        }
        size /= 2;
    }
    // Where the process is out of kernel maps all of them become one again.
    make_writable(within.0, within.1 - within.0)
}

/// Lets private pages of a map be written.
pub fn make_writable(start: usize, length: usize) -> bool {
    let access = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: the pages are the map's own, which stay mapped while the slot has a user.
    unsafe { libc::mprotect(start as *mut c_void, length, access) == 0 }
}

/// The size of a block device in bytes.
pub fn device_size(descriptor: c_int) -> Option<u64> {
    /// `_IOR(0x12, 114, size_t)`, from Linux's `include/uapi/linux/fs.h`; the encoding differs by
    /// processor.
    const BLKGETSIZE64: rustix::ioctl::Opcode = rustix::ioctl::opcode::read::<usize>(0x12, 114);
    let mut size = 0_u64;
    // SAFETY: writes one number of 64 bits; the descriptor is open while the slot has a user.
    let done = unsafe { libc::ioctl(descriptor, BLKGETSIZE64 as _, &raw mut size) };
    (done == 0).then_some(size)
}

/// Whether the disk has room for a page, which is reserved thereby. A file system without that call
/// leaves the question to the next try.
pub fn room(found: &Found, position: off_t) -> Probe {
    let page = page_size() as off_t;
    let keep = libc::FALLOC_FL_KEEP_SIZE;
    // SAFETY: changes no memory; the descriptor is open.
    let done = unsafe { libc::fallocate(found.descriptor(), keep, position, page) };
    // SAFETY: the thread's own variable.
    match (done, unsafe { *errno() }) {
        (0, _) => Probe::Works,
        (_, libc::ENOSPC | libc::EDQUOT | libc::EIO | libc::EFBIG | libc::EROFS) => Probe::Refused,
        _ => Probe::Works,
    }
}
