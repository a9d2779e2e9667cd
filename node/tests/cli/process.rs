//! Running the binary.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

/// What the binary did.
#[derive(Debug)]
pub struct Run {
    /// Exit code; -1 if a signal ended it.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Run {
    /// Standard output as the one JSON object that it must be.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// Asserts the exit code, showing everything if it differs.
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        assert!(!self.stderr.contains("panicked"), "{self:#?}");
        self
    }
}

/// The binary with these arguments, untouched by the environment of whoever runs the tests, and with nobody to ask.
pub fn command<S: AsRef<OsStr>>(arguments: &[S]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_esker"));
    command.args(arguments).stdin(Stdio::null());
    for name in ["ESKER_RPC_URL", "ESKER_PRIVATE_KEY", "ESKER_KEYSTORE_DIR", "ESKER_KEYSTORE_PASSWORD", "RUST_LOG"] {
        command.env_remove(name);
    }
    for name in ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        command.env_remove(name);
    }
    command
}

/// Runs a prepared command to its end.
pub fn finish(command: &mut Command) -> Run {
    let output = command.output().expect("the binary was built with this test");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("the binary prints UTF-8");
    Run { code: output.status.code().unwrap_or(-1), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

/// Runs the binary with these arguments.
pub fn esker<S: AsRef<OsStr>>(arguments: &[S]) -> Run {
    finish(&mut command(arguments))
}

/// Runs the binary in a folder.
pub fn esker_in<S: AsRef<OsStr>>(folder: &Path, arguments: &[S]) -> Run {
    finish(command(arguments).current_dir(folder))
}
