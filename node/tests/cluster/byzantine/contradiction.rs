//! Prevotes that say nothing where the engine meant a block: with another machine of the same key, two votes in one round.

use bytes::Bytes;
use esker::consensus::codec::EskerCodec;
use esker::consensus::context::EskerContext;
use esker::consensus::domain::Domain;
use malachite::app::types::SignedConsensusMsg;
use malachite::app::types::codec::{Codec, HasEncodedLen};
use malachite::app::types::core::{NilOrVal, SignedMessage, VoteType};
use malachite_ed25519::PrivateKey;

/// The honest codec, but that each prevote for a block leaves as one for none, signed well.
#[derive(Clone)]
pub struct Contradicting {
    domain: Domain,
    key: PrivateKey,
}

impl Contradicting {
    /// Signs with this key on this chain.
    pub const fn new(domain: Domain, key: PrivateKey) -> Self {
        Self { domain, key }
    }

    /// The contrary of what these bytes are, if they are a prevote for a block.
    fn contrary(&self, bytes: &Bytes) -> Option<Bytes> {
        let message: SignedConsensusMsg<EskerContext> = EskerCodec.decode(bytes.clone()).ok()?;
        let SignedConsensusMsg::Vote(vote) = message else { return None };
        let mut vote = vote.message;
        if vote.kind != VoteType::Prevote || vote.value == NilOrVal::Nil {
            return None;
        }
        vote.value = NilOrVal::Nil;
        println!("contradicts at height {}, {}", vote.height, vote.round);
        let signature = self.key.sign(&self.domain.vote(&vote));
        EskerCodec.encode(&SignedConsensusMsg::Vote(SignedMessage::new(vote, signature))).ok()
    }
}

impl<T> Codec<T> for Contradicting
where
    EskerCodec: Codec<T>,
{
    type Error = <EskerCodec as Codec<T>>::Error;

    fn decode(&self, bytes: Bytes) -> Result<T, Self::Error> {
        EskerCodec.decode(bytes)
    }

    fn encode(&self, message: &T) -> Result<Bytes, Self::Error> {
        let bytes = EskerCodec.encode(message)?;
        Ok(self.contrary(&bytes).unwrap_or(bytes))
    }
}

impl<T> HasEncodedLen<T> for Contradicting
where
    EskerCodec: HasEncodedLen<T>,
{
    fn encoded_len(&self, message: &T) -> Result<usize, Self::Error> {
        EskerCodec.encoded_len(message)
    }
}
