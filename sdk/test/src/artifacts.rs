//! The deploy envelopes of contracts under test, built once per process.

use std::path::{Path, PathBuf};

use esker_sdk_build::{Package, ToStderr, build_once, find_contracts};

/// The envelope of the contract that the crate `library` (as rustc names it) defines. `manifest_dir` is the folder of the
/// crate under test; other contracts are looked for in its workspace.
///
/// # Panics
/// If there is no such contract or it does not build: the test cannot go on.
pub(crate) fn envelope_of(library: &str, manifest_dir: &Path) -> Vec<u8> {
    let folder = folder_of(library, manifest_dir);
    let built = build_once(&folder, &ToStderr).unwrap_or_else(|error| panic!("{library} does not build: {error}"));
    esker_vm::envelope::encode(&built.wasm)
}

fn folder_of(library: &str, manifest_dir: &Path) -> PathBuf {
    let is_wanted = |package: &Package| package.library == library;
    let own = Package::read(manifest_dir).ok().filter(is_wanted);
    let found = own.or_else(|| find_contracts(manifest_dir).ok()?.into_iter().find(is_wanted));
    let found = found.unwrap_or_else(|| {
        panic!("no contract crate {library} in the workspace of {}: is it a member?", manifest_dir.display())
    });
    found.folder().to_path_buf()
}
