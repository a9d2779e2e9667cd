//! What must hold of bytes that peers send, whatever they are. Property tests and fuzz targets share it.

use bytes::Bytes;
use esker::chain::BlockRecord;
use esker::consensus::codec::{EskerCodec, decode_certificate, encode_certificate};
use esker::consensus::context::{EskerContext, ProposalPart};
use esker::consensus::{body, certificate};
use esker::gossip::batch::{self, BatchBuilder, MESSAGE_BYTES_MAX};
use esker_runtime::{Block, ChainConfig};
use malachite::app::consensus::LivenessMsg;
use malachite::app::types::codec::{Codec, HasEncodedLen};
use malachite::app::types::core::{PolkaCertificate, ValidatorProof};
use malachite::app::types::streaming::StreamMessage;
use malachite::app::types::{ProposedValue, SignedConsensusMsg};
use malachite_sync::{Request, Response, Status};

/// Kinds of messages that [`message`] knows.
pub const MESSAGES: u8 = 11;

/// Decodes `bytes` as a message of `kind`: an error in words, or a message whose bytes are these. Says whether it is one.
pub fn message(kind: u8, bytes: &Bytes) -> bool {
    match kind % MESSAGES {
        0 => canonical::<SignedConsensusMsg<EskerContext>>(bytes).is_some(),
        1 => canonical::<LivenessMsg<EskerContext>>(bytes).is_some(),
        2 => canonical::<StreamMessage<ProposalPart>>(bytes).is_some(),
        3 => canonical::<ProposalPart>(bytes).is_some(),
        4 => canonical::<ProposedValue<EskerContext>>(bytes).is_some(),
        5 => canonical::<ValidatorProof<EskerContext>>(bytes).is_some(),
        6 => canonical::<PolkaCertificate<EskerContext>>(bytes).is_some(),
        7 => canonical::<Status<EskerContext>>(bytes).is_some(),
        8 => canonical::<Request<EskerContext>>(bytes).is_some(),
        9 => {
            let response = canonical::<Response<EskerContext>>(bytes);
            if let Some(response) = &response {
                assert_eq!(EskerCodec.encoded_len(response).ok(), Some(bytes.len()), "the length without the bytes");
            }
            response.is_some()
        }
        _ => commit_certificate(bytes),
    }
}

fn canonical<T>(bytes: &Bytes) -> Option<T>
where
    EskerCodec: Codec<T>,
{
    match Codec::<T>::decode(&EskerCodec, bytes.clone()) {
        Ok(message) => {
            let again = EskerCodec.encode(&message).unwrap_or_else(|_| panic!("what was read can be written"));
            assert_eq!(again, bytes, "decoding and encoding is the identity");
            Some(message)
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            None
        }
    }
}

fn commit_certificate(bytes: &Bytes) -> bool {
    match decode_certificate(bytes.clone()) {
        Ok(certificate) => {
            assert_eq!(encode_certificate(&certificate), bytes, "decoding and encoding is the identity");
            assert_eq!(certificate::encode(&certificate), bytes);
            true
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            false
        }
    }
}

/// Reads `bytes` as a proposed block: where both readers take them, they are the one encoding of that block. Returns it.
pub fn block(bytes: &[u8], config: &ChainConfig) -> Option<Block> {
    let (header, decoded) = (body::header(bytes), body::decode(bytes, config));
    for error in [header.as_ref().err(), decoded.as_ref().err()].into_iter().flatten() {
        assert!(!error.to_string().is_empty());
    }
    let (header, block) = (header.ok()?, decoded.ok()?);
    assert_eq!(header, block.header);
    let transactions = block.transactions.iter().cloned().map(std::sync::Arc::new).collect();
    let record = BlockRecord { hash: header.hash_slow(), header, transactions, receipts: Vec::new() };
    assert_eq!(record.encoded(), bytes, "a hash stands for all the bytes");
    Some(block)
}

/// Takes `bytes` apart as gossiped transactions: an error in words, or transactions that make up these bytes. Says how many.
pub fn gossip(bytes: &Bytes) -> usize {
    match batch::decode(bytes) {
        Ok(transactions) => {
            let round = bytes.get(1..5).and_then(|round| round.try_into().ok()).map_or(0, u32::from_be_bytes);
            let mut again = BatchBuilder::new(round, MESSAGE_BYTES_MAX);
            for transaction in &transactions {
                assert!(again.push(transaction), "what was taken out fits in");
            }
            assert_eq!(again.finish().as_ref(), Some(bytes), "decoding and encoding is the identity");
            transactions.len()
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            0
        }
    }
}
