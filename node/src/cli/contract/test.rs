//! `esker contract test`.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use esker_sdk_build::{Package, TestOptions, test};
use serde_json::json;

use super::failure;
use super::progress::Shown;
use crate::cli::answer::Answer;
use crate::cli::failure::Failure;

/// `esker contract test`.
#[derive(Args, Clone, Debug)]
pub(super) struct TestArgs {
    /// The contract's crate
    #[arg(default_value = ".")]
    path: PathBuf,

    /// Build the tests as a release: slower to compile, faster to run
    #[arg(long)]
    release: bool,

    /// Fetch no crates
    #[arg(long)]
    offline: bool,

    /// For the test programs: names of tests, --nocapture and the like
    #[arg(last = true, value_name = "ARGS")]
    arguments: Vec<String>,
}

pub(super) fn run(args: &TestArgs, json: bool) -> Result<Answer, Failure> {
    let package = Package::read(&args.path).map_err(failure)?;
    let options =
        TestOptions { release: args.release, offline: args.offline, cache: None, arguments: args.arguments.clone() };
    // cargo shows its own progress; what tests print is for a person to read.
    let mut show = |line: &str| {
        // Nobody reading is no reason to stop.
        let _ = if json { writeln!(std::io::stderr(), "{line}") } else { writeln!(std::io::stdout(), "{line}") };
    };
    let tested = test(&package, &options, &Shown::plain(), &mut show).map_err(failure)?;
    let counts = json!({"success": tested.success, "programs": tested.programs, "passed": tested.passed,
        "failed": tested.failed, "ignored": tested.ignored});
    if tested.success {
        return Ok(Answer::new(format!("{}: {} tests passed", package.name, tested.passed), counts));
    }
    let message = if tested.failed > 0 {
        format!("{} of {} tests of {} failed", tested.failed, tested.failed + tested.passed, package.name)
    } else {
        format!("the tests of {} did not compile, or did not come to an end", package.name)
    };
    let mut refused = Failure::failed(message);
    for (name, value) in counts.as_object().into_iter().flatten() {
        refused = refused.with(name, value.clone());
    }
    Err(refused)
}
