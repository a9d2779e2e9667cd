//! What a test says that leaves something out. The crates' own tests include this file by its path.

use std::io::Write;

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
