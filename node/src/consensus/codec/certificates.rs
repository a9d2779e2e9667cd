//! Certificates: the signatures of two thirds.

use bytes::Bytes;
use malachite::app::types::core::{
    CommitCertificate, CommitSignature, ExtendedCommitCertificate, ExtendedCommitSignature, PolkaCertificate,
    PolkaSignature, RoundCertificate, RoundCertificateType, RoundSignature,
};
use malachite_ed25519::Signature;

use super::wire::{DecodeError, Reader, Writer};
use super::{Codec, EskerCodec, SIGNATURES_MAX, Wire, codec, decode, encode};
use crate::consensus::context::{EskerContext, ValidatorAddress};

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

fn write_signatures<'a>(
    writer: &mut Writer,
    signatures: impl ExactSizeIterator<Item = (ValidatorAddress, &'a Signature)>,
) {
    writer.length(signatures.len());
    for (address, signature) in signatures {
        writer.address(address);
        writer.signature(signature);
    }
}

fn read_signatures<T>(
    reader: &mut Reader,
    new: impl Fn(ValidatorAddress, Signature) -> T,
) -> Result<Vec<T>, DecodeError> {
    reader.list("signatures", SIGNATURES_MAX, |reader| Ok(new(reader.address()?, reader.signature()?)))
}

impl Wire for CommitCertificate<EskerContext> {
    fn write(&self, writer: &mut Writer) {
        writer.height(self.height);
        writer.round(self.round);
        writer.hash(self.value_id);
        let signatures = self.commit_signatures.iter();
        write_signatures(writer, signatures.map(|signature| (signature.address, &signature.signature)));
    }

    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        Ok(Self {
            height: reader.height()?,
            round: reader.some_round()?,
            value_id: reader.hash()?,
            commit_signatures: read_signatures(reader, CommitSignature::new)?,
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
        writer.height(self.height);
        writer.round(self.round);
        writer.hash(self.value_id);
        let signatures = self.polka_signatures.iter();
        write_signatures(writer, signatures.map(|signature| (signature.address, &signature.signature)));
    }

    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        Ok(Self {
            height: reader.height()?,
            round: reader.some_round()?,
            value_id: reader.hash()?,
            polka_signatures: read_signatures(reader, PolkaSignature::new)?,
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
