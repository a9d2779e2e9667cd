//! What the protocol does after a block's transactions: the staking contract learns of the block, and after the last one of
//! an epoch it says who decides about the next blocks.

use alloy_primitives::{Address, U256};
use esker_vm::Fatal;

use super::BlockEnv;
use crate::exec::{Executor, fatal};
use crate::staking::{STAKING_ADDRESS, SYSTEM_GAS, StakingConfig, decode_next_set, end_block_input, end_epoch_input};
use crate::state::StateReader;
use crate::validators::{self, Validator, proposer, validator_set};

/// Ends the block `env`, whose transactions brought `tips` (wei) to the staking contract.
///
/// # Errors
/// [`Fatal`] if this node fails. What the contract does wrong is no error: it then has changed nothing, no coins come
/// into being, and the set stays.
pub(super) fn end_block(
    executor: &mut Executor<'_>,
    config: &StakingConfig,
    env: &BlockEnv,
    tips: U256,
) -> Result<(), Fatal> {
    let inflation = config.inflation_per_block;
    let round = env.first_round();
    let missed = missed(executor.journal().state(), env.number, round)?;
    let input = end_block_input(env.beneficiary, tips.saturating_add(inflation), round, &missed);
    executor.system_call(STAKING_ADDRESS, input, SYSTEM_GAS, inflation)?;
    if !config.epochs().ends_with(env.number) {
        return Ok(());
    }
    let output = executor.system_call(STAKING_ADDRESS, end_epoch_input(), SYSTEM_GAS, U256::ZERO)?;
    let set = output.and_then(|output| decode_next_set(&output));
    match set.filter(|set| !set.is_empty() && validators::check(set).is_ok()) {
        Some(set) => replace_set(executor, &set),
        None => Ok(()),
    }
}

/// The proposers of the rounds before `round`, each once.
fn missed(state: &dyn StateReader, number: u64, round: u32) -> Result<Vec<Address>, Fatal> {
    if round == 0 {
        return Ok(Vec::new());
    }
    let set = validator_set(state).map_err(fatal)?;
    let rounds = usize::try_from(round).unwrap_or(usize::MAX);
    let order = proposer::order(set.iter().map(|validator| validator.power), number).take(rounds);
    Ok(order.filter_map(|index| Some(set.get(index)?.address)).collect())
}

/// Writes the set of the next epoch over the one of this.
fn replace_set(executor: &mut Executor<'_>, set: &[Validator]) -> Result<(), Fatal> {
    let before = validator_set(executor.journal().state()).map_err(fatal)?;
    let mut slots = validators::cleared(&before);
    slots.extend(validators::storage(set));
    let journal = executor.journal_mut();
    let account = journal.load(validators::VALIDATORS_ADDRESS).map_err(fatal)?;
    for (key, value) in slots {
        let slot = journal.load_slot(account, key).map_err(fatal)?;
        journal.set_slot(slot, value);
    }
    journal.end_transaction();
    Ok(())
}
