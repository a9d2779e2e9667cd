//! What lies where in a home, and how a new one is written.
//!
//! ```text
//! config.toml          settings
//! genesis.json         the first block of the chain
//! founder.json         what a founder tells whoever puts the genesis together
//! keys/consensus.json  what votes are signed with, encrypted; not in a node that never validates
//! keys/operator.json   the validator's account, encrypted; likewise
//! keys/sign-state.json what was signed last; the node writes it, and nothing is signed without it
//! keys/node.key        identity on the network
//! data/                everything else that the node writes; whoever deletes it starts from the first block
//! ```

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use esker_runtime::Genesis;

use super::config::NodeConfig;
use super::error::HomeError;
use super::founder::Founder;
use super::keys::SealedKeys;
use super::network;
use crate::bounded_file;
use crate::consensus::sign_state;
use crate::keystore::file;

/// The settings.
pub const CONFIG: &str = "config.toml";
/// The first block.
pub const GENESIS: &str = "genesis.json";
/// What a founder tells the others.
pub const FOUNDER: &str = "founder.json";
/// The folder of keys.
pub const KEYS: &str = "keys";
/// What votes are signed with.
pub const CONSENSUS_KEY: &str = "keys/consensus.json";
/// The validator's account.
pub const OPERATOR_KEY: &str = "keys/operator.json";
/// What was signed last.
pub const SIGN_STATE: &str = "keys/sign-state.json";
/// Identity on the network.
pub const NODE_KEY: &str = "keys/node.key";
/// What the node writes.
pub const DATA: &str = "data";

/// Longest settings or key file that is read, in bytes.
const SMALL_FILE_BYTES_MAX: u64 = 1 << 20;
/// Longest genesis that is read, in bytes.
const GENESIS_BYTES_MAX: u64 = 1 << 28;

fn read(path: &Path, bytes_max: u64) -> Result<String, HomeError> {
    let shown = path.display();
    let bytes = bounded_file::read(path, bytes_max).map_err(|error| {
        let failure = match error.kind() {
            ErrorKind::NotFound => HomeError::invalid(format!("{shown} is missing")),
            ErrorKind::InvalidInput => {
                HomeError::invalid(format!("{shown} cannot be read")).next("name the right file")
            }
            ErrorKind::FileTooLarge => HomeError::invalid(format!("{shown} is too long")).next("name the right file"),
            _ => HomeError::system(format!("cannot read {shown}")),
        };
        failure.because(error)
    })?;
    String::from_utf8(bytes).map_err(|error| HomeError::invalid(format!("{shown} is no text")).because(error))
}

/// Reads a small file of settings.
///
/// # Errors
/// If it cannot be read, is too long, or no text.
pub fn read_settings(path: &Path) -> Result<String, HomeError> {
    read(path, SMALL_FILE_BYTES_MAX)
}

/// Reads a genesis.
pub(super) fn read_genesis_text(path: &Path) -> Result<String, HomeError> {
    read(path, GENESIS_BYTES_MAX)
}

/// Reads a file that its owner only may read, and refuses one that others may.
pub(super) fn read_secret(path: &Path) -> Result<String, HomeError> {
    check_private(path)?;
    read(path, SMALL_FILE_BYTES_MAX)
}

/// Refuses a file that others than its owner may read. One that is not there is for its reader to report.
///
/// # Errors
/// What to change.
pub fn check_private(path: &Path) -> Result<(), HomeError> {
    if path.is_dir() {
        return Err(HomeError::invalid(format!("{} is a folder, and should be a file", path.display())));
    }
    match file::exposure(path) {
        Ok(mode) if mode != 0 => Err(HomeError::invalid(format!("{} is not private", path.display()))
            .because("others than its owner may read or change it")
            .next(format!("run `chmod 600 {}`, and think of who may have read it already", path.display()))),
        _ => Ok(()),
    }
}

/// The path as text, which files and answers need.
pub(super) fn utf8(path: &Path) -> Result<&str, HomeError> {
    path.to_str().ok_or_else(|| HomeError::invalid(format!("the path {} is no UTF-8 text", path.display())))
}

/// What a new home holds.
#[derive(Clone, Debug)]
pub struct NewHome<'a> {
    /// Its settings.
    pub config: &'a NodeConfig,
    /// Its chain; a founder's home gets it later.
    pub genesis: Option<&'a Genesis>,
    /// What the node tells the other founders.
    pub founder: Option<&'a Founder>,
    /// The keys of a validator.
    pub keys: Option<&'a SealedKeys>,
    /// The seed of its identity on the network.
    pub node_key: [u8; 32],
    /// A password to be kept in the file that the settings name.
    pub password: Option<&'a str>,
}

impl NewHome<'_> {
    /// Makes the home, in a folder that is empty or not there; what cannot be completed is taken away again.
    ///
    /// # Errors
    /// If the folder is not empty, or cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), HomeError> {
        utf8(path)?;
        let mut draft = Draft::begin(path)?;
        self.fill(&mut draft, Path::new(""))?;
        draft.keep();
        Ok(())
    }

    /// Writes the home's files into the folder `below` of a draft.
    pub(super) fn fill(&self, draft: &mut Draft, below: &Path) -> Result<(), HomeError> {
        draft.folder(&below.join(KEYS))?;
        draft.file(&below.join(NODE_KEY), &format!("{}\n", hex::encode(self.node_key)))?;
        if let Some(keys) = self.keys {
            draft.file(&below.join(CONSENSUS_KEY), &format!("{:#}\n", keys.consensus))?;
            draft.file(&below.join(OPERATOR_KEY), &format!("{:#}\n", keys.operator))?;
            draft.file(&below.join(SIGN_STATE), &sign_state::fresh())?;
        }
        if let (Some(password), Some(name)) = (self.password, &self.config.password_file) {
            draft.file(&below.join(name), &format!("{password}\n"))?;
        }
        if let Some(genesis) = self.genesis {
            draft.file(&below.join(GENESIS), &network::genesis_text(genesis))?;
        }
        if let Some(founder) = self.founder {
            draft.file(&below.join(FOUNDER), &founder.text())?;
        }
        let config = self.config.to_toml().map_err(HomeError::invalid)?;
        // Last: what has settings is whole.
        draft.file(&below.join(CONFIG), &config)
    }
}

/// A folder in the making: dropped before it is kept, it leaves what was there before.
#[derive(Debug)]
pub(super) struct Draft {
    root: PathBuf,
    is_new: bool,
    made: Vec<PathBuf>,
}

impl Draft {
    /// Takes a folder that is empty or not there.
    pub(super) fn begin(root: &Path) -> Result<Self, HomeError> {
        let is_new = match fs::read_dir(root) {
            Ok(entries) => {
                // A fresh file system has a folder of its own.
                let other = entries.flatten().find(|entry| entry.file_name() != "lost+found");
                if let Some(other) = other {
                    return Err(HomeError::invalid(format!("{} is not empty", root.display()))
                        .because(format!("it holds {:?}, and nothing is ever overwritten", other.file_name()))
                        .next("name a new folder; if the old one is of no use, move it away (the keys in it cannot be made again)"));
                }
                false
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
            Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => {
                return Err(HomeError::invalid(format!("{} is no folder", root.display())).next("name a new folder"));
            }
            Err(error) => {
                return Err(HomeError::system(format!("cannot read {}", root.display())).because(error));
            }
        };
        file::make_private_folder(root).map_err(|error| HomeError::unwritable(root, &error))?;
        Ok(Self { root: root.to_owned(), is_new, made: Vec::new() })
    }

    /// Makes a folder in it.
    pub(super) fn folder(&mut self, name: &Path) -> Result<(), HomeError> {
        let path = self.root.join(name);
        self.remember(name);
        file::make_private_folder(&path).map_err(|error| HomeError::unwritable(&path, &error))
    }

    /// Writes a file in it, for its owner only.
    pub(super) fn file(&mut self, name: &Path, content: &str) -> Result<(), HomeError> {
        let path = self.root.join(name);
        self.remember(name);
        file::write_new(&path, content.as_bytes()).map_err(|error| HomeError::unwritable(&path, &error))
    }

    /// Leaves everything where it is.
    pub(super) fn keep(mut self) {
        self.made.clear();
        self.is_new = false;
    }

    fn remember(&mut self, name: &Path) {
        if let Some(top) = name.components().next() {
            let top = self.root.join(top);
            if !self.made.contains(&top) {
                self.made.push(top);
            }
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // The reason for giving up is told already; what cannot be removed cannot be helped.
        for path in &self.made {
            let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        }
        if self.is_new {
            let _ = fs::remove_dir(&self.root);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_that_is_given_up_leaves_nothing() {
        let place = tempfile::tempdir().expect("a temporary folder");
        let root = place.path().join("home");
        let mut draft = Draft::begin(&root).expect("the name is free");
        draft.folder(Path::new("keys")).expect("writable");
        draft.file(Path::new("keys/a"), "1").expect("writable");
        draft.file(Path::new("b"), "2").expect("writable");
        assert!(draft.file(Path::new("b"), "3").is_err(), "nothing is overwritten");
        assert!(draft.file(Path::new("absent/c"), "4").is_err());
        drop(draft);
        assert!(!root.exists());

        fs::create_dir_all(root.join("lost+found")).expect("writable");
        let mut draft = Draft::begin(&root).expect("what a file system puts there does not count");
        draft.file(Path::new("b"), "2").expect("writable");
        drop(draft);
        assert!(root.join("lost+found").exists() && !root.join("b").exists());
        let mut draft = Draft::begin(&root).expect("empty again");
        draft.file(Path::new("b"), "2").expect("writable");
        draft.keep();
        assert_eq!(fs::read_to_string(root.join("b")).expect("kept"), "2");
    }

    #[test]
    fn folders_with_something_in_them_are_refused() {
        let place = tempfile::tempdir().expect("a temporary folder");
        let path = place.path().join("note");
        fs::write(&path, "x").expect("writable");
        let error = Draft::begin(place.path()).expect_err("not empty").to_string();
        assert!(error.contains("is not empty") && error.contains("note") && error.contains("move it away"), "{error}");
        let error = Draft::begin(&path).expect_err("a file").to_string();
        assert!(error.contains("is no folder"), "{error}");
        assert_eq!(fs::read_to_string(&path).expect("untouched"), "x");
    }
}
