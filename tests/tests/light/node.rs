//! What the node keeps for light clients.

use std::ops::ControlFlow;
use std::sync::Arc;

use esker::chain::{Chain, LightBlockError, memory_store, verify_chain};
use esker::snapshot::{Snapshot, export};
use esker_runtime::db::{Batch, MemoryStore, Store, keys};
use esker_runtime::state::StateDb;
use esker_runtime::validator_set;
use esker_vm::{Engine, EngineConfig};

use crate::chain::{BLOCKS, EPOCH, anchor, genesis, light, open, played, store};

#[test]
fn the_set_of_any_block_is_known() {
    for number in 0..=BLOCKS {
        let state = played().recent_state(number).expect("all are kept").state.clone();
        let expected = validator_set(&state).expect("the set is sound");
        assert_eq!(played().validators_at(number).expect("readable"), Some(expected), "block {number}");
    }
    assert_eq!(played().validators_at(BLOCKS + 1).expect("readable"), None);
    assert!(played().light_block(BLOCKS + 1, true).expect("no error").is_none());
}

#[test]
fn sets_and_their_proofs_are_kept_when_the_states_are_gone() {
    let head = played().head().block.header.number;
    let reopened = open();
    assert_eq!((head, reopened.oldest_state()), (BLOCKS, BLOCKS));
    for number in 0..=BLOCKS {
        let known = played().validators_at(number).expect("readable");
        assert_eq!(reopened.validators_at(number).expect("readable"), known, "block {number}");
        assert_eq!(reopened.light_block(number, false).expect("kept"), Some(light(number)), "block {number}");
        match reopened.light_block(number, true) {
            Ok(block) => {
                assert!(number % EPOCH == 0 || number == BLOCKS);
                assert_eq!(block, Some(anchor(number)), "block {number}");
            }
            Err(error) => {
                assert!(number % EPOCH != 0, "block {number}: {error}");
                let LightBlockError::WithinEpoch { number: found, before } = error else { panic!("{error}") };
                assert_eq!((found, before), (number, number / EPOCH * EPOCH));
            }
        }
    }
}

#[test]
fn a_check_of_the_store_covers_the_proofs() {
    played();
    let db = StateDb::open(store()).expect("it opens");
    let report = verify_chain(&db, &mut |_| ()).expect("readable").expect("a chain");
    assert!(report.faults.is_empty(), "{:?}", report.faults);
    // The set changes after blocks 4, 8 and 16.
    let damaged = faults_with(8, &|value| {
        *value.last_mut().expect("it holds something") ^= 1;
        true
    });
    assert!(damaged.iter().any(|fault| fault.starts_with("block 8: the proof of the validator set")), "{damaged:?}");
    let missing = |number: u64| format!("block {number}: the record of the validator set after it is missing");
    for number in [0, 12] {
        assert_eq!(faults_with(number, &|_| false), [missing(number)]);
    }
    let child = "block 20: the set after it is that of block 16, whose record is missing".to_owned();
    assert_eq!(faults_with(16, &|_| false), [child, missing(16)]);
}

/// What a check finds in a copy of the store in which the set record of block `number` is what `keep` makes of it.
fn faults_with(number: u64, keep: &dyn Fn(&mut Vec<u8>) -> bool) -> Vec<String> {
    let (copy, mut batch) = (Arc::new(MemoryStore::new()), Batch::new());
    let copied = store().scan(&[], &[], &mut |key, value| {
        let mut value = value.to_vec();
        let is_it = key[0] == keys::VALIDATOR_SET && key[1..9] == number.to_be_bytes();
        if !is_it || keep(&mut value) {
            batch.put(key, value);
        }
        ControlFlow::Continue(())
    });
    copied.and_then(|()| copy.apply(batch)).expect("memory does not fail");
    let report = verify_chain(&StateDb::open(copy).expect("it opens"), &mut |_| ());
    report.expect("readable").expect("a chain").faults
}

#[test]
fn a_node_born_of_a_snapshot_says_what_it_never_had() {
    played();
    let mut file = Vec::new();
    export(&StateDb::open(store()).expect("it opens"), &mut file, &mut |_| ()).expect("the chain is sound");
    let trusted = played().head().block.hash;
    let born = memory_store();
    let snapshot = Snapshot::read(&file[..], trusted).expect("it is the head's");
    snapshot.import(born.clone(), &mut |_| ()).expect("memory does not fail");
    // As if the chain were longer than the headers that a snapshot has.
    let mut batch = Batch::new();
    for number in 0..10u64 {
        batch.delete(keys::key(keys::HEADER, &[&number.to_be_bytes()]));
    }
    born.apply(batch).expect("memory does not fail");
    let machine = Arc::new(Engine::new(EngineConfig::default()).expect("the engine starts"));
    let chain = Chain::open_existing(born, "memory", machine).expect("the chain is whole");
    for number in [0, 4, 9] {
        for with_set in [false, true] {
            let error = chain.light_block(number, with_set).expect_err("it is gone");
            assert!(matches!(error, LightBlockError::NoBlock(found) if found == number), "{error}");
        }
    }
    let error = chain.light_block(12, false).expect_err("it has the header only");
    assert!(matches!(error, LightBlockError::NoCertificate(12)), "{error}");
    assert_eq!(chain.light_block(BLOCKS + 1, false).expect("no error"), None);
    assert_eq!(chain.light_block(BLOCKS, true).expect("it began there"), Some(anchor(BLOCKS)));
}

#[test]
fn a_chain_without_validators_has_no_sets() {
    let machine = Arc::new(Engine::new(EngineConfig::default()).expect("the engine starts"));
    let mut genesis = genesis();
    (genesis.validators, genesis.config.staking) = (Vec::new(), None);
    genesis.alloc.clear();
    let chain = Chain::open(memory_store(), &genesis, machine).expect("a new chain");
    assert_eq!(chain.validators_at(0).expect("readable"), None);
    assert!(matches!(chain.light_block(0, true), Err(LightBlockError::NoSet(0))));
    assert!(chain.light_block(0, false).expect("readable").expect("there").set_proof.is_none());
}

#[test]
fn only_the_ends_of_epochs_carry_a_set_unless_it_is_asked_for() {
    for number in 0..=BLOCKS {
        assert_eq!(light(number).set_proof.is_some(), number % EPOCH == 0, "block {number}");
        assert!(anchor(number).set_proof.is_some_and(|proof| !proof.storage.is_empty()), "block {number}");
    }
}
