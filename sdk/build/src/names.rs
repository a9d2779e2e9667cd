//! What a module's functions are called: kept beside the artifact, since the module itself carries no names.

use std::fs;
use std::path::{Path, PathBuf};

use esker_vm::envelope;
use serde::{Deserialize, Serialize};
use sha3::{Digest, Keccak256};

use crate::{ArtifactError, Built, FunctionName};

/// The content of `NAME.names.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Names {
    /// The contract's name; not in the file, but in the file's name.
    #[serde(skip)]
    pub contract_name: String,
    /// The code hash of the module that they are the names of.
    pub code_hash: String,
    /// The functions in order of their indices.
    pub functions: Vec<FunctionName>,
}

impl Built {
    /// The names of the module's functions.
    #[must_use]
    pub fn names_file(&self) -> Names {
        Names {
            contract_name: self.artifact.contract_name.clone(),
            code_hash: self.artifact.code_hash.clone(),
            functions: self.names.clone(),
        }
    }
}

impl Names {
    /// Writes `NAME.names.json` into `folder` and gives its path.
    ///
    /// # Errors
    /// [`ArtifactError::Io`].
    pub fn write(&self, folder: &Path) -> Result<PathBuf, ArtifactError> {
        let path = folder.join(format!("{}.names.json", self.contract_name));
        let text = serde_json::to_string_pretty(self).expect("names are plain JSON") + "\n";
        fs::write(&path, text).map_err(|source| ArtifactError::Io { path: path.clone(), source })?;
        Ok(path)
    }

    /// The names beside the artifact `NAME.json`, if they are there and can be read.
    #[must_use]
    pub fn beside(artifact: &Path) -> Option<Self> {
        let name = artifact.file_name()?.to_str()?.strip_suffix(".json")?;
        let text = fs::read(artifact.with_file_name(format!("{name}.names.json"))).ok()?;
        let names: Self = serde_json::from_slice(&text).ok()?;
        Some(Self { contract_name: name.to_owned(), ..names })
    }

    /// Whether they are the names of this module, by the hash of its envelope.
    #[must_use]
    pub fn are_of(&self, wasm: &[u8]) -> bool {
        let hash = format!("0x{}", hex::encode(Keccak256::digest(envelope::encode(wasm))));
        hash.eq_ignore_ascii_case(&self.code_hash) && self.functions.is_sorted_by_key(|function| function.index)
    }
}
