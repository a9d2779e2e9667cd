//! Integration tests of Esker live in this crate's `tests/` folder; this library tells them where the workspace
//! is, and holds what several of them use: the script that the determinism tests execute, a chain with staking, the
//! comparison with golden files, and the runner of the property tests.

pub mod golden;
pub mod script;
pub mod seeded;
pub mod solidity;
pub mod staked;

use std::io::Write;
use std::path::{Path, PathBuf};

/// The root of the workspace.
///
/// # Panics
/// If this crate was moved out of the workspace.
#[must_use]
pub fn workspace_root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().expect("the tests crate lies directly below the workspace root").to_path_buf()
}

/// The environment variable that makes a failure of what would be skipped.
pub const SKIP_NOTHING: &str = "ESKER_SKIP_NOTHING";

/// Says loudly that something was not tested, and why.
///
/// # Panics
/// If [`SKIP_NOTHING`] is set to anything: then nothing may be left out.
pub fn skipped(message: &str) {
    let is_failure = std::env::var_os(SKIP_NOTHING).is_some_and(|value| !value.is_empty());
    assert!(!is_failure, "{message}; {SKIP_NOTHING} says that nothing may be skipped");
    say(&format!("SKIPPED: {message}"));
}

/// Says something on standard error that nobody should overlook, as that a test was skipped: the test harness keeps back
/// what a passing test prints, but not what is written straight to the stream.
pub fn say(message: &str) {
    // Nothing depends on whether somebody listens.
    let _ = writeln!(std::io::stderr(), "\n*** {message} ***\n");
}
