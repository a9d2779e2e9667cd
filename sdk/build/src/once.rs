//! Building each crate once a process, for test kits and demos.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::{BuildError, BuildOptions, Built, Package, Progress, Toolchain, ToolchainOptions, build};

type Slot = Arc<OnceLock<Result<Arc<Built>, Arc<BuildError>>>>;

/// Builds the crate at `path` with the default options, or gives what an earlier call in this process built. Calls from
/// several threads wait for one build.
///
/// # Errors
/// The build's error, the same for every caller.
pub fn build_once(path: &Path, progress: &dyn Progress) -> Result<Arc<Built>, Arc<BuildError>> {
    static BUILDS: Mutex<BTreeMap<PathBuf, Slot>> = Mutex::new(BTreeMap::new());
    let key = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let slot = {
        let mut builds = BUILDS.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(builds.entry(key).or_default())
    };
    slot.get_or_init(|| run(path, progress).map(Arc::new).map_err(Arc::new)).clone()
}

fn run(path: &Path, progress: &dyn Progress) -> Result<Built, BuildError> {
    let package = Package::read(path)?;
    let options = ToolchainOptions::from_env(package.folder())?;
    let offline = options.offline;
    let toolchain = Toolchain::find(&options, progress)?;
    build(&package, &toolchain, &BuildOptions { offline, ..BuildOptions::default() }, progress)
}
