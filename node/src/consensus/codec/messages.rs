//! Votes, proposals, bodies, proofs.

use bytes::Bytes;
use malachite::app::consensus::LivenessMsg;
use malachite::app::streaming::StreamContent;
use malachite::app::types::core::{
    PolkaCertificate, RoundCertificate, SignedMessage, SignedProposal, SignedVote, ValidatorProof, Validity,
};
use malachite::app::types::streaming::{StreamId, StreamMessage};
use malachite::app::types::{ProposedValue, SignedConsensusMsg};

use super::wire::{DecodeError, Reader, Writer};
use super::{BLOCK_BYTES_MAX, Codec, EskerCodec, Wire, codec, decode, encode};
use crate::consensus::context::{EskerContext, Proposal, ProposalPart, Vote};

/// Longest stream id: height and round.
const STREAM_ID_BYTES_MAX: usize = 32;
/// Longest network identity or key.
const IDENTITY_BYTES_MAX: usize = 128;

codec!(
    ProposalPart,
    SignedConsensusMsg<EskerContext>,
    LivenessMsg<EskerContext>,
    StreamMessage<ProposalPart>,
    ValidatorProof<EskerContext>,
    ProposedValue<EskerContext>,
);

impl Wire for Vote {
    fn write(&self, writer: &mut Writer) {
        writer.vote_type(self.kind);
        writer.height(self.height);
        writer.round(self.round);
        writer.hash_or_nil(self.value);
        writer.address(self.voter);
    }

    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        Ok(Self {
            kind: reader.vote_type()?,
            height: reader.height()?,
            round: reader.some_round()?,
            value: reader.hash_or_nil()?,
            voter: reader.address()?,
        })
    }
}

impl Wire for Proposal {
    fn write(&self, writer: &mut Writer) {
        writer.height(self.height);
        writer.round(self.round);
        writer.hash(self.value);
        writer.round(self.pol_round);
        writer.address(self.proposer);
    }

    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        Ok(Self {
            height: reader.height()?,
            round: reader.some_round()?,
            value: reader.hash()?,
            pol_round: reader.round()?,
            proposer: reader.address()?,
        })
    }
}

impl<T: Wire> Wire for SignedMessage<EskerContext, T> {
    fn write(&self, writer: &mut Writer) {
        self.message.write(writer);
        writer.signature(&self.signature);
    }

    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        Ok(Self::new(T::read(reader)?, reader.signature()?))
    }
}

impl Wire for SignedConsensusMsg<EskerContext> {
    fn write(&self, writer: &mut Writer) {
        match self {
            Self::Vote(vote) => {
                writer.u8(0);
                vote.write(writer);
            }
            Self::Proposal(proposal) => {
                writer.u8(1);
                proposal.write(writer);
            }
        }
    }

    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        match reader.u8()? {
            0 => SignedVote::read(reader).map(Self::Vote),
            1 => SignedProposal::read(reader).map(Self::Proposal),
            found => Err(DecodeError::Tag { what: "a consensus message", found: found.into() }),
        }
    }
}

impl Wire for LivenessMsg<EskerContext> {
    fn write(&self, writer: &mut Writer) {
        match self {
            Self::Vote(vote) => {
                writer.u8(0);
                vote.write(writer);
            }
            Self::PolkaCertificate(certificate) => {
                writer.u8(1);
                certificate.write(writer);
            }
            Self::SkipRoundCertificate(certificate) => {
                writer.u8(2);
                certificate.write(writer);
            }
        }
    }

    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        match reader.u8()? {
            0 => SignedVote::read(reader).map(Self::Vote),
            1 => PolkaCertificate::read(reader).map(Self::PolkaCertificate),
            2 => RoundCertificate::read(reader).map(Self::SkipRoundCertificate),
            found => Err(DecodeError::Tag { what: "a liveness message", found: found.into() }),
        }
    }
}

impl Wire for ProposalPart {
    fn write(&self, writer: &mut Writer) {
        writer.height(self.height);
        writer.round(self.round);
        writer.round(self.pol_round);
        writer.address(self.proposer);
        writer.bytes(&self.block);
        writer.signature(&self.signature);
    }

    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        Ok(Self {
            height: reader.height()?,
            round: reader.some_round()?,
            pol_round: reader.round()?,
            proposer: reader.address()?,
            block: reader.bytes("a block's bytes", BLOCK_BYTES_MAX)?,
            signature: reader.signature()?,
        })
    }
}

impl Wire for StreamMessage<ProposalPart> {
    fn write(&self, writer: &mut Writer) {
        writer.bytes(&self.stream_id.to_bytes());
        writer.u64(self.sequence);
        match &self.content {
            StreamContent::Data(part) => {
                writer.u8(0);
                part.write(writer);
            }
            StreamContent::Fin => writer.u8(1),
        }
    }

    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        let stream_id = StreamId::new(reader.bytes("a stream's id", STREAM_ID_BYTES_MAX)?);
        let sequence = reader.u64()?;
        let content = match reader.u8()? {
            0 => StreamContent::Data(ProposalPart::read(reader)?),
            1 => StreamContent::Fin,
            found => return Err(DecodeError::Tag { what: "a stream's content", found: found.into() }),
        };
        Ok(Self::new(stream_id, sequence, content))
    }
}

impl Wire for ValidatorProof<EskerContext> {
    fn write(&self, writer: &mut Writer) {
        writer.bytes(&self.public_key);
        writer.bytes(&self.peer_id);
        writer.signature(&self.signature);
    }

    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        let public_key = reader.bytes("a public key's bytes", IDENTITY_BYTES_MAX)?.to_vec();
        let peer_id = reader.bytes("a peer id's bytes", IDENTITY_BYTES_MAX)?.to_vec();
        Ok(Self::new(public_key, peer_id, reader.signature()?))
    }
}

impl Wire for ProposedValue<EskerContext> {
    fn write(&self, writer: &mut Writer) {
        writer.height(self.height);
        writer.round(self.round);
        writer.round(self.valid_round);
        writer.address(self.proposer);
        writer.hash(self.value);
        writer.u8(u8::from(self.validity.is_valid()));
    }

    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        Ok(Self {
            height: reader.height()?,
            round: reader.some_round()?,
            valid_round: reader.round()?,
            proposer: reader.address()?,
            value: reader.hash()?,
            validity: match reader.u8()? {
                0 => Validity::Invalid,
                1 => Validity::Valid,
                found => return Err(DecodeError::Tag { what: "a validity", found: found.into() }),
            },
        })
    }
}
