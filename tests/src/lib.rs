//! Integration tests of Esker live in this crate's `tests/` folder; this library tells them where the workspace
//! is, and holds what several of them use: the script that the determinism tests execute, a chain with staking, the
//! comparison with golden files, and the runner of the property tests.

pub mod golden;
pub mod script;
pub mod seeded;
mod skipping;
pub mod solidity;
pub mod staked;

use std::path::{Path, PathBuf};

pub use skipping::{SKIP_NOTHING, say, skipped};

/// The root of the workspace.
///
/// # Panics
/// If this crate was moved out of the workspace.
#[must_use]
pub fn workspace_root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().expect("the tests crate lies directly below the workspace root").to_path_buf()
}
