//! The validator set as part of the state.

use std::sync::Arc;

use alloy_primitives::{Address, B256};
use esker_runtime::db::{Batch, MemoryStore};
use esker_runtime::genesis::{GenesisAccount, GenesisError};
use esker_runtime::state::StateDb;
use esker_runtime::validators::{TOTAL_POWER_MAX, VALIDATORS_ADDRESS, VALIDATORS_MAX, ValidatorsError};
use esker_runtime::{Genesis, PreparedBlock, Validator, validator_set};

fn validator(index: u8) -> Validator {
    Validator { address: Address::repeat_byte(index), public_key: B256::repeat_byte(index), power: u64::from(index) }
}

fn genesis(validators: Vec<Validator>) -> Genesis {
    Genesis { validators, ..Genesis::new(7, 30_000_000, 1_000) }
}

fn begin(genesis: &Genesis) -> (StateDb, B256) {
    let db = StateDb::open(Arc::new(MemoryStore::new())).expect("an empty store opens");
    let prepared = PreparedBlock::genesis(&db, genesis.build().expect("a sound genesis")).expect("an empty state");
    let hash = prepared.block().hash;
    prepared.commit(&db, Batch::new()).expect("a store in memory takes it");
    (db, hash)
}

#[test]
fn the_state_gives_back_the_set_of_the_genesis_and_the_block_hash_binds_it() {
    let set: Vec<_> = (1..=VALIDATORS_MAX).map(|index| validator(u8::try_from(index).expect("at most 100"))).collect();
    let (db, all) = begin(&genesis(set.clone()));
    assert_eq!(validator_set(&db.snapshot()), Ok(set.clone()));
    let (_, fewer) = begin(&genesis(set[1..].to_vec()));
    let (empty, none) = begin(&genesis(Vec::new()));
    assert_eq!(validator_set(&empty.snapshot()), Ok(Vec::new()));
    assert!(all != fewer && fewer != none && all != none);
}

#[test]
fn a_set_that_cannot_be_is_refused_with_its_reason() {
    let refused = |set: Vec<Validator>| match genesis(set).build() {
        Err(GenesisError::Validators(reason)) => reason,
        other => panic!("expected a refusal, got {:?}", other.map(|_| ())),
    };
    let same_key = Validator { address: Address::repeat_byte(9), ..validator(1) };
    let same_address = Validator { public_key: B256::repeat_byte(9), ..validator(1) };
    assert_eq!(refused(vec![validator(1), same_key]), ValidatorsError::SameKey(B256::repeat_byte(1)));
    assert_eq!(refused(vec![validator(1), same_address]), ValidatorsError::SameAddress(Address::repeat_byte(1)));
    assert_eq!(refused(vec![validator(1), validator(0)]), ValidatorsError::Empty(1));
    let strong = |index, power| Validator { power, ..validator(index) };
    assert_eq!(refused(vec![strong(1, TOTAL_POWER_MAX - 1), strong(2, 1)]), ValidatorsError::Power);
    assert_eq!(refused(vec![strong(1, u64::MAX), strong(2, u64::MAX)]), ValidatorsError::Power);
    let many = (1..=101).map(validator).collect();
    assert_eq!(refused(many), ValidatorsError::TooMany(101));
    let mut taken = genesis(vec![validator(1)]);
    taken.alloc.insert(VALIDATORS_ADDRESS, GenesisAccount::default());
    assert_eq!(taken.build().map(|_| ()), Err(GenesisError::SystemAccount));
}
