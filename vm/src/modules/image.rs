//! Files of compiled code, mapped: the descriptor is closed as soon as the mapping stands.

use std::fs::File;
use std::io;
use std::ops::Range;

/// The bytes of a file, readable until this is dropped.
pub(crate) struct Image {
    #[cfg(unix)]
    start: std::ptr::NonNull<u8>,
    #[cfg(unix)]
    len: usize,
    #[cfg(not(unix))]
    bytes: Vec<u8>,
}

#[cfg(unix)]
#[allow(unsafe_code, reason = "mapping files is what this module is for")]
mod mapped {
    use std::ptr::NonNull;

    use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap, mprotect, munmap};
    use wasmtime::{CustomCodeMemory, Module};

    use super::{File, Image, Range, io};

    // SAFETY: an image is memory that nobody writes to, read through shared references.
    unsafe impl Send for Image {}
    // SAFETY: as above.
    unsafe impl Sync for Image {}

    impl Image {
        /// Maps the whole of `file`, which is never written in place.
        pub(crate) fn map(file: &File) -> io::Result<Self> {
            let len = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
            if len == 0 {
                return Ok(Self { start: NonNull::dangling(), len });
            }
            // SAFETY: a new private mapping at an address of the kernel's choice touches no memory of ours.
            let start = unsafe { mmap(std::ptr::null_mut(), len, ProtFlags::READ, MapFlags::PRIVATE, file, 0) }?;
            let start = NonNull::new(start.cast()).ok_or_else(|| io::Error::other("mapped at address zero"))?;
            Ok(Self { start, len })
        }

        pub(crate) fn bytes(&self) -> &[u8] {
            // SAFETY: the mapping is `len` readable bytes for as long as `self` lives (or no bytes, dangling). Its file
            // is replaced by renaming and never written in place, and the folder is private.
            unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
        }

        /// Makes a module of the artifact at `range`, which it uses where it lies.
        ///
        /// # Safety
        /// The bytes must be what `Module::serialize` gave for the same engine version, and this image must live until
        /// the module and everything made of it is dropped.
        pub(crate) unsafe fn module(
            &self,
            engine: &wasmtime::Engine,
            range: Range<usize>,
        ) -> Result<Module, wasmtime::Error> {
            let artifact = self.bytes().get(range).unwrap_or_default();
            // SAFETY: by this function's own contract; the code in it becomes executable through [`CodePages`], and
            // nothing writes to it.
            unsafe { Module::deserialize_raw(engine, NonNull::from(artifact)) }
        }
    }

    impl Drop for Image {
        fn drop(&mut self) {
            if self.len > 0 {
                // SAFETY: the mapping was made in `map` with this length, and nothing that points into it is left.
                let unmapped = unsafe { munmap(self.start.as_ptr().cast(), self.len) };
                if let Err(error) = unmapped {
                    tracing::warn!(%error, "a compiled module could not be unmapped");
                }
            }
        }
    }

    /// Makes code executable, in mappings of wasmtime's and of ours alike.
    pub(crate) struct CodePages;

    impl CodePages {
        fn protect(start: *const u8, len: usize, flags: MprotectFlags) -> Result<(), wasmtime::Error> {
            // SAFETY: wasmtime passes the text of one module, page-aligned and its own; while it is not yet (or no
            // longer) published, nothing runs in it or writes to it.
            unsafe { mprotect(start.cast_mut().cast(), len, flags) }.map_err(wasmtime::Error::new)
        }
    }

    impl CustomCodeMemory for CodePages {
        fn required_alignment(&self) -> usize {
            rustix::param::page_size()
        }

        fn publish_executable(&self, start: *const u8, len: usize) -> Result<(), wasmtime::Error> {
            Self::protect(start, len, MprotectFlags::READ | MprotectFlags::EXEC)?;
            // New instructions must be seen by every core; on x86-64 they are.
            #[cfg(not(target_arch = "x86_64"))]
            {
                use wasmtime_internal_jit_icache_coherence::{clear_cache, pipeline_flush_mt};
                // SAFETY: the range is one mapping that this process owns.
                unsafe { clear_cache(start.cast(), len) }.map_err(wasmtime::Error::new)?;
                pipeline_flush_mt().map_err(wasmtime::Error::new)?;
            }
            Ok(())
        }

        fn unpublish_executable(&self, start: *const u8, len: usize) -> Result<(), wasmtime::Error> {
            Self::protect(start, len, MprotectFlags::READ)
        }
    }
}

#[cfg(unix)]
pub(crate) use mapped::CodePages;

#[cfg(not(unix))]
#[allow(unsafe_code, reason = "loading native code is what the cache is for")]
impl Image {
    /// Reads the whole of `file`.
    pub(crate) fn map(mut file: &File) -> io::Result<Self> {
        let mut bytes = Vec::new();
        io::Read::read_to_end(&mut file, &mut bytes)?;
        Ok(Self { bytes })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Makes a module of a copy of the artifact at `range`.
    ///
    /// # Safety
    /// The bytes must be what `Module::serialize` gave for the same engine version.
    pub(crate) unsafe fn module(
        &self,
        engine: &wasmtime::Engine,
        range: Range<usize>,
    ) -> Result<wasmtime::Module, wasmtime::Error> {
        // SAFETY: by this function's own contract.
        unsafe { wasmtime::Module::deserialize(engine, self.bytes.get(range).unwrap_or_default()) }
    }
}
