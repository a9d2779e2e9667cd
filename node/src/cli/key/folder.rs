//! The folder in which keystores lie, one file a key.

use std::fs;
use std::path::{Path, PathBuf};

use alloy_primitives::Address;
use alloy_signer_local::PrivateKeySigner;
use clap::Args;
use serde_json::Value;

use super::super::failure::Failure;
use crate::keystore::{KeystoreError, account, file};

/// Where keystores lie.
#[derive(Args, Clone, Debug, Default)]
pub struct FolderArgs {
    /// The folder of keystores [default: .esker/keystore in the home folder]
    #[arg(long, env = "ESKER_KEYSTORE_DIR", value_name = "FOLDER")]
    pub keystore_dir: Option<PathBuf>,
}

impl FolderArgs {
    /// The folder; it need not exist.
    ///
    /// # Errors
    /// If none is named and there is no home folder.
    pub fn folder(&self) -> Result<PathBuf, Failure> {
        if let Some(folder) = &self.keystore_dir {
            return Ok(folder.clone());
        }
        let home = std::env::home_dir().filter(|home| !home.as_os_str().is_empty());
        let home = home.ok_or_else(|| {
            Failure::usage("there is no home folder to keep keys in").hint("name a folder with --keystore-dir")
        })?;
        Ok(home.join(".esker").join("keystore"))
    }
}

/// A keystore file.
#[derive(Clone, Debug)]
pub struct KeyFile {
    /// Its name: the file's, without `.json`.
    pub name: String,
    /// Its path.
    pub path: PathBuf,
    document: Value,
}

impl KeyFile {
    /// Reads a keystore: the file at that path, or the one of that name in the folder.
    ///
    /// # Errors
    /// If there is none, or it is not JSON.
    pub fn find(args: &FolderArgs, name: &str) -> Result<Self, Failure> {
        if Path::new(name).is_file() {
            return Self::read(Path::new(name));
        }
        let folder = args.folder()?;
        let candidates = [folder.join(format!("{name}.json")), folder.join(name)];
        if let Some(path) = candidates.iter().find(|path| path.is_file()) {
            return Self::read(path);
        }
        // A geth keystore is called by time and address; an address alone may name it.
        if let Ok(address) = name.parse::<Address>() {
            let fitting = list(&folder)?.into_iter().find(|file| file.address() == Ok(Some(address)));
            if let Some(file) = fitting {
                return Ok(file);
            }
        }
        let names: Vec<String> = list(&folder)?.into_iter().map(|file| file.name).collect();
        let failure = Failure::usage(format!("there is no keystore {name:?}"));
        Err(if names.is_empty() {
            failure.because(format!("{} holds none", folder.display())).hint("make one with `esker key new`")
        } else {
            failure
                .because(format!("{} holds {}", folder.display(), names.join(", ")))
                .hint("name one of these, or a file")
        })
    }

    /// Reads the keystore at `path`.
    ///
    /// # Errors
    /// If it cannot be read or is not JSON.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let text = fs::read_to_string(path)
            .map_err(|error| Failure::usage(format!("cannot read the keystore {}", path.display())).because(error))?;
        let document = serde_json::from_str(&text)
            .map_err(|error| Failure::usage(format!("{} is no keystore", path.display())).because(error))?;
        Ok(Self { name: name_of(path), path: path.to_owned(), document })
    }

    /// The address the file names.
    ///
    /// # Errors
    /// If the file is no keystore.
    pub fn address(&self) -> Result<Option<Address>, KeystoreError> {
        account::address(&self.document)
    }

    /// The key in it.
    ///
    /// # Errors
    /// If the password is wrong, or the file is no keystore.
    pub fn decrypt(&self, password: &str) -> Result<PrivateKeySigner, Failure> {
        account::decrypt(&self.document, password).map_err(|error| match error {
            KeystoreError::Password => Failure::failed(format!("the keystore {} was not opened", self.path.display()))
                .because("the password is wrong")
                .hint("try again; without the password the key cannot be recovered"),
            KeystoreError::Format(reason) => {
                Failure::usage(format!("{} is no usable keystore", self.path.display())).because(reason)
            }
        })
    }
}

fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.strip_suffix(".json").unwrap_or(&name).to_owned()
}

/// All keystores in the folder, by name. Other files are passed over; a folder that is not there holds none.
///
/// # Errors
/// If the folder cannot be read.
pub fn list(folder: &Path) -> Result<Vec<KeyFile>, Failure> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(Failure::infrastructure(format!("cannot read {}", folder.display())).because(error));
        }
    };
    let paths = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file());
    let mut files: Vec<KeyFile> =
        paths.filter_map(|path| KeyFile::read(&path).ok()).filter(|file| file.address().is_ok()).collect();
    files.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(files)
}

/// Checks that a name makes a file inside the folder.
///
/// # Errors
/// If it does not.
pub fn check_name(name: &str) -> Result<(), Failure> {
    let right = |character: char| character.is_ascii_alphanumeric() || "-_.@".contains(character);
    if name.is_empty() || name.len() > 128 || name.starts_with('.') || !name.chars().all(right) {
        return Err(Failure::usage(format!("{name:?} cannot be a key's name"))
            .because("a name has letters, digits, and - _ . @, and does not begin with a dot"));
    }
    Ok(())
}

/// Writes a new keystore: readable by its owner only, complete or not at all, never over another one.
///
/// # Errors
/// If the name is taken, or the folder cannot be written.
pub fn write_new(folder: &Path, name: &str, document: &Value) -> Result<PathBuf, Failure> {
    check_name(name)?;
    let path = folder.join(format!("{name}.json"));
    let failed = |error: &dyn std::fmt::Display| {
        Failure::infrastructure(format!("cannot write {}", path.display())).because(error).hint("nothing was stored")
    };
    file::make_private_folder(folder).map_err(|error| failed(&error))?;
    file::write_new(&path, format!("{document:#}\n").as_bytes()).map_err(|error| {
        if error.kind() == std::io::ErrorKind::AlreadyExists {
            Failure::usage(format!("there is already a keystore {name:?}"))
                .because(format!("{} exists and is never overwritten", path.display()))
                .hint("choose another name")
        } else {
            failed(&error)
        }
    })?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn files_are_private_and_never_overwritten() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let folder = home.path().join("a/b");
        let path = write_new(&folder, "me", &json!({"version": 3, "crypto": {}})).expect("the name is free");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).expect("it exists").permissions().mode() & 0o777, 0o600);
            assert_eq!(fs::metadata(&folder).expect("it exists").permissions().mode() & 0o777, 0o700);
        }
        let before = fs::read(&path).expect("readable");
        assert!(write_new(&folder, "me", &json!({})).is_err());
        assert_eq!(fs::read(&path).expect("readable"), before);
        fs::write(folder.join("note.txt"), "x").expect("writable");
        let names: Vec<String> = list(&folder).expect("readable").into_iter().map(|file| file.name).collect();
        assert_eq!(names, ["me"]);
    }

    #[test]
    fn names_stay_inside_the_folder() {
        for name in ["", "../me", "a/b", ".hidden", "a b", "ü"] {
            assert!(check_name(name).is_err(), "{name}");
        }
        assert!(check_name("alice-1_test.key@home").is_ok());
    }
}
