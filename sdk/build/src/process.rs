//! Running other programs: a clean environment, everything captured, errors that name the program.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// What a program did.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

/// A program could not be run, or failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ProcessError {
    /// It is not there or may not be executed.
    #[error("cannot run {program}: {reason}")]
    Start {
        /// Its name or path.
        program: String,
        /// What the system said.
        reason: String,
    },
    /// It ended with a failure.
    #[error("{program} failed ({status}): {}", last_lines(stderr))]
    Failed {
        /// Its name or path.
        program: String,
        /// How it ended.
        status: String,
        /// What it wrote to standard error.
        stderr: String,
    },
    /// It took too long and was stopped.
    #[error("{program} did not finish within {seconds} seconds and was stopped")]
    TimedOut {
        /// Its name or path.
        program: String,
        /// How long it was given.
        seconds: u64,
    },
}

/// The end of a long text: what a person needs of a failed program's output.
fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let tail = lines.get(lines.len().saturating_sub(6)..).unwrap_or_default();
    if tail.is_empty() { "it said nothing".to_owned() } else { tail.join("\n") }
}

pub(crate) fn name(command: &Command) -> String {
    Path::new(command.get_program()).file_name().unwrap_or(command.get_program()).to_string_lossy().into_owned()
}

fn start_error(command: &Command, error: &std::io::Error) -> ProcessError {
    ProcessError::Start { program: command.get_program().to_string_lossy().into_owned(), reason: error.to_string() }
}

/// Runs `command` and gives what it wrote to standard output.
pub(crate) fn output(command: &mut Command) -> Result<Vec<u8>, ProcessError> {
    let finished = finish(command, &mut |_| {})?;
    if finished.status.success() {
        return Ok(finished.stdout);
    }
    Err(ProcessError::Failed { program: name(command), status: finished.status.to_string(), stderr: finished.stderr })
}

/// [`output`] as text, without the last newline.
pub(crate) fn text(command: &mut Command) -> Result<String, ProcessError> {
    Ok(String::from_utf8_lossy(&output(command)?).trim_end().to_owned())
}

/// Runs `command` to its end, whatever that is, and hands each line of standard error to `line` as it comes.
pub(crate) fn finish(command: &mut Command, line: &mut dyn FnMut(&str)) -> Result<Finished, ProcessError> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| start_error(command, &error))?;
    let mut child_stdout = child.stdout.take().expect("standard output was piped");
    let child_stderr = child.stderr.take().expect("standard error was piped");
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // A read that fails leaves what came before it; the exit status decides.
        let _ = child_stdout.read_to_end(&mut bytes);
        bytes
    });
    let mut stderr = String::new();
    let mut lines = BufReader::new(child_stderr);
    let mut bytes = Vec::new();
    while matches!(lines.read_until(b'\n', &mut bytes), Ok(count) if count > 0) {
        let text = String::from_utf8_lossy(&bytes);
        line(text.trim_end());
        stderr.push_str(&text);
        bytes.clear();
    }
    let status = child.wait().map_err(|error| start_error(command, &error))?;
    let stdout = reader.join().expect("the reading thread does not panic");
    Ok(Finished { status, stdout, stderr })
}

/// Runs `command`, but stops it after `limit`.
pub(crate) fn output_within(command: &mut Command, limit: Duration) -> Result<(), ProcessError> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| start_error(command, &error))?;
    let mut pipe = child.stderr.take().expect("standard error was piped");
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    });
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().map_err(|error| start_error(command, &error))? {
            break status;
        }
        if started.elapsed() >= limit {
            // It may have ended this instant; either way it is gone afterwards.
            let _ = child.kill();
            let _ = child.wait();
            return Err(ProcessError::TimedOut { program: name(command), seconds: limit.as_secs() });
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    let stderr = reader.join().expect("the reading thread does not panic");
    if status.success() {
        return Ok(());
    }
    Err(ProcessError::Failed { program: name(command), status: status.to_string(), stderr })
}

/// What a cargo or rustup around us set for the build of the program that is running now. None of it may reach the
/// build of a contract: bytes would depend on who started the build.
const KEPT: &[&str] = &["CARGO_HOME", "CARGO_NET_", "CARGO_HTTP_", "CARGO_REGISTR", "CARGO_SOURCE_", "CARGO_TERM_"];
const REMOVED: &[&str] = &[
    "RUSTC",
    "RUSTDOC",
    "RUSTFLAGS",
    "RUSTDOCFLAGS",
    "RUST_TARGET_PATH",
    "RUST_BACKTRACE",
    "__CARGO",
    "ESKER_CONTRACT",
    "ESKER_EMBEDDED",
];

/// A command whose environment carries no build settings of the caller.
pub(crate) fn clean(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (key, _) in std::env::vars_os() {
        let Some(text) = key.to_str() else { continue };
        let of_cargo = text.starts_with("CARGO") && !KEPT.iter().any(|kept| text.starts_with(kept));
        if of_cargo || REMOVED.iter().any(|removed| text.starts_with(removed)) {
            command.env_remove(&key);
        }
    }
    command
}

/// Finds a program: on PATH, or where rustup puts it.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> =
        std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
    if let Some(home) = std::env::var_os("CARGO_HOME") {
        folders.push(Path::new(&home).join("bin"));
    }
    if let Some(home) = std::env::var_os("HOME") {
        folders.push(Path::new(&home).join(".cargo/bin"));
    }
    folders.into_iter().map(|folder| folder.join(name)).find(|path| path.is_file())
}
