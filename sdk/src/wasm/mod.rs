//! What a freestanding wasm module needs: an allocator and a panic handler.

mod allocator;
mod panics;
pub mod words;

pub use allocator::{reallocate, release};
