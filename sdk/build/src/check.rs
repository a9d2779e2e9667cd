//! Would the chain accept it? Answered without a chain, by the validator that decides there.

use std::fs;
use std::path::Path;

use esker_vm::abi::Limits;
use esker_vm::{RejectReason, envelope};

use crate::{Artifact, BuildError};

/// What a check found.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The raw module.
    pub wasm: Vec<u8>,
    /// `Ok` if the chain accepts the module, else why not.
    pub verdict: Result<(), RejectReason>,
}

/// Runs the validator that deploying runs.
pub(crate) fn validate(wasm: &[u8]) -> Result<(), RejectReason> {
    let limits = Limits::V1;
    let reject = |reason: String, hint| RejectReason { reason, function: None, hint };
    if wasm.len() > limits.module_bytes_max as usize {
        let hint = "Build with --opt-level z, or split the contract.";
        return Err(reject(
            format!("the module has {} bytes, the limit is {}", wasm.len(), limits.module_bytes_max),
            Some(hint),
        ));
    }
    wasmparser::Validator::new().validate_all(wasm).map(|_| ()).map_err(|error| reject(error.to_string(), None))
}

/// Checks a file: a wasm module, a deploy payload or account code as raw bytes, or an artifact's JSON.
///
/// # Errors
/// [`BuildError::Io`] if it cannot be read; [`BuildError::Module`] if it is none of these.
pub fn check(path: &Path) -> Result<Checked, BuildError> {
    let unusable = |reason: String| BuildError::Module { package: path.display().to_string(), reason };
    let bytes = fs::read(path).map_err(|source| BuildError::Io { path: path.to_owned(), source })?;
    let wasm = if bytes.starts_with(b"\0asm") {
        bytes
    } else if bytes.starts_with(&envelope::MAGIC) {
        let envelope = envelope::parse(&bytes).map_err(|error| unusable(error.to_string()))?;
        envelope.inflate().map_err(|error| unusable(error.to_string()))?
    } else if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{') {
        let artifact = Artifact::read(path).map_err(|error| unusable(error.to_string()))?;
        artifact.wasm().map_err(unusable)?
    } else {
        let reason =
            "it is neither wasm (it would begin with 00 61 73 6d), nor a deploy payload, nor an artifact's JSON";
        return Err(unusable(reason.to_owned()));
    };
    Ok(Checked { verdict: validate(&wasm), wasm })
}
