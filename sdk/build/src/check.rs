//! Would the chain accept it? Answered without a chain, by the validator that decides there.

use std::fs;
use std::path::Path;

use esker_vm::abi::{Limits, MeterCosts};
use esker_vm::{ModuleFacts, RejectReason, envelope, prepare_module};

use crate::module::demangle;
use crate::{Artifact, BuildError};

/// What a check found.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The raw module.
    pub wasm: Vec<u8>,
    /// What the validator found out if the chain accepts the module, else why not.
    pub verdict: Result<ModuleFacts, RejectReason>,
}

/// Runs the validator that deploying runs, under the limits and costs of protocol version 1. A refusal names functions as
/// the source does.
pub(crate) fn validate(wasm: &[u8]) -> Result<ModuleFacts, RejectReason> {
    prepare_module(wasm, &Limits::V1, &MeterCosts::V1)
        .map(|module| module.facts)
        .map_err(|refusal| RejectReason { function: refusal.function.as_deref().map(demangle), ..refusal })
}

/// Checks a file: a wasm module, a deploy payload or account code as raw bytes, or an artifact's JSON.
///
/// # Errors
/// [`BuildError::Io`] if it cannot be read; [`BuildError::File`] if it is none of these.
pub fn check(path: &Path) -> Result<Checked, BuildError> {
    let unusable = |reason: String| BuildError::File { path: path.to_owned(), reason };
    let bytes = fs::read(path).map_err(|source| BuildError::Io { path: path.to_owned(), source })?;
    let wasm = if bytes.starts_with(b"\0asm") {
        bytes
    } else if bytes.starts_with(&envelope::MAGIC) {
        let refused = |reason: envelope::EnvelopeError| BuildError::Rejected {
            package: path.display().to_string(),
            reason: reason.to_string(),
        };
        let limit = Limits::V1.module_bytes_max;
        let parsed = envelope::parse(&bytes).map_err(refused)?;
        if parsed.raw_len > limit {
            return Err(refused(envelope::EnvelopeError::Oversized { expected: parsed.raw_len, limit }));
        }
        parsed.inflate().map_err(refused)?
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_of_more_than_a_module_is_not_inflated() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("payload");
        let limit = usize::try_from(Limits::V1.module_bytes_max).expect("it fits");
        // With arguments behind it, as it is deployed.
        let write = |length| fs::write(&path, [envelope::encode(&vec![0; length]), vec![7; 32]].concat());
        write(limit).expect("written");
        assert_eq!(check(&path).expect("it is inflated, and no module").wasm.len(), limit);
        write(limit + 1).expect("written");
        let error = check(&path).expect_err("it is too long");
        assert!(matches!(&error, BuildError::Rejected { .. }), "{error}");
    }
}
