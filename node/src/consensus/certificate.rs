//! The proof that a block was decided: precommits of more than two thirds of the power.

use std::collections::BTreeSet;

use malachite::app::types::core::{CommitCertificate, NilOrVal, Validator as _, ValidatorSet as _, VoteType};

use super::context::{EskerContext, ValidatorAddress, Vote, Voters};
use super::signing::ConsensusVerifier;

pub use super::codec::{decode_certificate as decode, encode_certificate as encode};

/// A commit certificate.
pub type Certificate = CommitCertificate<EskerContext>;

/// Why a certificate proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Somebody who does not vote at this height.
    #[error("{0} is no validator at this height")]
    Unknown(ValidatorAddress),
    /// Somebody counted twice.
    #[error("{0} signed twice")]
    Twice(ValidatorAddress),
    /// A signature that is not that of the precommit.
    #[error("the signature of {0} does not verify")]
    Signature(ValidatorAddress),
    /// Two thirds of the power or less.
    #[error("only {signed} of {total} voting power signed; more than two thirds are needed")]
    Power {
        /// What signed.
        signed: u64,
        /// What there is.
        total: u64,
    },
}

/// Checks that `certificate` proves its block decided by `voters`, the set of its height.
///
/// # Errors
/// [`CertificateError`]
pub fn verify(
    certificate: &Certificate,
    voters: &Voters,
    verifier: &ConsensusVerifier,
) -> Result<(), CertificateError> {
    let (mut seen, mut signed) = (BTreeSet::new(), 0u64);
    for one in &certificate.commit_signatures {
        let voter = voters.get_by_address(&one.address).ok_or(CertificateError::Unknown(one.address))?;
        if !seen.insert(one.address) {
            return Err(CertificateError::Twice(one.address));
        }
        let vote = Vote {
            kind: VoteType::Precommit,
            height: certificate.height,
            round: certificate.round,
            value: NilOrVal::Val(certificate.value_id),
            voter: one.address,
        };
        if !verifier.verify_vote(&vote, &one.signature, voter.public_key()) {
            return Err(CertificateError::Signature(one.address));
        }
        signed = signed.saturating_add(voter.voting_power());
    }
    let total = voters.total_voting_power();
    if u128::from(signed) * 3 > u128::from(total) * 2 { Ok(()) } else { Err(CertificateError::Power { signed, total }) }
}
