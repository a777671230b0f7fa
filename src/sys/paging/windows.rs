//! What is in memory, and asking the system to change that: Windows. Run under Wine only; it follows
//! Microsoft's documentation of the functions it calls.

use std::ffi::c_void;
use std::fs::File;
use std::io;
use std::marker::PhantomData;

use windows_sys::Win32::Foundation::ERROR_NOT_LOCKED;
use windows_sys::Win32::System::Memory::{
    PrefetchVirtualMemory, VirtualLock, VirtualUnlock, WIN32_MEMORY_RANGE_ENTRY,
};
use windows_sys::Win32::System::ProcessStatus::{
    K32QueryWorkingSetEx, PSAPI_WORKING_SET_EX_INFORMATION,
};
use windows_sys::Win32::System::SystemInformation::{GetSystemInfo, SYSTEM_INFO};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, GetProcessWorkingSetSize};

use crate::error::{Failure, Result};

/// The size of a page in bytes.
pub fn page_size() -> usize {
    let mut info = SYSTEM_INFO::default();
    // SAFETY: fills in the structure that it is given.
    unsafe { GetSystemInfo(&mut info) };
    info.dwPageSize as usize
}

/// How many bytes this process may lock: a little less than its minimum working set, which
/// `SetProcessWorkingSetSize` raises.
pub fn lock_limit() -> Option<u64> {
    let (mut minimum, mut maximum) = (0, 0);
    // SAFETY: the pseudo handle of this process, and room for two numbers.
    match unsafe { GetProcessWorkingSetSize(GetCurrentProcess(), &mut minimum, &mut maximum) } {
        0 => None,
        _ => Some(minimum as u64),
    }
}

/// Whole pages of one mapping, which stays mapped for the lifetime `'a`.
pub struct Pages<'a> {
    start: *mut c_void,
    length: usize,
    mapped: PhantomData<&'a ()>,
}

impl Pages<'_> {
    /// The pages that hold the `length` bytes from `address` on, those that they share with other
    /// bytes included.
    ///
    /// # Safety
    /// The bytes lie within one mapping of this core that outlives the answer.
    pub unsafe fn around(address: *mut u8, length: usize) -> Self {
        let before = address as usize % page_size();
        Pages {
            start: address.wrapping_sub(before).cast(),
            length: match length {
                0 => 0,
                _ => (before + length).next_multiple_of(page_size()),
            },
            mapped: PhantomData,
        }
    }

    /// Gives the system a hint. Answers whether it took it; Windows knows only `willneed`.
    ///
    /// # Errors
    /// What `PrefetchVirtualMemory` refuses.
    pub fn advise(&self, hint: &str) -> io::Result<bool> {
        match hint {
            "willneed" => self.prefetch().map(|()| true),
            _ => Ok(false),
        }
    }

    /// Starts reading the pages.
    fn prefetch(&self) -> io::Result<()> {
        if self.length == 0 {
            return Ok(());
        }
        let range = WIN32_MEMORY_RANGE_ENTRY {
            VirtualAddress: self.start,
            NumberOfBytes: self.length,
        };
        // SAFETY: the pseudo handle of this process and one range of mapped memory.
        match unsafe { PrefetchVirtualMemory(GetCurrentProcess(), 1, &range, 0) } {
            0 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    }

    /// Brings the pages in, as reading them would, and waits for the disk.
    ///
    /// # Errors
    /// None: where `PrefetchVirtualMemory` refuses, each page is still touched.
    pub fn populate(&self, _: Option<(&File, u64, usize)>) -> io::Result<()> {
        let _ = self.prefetch();
        for offset in (0..self.length).step_by(page_size()) {
            // SAFETY: a page of a mapping of this core; Windows refuses to truncate a mapped file.
            unsafe { self.start.byte_add(offset).cast::<u8>().read_volatile() };
        }
        Ok(())
    }

    /// One byte for each page: 1 where it is in this process's working set. Pages that Windows
    /// keeps in its standby list are in memory, too, but are not reported.
    ///
    /// # Errors
    /// `ENOMEM` where there is no room for the answer, and what `QueryWorkingSetEx` refuses.
    pub fn resident(&self, _: Option<&File>) -> Result<Vec<u8>> {
        const BATCH: usize = 4096;
        let size = page_size();
        let pages = self.length / size;
        let mut answer = Vec::new();
        answer.try_reserve_exact(pages).map_err(|_| {
            Failure::system("QueryWorkingSetEx")(io::Error::from(io::ErrorKind::OutOfMemory))
        })?;
        let mut batch = vec![PSAPI_WORKING_SET_EX_INFORMATION::default(); BATCH.min(pages)];
        for first in (0..pages).step_by(BATCH) {
            let count = BATCH.min(pages - first);
            for (index, entry) in batch[..count].iter_mut().enumerate() {
                entry.VirtualAddress = self.start.wrapping_byte_add((first + index) * size);
            }
            // SAFETY: the pseudo handle of this process and a buffer of the length given.
            let done = unsafe {
                K32QueryWorkingSetEx(
                    GetCurrentProcess(),
                    batch.as_mut_ptr().cast(),
                    (count * size_of::<PSAPI_WORKING_SET_EX_INFORMATION>()) as u32,
                )
            };
            if done == 0 {
                return Err(Failure::system("QueryWorkingSetEx")(
                    io::Error::last_os_error(),
                ));
            }
            answer.extend(batch[..count].iter().map(|entry| {
                // SAFETY: every variant of the union is this word; bit 0 is `Valid`.
                (unsafe { entry.VirtualAttributes.Flags } & 1) as u8
            }));
        }
        Ok(answer)
    }

    /// Whether all pages are in this process's working set.
    ///
    /// # Errors
    /// As [`Pages::resident`].
    pub fn all_resident(&self) -> Result<bool> {
        Ok(self.resident(None)?.iter().all(|&page| page == 1))
    }

    /// Keeps the pages in memory until they are unlocked or unmapped, bringing them in first.
    ///
    /// # Errors
    /// What `VirtualLock` refuses: more than the process's minimum working set allows.
    pub fn lock(&self, _: bool) -> io::Result<()> {
        // SAFETY: whole pages of a mapping of this core.
        match self.length == 0 || unsafe { VirtualLock(self.start, self.length) } != 0 {
            true => Ok(()),
            false => Err(io::Error::last_os_error()),
        }
    }

    /// Takes locks of the pages away; none is fine, too.
    ///
    /// # Errors
    /// What `VirtualUnlock` refuses.
    pub fn unlock(&self) -> Result<()> {
        // SAFETY: whole pages of a mapping of this core.
        if self.length == 0 || unsafe { VirtualUnlock(self.start, self.length) } != 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            Some(number) if number as u32 == ERROR_NOT_LOCKED => Ok(()),
            _ => Err(Failure::system("munlock")(error)),
        }
    }

    /// Windows has no call that drops part of one file from its cache.
    ///
    /// # Errors
    /// `ERR_MMAP_UNSUPPORTED`.
    pub fn evict(&self, _: &File, _: u64, _: u64) -> Result<()> {
        Err(Failure::unsupported(
            "Windows offers no way to drop part of a file from its cache",
        ))
    }
}

/// Whether the system tells this process which pages of a file are in memory.
pub fn reports_residency(_: &File) -> bool {
    true
}
