//! Importing into a folder: what is left there after a failure is nothing, or says that it is incomplete.

use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use esker_runtime::db::Store;
use esker_runtime::state::is_unfinished;

use super::{Imported, Snapshot, SnapshotError};
use crate::chain::open_state_dir;

/// Imports `snapshot` into a new store in `folder`. A store that an interrupted import left there is begun anew; anything
/// else there is refused and left as it is. If the import fails, what it has written is removed.
///
/// # Errors
/// [`SnapshotError`].
pub fn import_into<R: Read>(
    snapshot: Snapshot<R>,
    folder: &Path,
    cache_bytes: u64,
    progress: &mut dyn FnMut(u64),
) -> Result<Imported, SnapshotError> {
    let store = open(folder, cache_bytes)?;
    let imported = snapshot.import(Arc::clone(&store), progress);
    if imported.is_err() && is_unfinished(store.as_ref()).unwrap_or(false) {
        drop(store);
        // If that fails too, the folder still says that it is incomplete.
        let _ = discard(folder);
    }
    imported
}

/// The store to import into: one that an interrupted import left is put away first.
fn open(folder: &Path, cache_bytes: u64) -> Result<Arc<dyn Store>, SnapshotError> {
    remove(&discarded(folder))?;
    let store = open_state_dir(folder, cache_bytes)?;
    if !is_unfinished(store.as_ref())? {
        return Ok(store);
    }
    drop(store);
    discard(folder)?;
    Ok(open_state_dir(folder, cache_bytes)?)
}

/// Where a folder is moved before it is removed: a folder that is half removed must not keep its name.
fn discarded(folder: &Path) -> PathBuf {
    folder.with_extension("discarded")
}

fn discard(folder: &Path) -> Result<(), SnapshotError> {
    let what = "what an interrupted import left cannot be removed";
    fs::rename(folder, discarded(folder)).map_err(|error| SnapshotError::Io { what, error })?;
    remove(&discarded(folder))
}

fn remove(folder: &Path) -> Result<(), SnapshotError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(SnapshotError::Io { what: "what an interrupted import left cannot be removed", error })
        }
        _ => Ok(()),
    }
}
