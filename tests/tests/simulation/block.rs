//! What is decided about: a small block, whose validity follows from its bytes and its parent alone.

use alloy_primitives::{B256, keccak256};
use bytes::Bytes;
use esker::consensus::context::BlockHash;

use super::trace::Time;

/// Bytes of an encoded block.
const LENGTH: usize = 8 + 32 + 8 + 8 + 32;

/// A block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Number.
    pub height: u64,
    /// Hash of the block before.
    pub parent: B256,
    /// The proposer's clock, not below the parent's.
    pub time: Time,
    /// Stands for transactions.
    pub payload: u64,
    /// Stands for the state root: what "executing" the payload on the parent gives.
    pub root: B256,
}

/// What a block's validity is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parent {
    /// Number.
    pub height: u64,
    /// Hash.
    pub hash: B256,
    /// Timestamp.
    pub time: Time,
}

/// The value that stands for a block with these bytes.
pub fn hash(bytes: &[u8]) -> BlockHash {
    BlockHash(keccak256(bytes))
}

fn execute(parent: B256, payload: u64) -> B256 {
    keccak256([parent.as_slice(), &payload.to_be_bytes()].concat())
}

impl Block {
    /// A valid block.
    pub fn on(parent: &Parent, time: Time, payload: u64) -> Self {
        let root = execute(parent.hash, payload);
        Self { height: parent.height + 1, parent: parent.hash, time: time.max(parent.time), payload, root }
    }

    /// Its bytes.
    pub fn encode(&self) -> Bytes {
        let mut bytes = Vec::with_capacity(LENGTH);
        bytes.extend_from_slice(&self.height.to_be_bytes());
        bytes.extend_from_slice(self.parent.as_slice());
        bytes.extend_from_slice(&self.time.to_be_bytes());
        bytes.extend_from_slice(&self.payload.to_be_bytes());
        bytes.extend_from_slice(self.root.as_slice());
        bytes.into()
    }

    /// Reads a peer's bytes.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let number = |from: usize| Some(u64::from_be_bytes(bytes.get(from..from + 8)?.try_into().ok()?));
        let word = |from: usize| Some(B256::from_slice(bytes.get(from..from + 32)?));
        (bytes.len() == LENGTH).then_some(())?;
        Some(Self { height: number(0)?, parent: word(8)?, time: number(40)?, payload: number(48)?, root: word(56)? })
    }

    /// Whether it may follow `parent`.
    pub fn is_valid_on(&self, parent: &Parent) -> bool {
        self.height == parent.height + 1
            && self.parent == parent.hash
            && self.time >= parent.time
            && self.root == execute(self.parent, self.payload)
    }
}
