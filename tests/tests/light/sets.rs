//! Validator sets under a state root: of one, of a hundred, and such as are none.

use alloy_primitives::{Address, B256, U256};
use ed25519_zebra::{SigningKey, VerificationKey};
use esker_light::validators::{StoredSetError, TOTAL_POWER_MAX, ValidatorsError};
use esker_light::{SET_PROOF_BYTES_MAX, SetError, SetProof, SetProofError, Validator};

use crate::crafted::{state_with, storage, word};

/// A set of so many.
pub fn set(count: usize) -> Vec<Validator> {
    let validator = |index: usize| {
        let mut seed = [7; 32];
        seed[..8].copy_from_slice(&index.to_be_bytes());
        let public_key = B256::from(<[u8; 32]>::from(VerificationKey::from(&SigningKey::from(seed))));
        Validator { address: Address::from_word(word(index as u64 + 1)), public_key, power: index as u64 + 1 }
    };
    (0..count).map(validator).collect()
}

fn proven(root: B256, proof: &SetProof) -> Result<Vec<Validator>, SetProofError> {
    proof.verify(root, None).map(|proven| proven.set.expect("nothing is known").validators().to_vec())
}

#[test]
fn sets_of_every_size_are_proven() {
    for count in [1, 2, 3, 4, 16, 17, 63, 99, 100] {
        let set = set(count);
        let (root, proof) = state_with(&storage(&set), count);
        assert!(proof.bytes() <= SET_PROOF_BYTES_MAX / 2, "{count}: {} bytes", proof.bytes());
        assert_eq!(proven(root, &proof), Ok(set), "{count}");
        for index in 0..proof.storage.len() {
            let mut less = proof.clone();
            less.storage.remove(index);
            let error = proven(root, &less).expect_err("a node is missing");
            let is_right = matches!(error, SetProofError::Storage(_) | SetProofError::Changed);
            assert!(is_right, "{count}, node {index}: {error}");
        }
    }
}

#[test]
fn storage_that_is_no_set_is_refused() {
    let four = set(4);
    let with = |slot: u64, value: B256| {
        let mut storage = storage(&four);
        storage.insert(word(slot), value);
        storage
    };
    let off_curve = (2..).map(B256::with_last_byte).find(|key| VerificationKey::try_from(key.0).is_err());
    let rules = |error| SetProofError::Stored(StoredSetError::Rules(error));
    let cases = [
        ("no power", with(3, B256::ZERO), 4, rules(ValidatorsError::Empty(0))),
        ("no key", with(2, B256::ZERO), 4, rules(ValidatorsError::Empty(0))),
        ("no address", with(4, B256::ZERO), 4, rules(ValidatorsError::Empty(1))),
        ("a count too low to be a set", with(0, B256::ZERO), 0, SetProofError::Set(SetError::Empty)),
        ("more than a hundred", with(0, word(101)), 100, SetProofError::Stored(StoredSetError::Count)),
        (
            "more than there are numbers",
            with(0, B256::repeat_byte(0xff)),
            4,
            SetProofError::Stored(StoredSetError::Count),
        ),
        ("more than there stand", with(0, word(5)), 5, rules(ValidatorsError::Empty(4))),
        ("a long address", with(1, B256::repeat_byte(1)), 4, SetProofError::Stored(StoredSetError::Address(0))),
        (
            "a large power",
            with(3, B256::from(U256::from(1u64) << 64usize)),
            4,
            SetProofError::Stored(StoredSetError::Power(0)),
        ),
        ("all power", with(3, word(TOTAL_POWER_MAX)), 4, rules(ValidatorsError::Power)),
        ("power that wraps", with(3, word(u64::MAX)), 4, rules(ValidatorsError::Power)),
        (
            "the same address",
            with(4, four[0].address.into_word()),
            4,
            rules(ValidatorsError::SameAddress(four[0].address)),
        ),
        ("the same key", with(5, four[0].public_key), 4, rules(ValidatorsError::SameKey(four[0].public_key))),
        (
            "a key that is no point",
            with(2, off_curve.expect("half of all are none")),
            4,
            SetProofError::Set(SetError::Key(four[0].address)),
        ),
    ];
    for (name, storage, count, expected) in cases {
        let (root, mut proof) = state_with(&storage, count);
        if matches!(expected, SetProofError::Stored(StoredSetError::Count)) || count == 0 {
            // Nothing is read after the count, so nothing else may be there.
            (_, proof) = state_with(&storage, 0);
        }
        assert_eq!(proven(root, &proof), Err(expected), "{name}");
    }
}

#[test]
fn a_state_without_the_account_has_no_set() {
    let (root, proof) = state_with(&storage(&set(2)), 2);
    let empty = esker_light::trie::EMPTY_ROOT_HASH;
    assert_eq!(proven(empty, &SetProof::default()), Err(SetProofError::NoSet));
    assert!(proven(empty, &proof).is_err() && proven(root, &SetProof::default()).is_err());
}
