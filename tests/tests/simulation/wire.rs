//! Everything that goes over the simulated network, as bytes: a topic, then our codec's encoding.

use bytes::{BufMut, Bytes, BytesMut};
use esker::consensus::codec::{DecodeError, EskerCodec};
use esker::consensus::context::{EskerContext, ProposalPart};
use malachite::app::consensus::LivenessMsg;
use malachite::app::types::SignedConsensusMsg;
use malachite::app::types::codec::Codec as _;
use malachite::app::types::streaming::StreamMessage;
use malachite_sync::{Request, Response, Status};

/// A message between nodes.
#[derive(Clone, Debug)]
pub enum Wire {
    /// Votes and proposals.
    Consensus(SignedConsensusMsg<EskerContext>),
    /// Votes again, certificates.
    Liveness(LivenessMsg<EskerContext>),
    /// Bodies.
    Part(StreamMessage<ProposalPart>),
    /// How far a node is.
    Status(Status<EskerContext>),
    /// Asks for decided blocks.
    Request(Request<EskerContext>),
    /// Decided blocks.
    Response(Response<EskerContext>),
    /// A transaction.
    Transaction(Bytes),
}

impl Wire {
    /// The bytes.
    pub fn encode(&self) -> Bytes {
        let (topic, body) = match self {
            Self::Consensus(message) => (0, EskerCodec.encode(message)),
            Self::Liveness(message) => (1, EskerCodec.encode(message)),
            Self::Part(message) => (2, EskerCodec.encode(message)),
            Self::Status(message) => (3, EskerCodec.encode(message)),
            Self::Request(message) => (4, EskerCodec.encode(message)),
            Self::Response(message) => (5, EskerCodec.encode(message)),
            Self::Transaction(raw) => (6, Ok(raw.clone())),
        };
        let body = body.expect("the codec encodes every message");
        let mut bytes = BytesMut::with_capacity(1 + body.len());
        bytes.put_u8(topic);
        bytes.put_slice(&body);
        bytes.freeze()
    }

    /// Reads a peer's bytes.
    pub fn decode(bytes: &Bytes) -> Result<Self, DecodeError> {
        let topic = *bytes.first().ok_or(DecodeError::Short)?;
        let body = bytes.slice(1..);
        Ok(match topic {
            0 => Self::Consensus(EskerCodec.decode(body)?),
            1 => Self::Liveness(EskerCodec.decode(body)?),
            2 => Self::Part(EskerCodec.decode(body)?),
            3 => Self::Status(EskerCodec.decode(body)?),
            4 => Self::Request(EskerCodec.decode(body)?),
            5 => Self::Response(EskerCodec.decode(body)?),
            6 => Self::Transaction(body),
            found => return Err(DecodeError::Tag { what: "a topic", found: found.into() }),
        })
    }
}
