//! Certificates: the signatures of two thirds.

use bytes::Bytes;
use esker_light::{Certificate, CertificateDecodeError, SIGNATURES_MAX};
use malachite::app::types::core::{
    CommitCertificate, CommitSignature, ExtendedCommitCertificate, ExtendedCommitSignature, PolkaCertificate,
    PolkaSignature, Round, RoundCertificate, RoundCertificateType, RoundSignature,
};
use malachite_ed25519::Signature;

use super::wire::{DecodeError, Reader, Writer};
use super::{Codec, EskerCodec, Wire, codec, decode, encode};
use crate::consensus::context::{BlockHash, EskerContext, Height, ValidatorAddress};

codec!(PolkaCertificate<EskerContext>);

/// A certificate as the store keeps it.
#[must_use]
pub fn encode_certificate(certificate: &CommitCertificate<EskerContext>) -> Bytes {
    encode(certificate)
}

/// Reads back what [`encode_certificate`] wrote.
///
/// # Errors
/// [`DecodeError`]
pub fn decode_certificate(bytes: Bytes) -> Result<CommitCertificate<EskerContext>, DecodeError> {
    decode(bytes)
}

/// Certificates of both kinds of votes have one form, which light clients know.
fn light<'a>(
    height: Height,
    round: Round,
    hash: BlockHash,
    signatures: impl Iterator<Item = (ValidatorAddress, &'a Signature)>,
) -> Certificate {
    let signature = |(address, signature): (ValidatorAddress, &Signature)| esker_light::CommitSignature {
        address: address.0,
        signature: signature.to_bytes(),
    };
    Certificate {
        height: height.0,
        // A certificate has a round.
        round: round.as_u32().unwrap_or_default(),
        hash: hash.0,
        signatures: signatures.map(signature).collect(),
    }
}

/// A commit certificate as light clients know it.
#[must_use]
pub fn light_certificate(certificate: &CommitCertificate<EskerContext>) -> Certificate {
    let signatures = certificate.commit_signatures.iter().map(|one| (one.address, &one.signature));
    light(certificate.height, certificate.round, certificate.value_id, signatures)
}

/// Each signature in the form that the engine has for it.
fn signatures<T>(certificate: &Certificate, new: impl Fn(ValidatorAddress, Signature) -> T) -> Vec<T> {
    let signature =
        |one: &esker_light::CommitSignature| new(ValidatorAddress(one.address), Signature::from_bytes(one.signature));
    certificate.signatures.iter().map(signature).collect()
}

impl Wire for Certificate {
    fn write(&self, writer: &mut Writer) {
        writer.raw(&self.encode());
    }

    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        Ok(reader.front(Self::read)?)
    }
}

impl From<CertificateDecodeError> for DecodeError {
    fn from(error: CertificateDecodeError) -> Self {
        match error {
            CertificateDecodeError::Short => Self::Short,
            CertificateDecodeError::Trailing(bytes) => Self::Trailing(bytes),
            CertificateDecodeError::Round(round) => Self::Tag { what: "a round", found: round.cast_unsigned() },
            CertificateDecodeError::TooMany(found) => Self::TooMany { what: "signatures", found, max: SIGNATURES_MAX },
        }
    }
}

impl Wire for CommitCertificate<EskerContext> {
    fn write(&self, writer: &mut Writer) {
        light_certificate(self).write(writer);
    }

    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        let certificate = <Certificate as Wire>::read(reader)?;
        Ok(Self {
            height: Height(certificate.height),
            round: Round::new(certificate.round),
            value_id: BlockHash(certificate.hash),
            commit_signatures: signatures(&certificate, CommitSignature::new),
        })
    }
}

/// The engine's form for sync has room for vote extensions, which this chain does not have: on the wire the two are alike.
impl Wire for ExtendedCommitCertificate<EskerContext> {
    fn write(&self, writer: &mut Writer) {
        self.trim_vote_extensions().write(writer);
    }

    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        CommitCertificate::read(reader).map(extended)
    }
}

/// A certificate without extensions in the engine's form for sync.
#[must_use]
pub fn extended(certificate: CommitCertificate<EskerContext>) -> ExtendedCommitCertificate<EskerContext> {
    ExtendedCommitCertificate {
        height: certificate.height,
        round: certificate.round,
        value_id: certificate.value_id,
        commit_signatures: certificate
            .commit_signatures
            .into_iter()
            .map(|signature| ExtendedCommitSignature::new(signature.address, signature.signature, None))
            .collect(),
    }
}

impl Wire for PolkaCertificate<EskerContext> {
    fn write(&self, writer: &mut Writer) {
        let signatures = self.polka_signatures.iter().map(|one| (one.address, &one.signature));
        light(self.height, self.round, self.value_id, signatures).write(writer);
    }

    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        let certificate = <Certificate as Wire>::read(reader)?;
        Ok(Self {
            height: Height(certificate.height),
            round: Round::new(certificate.round),
            value_id: BlockHash(certificate.hash),
            polka_signatures: signatures(&certificate, PolkaSignature::new),
        })
    }
}

impl Wire for RoundCertificate<EskerContext> {
    fn write(&self, writer: &mut Writer) {
        writer.height(self.height);
        writer.round(self.round);
        writer.u8(match self.cert_type {
            RoundCertificateType::Skip => 0,
            RoundCertificateType::Precommit => 1,
        });
        writer.length(self.round_signatures.len());
        for signature in &self.round_signatures {
            writer.vote_type(signature.vote_type);
            writer.hash_or_nil(signature.value_id);
            writer.address(signature.address);
            writer.signature(&signature.signature);
        }
    }

    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        Ok(Self {
            height: reader.height()?,
            round: reader.some_round()?,
            cert_type: match reader.u8()? {
                0 => RoundCertificateType::Skip,
                1 => RoundCertificateType::Precommit,
                found => return Err(DecodeError::Tag { what: "a round certificate", found: found.into() }),
            },
            round_signatures: reader.list("signatures", SIGNATURES_MAX, |reader| {
                Ok(RoundSignature::new(
                    reader.vote_type()?,
                    reader.hash_or_nil()?,
                    reader.address()?,
                    reader.signature()?,
                ))
            })?,
        })
    }
}
