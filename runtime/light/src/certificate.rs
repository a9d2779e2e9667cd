//! Commit certificates: the proof that a block was decided, as bytes and as what it proves.

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256};
use ed25519_zebra::Signature;

use crate::signing::{Domain, SignedVote};
use crate::validators::{VALIDATORS_MAX, ValidatorSet};

/// Most signatures that a certificate's bytes may have: both votes of every validator.
pub const SIGNATURES_MAX: usize = 2 * VALIDATORS_MAX;
/// Longest certificate, in bytes.
pub const CERTIFICATE_BYTES_MAX: usize = FIXED_BYTES + SIGNATURES_MAX * SIGNATURE_BYTES;

/// Height, round, hash and the number of signatures.
const FIXED_BYTES: usize = 8 + 8 + 32 + 4;
/// Address and signature.
const SIGNATURE_BYTES: usize = 20 + 64;

/// A validator's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommitSignature {
    /// Whose.
    pub address: Address,
    /// Ed25519, of the precommit.
    pub signature: [u8; 64],
}

/// Precommits for one block at one height in one round, as they travel. Nothing is checked until
/// [`Certificate::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The block's number.
    pub height: u64,
    /// The round in which it was decided.
    pub round: u32,
    /// Its hash.
    pub hash: B256,
    /// Who signed.
    pub signatures: Vec<CommitSignature>,
}

/// Why bytes are no certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateDecodeError {
    /// They end too early.
    #[error("the certificate ends too early")]
    Short,
    /// Something follows.
    #[error("{0} bytes follow the certificate")]
    Trailing(usize),
    /// A round that is none.
    #[error("{0} is no round")]
    Round(i64),
    /// More signatures than there can be.
    #[error("{0} signatures are more than {SIGNATURES_MAX}")]
    TooMany(usize),
}

/// Why a certificate proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Somebody who does not vote at this height.
    #[error("{0} is no validator at this height")]
    Unknown(Address),
    /// Somebody counted twice.
    #[error("{0} signed twice")]
    Twice(Address),
    /// A signature that is not that of the precommit.
    #[error("the signature of {0} does not verify")]
    Signature(Address),
    /// Two thirds of the power or less.
    #[error("only {signed} of {total} voting power signed; more than two thirds are needed")]
    Power {
        /// What signed.
        signed: u64,
        /// What there is.
        total: u64,
    },
}

impl Certificate {
    /// Reads a certificate that fills `bytes`.
    ///
    /// # Errors
    /// [`CertificateDecodeError`]
    pub fn decode(mut bytes: &[u8]) -> Result<Self, CertificateDecodeError> {
        let certificate = Self::read(&mut bytes)?;
        if bytes.is_empty() { Ok(certificate) } else { Err(CertificateDecodeError::Trailing(bytes.len())) }
    }

    /// Reads a certificate from the front of `bytes`, and leaves there what follows it.
    ///
    /// # Errors
    /// [`CertificateDecodeError`]
    pub fn read(bytes: &mut &[u8]) -> Result<Self, CertificateDecodeError> {
        let height = u64::from_be_bytes(take(bytes)?);
        let round = i64::from_be_bytes(take(bytes)?);
        let round = u32::try_from(round).map_err(|_| CertificateDecodeError::Round(round))?;
        let hash = take::<32>(bytes)?.into();
        let count = usize::try_from(u32::from_be_bytes(take(bytes)?)).unwrap_or(usize::MAX);
        if count > SIGNATURES_MAX {
            return Err(CertificateDecodeError::TooMany(count));
        }
        let signature = |_| Ok(CommitSignature { address: take::<20>(bytes)?.into(), signature: take(bytes)? });
        let signatures = (0..count).map(signature).collect::<Result<_, _>>()?;
        Ok(Self { height, round, hash, signatures })
    }

    /// The certificate's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(FIXED_BYTES + self.signatures.len() * SIGNATURE_BYTES);
        bytes.extend_from_slice(&self.height.to_be_bytes());
        bytes.extend_from_slice(&u64::from(self.round).to_be_bytes());
        bytes.extend_from_slice(self.hash.as_slice());
        // All counts are bounded far below 2^32.
        bytes.extend_from_slice(&u32::try_from(self.signatures.len()).unwrap_or(u32::MAX).to_be_bytes());
        for CommitSignature { address, signature } in &self.signatures {
            bytes.extend_from_slice(address.as_slice());
            bytes.extend_from_slice(signature);
        }
        bytes
    }

    /// Checks that more than two thirds of `set`, the set of its height, decided. Returns the power that signed.
    ///
    /// # Errors
    /// [`CertificateError`]: the first fault, in the order of the signatures.
    pub fn verify(&self, domain: &Domain, set: &ValidatorSet) -> Result<u64, CertificateError> {
        self.verify_with(
            domain,
            set.total_power(),
            |address| set.voter(address),
            |key, bytes, signature| key.verify(&Signature::from(*signature), bytes).is_ok(),
        )
    }

    /// As [`Certificate::verify`], for who keeps the set's keys in another form: `voter` gives a validator's power and
    /// key, and `is_signed` says whether a signature of these bytes is good under a key (Ed25519, ZIP 215).
    ///
    /// # Errors
    /// As [`Certificate::verify`].
    pub fn verify_with<K>(
        &self,
        domain: &Domain,
        total: u64,
        voter: impl Fn(Address) -> Option<(u64, K)>,
        is_signed: impl Fn(K, &[u8], &[u8; 64]) -> bool,
    ) -> Result<u64, CertificateError> {
        let (mut seen, mut signed) = (BTreeSet::new(), 0u64);
        for CommitSignature { address, signature } in &self.signatures {
            let (power, key) = voter(*address).ok_or(CertificateError::Unknown(*address))?;
            if !seen.insert(*address) {
                return Err(CertificateError::Twice(*address));
            }
            let (height, round) = (self.height, self.round.into());
            let vote = SignedVote { is_precommit: true, height, round, hash: Some(self.hash), voter: *address };
            if !is_signed(key, &domain.vote(&vote), signature) {
                return Err(CertificateError::Signature(*address));
            }
            signed = signed.saturating_add(power);
        }
        if u128::from(signed) * 3 > u128::from(total) * 2 {
            Ok(signed)
        } else {
            Err(CertificateError::Power { signed, total })
        }
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], CertificateDecodeError> {
    let (first, rest) = bytes.split_first_chunk().ok_or(CertificateDecodeError::Short)?;
    *bytes = rest;
    Ok(*first)
}
