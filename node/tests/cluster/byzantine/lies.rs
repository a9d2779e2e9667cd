//! Blocks that are wrong.

use alloy_consensus::Header;
use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_rlp::{Decodable, Encodable};
use bytes::Bytes;

use crate::load::{Action, signed, signer};

/// What is wrong with a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    StateRoot,
    ReceiptsRoot,
    TransactionsRoot,
    GasUsed,
    GasLimit,
    BaseFee,
    Beneficiary,
    AnHourAhead,
    BeforeItsParent,
    Parent,
    Number,
    Round,
    WrongNonce,
    ForgedTransaction,
    Oversized,
    NoBlock,
    Nothing,
}

/// All of them.
pub const LIES: [Lie; 17] = [
    Lie::StateRoot,
    Lie::ReceiptsRoot,
    Lie::TransactionsRoot,
    Lie::GasUsed,
    Lie::GasLimit,
    Lie::BaseFee,
    Lie::Beneficiary,
    Lie::AnHourAhead,
    Lie::BeforeItsParent,
    Lie::Parent,
    Lie::Number,
    Lie::Round,
    Lie::WrongNonce,
    Lie::ForgedTransaction,
    Lie::Oversized,
    Lie::NoBlock,
    Lie::Nothing,
];

/// Larger than a block may be, smaller than a message may be.
const OVERSIZED_BYTES: usize = 5 << 20;

/// The block with that lie in it, and the hash by which it is proposed.
pub fn tell(lie: Lie, honest: &[u8]) -> (Bytes, B256) {
    let mut rest = honest;
    let mut fields = alloy_rlp::Header::decode_bytes(&mut rest, true).expect("a list");
    let mut header = Header::decode(&mut fields).expect("a header");
    let list = alloy_rlp::Header::decode_bytes(&mut fields, true).expect("a list");
    let mut transactions = list.to_vec();
    match lie {
        Lie::StateRoot => header.state_root = keccak256(header.state_root),
        Lie::ReceiptsRoot => header.receipts_root = keccak256(header.receipts_root),
        Lie::TransactionsRoot => header.transactions_root = keccak256(header.transactions_root),
        Lie::GasUsed => header.gas_used += 1,
        Lie::GasLimit => header.gas_limit *= 2,
        Lie::BaseFee => header.base_fee_per_gas = Some(0),
        Lie::Beneficiary => header.beneficiary = Address::repeat_byte(0x66),
        Lie::AnHourAhead => header.timestamp += 3_600,
        Lie::BeforeItsParent => header.timestamp = 0,
        Lie::Parent => header.parent_hash = keccak256(header.parent_hash),
        Lie::Number => header.number += 1,
        Lie::Round => header.extra_data = [header.extra_data.as_ref(), &[0]].concat().into(),
        Lie::WrongNonce => with_transaction(&mut header, &mut transactions, forge(1_000_000, false)),
        Lie::ForgedTransaction => with_transaction(&mut header, &mut transactions, forge(0, true)),
        Lie::Oversized => {
            transactions.clear();
            vec![7u8; OVERSIZED_BYTES].as_slice().encode(&mut transactions);
        }
        Lie::NoBlock => return (vec![0xc3, 1, 2, 3].into(), keccak256("no block")),
        Lie::Nothing => return (Bytes::new(), keccak256("nothing")),
    }
    (encode(&header, &transactions), header.hash_slow())
}

/// The RLP of a block with this list of encoded transactions.
fn encode(header: &Header, transactions: &[u8]) -> Bytes {
    let mut fields = Vec::new();
    header.encode(&mut fields);
    alloy_rlp::Header { list: true, payload_length: transactions.len() }.encode(&mut fields);
    fields.extend_from_slice(transactions);
    fields.push(alloy_rlp::EMPTY_LIST_CODE);
    let mut block = Vec::new();
    alloy_rlp::Header { list: true, payload_length: fields.len() }.encode(&mut block);
    block.extend_from_slice(&fields);
    block.into()
}

/// A transaction of account 9: with a nonce that is not the next one, or with the signature changed, which makes it that of
/// an account without coins.
fn forge(nonce: u64, changed: bool) -> Vec<u8> {
    let mut raw = signed(&signer(9), nonce, Action::transfer(Address::repeat_byte(7), 1));
    if changed && let Some(byte) = raw.last_mut() {
        *byte ^= 1;
    }
    raw
}

/// Puts one transaction into the block, alone, so that the header's root of transactions fits.
fn with_transaction(header: &mut Header, transactions: &mut Vec<u8>, raw: Vec<u8>) {
    transactions.clear();
    raw.as_slice().encode(transactions);
    header.transactions_root = alloy_consensus::proofs::ordered_trie_root_encoded(&[raw]);
    header.gas_used = 21_000;
    header.logs_bloom = Default::default();
    header.difficulty = U256::ZERO;
}
