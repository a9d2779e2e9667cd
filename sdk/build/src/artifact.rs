//! The artifact: one JSON file a contract, in the shape Foundry, Hardhat, viem and ethers read.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use esker_vm::abi::Limits;
use esker_vm::envelope;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Layouts, NatSpec, StorageLayout, ToolchainRecord};

/// Sizes in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// The raw module: what deploying pays for by the byte.
    pub wasm: u64,
    /// The envelope: what a deploy transaction carries and the account keeps.
    pub envelope: u64,
}

/// A built contract as tools read it.
#[derive(Clone, Debug, PartialEq)]
pub struct Artifact {
    /// The contract's name, and its file's.
    pub contract_name: String,
    /// The library's file below the workspace's root.
    pub source_name: String,
    /// The JSON ABI.
    pub abi: Value,
    /// Where its storage lies; nothing in an artifact of a build that did not say it.
    pub layouts: Option<Layouts>,
    /// What the source's documentation says of the contract and its ABI.
    pub docs: NatSpec,
    /// The envelope, 0x hex: append the constructor's arguments and send it to nobody. Also the deployed code.
    pub bytecode: String,
    /// Sizes of module and envelope.
    pub size: Size,
    /// keccak256 of the envelope: the code hash of every account that holds it.
    pub code_hash: String,
    /// What it was built with.
    pub toolchain: ToolchainRecord,
    /// Hash of the crate's own sources.
    pub source_hash: String,
    /// Hash of what it was built from beside them.
    pub dependency_hash: String,
    /// Hash of the profile and the flags. Empty in an artifact of recipe 1, which did not have it.
    pub profile_hash: String,
}

/// The file's form. `deployedBytecode` is what Hardhat and viem look for beside `bytecode`; here they are the same.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactFile {
    #[serde(rename = "_format", default)]
    format: String,
    contract_name: String,
    source_name: String,
    abi: Value,
    #[serde(flatten)]
    docs: NatSpec,
    bytecode: String,
    deployed_bytecode: String,
    size: Size,
    code_hash: String,
    toolchain: ToolchainRecord,
    source_hash: String,
    dependency_hash: String,
    #[serde(default)]
    profile_hash: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    storage_layout: Option<StorageLayout>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    transient_storage_layout: Option<StorageLayout>,
}

/// Written as `_format`.
const FORMAT: &str = "esker-artifact-1";

/// An artifact could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// The file system refused.
    #[error("cannot use {}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is no artifact.
    #[error("{} is not an Esker artifact: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Its name cannot be a file's.
    #[error("a contract cannot be called {0:?}: use letters, digits, `_` and `-`")]
    Name(String),
}

/// Whether files can be called by this contract's name: it goes into their paths.
///
/// # Errors
/// [`ArtifactError::Name`].
pub(crate) fn check_name(name: &str) -> Result<(), ArtifactError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if name.is_empty() || !name.bytes().all(plain) {
        return Err(ArtifactError::Name(name.to_owned()));
    }
    Ok(())
}

impl Artifact {
    /// The artifact's JSON, pretty, with a newline at its end.
    #[must_use]
    pub fn to_json(&self) -> String {
        let file = ArtifactFile {
            format: FORMAT.to_owned(),
            contract_name: self.contract_name.clone(),
            source_name: self.source_name.clone(),
            abi: self.abi.clone(),
            docs: self.docs.clone(),
            bytecode: self.bytecode.clone(),
            deployed_bytecode: self.bytecode.clone(),
            size: self.size,
            code_hash: self.code_hash.clone(),
            toolchain: self.toolchain.clone(),
            source_hash: self.source_hash.clone(),
            dependency_hash: self.dependency_hash.clone(),
            profile_hash: self.profile_hash.clone(),
            storage_layout: self.layouts.as_ref().map(|layouts| layouts.storage_layout.clone()),
            transient_storage_layout: self.layouts.as_ref().map(|layouts| layouts.transient_storage_layout.clone()),
        };
        let mut json = serde_json::to_string_pretty(&file).expect("an artifact is plain JSON");
        json.push('\n');
        json
    }

    /// Writes `NAME.json` into `folder`, at once or not at all, and gives its path. The folder is made if need be.
    ///
    /// # Errors
    /// [`ArtifactError::Name`] or [`ArtifactError::Io`].
    pub fn write(&self, folder: &Path) -> Result<PathBuf, ArtifactError> {
        check_name(&self.contract_name)?;
        let path = folder.join(format!("{}.json", self.contract_name));
        let failed = |source| ArtifactError::Io { path: path.clone(), source };
        fs::create_dir_all(folder).map_err(failed)?;
        write_whole(&path, &self.to_json(), 0o644).map_err(failed)?;
        Ok(path)
    }

    /// Reads an artifact.
    ///
    /// # Errors
    /// [`ArtifactError::Io`] or [`ArtifactError::Malformed`]: also when the bytecode is no envelope or its hash differs.
    pub fn read(path: &Path) -> Result<Self, ArtifactError> {
        let text = fs::read_to_string(path).map_err(|source| ArtifactError::Io { path: path.to_owned(), source })?;
        let malformed = |reason: String| ArtifactError::Malformed { path: path.to_owned(), reason };
        let file: ArtifactFile = serde_json::from_str(&text).map_err(|error| malformed(error.to_string()))?;
        let artifact = Self {
            contract_name: file.contract_name,
            source_name: file.source_name,
            abi: file.abi,
            docs: file.docs,
            bytecode: file.bytecode,
            size: file.size,
            code_hash: file.code_hash,
            toolchain: file.toolchain,
            source_hash: file.source_hash,
            dependency_hash: file.dependency_hash,
            profile_hash: file.profile_hash,
            layouts: file
                .storage_layout
                .zip(file.transient_storage_layout)
                .map(|(storage_layout, transient_storage_layout)| Layouts { storage_layout, transient_storage_layout }),
        };
        let code = artifact.code().map_err(malformed)?;
        let hash = format!("0x{}", hex::encode(<sha3::Keccak256 as sha3::Digest>::digest(&code)));
        if !hash.eq_ignore_ascii_case(&artifact.code_hash) {
            return Err(malformed(format!("its bytecode hashes to {hash}, but codeHash is {}", artifact.code_hash)));
        }
        Ok(artifact)
    }

    /// The envelope's bytes.
    ///
    /// # Errors
    /// Says what is wrong with `bytecode`.
    pub fn code(&self) -> Result<Vec<u8>, String> {
        let digits = self.bytecode.strip_prefix("0x").unwrap_or(&self.bytecode);
        hex::decode(digits).map_err(|error| format!("its bytecode is not hex: {error}"))
    }

    /// The module inside the envelope.
    ///
    /// # Errors
    /// Says what is wrong with `bytecode`.
    pub fn wasm(&self) -> Result<Vec<u8>, String> {
        envelope::decode_code(&self.code()?, Limits::V1.module_bytes_max).map_err(|error| error.to_string())
    }
}

/// Writes a file at once, with the rights of `mode`, or not at all. Several may do so at a time: each has a file of its own
/// until it is whole.
pub(crate) fn write_whole(path: &Path, text: &str, mode: u32) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    set_mode(file.as_file(), mode)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Temporary files are private; what becomes of them is not.
#[cfg(unix)]
fn set_mode(file: &fs::File, mode: u32) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn set_mode(_: &fs::File, _: u32) -> std::io::Result<()> {
    Ok(())
}
