//! Proof of stake in a new network's genesis: the staking contract with its first validators.

use alloy_primitives::{Address, B256, Bytes, U256, hex};
use alloy_sol_types::SolConstructor;
use esker_runtime::genesis::construct;
use esker_runtime::staking::{STAKING_ADDRESS, StakingConfig};
use esker_runtime::{Genesis, Validator};
use esker_vm::{Engine, EngineConfig, execution};
use serde_json::Value;

use crate::staking::{ARTIFACT, Staking};

/// Wei of a coin, which is also one unit of voting power.
const COIN: u64 = 1_000_000_000_000_000_000;

/// The parameters of staking, fixed for ever by the genesis; `docs/spec/staking.md` gives the reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StakingPlan {
    /// Blocks of an epoch.
    pub epoch_length: u32,
    /// Epochs that unbonding stake waits.
    pub unbonding_epochs: u32,
    /// Epochs in which evidence of an offence is accepted.
    pub evidence_epochs: u32,
    /// Most validators of a set.
    pub max_validators: u16,
    /// Least stake of an operator in its own validator, in coins.
    pub min_self_bond: u64,
    /// Least delegation, in thousandths of a coin.
    pub min_delegation: u64,
    /// What equivocation costs, in basis points.
    pub slash_bps: u16,
    /// Which part of the operator's own loss goes to who reports it, in basis points.
    pub reporter_bps: u16,
    /// Epochs that a jailed validator sits out.
    pub jail_epochs: u32,
    /// Which part of its proposer slots a validator may miss, in basis points.
    pub missed_slots_bps: u16,
    /// Fewer missed slots than this are never punished.
    pub missed_slots_min: u32,
    /// How much a commission may change from one epoch to the next, in basis points.
    pub max_commission_step_bps: u16,
    /// What comes into being with each block, in wei.
    pub inflation_per_block: u64,
}

impl Default for StakingPlan {
    fn default() -> Self {
        Self {
            epoch_length: 600,
            unbonding_epochs: 14,
            evidence_epochs: 12,
            max_validators: 100,
            min_self_bond: 1,
            min_delegation: 10,
            slash_bps: 500,
            reporter_bps: 500,
            jail_epochs: 2,
            missed_slots_bps: 5_000,
            missed_slots_min: 50,
            max_commission_step_bps: 100,
            inflation_per_block: COIN / 1_000,
        }
    }
}

/// A validator of a new network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirstValidator {
    /// Its operator's account.
    pub operator: Address,
    /// Its consensus key.
    pub public_key: B256,
    /// What it bonds, in coins. They come into being with the genesis.
    pub self_bond: u64,
}

impl StakingPlan {
    /// Puts the contract, its parameters and the first set into a genesis.
    ///
    /// # Errors
    /// What is wrong with the plan, or with this machine.
    pub fn put_into(&self, genesis: &mut Genesis, validators: &[FirstValidator]) -> Result<(), String> {
        let bonded = validators.iter().map(|validator| wei(validator.self_bond)).fold(U256::ZERO, U256::saturating_add);
        genesis.config.staking = Some(StakingConfig {
            epoch_length: u64::from(self.epoch_length),
            inflation_per_block: U256::from(self.inflation_per_block),
        });
        let payload = [code()?.as_ref(), &self.arguments(validators)].concat();
        let engine = Engine::new(EngineConfig::default()).map_err(|error| error.to_string())?;
        let config = genesis.chain_config();
        let account = execution(&engine, |session| construct(session, &config, STAKING_ADDRESS, &payload, bonded));
        genesis.alloc.insert(STAKING_ADDRESS, account.map_err(|error| format!("the staking contract: {error}"))?);
        genesis.validators = first_set(validators);
        Ok(())
    }

    fn arguments(&self, validators: &[FirstValidator]) -> Vec<u8> {
        let params = Staking::Params {
            epochLength: self.epoch_length,
            unbondingEpochs: self.unbonding_epochs,
            evidenceEpochs: self.evidence_epochs,
            maxValidators: self.max_validators,
            minSelfBond: wei(self.min_self_bond),
            minDelegation: U256::from(self.min_delegation) * U256::from(COIN / 1_000),
            slashBps: self.slash_bps,
            reporterBps: self.reporter_bps,
            jailEpochs: self.jail_epochs,
            missedSlotsBps: self.missed_slots_bps,
            missedSlotsMin: self.missed_slots_min,
            maxCommissionStepBps: self.max_commission_step_bps,
            inflationPerBlock: U256::from(self.inflation_per_block),
        };
        let entry = |first: &FirstValidator| Staking::GenesisValidator {
            operator: first.operator,
            publicKey: first.public_key,
            // None: a new network's operators choose theirs.
            commissionBps: 0,
            selfBond: wei(first.self_bond),
        };
        Staking::constructorCall { params, validators: validators.iter().map(entry).collect() }.abi_encode()
    }
}

/// The set that the contract's constructor chooses: by most stake, then by lower address.
fn first_set(validators: &[FirstValidator]) -> Vec<Validator> {
    let mut set: Vec<Validator> = validators
        .iter()
        .map(|first| Validator { address: first.operator, public_key: first.public_key, power: first.self_bond })
        .collect();
    set.sort_by_key(|validator| (std::cmp::Reverse(validator.power), validator.address));
    set
}

fn wei(coins: u64) -> U256 {
    U256::from(coins) * U256::from(COIN)
}

fn code() -> Result<Bytes, String> {
    let artifact: Value = serde_json::from_str(ARTIFACT).map_err(|error| error.to_string())?;
    let code = artifact["bytecode"].as_str().and_then(|code| hex::decode(code).ok());
    code.map(Bytes::from).ok_or_else(|| "the staking contract's artifact has no bytecode".to_owned())
}
