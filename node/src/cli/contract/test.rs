//! `esker contract test`.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use esker_sdk_build::{Coverage, Package, TestOptions, test, test_with_coverage};
use serde_json::json;

use super::failure;
use super::progress::Shown;
use crate::cli::answer::{Answer, printable};
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

    /// Say which lines of the sources the tests run natively
    #[arg(long)]
    coverage: bool,

    /// Also write how often each line ran, as lcov has it
    #[arg(long, value_name = "FILE", requires = "coverage")]
    lcov: Option<PathBuf>,

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
    let (tested, coverage) = if args.coverage {
        let found = test_with_coverage(&package, &options, &Shown::plain(), &mut show).map_err(failure)?;
        (found.0, Some(found.1))
    } else {
        (test(&package, &options, &Shown::plain(), &mut show).map_err(failure)?, None)
    };
    let mut counts = json!({"success": tested.success, "programs": tested.programs, "passed": tested.passed,
        "failed": tested.failed, "ignored": tested.ignored});
    let mut text = format!("{}: {} tests passed", package.name, tested.passed);
    if let Some(coverage) = &coverage {
        if let Some(path) = &args.lcov {
            std::fs::write(path, &coverage.lcov)
                .map_err(|error| Failure::infrastructure(format!("cannot write {}", path.display())).because(error))?;
        }
        let (lines, covered) = coverage.sum();
        counts["coverage"] = json!({"lines": lines, "covered": covered, "files": coverage.files, "lcov": args.lcov});
        text = format!("{}\n\n{text}", table(coverage));
    }
    if tested.success {
        return Ok(Answer::new(text, counts));
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

/// What of each file ran, and the lines that did not.
fn table(coverage: &Coverage) -> String {
    let row = |lines: u64, covered: u64, path: &str, missed: &str| {
        // Rounded down: 100 % is all of it.
        let percent = (covered * 100).checked_div(lines).unwrap_or(100);
        let missed = if missed.is_empty() { String::new() } else { format!("  not run: {missed}") };
        format!("{percent:>4} %  {covered:>6} of {lines:>6}  {}{missed}", printable(path))
    };
    let (lines, covered) = coverage.sum();
    let mut rows = vec!["lines that the tests ran natively".to_owned()];
    rows.extend(coverage.files.iter().map(|file| row(file.lines, file.covered, &file.path, &file.missed_ranges())));
    rows.push(row(lines, covered, "all", ""));
    rows.join("\n")
}
