//! Which pages of a linear memory may hold anything but zeros, as the kernel knows it.

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
pub(crate) use self::scanned::WrittenPages;
#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
pub(crate) use self::unknown::WrittenPages;

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod scanned {
    use std::fs::File;

    use rustix::ioctl::{Opcode, Updater, ioctl, opcode};
    use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};

    /// Most separate stretches of written pages that are looked at; a memory with more is not cleared.
    const REGIONS: usize = 32;

    /// Page categories of the kernel's `fs.h`. "Written" is not among them: it speaks of write protection by a userfault,
    /// which nobody asked for.
    const PRESENT: u64 = 1 << 3;
    const SWAPPED: u64 = 1 << 4;
    const ZERO: u64 = 1 << 5;

    /// The kernel's `pm_scan_arg`.
    #[repr(C)]
    struct Scan {
        size: u64,
        flags: u64,
        start: u64,
        end: u64,
        walk_end: u64,
        regions: *mut Region,
        regions_len: u64,
        max_pages: u64,
        category_inverted: u64,
        category_mask: u64,
        category_anyof_mask: u64,
        return_mask: u64,
    }

    /// The kernel's `page_region`.
    #[repr(C)]
    #[derive(Clone, Copy)]
    struct Region {
        start: u64,
        end: u64,
        categories: u64,
    }

    const PAGEMAP_SCAN: Opcode = opcode::read_write::<Scan>(b'f', 16);

    /// Asks the kernel which pages of this process were written; see `PAGEMAP_SCAN` in its documentation.
    pub(crate) struct WrittenPages {
        pagemap: File,
    }

    impl WrittenPages {
        /// `None` if this kernel cannot tell (before 6.7, or where `/proc` is closed), or tells anything unexpected of pages
        /// of which the answer is known.
        pub(crate) fn open() -> Option<Self> {
            let pages = Self { pagemap: File::open("/proc/self/pagemap").ok()? };
            pages.tells_the_truth().then_some(pages)
        }

        #[allow(unsafe_code, reason = "memory of known state is only to be had from the kernel")]
        fn tells_the_truth(&self) -> bool {
            let page = rustix::param::page_size();
            let len = 8 * page;
            // SAFETY: a new private mapping at an address of the kernel's choice touches no memory of ours.
            let mapped = unsafe {
                mmap_anonymous(std::ptr::null_mut(), len, ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE)
            };
            let Ok(start) = mapped else { return false };
            // SAFETY: the mapping is `len` readable and writable bytes, all zero, that nothing else points to, until it is
            // unmapped below.
            let bytes = unsafe { std::slice::from_raw_parts_mut(start.cast::<u8>(), len) };
            let zero = |bytes: &[u8]| std::hint::black_box(bytes).iter().all(|byte| *byte == 0);
            let mut right = zero(&bytes[..page]);
            for _ in 0..2 {
                bytes[2 * page - 1] = 1;
                bytes[5 * page] = 1;
                bytes[len - 1] = 1;
                right &= self.clear(bytes, len) && zero(bytes);
            }
            bytes[3 * page] = 1;
            right &= !self.clear(bytes, page - 1) && bytes[3 * page] == 1;
            right &= Self::release(bytes) && self.clear(bytes, 0) && zero(bytes);
            // SAFETY: made above with this length; `bytes` is not used any more.
            unsafe { munmap(start, len) }.is_ok() && right
        }

        /// Makes every byte zero by writing over the pages that are not known to be zero. False, with nothing or a part
        /// done, if those are more than `bytes_max` bytes, lie too scattered, or the kernel does not tell.
        ///
        /// `bytes` are whole pages of private anonymous memory.
        #[allow(unsafe_code, reason = "the kernel's interface")]
        pub(crate) fn clear(&self, bytes: &mut [u8], bytes_max: usize) -> bool {
            let start = bytes.as_ptr().addr();
            let end = start + bytes.len();
            let mut regions = [Region { start: 0, end: 0, categories: 0 }; REGIONS];
            let mut scan = Scan {
                size: size_of::<Scan>() as u64,
                flags: 0,
                start: start as u64,
                end: end as u64,
                walk_end: 0,
                regions: regions.as_mut_ptr(),
                regions_len: REGIONS as u64,
                max_pages: 0,
                // A page that is there in memory, or is not but will come back with what it held (swapped out, or on the
                // move), and is not the page of zeros that reading alone brings.
                category_inverted: ZERO,
                category_mask: ZERO,
                category_anyof_mask: PRESENT | SWAPPED,
                return_mask: 0,
            };
            // SAFETY: `Scan` is what this operation takes and writes to; it is told of `regions` and their number, which
            // outlive the call. Scanning without flags changes no memory but these.
            let told = unsafe { ioctl(&self.pagemap, Updater::<PAGEMAP_SCAN, Scan>::new(&mut scan)) };
            if told.is_err() || scan.walk_end != end as u64 {
                return false;
            }
            let found = || regions.iter().take_while(|region| region.end != 0);
            let total: u64 = found().map(|region| region.end.saturating_sub(region.start)).sum();
            if total > bytes_max as u64 {
                return false;
            }
            for region in found() {
                let from = (region.start as usize).checked_sub(start);
                let to = (region.end as usize).checked_sub(start);
                let (Some(from), Some(to)) = (from, to) else { return false };
                let Some(written) = bytes.get_mut(from..to) else { return false };
                written.fill(0);
            }
            true
        }

        /// Makes every byte zero by giving all pages back. False if the kernel refused.
        ///
        /// `bytes` are whole pages of private anonymous memory.
        #[allow(unsafe_code, reason = "the kernel's interface")]
        pub(crate) fn release(bytes: &mut [u8]) -> bool {
            if bytes.is_empty() {
                return true;
            }
            // SAFETY: the bytes are borrowed uniquely and stay readable and writable; on Linux, private anonymous memory
            // reads as zeros afterwards.
            unsafe { madvise(bytes.as_mut_ptr().cast(), bytes.len(), Advice::LinuxDontNeed) }.is_ok()
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        /// So many whole zero pages, of a memory of their own.
        fn pages(count: usize) -> (memmap::Mapping, usize) {
            let page = rustix::param::page_size();
            (memmap::Mapping::new(count * page), page)
        }

        #[allow(unsafe_code, reason = "memory of known state is only to be had from the kernel")]
        mod memmap {
            use super::super::*;

            pub(super) struct Mapping(*mut u8, usize);

            impl Mapping {
                pub(super) fn new(len: usize) -> Self {
                    // SAFETY: a new private mapping at an address of the kernel's choice.
                    let start = unsafe {
                        mmap_anonymous(std::ptr::null_mut(), len, ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE)
                    };
                    Self(start.expect("memory").cast(), len)
                }

                pub(super) fn bytes(&mut self) -> &mut [u8] {
                    // SAFETY: the mapping is so long, and lives until `self` is dropped.
                    unsafe { std::slice::from_raw_parts_mut(self.0, self.1) }
                }
            }

            impl Mapping {
                /// Asks for all of it to be swapped out, which does nothing on a machine without swap.
                pub(super) fn page_out(&mut self) {
                    let bytes = self.bytes();
                    // SAFETY: the mapping's own pages, which keep what they hold.
                    let _ = unsafe { madvise(bytes.as_mut_ptr().cast(), bytes.len(), Advice::LinuxPageOut) };
                }
            }

            impl Drop for Mapping {
                fn drop(&mut self) {
                    // SAFETY: made in `new` with this length; borrows have ended.
                    unsafe { munmap(self.0.cast(), self.1) }.expect("unmaps");
                }
            }
        }

        #[test]
        fn every_written_page_is_cleared_up_to_the_bound() {
            let Some(known) = WrittenPages::open() else { return };
            for step in 1..=8 {
                let (mut memory, page) = pages(128);
                let written: Vec<usize> = (0..128).step_by(step).collect();
                for at in &written {
                    memory.bytes()[at * page + (at * 97) % page] = 0xa5;
                }
                memory.page_out();
                let fits = known.clear(memory.bytes(), 32 * page);
                assert_eq!(memory.bytes().iter().all(|byte| *byte == 0), fits, "every {step}th page");
                assert_eq!(fits, written.len() <= 32, "every {step}th page");
            }
        }
    }
}

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
mod unknown {
    /// Nobody tells on this system.
    pub(crate) struct WrittenPages(std::convert::Infallible);

    impl WrittenPages {
        pub(crate) fn open() -> Option<Self> {
            None
        }

        pub(crate) fn clear(&self, _: &mut [u8], _: usize) -> bool {
            match self.0 {}
        }

        pub(crate) fn release(_: &mut [u8]) -> bool {
            false
        }
    }
}
