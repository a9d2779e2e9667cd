//! Which lines of a contract its tests run: those of its native runs, counted by Rust's own instrumentation.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Serialize;

use crate::artifact::write_whole;
use crate::cache::at;
use crate::process::{self, ProcessError};
use crate::{BuildError, Package};

/// What of a file was run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileCoverage {
    /// The file, below the workspace's root.
    pub path: String,
    /// Lines with code.
    pub lines: u64,
    /// Those of them that ran.
    pub covered: u64,
    /// The numbers of the others.
    pub missed: Vec<u32>,
}

/// What of the workspace's sources was run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Its files, in order of their paths: those below a `src` folder.
    pub files: Vec<FileCoverage>,
    /// How often each line ran, as `lcov` and what reads its files have it. Paths are relative to the workspace's root.
    pub lcov: String,
}

/// The programs that read what instrumented code writes.
#[derive(Debug)]
pub(crate) struct Tools {
    profdata: PathBuf,
    cov: PathBuf,
}

impl Tools {
    /// Those of the toolchain that is active in `folder`, or that `LLVM_PROFDATA` and `LLVM_COV` name, or others of the same
    /// version of LLVM.
    ///
    /// # Errors
    /// [`BuildError::NoCoverage`] says how to get them.
    pub(crate) fn find(folder: &Path) -> Result<Self, BuildError> {
        let ask = |arguments: &[&str]| process::text(Command::new("rustc").args(arguments).current_dir(folder));
        let (sysroot, version) = (ask(&["--print", "sysroot"])?, ask(&["-vV"])?);
        let said = |key: &str| version.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default().trim();
        let own = Path::new(&sysroot).join("lib/rustlib").join(said("host:")).join("bin");
        let llvm = said("LLVM version:").split('.').next().unwrap_or_default().to_owned();
        let find = |name: &str, variable: &str| {
            let named = std::env::var_os(variable).filter(|path| !path.is_empty()).map(PathBuf::from);
            let beside = own.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
            named
                .or_else(|| beside.is_file().then_some(beside))
                .or_else(|| process::find_program(&format!("{name}-{llvm}")))
                .ok_or_else(|| BuildError::NoCoverage(format!(
                    "{name} is not there: `rustup component add llvm-tools` gets it; or set LLVM_PROFDATA and LLVM_COV to the \
                     programs of LLVM {llvm} (Debian's package llvm-{llvm} has them)"
                )))
        };
        Ok(Self { profdata: find("llvm-profdata", "LLVM_PROFDATA")?, cov: find("llvm-cov", "LLVM_COV")? })
    }

    /// What the test programs ran, of whose code the folder `raw` has the counts.
    pub(crate) fn read(&self, package: &Package, programs: &[PathBuf], raw: &Path) -> Result<Coverage, BuildError> {
        let mut counts: Vec<PathBuf> =
            fs::read_dir(raw).map_err(at(raw))?.flatten().map(|entry| entry.path()).collect();
        counts.retain(|path| path.extension().is_some_and(|name| name == "profraw"));
        counts.sort();
        let Some((first, others)) = programs.split_first().filter(|_| !counts.is_empty()) else {
            return Ok(Coverage::default());
        };
        let merged = raw.join("all.profdata");
        let mut merge = Command::new(&self.profdata);
        process::output(merge.args(["merge", "-sparse", "-o"]).arg(&merged).args(&counts))?;
        let mut export = Command::new(&self.cov);
        export.args(["export", "-format=lcov"]).arg(format!("-instr-profile={}", merged.display())).arg(first);
        for program in others {
            export.arg("-object").arg(program);
        }
        Ok(Coverage::of(&process::text(&mut export)?, &package.workspace_root))
    }
}

/// The environment that makes cargo instrument the workspace's own crates, and not what they depend on.
///
/// # Errors
/// [`BuildError::Cache`] if the wrapper cannot be written.
pub(crate) fn instrument(command: &mut Command, target_dir: &Path) -> Result<(), BuildError> {
    const FLAG: &str = "-Cinstrument-coverage";
    command.env("CARGO_TARGET_DIR", target_dir);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let runs = |path: &Path| path.metadata().is_ok_and(|found| found.permissions().mode() & 0o111 == 0o111);
        fs::create_dir_all(target_dir).map_err(at(target_dir))?;
        let wrapper = target_dir.join("instrument.sh");
        let text = format!("#!/bin/sh\nexec \"$@\" {FLAG}\n");
        if !runs(&wrapper) || !fs::read_to_string(&wrapper).is_ok_and(|found| found == text) {
            // Another's cargo may run it at any time: it is a program from the beginning.
            write_whole(&wrapper, &text, 0o755).map_err(at(&wrapper))?;
        }
        command.env("RUSTC_WORKSPACE_WRAPPER", wrapper);
    }
    // Where no script can stand between, everything is instrumented.
    #[cfg(not(unix))]
    command.env("RUSTFLAGS", format!("{} {FLAG}", std::env::var("RUSTFLAGS").unwrap_or_default()));
    Ok(())
}

/// The test programs among cargo's messages.
pub(crate) fn programs(messages: &[u8]) -> Vec<PathBuf> {
    let lines = messages.split(|&byte| byte == b'\n');
    let messages = lines.filter_map(|line| serde_json::from_slice::<serde_json::Value>(line).ok());
    let tests = messages.filter(|message| message["profile"]["test"] == true);
    tests.filter_map(|message| message["executable"].as_str().map(PathBuf::from)).collect()
}

/// A test program, cargo or a tool failed before there was anything to count.
pub(crate) fn did_not_compile(package: &Package, error: ProcessError) -> BuildError {
    match error {
        ProcessError::Failed { stderr, .. } => BuildError::Compile { package: package.name.clone(), output: stderr },
        other => other.into(),
    }
}

impl Coverage {
    /// Reads what llvm-cov exports. Of a line that several functions share, as generic ones do, the counts add up there.
    fn of(exported: &str, root: &Path) -> Self {
        let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
        let mut counts: BTreeMap<String, BTreeMap<u32, u64>> = BTreeMap::new();
        for record in exported.split("end_of_record") {
            let Some(path) = record.lines().find_map(|line| line.strip_prefix("SF:")) else { continue };
            let Some(path) = Path::new(path).strip_prefix(&root).ok().filter(|path| is_source(path)) else { continue };
            let lines = counts.entry(path.to_string_lossy().replace('\\', "/")).or_default();
            for (line, count) in record.lines().filter_map(|line| line.strip_prefix("DA:")?.split_once(',')) {
                let count = count.split(',').next().and_then(|count| count.parse::<u64>().ok());
                if let (Ok(line), Some(count)) = (line.parse(), count) {
                    let sum = lines.entry(line).or_default();
                    *sum = sum.saturating_add(count);
                }
            }
        }
        let mut lcov = String::new();
        let files = counts.into_iter().map(|(path, lines)| {
            let missed: Vec<u32> = lines.iter().filter(|(_, count)| **count == 0).map(|(line, _)| *line).collect();
            lcov.push_str(&format!("SF:{path}\n"));
            for (line, count) in &lines {
                lcov.push_str(&format!("DA:{line},{count}\n"));
            }
            let covered = (lines.len() - missed.len()) as u64;
            lcov.push_str(&format!("LF:{}\nLH:{covered}\nend_of_record\n", lines.len()));
            FileCoverage { path, lines: lines.len() as u64, covered, missed }
        });
        Self { files: files.collect(), lcov }
    }

    /// Lines with code, and those of them that ran.
    #[must_use]
    pub fn sum(&self) -> (u64, u64) {
        self.files.iter().fold((0, 0), |(lines, covered), file| (lines + file.lines, covered + file.covered))
    }
}

impl FileCoverage {
    /// The lines that did not run, in words: `3, 7-9`.
    #[must_use]
    pub fn missed_ranges(&self) -> String {
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for &line in &self.missed {
            match ranges.last_mut() {
                Some((_, last)) if *last + 1 == line => *last = line,
                _ => ranges.push((line, line)),
            }
        }
        let words = ranges.into_iter().map(|(first, last)| match first == last {
            true => first.to_string(),
            false => format!("{first}-{last}"),
        });
        words.collect::<Vec<_>>().join(", ")
    }
}

/// Whether a path below the workspace's root is a source of one of its crates: no test, nothing generated, and not the SDK.
fn is_source(path: &Path) -> bool {
    let folders: Vec<_> = path.parent().into_iter().flatten().map(|part| part.to_string_lossy()).collect();
    let is_foreign = |part: &str| part.starts_with('.') || part == "target" || part == "tests";
    folders.iter().any(|part| part == "src") && !folders.iter().any(|part| is_foreign(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_counted_and_tests_and_dependencies_are_not() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let place = root.path().canonicalize().expect("there").display().to_string();
        let exported = format!(
            "SF:{place}/src/lib.rs\nFN:1,a\nDA:3,2\nDA:4,0\nDA:5,0\nDA:9,0,x\nDA:10,1\nend_of_record\n\
             SF:{place}/tests/behaviour.rs\nDA:1,1\nend_of_record\nSF:{place}/.esker/sdk/sdk/src/lib.rs\nDA:1,1\nend_of_record\n\
             SF:/elsewhere/src/lib.rs\nDA:1,1\nend_of_record\nSF:{place}/src/lib.rs\nDA:4,7\nend_of_record\n"
        );
        let coverage = Coverage::of(&exported, root.path());
        let file = FileCoverage { path: "src/lib.rs".to_owned(), lines: 5, covered: 3, missed: vec![5, 9] };
        assert_eq!(coverage.files, [file]);
        assert_eq!(coverage.sum(), (5, 3));
        let lcov = "SF:src/lib.rs\nDA:3,2\nDA:4,7\nDA:5,0\nDA:9,0\nDA:10,1\nLF:5\nLH:3\nend_of_record\n";
        assert_eq!(coverage.lcov, lcov);
    }

    #[test]
    fn lines_that_did_not_run_are_told_in_ranges() {
        let with = |missed: &[u32]| FileCoverage { path: String::new(), lines: 0, covered: 0, missed: missed.to_vec() };
        assert_eq!(with(&[1, 3, 4, 5, 9]).missed_ranges(), "1, 3-5, 9");
        assert_eq!(with(&[]).missed_ranges(), "");
    }

    #[cfg(unix)]
    #[test]
    fn the_wrapper_is_a_program_whatever_was_left_there() {
        use std::os::unix::fs::{MetadataExt, PermissionsExt};
        let folder = tempfile::tempdir().expect("a temporary folder");
        let wrapper = folder.path().join("instrument.sh");
        let found = || wrapper.metadata().expect("it is there");
        let instrumented = || instrument(&mut Command::new("cargo"), folder.path()).expect("written");
        instrumented();
        let (first, text) = (found(), fs::read_to_string(&wrapper).expect("readable"));
        assert_eq!(first.permissions().mode() & 0o777, 0o755);
        instrumented();
        assert_eq!(found().ino(), first.ino(), "it is not written again");
        // As it lay there where a run ended between writing it and making it a program.
        fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o644)).expect("set");
        instrumented();
        assert_eq!(found().permissions().mode() & 0o777, 0o755);
        // As another's cargo runs it: the file that is there is not written to.
        fs::write(&wrapper, "#!/bin/sh\n").expect("written");
        let open = fs::File::open(&wrapper).expect("open");
        instrumented();
        assert_eq!(fs::read_to_string(&wrapper).expect("readable"), text);
        assert_eq!(std::io::read_to_string(open).expect("readable"), "#!/bin/sh\n");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }

    #[test]
    fn programs_are_the_ones_with_tests() {
        let messages = br#"{"reason":"compiler-artifact","profile":{"test":false},"executable":"/t/esker"}
{"reason":"compiler-artifact","profile":{"test":true},"executable":"/t/deps/behaviour-1"}
not json
{"reason":"compiler-artifact","profile":{"test":true},"executable":null}"#;
        assert_eq!(programs(messages), [PathBuf::from("/t/deps/behaviour-1")]);
    }
}
