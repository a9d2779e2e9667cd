//! Where a state lies.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use esker_runtime::db::Store;

use crate::chain::{ChainError, open_state_dir};
use crate::cli::failure::Failure;
use crate::dev_node::STORE_FOLDER;
use crate::home::layout;

/// Bound of a store's cache, in bytes.
pub(in crate::cli) const CACHE_BYTES: u64 = 128 << 20;
/// The state directory in a node's home.
const DATA_FOLDER: &str = "data";

/// Where the state lies.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = false)]
pub(in crate::cli) struct PlaceArgs {
    /// The home of a node: its state is in DIR/data
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,
    /// A state directory, as of `esker dev --state`
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
}

impl PlaceArgs {
    /// The genesis file of the home, if it is a home and has one.
    pub(in crate::cli) fn genesis(&self) -> Option<PathBuf> {
        self.home.as_ref().map(|home| home.join(layout::GENESIS)).filter(|path| path.exists())
    }

    /// The folder of the store.
    pub(in crate::cli) fn store_folder(&self) -> PathBuf {
        let state = match (&self.home, &self.state) {
            (Some(home), _) => home.join(DATA_FOLDER),
            (None, Some(state)) => state.clone(),
            // clap wants one of them.
            (None, None) => PathBuf::new(),
        };
        state.join(STORE_FOLDER)
    }

    /// Opens the store, which must be there.
    ///
    /// # Errors
    /// If it is not, or a running node has it.
    pub(in crate::cli) fn open(&self) -> Result<Arc<dyn Store>, Failure> {
        let folder = self.store_folder();
        if !folder.is_dir() {
            let shown = folder.parent().unwrap_or(Path::new("")).display().to_string();
            return Err(ChainError::NoChain(shown).into());
        }
        open_state_dir(&folder, CACHE_BYTES).map_err(|error| ChainError::from(error).into())
    }
}
