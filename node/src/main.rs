//! The binary `esker`; everything it does is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    esker::cli::main()
}
