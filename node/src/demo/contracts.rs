//! The demonstration's contracts: found, built, read.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use alloy_dyn_abi::{DynSolValue, JsonAbiExt};
use alloy_json_abi::JsonAbi;
use alloy_primitives::{B256, Bytes};
use esker_sdk_build::{Artifact, ArtifactError, BuildError, build_once};

use super::session::SessionError;
use super::{BuiltContract, DemoOptions, Narrator};

/// The folders of the contracts that the demonstration needs.
const CONTRACTS: [&str; 2] = ["erc20", "erc721"];

/// Why there are no contracts to deploy.
#[derive(Debug, thiserror::Error)]
pub enum ContractsError {
    /// No sources.
    #[error(
        "no contract sources: {0} has no erc20 and erc721. Run this in a checkout of Esker, or name one with --contracts"
    )]
    NoSources(PathBuf),
    /// A build failed.
    #[error(transparent)]
    Build(#[from] Arc<BuildError>),
    /// An artifact could not be written.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
}

/// The folder with the contracts' sources: `contracts` below the current folder, else in the checkout that this program
/// was built from.
#[must_use]
pub fn find_contracts_dir() -> PathBuf {
    let here = PathBuf::from("contracts");
    if has_sources(&here) {
        return here;
    }
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join("contracts")
}

fn has_sources(folder: &Path) -> bool {
    CONTRACTS.iter().all(|name| folder.join(name).join("Cargo.toml").is_file())
}

/// Builds the contracts and writes their artifacts.
pub(super) fn build(options: &DemoOptions, narrator: &dyn Narrator) -> Result<Vec<Artifact>, ContractsError> {
    if !has_sources(&options.contracts) {
        return Err(ContractsError::NoSources(options.contracts.clone()));
    }
    let mut artifacts = Vec::new();
    for name in CONTRACTS {
        let artifact = build_once(&options.contracts.join(name), narrator)?.artifact.clone();
        let path = artifact.write(&options.artifacts)?;
        let (wasm, envelope) = (artifact.size.wasm, artifact.size.envelope);
        narrator.fact(&format!(
            "{}: {wasm} bytes of wasm, {envelope} to deploy → {}",
            artifact.contract_name,
            path.display()
        ));
        artifacts.push(artifact);
    }
    Ok(artifacts)
}

/// The artifact with this name.
pub(super) fn named<'a>(artifacts: &'a [Artifact], name: &str) -> Result<&'a Artifact, SessionError> {
    let found = artifacts.iter().find(|artifact| artifact.contract_name == name);
    found.ok_or_else(|| SessionError::Abi(format!("no contract is called {name}")))
}

/// The artifact's ABI.
pub(super) fn abi(artifact: &Artifact) -> Result<JsonAbi, SessionError> {
    serde_json::from_value(artifact.abi.clone()).map_err(|error| SessionError::Abi(error.to_string()))
}

/// Deploy payload: envelope, then the constructor's arguments.
pub(super) fn payload(artifact: &Artifact, arguments: &[DynSolValue]) -> Result<Bytes, SessionError> {
    let wrong = |error: &dyn std::fmt::Display| SessionError::Abi(error.to_string());
    let constructor = abi(artifact)?.constructor.ok_or_else(|| SessionError::Abi("there is no constructor".into()))?;
    let arguments = constructor.abi_encode_input(arguments).map_err(|error| wrong(&error))?;
    let bytecode: Bytes = artifact.bytecode.parse().map_err(|error| wrong(&error))?;
    Ok([bytecode.as_ref(), &arguments].concat().into())
}

/// What the report says of an artifact.
pub(super) fn summary(artifact: &Artifact) -> BuiltContract {
    BuiltContract {
        name: artifact.contract_name.clone(),
        wasm_bytes: artifact.size.wasm,
        envelope_bytes: artifact.size.envelope,
        code_hash: artifact.code_hash.parse().unwrap_or(B256::ZERO),
    }
}
