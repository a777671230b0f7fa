//! Sections, of which Windows maps views: those of files, and memory of the page file, which may have a
//! name.

use std::ffi::c_void;
use std::fs::File;
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr;

use windows_sys::Win32::Foundation::{
    ERROR_ALREADY_EXISTS, GetLastError, HANDLE, INVALID_HANDLE_VALUE, SetLastError,
};
use windows_sys::Win32::System::Memory::{
    CreateFileMappingW, FILE_MAP, FILE_MAP_COPY, FILE_MAP_READ, FILE_MAP_WRITE, FlushViewOfFile,
    MEM_COMMIT, MEM_RESERVE, MEMORY_BASIC_INFORMATION, MEMORY_MAPPED_VIEW_ADDRESS, MapViewOfFile,
    OpenFileMappingW, PAGE_PROTECTION_FLAGS, PAGE_READONLY, PAGE_READWRITE, PAGE_WRITECOPY,
    UnmapViewOfFile, VirtualAlloc, VirtualQuery,
};
use windows_sys::Win32::System::SystemInformation::{GetSystemInfo, SYSTEM_INFO};

use super::placeholder;
use crate::sys::paging::page_size;

/// How the pages of a view relate to the section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// May not be written.
    ReadOnly,
    /// What is written reaches the section.
    Writable,
    /// What is written stays in this view. Windows sets room aside in the page file for all of it.
    CopyOnWrite,
}

impl Kind {
    /// What the section and the view are made with.
    fn flags(self) -> (PAGE_PROTECTION_FLAGS, FILE_MAP) {
        match self {
            Kind::ReadOnly => (PAGE_READONLY, FILE_MAP_READ),
            Kind::Writable => (PAGE_READWRITE, FILE_MAP_READ | FILE_MAP_WRITE),
            Kind::CopyOnWrite => (PAGE_WRITECOPY, FILE_MAP_COPY),
        }
    }
}

/// Something that views can be made of. Its name, if it has one, is free again once all handles of all
/// processes are closed, though views of it may live on.
pub struct Section(OwnedHandle);

impl Section {
    /// The bytes that `file` has now; it has at least one.
    ///
    /// # Errors
    /// What `CreateFileMappingW` refuses.
    pub fn of_file(file: &File, kind: Kind) -> io::Result<Section> {
        // SAFETY: the handle is open; null stands for no attributes and no name.
        let made = unsafe {
            let file = file.as_raw_handle();
            CreateFileMappingW(file, ptr::null(), kind.flags().0, 0, 0, ptr::null())
        };
        owned(made)
    }

    /// `length` zeros (not 0) that belong to no file, all of them set aside in the page file. Under
    /// `name` other processes find them.
    ///
    /// # Errors
    /// `ERROR_ALREADY_EXISTS` where there is one of that name; what `CreateFileMappingW` refuses.
    pub fn of_memory(length: usize, name: Option<&str>) -> io::Result<Section> {
        let name = name.map(wide);
        let name = name.as_ref().map_or(ptr::null(), |name| name.as_ptr());
        let size = length as u64;
        // SAFETY: -1 stands for the page file, null for no attributes; the name ends with a zero and
        // lives until the call returns. The thread's last error is set before, as success need not.
        let (made, error) = unsafe {
            SetLastError(0);
            let made = CreateFileMappingW(
                INVALID_HANDLE_VALUE,
                ptr::null(),
                PAGE_READWRITE,
                (size >> 32) as u32,
                size as u32,
                name,
            );
            (made, GetLastError())
        };
        let section = owned(made)?;
        match error {
            // The handle is one of the other section then.
            ERROR_ALREADY_EXISTS => Err(io::Error::from_raw_os_error(error as i32)),
            _ => Ok(section),
        }
    }

    /// The section of that name.
    ///
    /// # Errors
    /// `ERROR_FILE_NOT_FOUND` where there is none; what `OpenFileMappingW` refuses.
    pub fn open(name: &str) -> io::Result<Section> {
        let name = wide(name);
        let rights = FILE_MAP_READ | FILE_MAP_WRITE;
        // SAFETY: the name ends with a zero and lives until the call returns.
        owned(unsafe { OpenFileMappingW(rights, 0, name.as_ptr()) })
    }

    /// A view of `length` bytes (not 0) from any `offset` on, in the place of a placeholder where
    /// Windows has them.
    ///
    /// # Errors
    /// What `MapViewOfFile` refuses.
    pub fn view(&self, kind: Kind, offset: u64, length: usize) -> io::Result<View> {
        let before = (offset % granularity() as u64) as usize;
        let (offset, size) = (offset - before as u64, before + length);
        let section = self.0.as_raw_handle();
        let pages = size.next_multiple_of(page_size());
        let kept = placeholder::map(section, kind.flags().0, offset, size, pages);
        let base = match kept {
            Some(base) => base,
            None => self.map(kind, offset, size)?,
        };
        Ok(View {
            base,
            before,
            length,
            over_placeholder: kept.is_some(),
        })
    }

    /// A view of the whole, in whole pages: Windows tells no other length.
    ///
    /// # Errors
    /// What `MapViewOfFile` refuses; `ERROR_NOT_SUPPORTED` where a program has only reserved the pages,
    /// to commit them one by one.
    pub fn view_of_all(&self) -> io::Result<View> {
        let base = self.map(Kind::Writable, 0, 0)?;
        let mut view = View {
            base,
            before: 0,
            length: 0,
            over_placeholder: false,
        };
        let mut found = MEMORY_BASIC_INFORMATION::default();
        // SAFETY: fills in the structure that it is given.
        if unsafe { VirtualQuery(base, &mut found, size_of_val(&found)) } == 0 {
            return Err(io::Error::last_os_error());
        }
        if found.State != MEM_COMMIT {
            return Err(io::Error::from(io::ErrorKind::Unsupported));
        }
        let length = found.RegionSize;
        let access = Kind::Writable.flags().0;
        let kept = placeholder::map(self.0.as_raw_handle(), access, 0, length, length);
        if let Some(base) = kept {
            // The first view is unmapped.
            return Ok(View {
                base,
                before: 0,
                length,
                over_placeholder: true,
            });
        }
        view.length = length;
        Ok(view)
    }

    /// The address of a new view; all from `offset` on with length 0.
    fn map(&self, kind: Kind, offset: u64, length: usize) -> io::Result<*mut c_void> {
        // SAFETY: the handle is open, and Windows chooses the addresses.
        let made = unsafe {
            MapViewOfFile(
                self.0.as_raw_handle(),
                kind.flags().1,
                (offset >> 32) as u32,
                offset as u32,
                length,
            )
        };
        match made.Value.is_null() {
            true => Err(io::Error::last_os_error()),
            false => Ok(made.Value),
        }
    }
}

/// A mapped view, which is unmapped when it is dropped.
pub struct View {
    base: *mut c_void,
    /// How many bytes precede the first one that was asked for.
    before: usize,
    length: usize,
    over_placeholder: bool,
}

// SAFETY: the address is only a number here; no Rust reference leads to what it points to.
unsafe impl Send for View {}

impl View {
    /// The address of the first byte.
    pub fn start(&self) -> *mut u8 {
        self.base.cast::<u8>().wrapping_add(self.before)
    }

    /// The number of bytes.
    pub fn length(&self) -> usize {
        self.length
    }

    /// Gives the changed pages of the range, which the view has, to the file system.
    ///
    /// # Errors
    /// What `FlushViewOfFile` refuses.
    pub fn flush(&self, start: usize, length: usize) -> io::Result<()> {
        // SAFETY: the pages are those of this view.
        match unsafe { FlushViewOfFile(self.start().wrapping_add(start).cast(), length) } {
            0 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    }
}

impl View {
    /// Unmaps the view and puts zeros in its place; where there is no room for so many, reserved
    /// addresses. Answers whether the addresses are still the caller's, who frees them by `VirtualFree`.
    ///
    /// Over a placeholder they are. Otherwise another thread may be given them in between.
    pub fn replace_by_zeros(self) -> bool {
        let (base, over_placeholder) = (self.base, self.over_placeholder);
        let pages = (self.before + self.length).next_multiple_of(page_size());
        // SAFETY: nothing else unmaps the view, which is not touched any more.
        if over_placeholder && unsafe { placeholder::unmap(base) } {
            std::mem::forget(self);
            // SAFETY: the placeholder has the place of the view, and its size.
            let _ = [MEM_COMMIT, 0]
                .into_iter()
                .any(|kind| unsafe { placeholder::replace(base, pages, kind) });
            return true;
        }
        drop(self);
        [MEM_RESERVE | MEM_COMMIT, MEM_RESERVE]
            .into_iter()
            .any(|kind| {
                // SAFETY: the range has just been unmapped; where it is not free any more the call fails
                // and changes nothing.
                !unsafe { VirtualAlloc(base, pages, kind, PAGE_READWRITE) }.is_null()
            })
    }
}

impl Drop for View {
    fn drop(&mut self) {
        // SAFETY: this object has mapped the view, and nothing else unmaps it.
        unsafe { UnmapViewOfFile(MEMORY_MAPPED_VIEW_ADDRESS { Value: self.base }) };
    }
}

/// What the addresses of views, and the offsets where they begin, are multiples of.
pub fn granularity() -> usize {
    let mut info = SYSTEM_INFO::default();
    // SAFETY: fills in the structure that it is given.
    unsafe { GetSystemInfo(&mut info) };
    info.dwAllocationGranularity as usize
}

fn owned(handle: HANDLE) -> io::Result<Section> {
    if handle.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the handle has just been opened, and is closed by nothing else.
    Ok(Section(unsafe { OwnedHandle::from_raw_handle(handle) }))
}

/// A name as Windows takes it.
fn wide(name: &str) -> Vec<u16> {
    name.encode_utf16().chain(Some(0)).collect()
}
