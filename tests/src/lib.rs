//! Integration tests of Esker live in this crate's `tests/` folder; this library only tells them where the workspace
//! and its public vectors are.

pub mod script;

use std::path::{Path, PathBuf};

/// The root of the workspace.
///
/// # Panics
/// If this crate was moved out of the workspace.
#[must_use]
pub fn workspace_root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().expect("the tests crate lies directly below the workspace root").to_path_buf()
}

/// The folder with the public test vectors: `ESKER_VECTORS`, else `../shared/vectors` beside the workspace.
///
/// Says on standard error that a test is being skipped when there is no such folder.
#[must_use]
pub fn public_vectors(what: &str) -> Option<PathBuf> {
    let root = std::env::var_os("ESKER_VECTORS")
        .map_or_else(|| workspace_root().join("..").join("shared").join("vectors"), PathBuf::from);
    let folder = root.join(what);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!(
        "SKIPPED: no public vectors at {}; set ESKER_VECTORS to the folder that holds `{what}`",
        folder.display()
    );
    None
}
