//! The proof that a block was decided: precommits of more than two thirds of the power.

use malachite::app::types::core::{CommitCertificate, Validator as _, ValidatorSet as _};
use malachite_ed25519::{PublicKey, Signature};

use super::codec::light_certificate;
use super::context::{EskerContext, ValidatorAddress, Voters};
use super::signing::ConsensusVerifier;

pub use super::codec::{decode_certificate as decode, encode_certificate as encode};
pub use esker_light::CertificateError;

/// A commit certificate.
pub type Certificate = CommitCertificate<EskerContext>;

/// Checks that `certificate` proves its block decided by `voters`, the set of its height, with the engine's keys.
///
/// # Errors
/// [`CertificateError`]
pub fn verify(
    certificate: &Certificate,
    voters: &Voters,
    verifier: &ConsensusVerifier,
) -> Result<(), CertificateError> {
    let voter = |address| {
        let voter = voters.get_by_address(&ValidatorAddress(address))?;
        Some((voter.voting_power(), voter.public_key()))
    };
    let is_signed = |key: &PublicKey, bytes: &[u8], signature: &[u8; 64]| {
        key.verify(bytes, &Signature::from_bytes(*signature)).is_ok()
    };
    let domain = verifier.0.light();
    light_certificate(certificate).verify_with(&domain, voters.total_voting_power(), voter, is_signed).map(|_| ())
}
