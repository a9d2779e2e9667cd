//! Who may vote: the validator set, as the state holds it.
//!
//! The set is part of the state, so that a block's hash says who decides about the next one. It stands in the storage of a
//! system account that no transaction can write: slot 0 holds how many there are, and validator `i` has slots `1 + 3i`
//! (address), `2 + 3i` (Ed25519 public key) and `3 + 3i` (voting power).

pub mod proposer;

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, U256, address};
use serde::{Deserialize, Serialize};

use crate::db::StoreError;
use crate::state::StateReader;

/// Whose storage holds the set.
pub const VALIDATORS_ADDRESS: Address = address!("0000000000000000000000000000000000001000");
/// Most validators of a set.
pub const VALIDATORS_MAX: usize = 100;
/// The voting powers of a set together stay below this: the consensus engine multiplies them by 3.
pub const TOTAL_POWER_MAX: u64 = 1 << 60;

/// One that votes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Validator {
    /// Its name on the chain, and who gets the tips of the blocks it proposes.
    pub address: Address,
    /// Ed25519 key that its votes are signed with.
    pub public_key: B256,
    /// Weight of its vote.
    pub power: u64,
}

/// Why a set is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValidatorsError {
    /// Too many.
    #[error("there are {0} validators; a set has at most {VALIDATORS_MAX}")]
    TooMany(usize),
    /// An address that stands there twice.
    #[error("two validators have the address {0}")]
    SameAddress(Address),
    /// A key that stands there twice.
    #[error("two validators have the public key {0}")]
    SameKey(B256),
    /// An address or key of zeros, or no power.
    #[error("validator {0} lacks an address, a public key or voting power")]
    Empty(usize),
    /// More power than the engine can count.
    #[error("all voting power together must be below 2^60")]
    Power,
}

/// Checks what every set must fulfil.
///
/// # Errors
/// The first fault found.
pub fn check(set: &[Validator]) -> Result<(), ValidatorsError> {
    if set.len() > VALIDATORS_MAX {
        return Err(ValidatorsError::TooMany(set.len()));
    }
    let (mut addresses, mut keys, mut total) = (BTreeSet::new(), BTreeSet::new(), 0u64);
    for (index, validator) in set.iter().enumerate() {
        if validator.address.is_zero() || validator.public_key.is_zero() || validator.power == 0 {
            return Err(ValidatorsError::Empty(index));
        }
        if !addresses.insert(validator.address) {
            return Err(ValidatorsError::SameAddress(validator.address));
        }
        if !keys.insert(validator.public_key) {
            return Err(ValidatorsError::SameKey(validator.public_key));
        }
        total = total
            .checked_add(validator.power)
            .filter(|total| *total < TOTAL_POWER_MAX)
            .ok_or(ValidatorsError::Power)?;
    }
    Ok(())
}

fn slot(index: u64) -> B256 {
    U256::from(index).into()
}

/// What the system account's storage is for this set.
pub(crate) fn storage(set: &[Validator]) -> BTreeMap<B256, B256> {
    let mut storage = BTreeMap::from([(slot(0), slot(set.len() as u64))]);
    for (first, validator) in (1u64..).step_by(3).zip(set) {
        storage.insert(slot(first), validator.address.into_word());
        storage.insert(slot(first + 1), validator.public_key);
        storage.insert(slot(first + 2), slot(validator.power));
    }
    storage
}

/// Zeros for all slots that this set takes.
pub(crate) fn cleared(set: &[Validator]) -> BTreeMap<B256, B256> {
    storage(set).into_keys().map(|key| (key, B256::ZERO)).collect()
}

/// The set that decides about the block after the one whose state this is; empty on a chain without consensus.
///
/// # Errors
/// [`StoreError`] if the store fails, or holds what no chain of ours can have written.
pub fn validator_set(state: &dyn StateReader) -> Result<Vec<Validator>, StoreError> {
    let read = |index: u64| state.storage(VALIDATORS_ADDRESS, slot(index));
    let number = |word: B256| u64::try_from(U256::from_be_bytes(word.0));
    let damaged = |what: &str| StoreError::Corrupt(format!("the validator set in the state: {what}"));
    let count = number(read(0)?).ok().filter(|count| *count <= VALIDATORS_MAX as u64);
    let count = count.ok_or_else(|| damaged("too many"))?;
    let set = (0..count).map(|index| {
        let first = 1 + 3 * index;
        Ok(Validator {
            address: Address::from_word(read(first)?),
            public_key: read(first + 1)?,
            power: number(read(first + 2)?).map_err(|_| damaged("too much power"))?,
        })
    });
    let set = set.collect::<Result<Vec<_>, StoreError>>()?;
    check(&set).map_err(|error| damaged(&error.to_string()))?;
    Ok(set)
}
