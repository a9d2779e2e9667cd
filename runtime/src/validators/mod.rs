//! Who may vote: the validator set, as the state holds it. `esker-light` owns its rules and its layout.

pub mod proposer;

use std::collections::BTreeMap;

use alloy_primitives::B256;

use crate::db::StoreError;
use crate::state::StateReader;

pub(crate) use esker_light::validators::storage;
pub use esker_light::validators::{
    TOTAL_POWER_MAX, VALIDATORS_ADDRESS, VALIDATORS_MAX, Validator, ValidatorsError, check, slots,
};

/// Zeros for all slots that this set takes.
pub(crate) fn cleared(set: &[Validator]) -> BTreeMap<B256, B256> {
    storage(set).into_keys().map(|key| (key, B256::ZERO)).collect()
}

/// The set that decides about the block after the one whose state this is; empty on a chain without consensus.
///
/// # Errors
/// [`StoreError`] if the store fails, or holds what no chain of ours can have written.
pub fn validator_set(state: &dyn StateReader) -> Result<Vec<Validator>, StoreError> {
    let set = esker_light::validators::read(|slot| state.storage(VALIDATORS_ADDRESS, slot))?;
    set.map_err(|error| StoreError::Corrupt(format!("the validator set in the state: {error}")))
}
