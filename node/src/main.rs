//! The binary `esker`; everything it does is in the library.

use std::process::ExitCode;

/// Over a large state, glibc's allocator takes as long as all else that a block's update does; this one does not
/// (`docs/benchmarks.md`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    esker::cli::main()
}
