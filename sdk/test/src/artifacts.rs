//! The deploy envelopes of contracts under test, built once per process.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use alloy_json_abi::JsonAbi;
use esker_sdk::abi::FunctionItem;
use esker_sdk::native::{Declared, NativeContract};
use esker_sdk_build::{BuildError, ToStderr, build_once, is_carried};
use serde::Deserialize;
use serde_json::Value;

use crate::chain::Run;
use crate::stand_in;

/// Where the codes of a chain's contracts come from.
pub(crate) struct Codes {
    /// How contracts are executed.
    pub(crate) run: Run,
    /// The folder of the crate under test.
    pub(crate) manifest_dir: PathBuf,
}

impl Codes {
    /// A contract's deploy envelope, and whether it runs natively in this run.
    ///
    /// # Panics
    /// As [`find`].
    pub(crate) fn of(&self, contract: &NativeContract) -> (Vec<u8>, bool) {
        match find(contract, &self.manifest_dir) {
            Some(envelope) => (envelope, self.run == Run::Native),
            None => {
                if self.run == Run::Wasm {
                    // Shown where the test fails, and with `--nocapture`.
                    eprintln!("{} is built to no wasm: it runs natively here too", contract.declared.name);
                }
                (stand_in::code(&path_of(contract)), true)
            }
        }
    }
}

/// A contract's crate and name: no other has both.
pub(crate) fn path_of(contract: &NativeContract) -> String {
    format!("{}::{}", contract.library, contract.declared.name)
}

/// The envelope of a contract, whose crate is looked for among everything that the crate in `manifest_dir` depends on, in
/// its workspace and outside. `None` if no crate is built to it, since it is defined in a test.
///
/// # Panics
/// If the crate does not build, or nothing on this machine compiles wasm: the test cannot go on.
fn find(contract: &NativeContract, manifest_dir: &Path) -> Option<Vec<u8>> {
    let Declared { name, abi } = contract.declared;
    let folder = libraries(manifest_dir).remove(contract.library)?;
    let built = build_once(&folder, &ToStderr).unwrap_or_else(|error| match &*error {
        BuildError::Toolchain(missing) => panic!(
            "{name} cannot be run as wasm, since nothing here compiles wasm: {missing}\nA test that ran natively only would \
             prove little, so it fails."
        ),
        error => panic!("the contract {name} in {} does not build: {error}", folder.display()),
    });
    // A contract in the unit tests of a contract's crate has that crate's name, and is not what the crate is built to.
    if selectors(&built.artifact.abi) != abi.functions.iter().map(FunctionItem::selector).collect() {
        assert!(
            built.artifact.contract_name != name,
            "{name} has other methods as wasm than in this test: is it built with other features, or are there two contracts \
             of that name?"
        );
        return None;
    }
    Some(built.artifact.code().expect("the build writes hexadecimal"))
}

/// The selectors of the functions in a JSON ABI.
fn selectors(abi: &Value) -> BTreeSet<u32> {
    let abi: JsonAbi = serde_json::from_value(abi.clone()).expect("the SDK writes ABIs that others read");
    abi.functions().map(|function| u32::from_be_bytes(function.selector().0)).collect()
}

/// The folders of all libraries that the crate in `manifest_dir` is built with, dev-dependencies included, by the names
/// that rustc knows them by. Asked of cargo once a process for each crate.
///
/// # Panics
/// If cargo cannot say it.
fn libraries(manifest_dir: &Path) -> BTreeMap<String, PathBuf> {
    static KNOWN: Mutex<BTreeMap<PathBuf, BTreeMap<String, PathBuf>>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.entry(manifest_dir.to_path_buf()).or_insert_with(|| read_libraries(manifest_dir)).clone()
}

fn read_libraries(manifest_dir: &Path) -> BTreeMap<String, PathBuf> {
    // What the test was built with is here already; what only other members of the workspace need may not be.
    let output = metadata(manifest_dir, &["--offline"]).or_else(|_| metadata(manifest_dir, &[]));
    let output = output.unwrap_or_else(|error| panic!("cargo metadata failed in {}: {error}", manifest_dir.display()));
    let metadata: Metadata = serde_json::from_slice(&output).expect("cargo's format 1 has packages");
    // What is carried is no part of a workspace that a build could write to: it runs natively, as what a test defines.
    let own = metadata.packages.into_iter().filter(|package| !is_carried(&package.manifest_path));
    let folders = own.filter_map(|package| {
        let is_library = |target: &&Target| target.kind.iter().any(|kind| kind == "cdylib");
        let library = package.targets.iter().find(is_library)?.name.replace('-', "_");
        Some((library, package.manifest_path.parent()?.to_path_buf()))
    });
    folders.collect()
}

/// What cargo knows of all packages that this machine builds the crate with.
fn metadata(manifest_dir: &Path, more: &[&str]) -> Result<Vec<u8>, String> {
    let program = |variable: &str, name: &str| std::env::var_os(variable).unwrap_or_else(|| name.into());
    let version = run(Command::new(program("RUSTC", "rustc")).arg("-vV").current_dir(manifest_dir))?;
    let version = String::from_utf8_lossy(&version);
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).ok_or("rustc -vV names no host")?;
    let arguments = ["metadata", "--format-version", "1", "--filter-platform", host];
    run(Command::new(program("CARGO", "cargo")).args(arguments).args(more).current_dir(manifest_dir))
}

/// What a program printed.
fn run(command: &mut Command) -> Result<Vec<u8>, String> {
    let shown = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{shown} could not be started: {error}"))?;
    if output.status.success() { Ok(output.stdout) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contract_outside_the_workspace_is_found() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("it is writable");
            std::fs::write(path, text).expect("it is writable");
        };
        let manifest = |name: &str, rest: &str| {
            format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n{rest}")
        };
        write("token/Cargo.toml", &manifest("far-token", "[lib]\ncrate-type = [\"cdylib\", \"rlib\"]\n"));
        write("token/src/lib.rs", "");
        write("words/Cargo.toml", &manifest("words", "[dependencies]\nfar-token = { path = \"../token\" }\n"));
        write("words/src/lib.rs", "");
        write("app/Cargo.toml", &manifest("app", "[dev-dependencies]\nwords = { path = \"../words\" }\n"));
        write("app/src/lib.rs", "");
        let found = libraries(&root.path().join("app"));
        let token = found.get("far_token").and_then(|folder| folder.file_name());
        assert_eq!(token.and_then(|name| name.to_str()), Some("token"), "{found:?}");
        assert_eq!(found.len(), 1, "words and app are no contracts: {found:?}");
    }
}
