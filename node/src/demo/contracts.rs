//! The demonstration's contracts: found, built, read.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use alloy_dyn_abi::{DynSolValue, JsonAbiExt};
use alloy_json_abi::JsonAbi;
use alloy_primitives::{B256, Bytes};
use esker_sdk_build::{Artifact, ArtifactError, BuildError, build_once};

use super::session::SessionError;
use super::{BuiltContract, DemoOptions, Narrator};

/// Why there are no contracts to deploy.
#[derive(Debug, thiserror::Error)]
pub enum ContractsError {
    /// No sources.
    #[error(
        "no contract sources: {} has no {missing}. Run this in a checkout of Esker, or name its contracts with --contracts",
        folder.display()
    )]
    NoSources {
        /// Where they should be.
        folder: PathBuf,
        /// A contract that is not there.
        missing: &'static str,
    },
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
    if here.join("erc20").join("Cargo.toml").is_file() {
        return here;
    }
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join("contracts")
}

/// Builds the contracts and writes their artifacts.
pub(super) fn build(options: &DemoOptions, narrator: &dyn Narrator) -> Result<Vec<Artifact>, ContractsError> {
    let names = options.scenario.contracts();
    let missing = names.iter().find(|name| !options.contracts.join(name).join("Cargo.toml").is_file());
    if let Some(missing) = missing {
        return Err(ContractsError::NoSources { folder: options.contracts.clone(), missing });
    }
    let mut artifacts = Vec::new();
    for name in names {
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
    let arguments = match abi(artifact)?.constructor {
        Some(constructor) => constructor.abi_encode_input(arguments).map_err(|error| wrong(&error))?,
        None if arguments.is_empty() => Vec::new(),
        None => return Err(SessionError::Abi(format!("{} takes no arguments", artifact.contract_name))),
    };
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
