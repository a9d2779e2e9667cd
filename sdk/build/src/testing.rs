//! Running a contract's own tests, with the carried SDK.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde::Serialize;

use crate::cache::at;
use crate::coverage::{self, Coverage, Tools};
use crate::process::{self, ProcessError};
use crate::{BuildError, CacheDir, Package, Progress, ToolchainError, ToolchainOptions, embedded};

/// How to run tests.
#[derive(Clone, Debug, Default)]
pub struct TestOptions {
    /// Build them as a release.
    pub release: bool,
    /// Fetch no crate.
    pub offline: bool,
    /// Where the SDK's sources are unpacked; if unsaid, where the environment says ([`CacheDir::from_env`]).
    pub cache: Option<CacheDir>,
    /// What the test programs are given: names of tests, `--nocapture` and the like.
    pub arguments: Vec<String>,
}

/// How tests ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tested {
    /// Whether everything compiled, ran and passed.
    pub success: bool,
    /// How many test programs ran to their end.
    pub programs: u64,
    /// Tests that passed.
    pub passed: u64,
    /// Tests that failed.
    pub failed: u64,
    /// Tests that were not asked for.
    pub ignored: u64,
}

/// Runs the package's tests with cargo, in the caller's environment, and hands each line that they print to `line`. cargo
/// itself writes to standard error.
///
/// # Errors
/// [`BuildError`] if cargo could not be run at all; tests that do not compile or do not pass are no error.
pub fn test(
    package: &Package,
    options: &TestOptions,
    progress: &dyn Progress,
    line: &mut dyn FnMut(&str),
) -> Result<Tested, BuildError> {
    let mut command = cargo_test(package, options, progress)?;
    command.arg("--").args(&options.arguments);
    run(&mut command, line)
}

/// Like [`test`], and counts which lines of the workspace's sources the tests run natively. The programs are compiled in a
/// target folder of their own.
///
/// # Errors
/// As [`test`]; [`BuildError::NoCoverage`] if LLVM's tools are missing, [`BuildError::Compile`] if tests do not compile.
pub fn test_with_coverage(
    package: &Package,
    options: &TestOptions,
    progress: &dyn Progress,
    line: &mut dyn FnMut(&str),
) -> Result<(Tested, Coverage), BuildError> {
    let tools = Tools::find(package.folder())?;
    let target_dir = package.target_dir.join("esker-coverage");
    fs::create_dir_all(&target_dir).map_err(at(&target_dir))?;
    let counts = tempfile::Builder::new().prefix("counts-").tempdir_in(&target_dir).map_err(at(&target_dir))?;
    let instrumented = |ending: &str| {
        let mut command = cargo_test(package, options, progress)?;
        coverage::instrument(&mut command, &target_dir)?;
        // One file for each process and program.
        command.env("LLVM_PROFILE_FILE", counts.path().join(format!("%p-%m.{ending}")));
        Ok::<_, BuildError>(command)
    };
    // Macros and build scripts of the workspace count as well: not of interest, hence another ending.
    let mut compile = instrumented("macros")?;
    compile.args(["--no-run", "--message-format", "json-render-diagnostics"]);
    let programs = process::output(&mut compile).map_err(|error| coverage::did_not_compile(package, error))?;
    let programs = coverage::programs(&programs);
    let mut command = instrumented("profraw")?;
    command.arg("--").args(&options.arguments);
    let tested = run(&mut command, line)?;
    Ok((tested, tools.read(package, &programs, counts.path())?))
}

/// `cargo test` for the package, up to what its programs are given.
fn cargo_test(package: &Package, options: &TestOptions, progress: &dyn Progress) -> Result<Command, BuildError> {
    let cargo = process::find_program("cargo").ok_or(ToolchainError::NoCargo)?;
    let cache = options.cache.clone().map_or_else(CacheDir::from_env, Ok)?;
    let patches = package.patches(&cache, progress)?;
    let mut command = Command::new(cargo);
    command.current_dir(package.folder()).env_remove("ESKER_CONTRACT").env_remove(embedded::VARIABLE);
    command.arg("test").arg("--manifest-path").arg(&package.manifest);
    for patch in patches {
        command.arg("--config").arg(patch);
    }
    // As on chain, whatever the manifest says.
    let profiles: &[&str] = if options.release { &["release"] } else { &["dev", "test"] };
    for profile in profiles {
        for part in ["", "package.\"*\"."] {
            command.arg("--config").arg(format!("profile.{profile}.{part}overflow-checks=true"));
        }
    }
    let offline = options.offline || ToolchainOptions::from_env(package.folder())?.offline;
    for (flag, is_wanted) in [("--release", options.release), ("--offline", offline)] {
        if is_wanted {
            command.arg(flag);
        }
    }
    Ok(command)
}

/// Runs test programs and counts what they say.
fn run(command: &mut Command, line: &mut dyn FnMut(&str)) -> Result<Tested, BuildError> {
    let program = process::name(command);
    let start = |error: std::io::Error| ProcessError::Start { program: program.clone(), reason: error.to_string() };
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map_err(start)?;
    let output = child.stdout.take().expect("standard output was piped");
    let mut tested = Tested::default();
    let mut lines = BufReader::new(output);
    let mut bytes = Vec::new();
    while matches!(lines.read_until(b'\n', &mut bytes), Ok(count) if count > 0) {
        let text = String::from_utf8_lossy(&bytes);
        tested.count(&text);
        line(text.trim_end_matches(['\r', '\n']));
        bytes.clear();
    }
    tested.success = child.wait().map_err(start)?.success();
    Ok(tested)
}

impl Tested {
    /// Adds what a test program's last line says: `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    fn count(&mut self, line: &str) {
        let Some((_, counts)) = line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". ")) else {
            return;
        };
        self.programs += 1;
        for part in counts.split("; ") {
            let Some((number, what)) = part.trim().split_once(' ') else { continue };
            let Ok(number) = number.parse::<u64>() else { continue };
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_add_up() {
        let mut tested = Tested::default();
        for line in [
            "running 3 tests",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s\n",
            "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 4 filtered out; finished in 0.01s",
        ] {
            tested.count(line);
        }
        assert_eq!(tested, Tested { success: false, programs: 2, passed: 4, failed: 2, ignored: 1 });
    }
}
