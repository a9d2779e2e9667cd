//! Blocks that no correct validators make: whatever header and state are wanted, with whatever certificate.

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_consensus::Header;
use alloy_primitives::{B256, Bytes, U256};
use esker_light::{LightBlock, SetProof};
use esker_runtime::db::{Batch, MemoryStore};
use esker_runtime::state::{Account, AccountChange, ChangeSet, SlotChange, StateDb};
use esker_runtime::validators::{VALIDATORS_ADDRESS, Validator, slots};

use crate::chain::{certificate, domain, identity, played};

/// A header of the chain, to be changed.
pub fn header(number: u64) -> Header {
    played().header(number).expect("readable").expect("there")
}

/// A block with this header, certified by these validators in round 0.
pub fn certified(header: &Header, who: &[u8], set_proof: Option<SetProof>) -> LightBlock {
    let certificate = certificate(domain(&identity(played())), (header.number, 0, header.hash_slow()), who);
    LightBlock { header: alloy_rlp::encode(header).into(), certificate, set_proof }
}

/// A state in which the account of the set has this storage, whatever it is: its root, and the proof of the slots that a set
/// of `count` validators takes.
pub fn state_with(storage: &BTreeMap<B256, B256>, count: usize) -> (B256, SetProof) {
    let db = StateDb::open(Arc::new(MemoryStore::new())).expect("an empty store opens");
    let slot = |(key, value): (&B256, &B256)| (*key, SlotChange { before: B256::ZERO, after: *value });
    let change = AccountChange {
        before: None,
        after: Some(Account { nonce: 1, ..Account::default() }),
        storage: storage.iter().filter(|(_, value)| !value.is_zero()).map(slot).collect(),
    };
    let changes = ChangeSet { accounts: [(VALIDATORS_ADDRESS, change)].into(), ..ChangeSet::default() };
    let update = db.prepare(&changes, 0).expect("memory does not fail");
    let root = update.root;
    db.commit(update, Batch::new()).expect("memory does not fail");
    let proof = db.proof(VALIDATORS_ADDRESS, &slots(count).collect::<Vec<_>>()).expect("memory does not fail");
    let mut nodes: Vec<Bytes> = Vec::new();
    for node in proof.storage_proof.into_iter().flat_map(|slot| slot.proof) {
        if !nodes.contains(&node) {
            nodes.push(node);
        }
    }
    (root, SetProof { account: proof.account_proof, storage: nodes })
}

/// What the storage of this set is, whether it is a good one or not.
pub fn storage(set: &[Validator]) -> BTreeMap<B256, B256> {
    esker_light::validators::storage(set)
}

/// A number as a word.
pub fn word(number: u64) -> B256 {
    U256::from(number).into()
}
