//! A node's home: the folder with its settings, its chain's genesis, its keys and its data.

pub mod config;
mod error;
pub mod founder;
mod genesis_state;
pub mod keys;
pub mod layout;
pub mod network;
pub mod pace;
pub mod peer;
pub mod processes;
mod scripts;
pub mod staking;
pub mod testnet;
pub mod upgrade;

use std::path::{Path, PathBuf};

use esker_runtime::Genesis;

pub use self::config::{ConsensusConfig, GossipConfig, NodeConfig, RpcConfig};
pub use self::error::{HomeError, HomeFault};
pub use self::founder::Founder;
pub use self::keys::{ConsensusKey, SealedKeys};
pub use self::layout::NewHome;
pub use self::peer::PeerAddress;

/// An opened home: its settings and its genesis are read and checked.
#[derive(Clone, Debug)]
pub struct Home {
    /// Its folder.
    pub path: PathBuf,
    /// Its settings.
    pub config: NodeConfig,
    /// Its chain's first block.
    pub genesis: Genesis,
}

impl Home {
    /// Reads a home. Keys are not opened yet.
    ///
    /// # Errors
    /// [`HomeError`] names the file and says what to do.
    pub fn open(path: &Path) -> Result<Self, HomeError> {
        let missing = |what: String| {
            HomeError::invalid(what).next(format!("make a home with `esker init --home {}`", path.display()))
        };
        if !path.exists() {
            return Err(missing(format!("there is nothing at {}", path.display())));
        }
        let config_path = path.join(layout::CONFIG);
        if !config_path.exists() {
            return Err(missing(format!("{} is no node's home: it has no {}", path.display(), layout::CONFIG)));
        }
        let config = NodeConfig::parse(&layout::read_settings(&config_path)?).map_err(|reason| {
            HomeError::invalid(format!("{} is wrong", config_path.display()))
                .because(reason)
                .next(format!("correct {}", config_path.display()))
        })?;
        let genesis_path = path.join(layout::GENESIS);
        if !genesis_path.exists() {
            return Err(HomeError::invalid(format!("{} has no {} yet", path.display(), layout::GENESIS)).next(
                format!(
                    "get the genesis of the network from whoever puts it together, and copy it to {}",
                    genesis_path.display()
                ),
            ));
        }
        let genesis = network::read_genesis(&genesis_path)?;
        Ok(Self { path: path.to_owned(), config, genesis })
    }

    /// The folder of what the node writes; it need not exist.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.path.join(layout::DATA)
    }

    /// Where the consensus key lies; a node that never validates has none.
    #[must_use]
    pub fn consensus_key_path(&self) -> PathBuf {
        self.path.join(layout::CONSENSUS_KEY)
    }

    /// Whether there is a consensus key: also one that cannot be reached now, such as a link to where nothing is mounted.
    #[must_use]
    pub fn has_consensus_key(&self) -> bool {
        self.consensus_key_path().symlink_metadata().is_ok()
    }

    /// The password of the consensus key, if the settings name its file.
    ///
    /// # Errors
    /// If the file cannot be read, or others may read it.
    pub fn password(&self) -> Result<Option<String>, HomeError> {
        let Some(name) = &self.config.password_file else { return Ok(None) };
        let text = layout::read_secret(&self.path.join(name)).map_err(|error| {
            let next = format!("correct password_file in {}", self.path.join(layout::CONFIG).display());
            if error.next.is_some() { error } else { error.next(next) }
        })?;
        Ok(Some(text.lines().next().unwrap_or_default().to_owned()))
    }

    /// The key that votes are signed with; `None` if this node does not validate.
    ///
    /// # Errors
    /// If the password is wrong, or the file is damaged or readable by others.
    pub fn consensus_key(&self, password: &str) -> Result<Option<ConsensusKey>, HomeError> {
        let path = self.consensus_key_path();
        if !self.has_consensus_key() {
            return Ok(None);
        }
        ConsensusKey::open(&path, password).map(Some)
    }

    /// The seed of the Ed25519 key that is the node's identity on the network.
    ///
    /// # Errors
    /// If the file is missing, damaged or readable by others.
    pub fn node_key(&self) -> Result<[u8; 32], HomeError> {
        keys::open_node_key(&self.path.join(layout::NODE_KEY))
    }
}

#[cfg(test)]
mod tests;
