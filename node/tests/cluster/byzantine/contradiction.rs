//! Prevotes that say nothing where the engine meant a block: with another machine of the same key, two votes in one round.

use bytes::Bytes;
use esker::consensus::codec::EskerCodec;
use esker::consensus::context::EskerContext;
use esker::consensus::domain::Domain;
use malachite::app::types::SignedConsensusMsg;
use malachite::app::types::codec::Codec;
use malachite::app::types::core::{NilOrVal, SignedMessage, VoteType};
use malachite_ed25519::PrivateKey;

/// Makes each prevote for a block one for none, signed well with this key on this chain.
pub fn contradicting(domain: Domain, key: PrivateKey) -> impl Fn(Bytes) -> Bytes + Clone {
    move |bytes| contrary(&domain, &key, &bytes).unwrap_or(bytes)
}

/// The contrary of what these bytes are, if they are a prevote for a block.
fn contrary(domain: &Domain, key: &PrivateKey, bytes: &Bytes) -> Option<Bytes> {
    let message: SignedConsensusMsg<EskerContext> = EskerCodec.decode(bytes.clone()).ok()?;
    let SignedConsensusMsg::Vote(vote) = message else { return None };
    let mut vote = vote.message;
    if vote.kind != VoteType::Prevote || vote.value == NilOrVal::Nil {
        return None;
    }
    vote.value = NilOrVal::Nil;
    println!("contradicts at height {}, {}", vote.height, vote.round);
    let signature = key.sign(&domain.vote(&vote));
    EskerCodec.encode(&SignedConsensusMsg::Vote(SignedMessage::new(vote, signature))).ok()
}
