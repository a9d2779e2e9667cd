//! Compiled modules, kept in memory and on disk.
//!
//! A cache never decides anything: what it holds is what compiling again would give, and whatever looks wrong in it is
//! thrown away and compiled again.

mod disk;
mod memory;

pub(crate) use disk::{DiskCache, Fingerprint};
pub(crate) use memory::MemoryCache;
