//! What the tests that compile contracts share.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use esker_sdk_build::{BuildError, BuildOptions, Built, Package, ToStderr, Toolchain, ToolchainOptions, build};
use tempfile::TempDir;

/// Set to 1 where a missing compiler is a failure: by whoever relies on these tests.
const REQUIRED: &str = "ESKER_REQUIRE_COMPILER";

/// A compiler for contracts, if this machine has or gets one.
fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/bare")
}

pub fn toolchain() -> Option<&'static Toolchain> {
    static FOUND: OnceLock<Option<Toolchain>> = OnceLock::new();
    let found = FOUND.get_or_init(|| {
        let options = ToolchainOptions::from_env(env!("CARGO_MANIFEST_DIR")).expect("a cache folder");
        match Toolchain::find(&options, &ToStderr) {
            Ok(toolchain) => Some(toolchain),
            Err(error) => {
                assert!(
                    std::env::var_os(REQUIRED).is_none_or(|value| value.is_empty() || value == "0"),
                    "{REQUIRED} is set, but nothing here compiles contracts: {error}"
                );
                say(&format!("SKIPPED, all tests that compile contracts ({REQUIRED}=1 makes it a failure): {error}"));
                None
            }
        }
    });
    found.as_ref()
}

/// Straight to the stream: the test harness keeps back what a passing test prints.
pub fn say(message: &str) {
    let _ = writeln!(std::io::stderr(), "\n*** {message} ***\n");
}

pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("the fixture").map(|entry| entry.expect("an entry")) {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(path, target).expect("a copied file");
        }
    }
}

/// The fixture in a folder of its own, which the guard removes.
pub fn copied(depth: &str) -> (TempDir, PathBuf) {
    let parent = tempfile::tempdir().expect("a temporary folder");
    let folder = parent.path().join(depth);
    copy(&fixture(), &folder);
    (parent, folder)
}

pub fn edit(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).expect("a text file");
    assert!(text.contains(from), "{from:?} is not in {}", path.display());
    fs::write(path, text.replacen(from, to, 1)).expect("a written file");
}

pub fn build_in(folder: &Path, toolchain: &Toolchain, options: &BuildOptions) -> Result<Built, BuildError> {
    build(&Package::read(folder)?, toolchain, options, &ToStderr)
}
