//! Who may vote: a validator set, its rules, and how it stands in the storage of a system account.
//!
//! The set is part of the state, so that a block's hash says who decides about the next one. It stands in the storage of a
//! system account that no transaction can write: slot 0 holds how many there are, and validator `i` has slots `1 + 3i`
//! (address), `2 + 3i` (Ed25519 public key) and `3 + 3i` (voting power).

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, U256, address};
use ed25519_zebra::VerificationKey;
use serde::{Deserialize, Serialize};

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

/// The slots that a set of `count` validators takes, in order.
pub fn slots(count: usize) -> impl Iterator<Item = B256> {
    (0..=3 * count as u64).map(slot)
}

/// What the system account's storage is for this set.
#[must_use]
pub fn storage(set: &[Validator]) -> BTreeMap<B256, B256> {
    let mut storage = BTreeMap::from([(slot(0), slot(set.len() as u64))]);
    for (first, validator) in (1u64..).step_by(3).zip(set) {
        storage.insert(slot(first), validator.address.into_word());
        storage.insert(slot(first + 1), validator.public_key);
        storage.insert(slot(first + 2), slot(validator.power));
    }
    storage
}

/// Why the storage of the system account holds no set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoredSetError {
    /// Slot 0 holds more than a set can have.
    #[error("the state says that there are more than {VALIDATORS_MAX} validators")]
    Count,
    /// A word that is no address.
    #[error("the state's validator {0} has an address of more than 20 bytes")]
    Address(u64),
    /// A word that is no power.
    #[error("the state's validator {0} has a voting power of more than 64 bits")]
    Power(u64),
    /// What stands there breaks a rule of every set.
    #[error(transparent)]
    Rules(#[from] ValidatorsError),
}

/// Reads the set whose storage `read` reads, slot by slot. It is empty on a chain without consensus.
///
/// # Errors
/// What `read` fails with; inside, [`StoredSetError`] if what stands there is no set.
pub fn read<E>(mut read: impl FnMut(B256) -> Result<B256, E>) -> Result<Result<Vec<Validator>, StoredSetError>, E> {
    let number = |word: B256| u64::try_from(U256::from_be_bytes(word.0)).ok();
    let Some(count) = number(read(slot(0))?).filter(|count| *count <= VALIDATORS_MAX as u64) else {
        return Ok(Err(StoredSetError::Count));
    };
    let mut set = Vec::new();
    for index in 0..count {
        let first = 1 + 3 * index;
        let (address, public_key, power) = (read(slot(first))?, read(slot(first + 1))?, read(slot(first + 2))?);
        if address[..12] != [0; 12] {
            return Ok(Err(StoredSetError::Address(index)));
        }
        let Some(power) = number(power) else { return Ok(Err(StoredSetError::Power(index))) };
        set.push(Validator { address: Address::from_word(address), public_key, power });
    }
    Ok(check(&set).map(|()| set).map_err(StoredSetError::Rules))
}

/// Why nobody can decide anything with a set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetError {
    /// It breaks a rule of every set.
    #[error(transparent)]
    Rules(#[from] ValidatorsError),
    /// Nobody is in it.
    #[error("there is no validator in the set, so nothing can be decided")]
    Empty,
    /// A key that is no point on the curve.
    #[error("the public key of validator {0} is not an Ed25519 key")]
    Key(Address),
}

/// A set that decides: its rules are checked and its keys decoded.
#[derive(Clone, Debug)]
pub struct ValidatorSet {
    validators: Vec<Validator>,
    keys: BTreeMap<Address, (u64, VerificationKey)>,
    total_power: u64,
}

impl ValidatorSet {
    /// Takes a set, and decodes its keys: a square root for each.
    ///
    /// # Errors
    /// [`SetError`]
    pub fn new(validators: Vec<Validator>) -> Result<Self, SetError> {
        check(&validators)?;
        if validators.is_empty() {
            return Err(SetError::Empty);
        }
        let mut keys = BTreeMap::new();
        for Validator { address, public_key, power } in &validators {
            let key = VerificationKey::try_from(public_key.0).map_err(|_| SetError::Key(*address))?;
            keys.insert(*address, (*power, key));
        }
        let total_power = validators.iter().map(|validator| validator.power).sum();
        Ok(Self { validators, keys, total_power })
    }

    /// The validators, in the order of the state.
    #[must_use]
    pub fn validators(&self) -> &[Validator] {
        &self.validators
    }

    /// All voting power.
    #[must_use]
    pub const fn total_power(&self) -> u64 {
        self.total_power
    }

    /// Power and key of the validator with this address.
    pub(crate) fn voter(&self, address: Address) -> Option<(u64, &VerificationKey)> {
        self.keys.get(&address).map(|(power, key)| (*power, key))
    }
}
