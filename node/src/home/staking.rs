//! Proof of stake in a new network's genesis: the staking contract with its first validators.

use std::cmp::Reverse;

use alloy_primitives::{Address, B256, Bytes, U256, hex};
use alloy_sol_types::{Panic, PanicKind, SolConstructor, SolError, SolInterface};
use esker_runtime::Genesis;
use esker_runtime::genesis::{ConstructError, construct};
use esker_runtime::staking::{INFLATION_BITS, STAKING_ADDRESS, StakingConfig};
use esker_runtime::validators::VALIDATORS_MAX;
use esker_vm::{Engine, EngineConfig, execution, simulation};
use serde_json::Value;

use super::genesis_state::GenesisState;
use crate::staking::{ARTIFACT, COIN, Staking, WHOLE_BPS};

/// What an account that reports offences begins with, in wei: gas for some hundred reports.
const REPORTER_BALANCE: u64 = COIN;

/// The parameters of staking, fixed for ever by the genesis; `docs/spec/staking.md` gives the reasons. Amounts are in wei,
/// fractions in basis points.
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
    /// Least stake of an operator in its own validator.
    pub min_self_bond: U256,
    /// Least delegation.
    pub min_delegation: U256,
    /// What equivocation costs.
    pub slash_bps: u16,
    /// Which part of the operator's own loss goes to who reports it.
    pub reporter_bps: u16,
    /// Epochs that a jailed validator sits out.
    pub jail_epochs: u32,
    /// Which part of its proposer slots a validator may miss.
    pub missed_slots_bps: u16,
    /// Fewer missed slots than this are never punished.
    pub missed_slots_min: u32,
    /// How much a commission may change from one epoch to the next.
    pub max_commission_step_bps: u16,
    /// What comes into being with each block.
    pub inflation_per_block: U256,
}

impl Default for StakingPlan {
    fn default() -> Self {
        Self {
            epoch_length: 600,
            unbonding_epochs: 14,
            evidence_epochs: 12,
            max_validators: VALIDATORS_MAX as u16,
            min_self_bond: U256::from(COIN),
            min_delegation: U256::from(COIN / 100),
            slash_bps: 500,
            reporter_bps: 500,
            jail_epochs: 2,
            missed_slots_bps: 5_000,
            missed_slots_min: 50,
            max_commission_step_bps: 100,
            inflation_per_block: U256::from(COIN / 1_000),
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
    /// The account that reports other validators' offences, where the genesis is to give it coins for gas.
    pub reporter: Option<Address>,
    /// Its commission, in basis points.
    pub commission_bps: u16,
    /// What it bonds, in wei. The coins come into being with the genesis.
    pub self_bond: U256,
}

impl StakingPlan {
    /// Checks the parameters, as the contract's constructor will.
    ///
    /// # Errors
    /// The first that cannot be, with what would be right.
    pub fn check(&self) -> Result<(), String> {
        let is_fraction = |bps: u16| bps <= WHOLE_BPS;
        let is_amount = |wei: U256| wei.bit_len() <= 128;
        let rules = [
            (self.epoch_length > 0, "the epoch length must be at least one block"),
            (self.evidence_epochs > 0, "evidence must be accepted for at least one epoch"),
            (
                self.unbonding_epochs > self.evidence_epochs,
                "unbonding must take more epochs than evidence is accepted for: else who lies has left before it comes",
            ),
            (self.jail_epochs > 0, "jail must last for at least one epoch"),
            ((1..=VALIDATORS_MAX).contains(&self.max_validators.into()), "a set can have from 1 to 100 validators"),
            (
                self.min_self_bond >= U256::from(COIN) && is_amount(self.min_self_bond),
                "the least self-bond must be from a coin (one unit of voting power) to 2^128 wei",
            ),
            (
                !self.min_delegation.is_zero() && is_amount(self.min_delegation),
                "the least delegation must be from 1 to 2^128 wei",
            ),
            (
                self.inflation_per_block.bit_len() <= INFLATION_BITS,
                "the inflation must be below 2^80 wei (1.2 million coins) a block",
            ),
            (is_fraction(self.slash_bps), "a slash can take at most everything: 10000 basis points"),
            (is_fraction(self.reporter_bps), "a reporter can get at most everything: 10000 basis points"),
            (is_fraction(self.missed_slots_bps), "at most all slots can be missed: 10000 basis points"),
            (is_fraction(self.max_commission_step_bps), "a commission is at most everything: 10000 basis points"),
        ];
        rules.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, fault)| Err(fault.to_owned()))
    }

    /// Checks that there is a place in the first set for each of these.
    ///
    /// # Errors
    /// Who would be left out.
    pub fn check_places(&self, validators: &[FirstValidator]) -> Result<(), String> {
        let places = usize::from(self.max_validators);
        let mut order: Vec<&FirstValidator> = validators.iter().collect();
        // As the contract chooses.
        order.sort_by_key(|first| (Reverse(first.self_bond), first.operator));
        let left_out: Vec<String> = order.into_iter().skip(places).map(|first| first.operator.to_string()).collect();
        if left_out.is_empty() {
            return Ok(());
        }
        Err(format!(
            "there are {} validators, and with --max-validators {places} a set has room for {places}; left out would be {}",
            validators.len(),
            left_out.join(", ")
        ))
    }

    /// Puts the contract, its parameters, the first set, and coins for those who report offences into a genesis.
    ///
    /// # Errors
    /// What is wrong with the plan, or with this machine.
    pub fn put_into(&self, genesis: &mut Genesis, validators: &[FirstValidator]) -> Result<(), String> {
        self.check()?;
        let bonded = validators.iter().map(|validator| validator.self_bond).fold(U256::ZERO, U256::saturating_add);
        genesis.config.staking = Some(StakingConfig {
            epoch_length: u64::from(self.epoch_length),
            inflation_per_block: self.inflation_per_block,
        });
        let payload = [code()?.as_ref(), &self.arguments(validators)].concat();
        let engine = Engine::new(EngineConfig::default()).map_err(|error| error.to_string())?;
        let config = genesis.chain_config();
        let account = execution(&engine, |session| construct(session, &config, STAKING_ADDRESS, &payload, bonded));
        genesis.alloc.insert(STAKING_ADDRESS, account.map_err(refused)?);
        for reporter in validators.iter().filter_map(|first| first.reporter) {
            let reporter = genesis.alloc.entry(reporter).or_default();
            reporter.balance = reporter.balance.max(U256::from(REPORTER_BALANCE));
        }
        let state = GenesisState::new(genesis);
        let set = simulation(&engine, |session| state.ask(session, Staking::validatorSetCall {}));
        genesis.validators = set.map_err(|error| error.to_string())??.into_iter().map(from_contract).collect();
        Ok(())
    }

    fn arguments(&self, validators: &[FirstValidator]) -> Vec<u8> {
        let entry = |first: &FirstValidator| Staking::GenesisValidator {
            operator: first.operator,
            publicKey: first.public_key,
            commissionBps: first.commission_bps,
            selfBond: first.self_bond,
        };
        let validators = validators.iter().map(entry).collect();
        Staking::constructorCall { params: self.clone().into(), validators }.abi_encode()
    }
}

impl From<StakingPlan> for Staking::Params {
    fn from(plan: StakingPlan) -> Self {
        Self {
            epochLength: plan.epoch_length,
            unbondingEpochs: plan.unbonding_epochs,
            evidenceEpochs: plan.evidence_epochs,
            maxValidators: plan.max_validators,
            minSelfBond: plan.min_self_bond,
            minDelegation: plan.min_delegation,
            slashBps: plan.slash_bps,
            reporterBps: plan.reporter_bps,
            jailEpochs: plan.jail_epochs,
            missedSlotsBps: plan.missed_slots_bps,
            missedSlotsMin: plan.missed_slots_min,
            maxCommissionStepBps: plan.max_commission_step_bps,
            inflationPerBlock: plan.inflation_per_block,
        }
    }
}

/// What the staking contract of a genesis says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    /// Its parameters.
    pub params: Staking::Params,
    /// The first set, in its order.
    pub validators: Vec<Staking::ValidatorInfo>,
}

/// Asks the staking contract of a genesis; `None` if there is no staking.
///
/// # Errors
/// Why it cannot be asked.
pub fn outline(genesis: &Genesis) -> Result<Option<Outline>, String> {
    if genesis.config.staking.is_none() {
        return Ok(None);
    }
    let state = GenesisState::new(genesis);
    let engine = Engine::new(EngineConfig::default()).map_err(|error| error.to_string())?;
    let answers = simulation(&engine, |session| {
        let params = state.ask(session, Staking::paramsCall {})?;
        let set = state.ask(session, Staking::validatorSetCall {})?;
        let info = |one: Staking::NextValidator| state.ask(session, Staking::validatorCall { operator: one.operator });
        Ok(Some(Outline { params, validators: set.into_iter().map(info).collect::<Result<_, String>>()? }))
    });
    answers.map_err(|error| error.to_string())?
}

/// Checks that what a genesis says of staking is what its contract says: the set, the epochs, the inflation, and that the
/// contract has the coins it owes.
///
/// # Errors
/// In what they differ, or why the contract cannot be asked.
pub fn check_agreement(genesis: &Genesis) -> Result<(), String> {
    let Some(config) = genesis.config.staking else { return Ok(()) };
    let state = GenesisState::new(genesis);
    let engine = Engine::new(EngineConfig::default()).map_err(|error| error.to_string())?;
    let answers = simulation(&engine, |session| {
        let params = state.ask(session, Staking::paramsCall {})?;
        let set = state.ask(session, Staking::validatorSetCall {})?;
        Ok::<_, String>((params, set, state.ask(session, Staking::totalsCall {})?))
    });
    let (params, set, totals) = answers.map_err(|error| error.to_string())??;
    let set: Vec<esker_runtime::Validator> = set.into_iter().map(from_contract).collect();
    if set != genesis.validators {
        let other = set.iter().zip(&genesis.validators).position(|(ours, theirs)| ours != theirs);
        let place = other.unwrap_or(set.len().min(genesis.validators.len()));
        let shown = |one: Option<&esker_runtime::Validator>| {
            one.map_or_else(|| "nobody".to_owned(), |one| format!("{} with a power of {}", one.address, one.power))
        };
        return Err(format!(
            "\"validators\" and the staking contract in \"alloc\" disagree on validator {place}: the list has {}, the \
             contract {}. With staking the list cannot be edited: make the genesis anew with `esker genesis create`",
            shown(genesis.validators.get(place)),
            shown(set.get(place)),
        ));
    }
    if u64::from(params.epochLength) != config.epoch_length {
        return Err(format!(
            "config.staking says that an epoch has {} blocks, and the staking contract in \"alloc\" that it has {}",
            config.epoch_length, params.epochLength
        ));
    }
    if params.inflationPerBlock != config.inflation_per_block {
        return Err(format!(
            "config.staking says that {} wei come into being with each block, and the staking contract in \"alloc\" {}",
            config.inflation_per_block, params.inflationPerBlock
        ));
    }
    let parts = [totals.bonded, totals.unbonding, totals.rewards, totals.commissions, totals.reports];
    let owed = parts.into_iter().fold(U256::ZERO, U256::saturating_add);
    let held = genesis.alloc.get(&STAKING_ADDRESS).map(|account| account.balance).unwrap_or_default();
    if held < owed {
        return Err(format!("the staking contract in \"alloc\" owes {owed} wei, and its balance is {held}"));
    }
    Ok(())
}

fn from_contract(one: Staking::NextValidator) -> esker_runtime::Validator {
    esker_runtime::Validator { address: one.operator, public_key: one.publicKey, power: one.power }
}

/// Why the constructor refused.
fn refused(error: ConstructError) -> String {
    use Staking::StakingErrors as E;
    let ConstructError::Failed { output, .. } = &error else { return format!("the staking contract: {error}") };
    if Panic::abi_decode(output).is_ok_and(|panic| panic.code == U256::from(PanicKind::UnderOverflow as u32)) {
        return "the amounts are too large: the staking contract counts coins in 128 bits of wei".to_owned();
    }
    match E::abi_decode(output) {
        Ok(E::SelfBondTooSmall(error)) => {
            format!("a self-bond of {} wei is too small: the least is {} wei", error.have, error.want)
        }
        Ok(E::CommissionTooHigh(error)) => format!(
            "a commission of {} basis points is more than everything, which is {WHOLE_BPS}",
            error.commissionBps
        ),
        Ok(E::ValidatorExists(error)) => format!("{} is named twice: an account has one validator", error.operator),
        Ok(E::KeyTaken(error)) => {
            format!("the public key {} is named twice: a key is one validator's", error.publicKey)
        }
        Ok(E::BadKey(error)) => {
            format!("the public key {} cannot be a validator's: anybody could sign for it", error.publicKey)
        }
        Ok(E::BadParameters(_)) => {
            "the staking contract refuses the parameters, the number of validators, or one whose account is zero"
                .to_owned()
        }
        Ok(reason) => format!("the staking contract refuses: {reason:?}"),
        Err(_) => format!("the staking contract: {error}"),
    }
}

fn code() -> Result<Bytes, String> {
    let artifact: Value = serde_json::from_str(ARTIFACT).map_err(|error| error.to_string())?;
    let code = artifact["bytecode"].as_str().and_then(|code| hex::decode(code).ok());
    code.map(Bytes::from).ok_or_else(|| "the staking contract's artifact has no bytecode".to_owned())
}

#[cfg(test)]
mod tests {
    use malachite_ed25519::PrivateKey;

    use super::*;

    fn first(index: u8, coins: u64) -> FirstValidator {
        FirstValidator {
            operator: Address::repeat_byte(index),
            public_key: B256::from(*PrivateKey::from([index; 32]).public_key().as_bytes()),
            reporter: None,
            commission_bps: 0,
            self_bond: U256::from(coins) * U256::from(COIN),
        }
    }

    fn genesis() -> Genesis {
        let mut genesis = Genesis::new(7, 30_000_000, 5);
        StakingPlan::default().put_into(&mut genesis, &[first(1, 5), first(2, 9), first(3, 9)]).expect("a genesis");
        genesis
    }

    #[test]
    fn the_set_is_the_contracts() {
        let genesis = genesis();
        let set: Vec<(u8, u64)> = genesis.validators.iter().map(|one| (one.address.0[0], one.power)).collect();
        assert_eq!(set, [(2, 9), (3, 9), (1, 5)], "by most stake, then by lower address");
        assert_eq!(check_agreement(&genesis), Ok(()));
        assert_eq!(check_agreement(&Genesis::new(7, 30_000_000, 5)), Ok(()), "no staking, nothing to agree on");
    }

    #[test]
    fn a_genesis_that_contradicts_its_contract_is_refused() {
        type Change = fn(&mut Genesis);
        let changes: [(Change, &str); 7] = [
            (|genesis| genesis.validators[0].power = 10, "disagree on validator 0"),
            (|genesis| genesis.validators.truncate(2), "disagree on validator 2: the list has nobody"),
            (|genesis| genesis.validators.swap(1, 2), "disagree on validator 1"),
            (|genesis| staking(genesis).epoch_length = 5, "an epoch has 5 blocks"),
            (|genesis| staking(genesis).inflation_per_block = U256::from(3), "3 wei come into being"),
            (|genesis| contract(genesis).balance = U256::from(3), "its balance is 3"),
            (|genesis| contract(genesis).storage.clear(), "disagree on validator 0"),
        ];
        for (change, words) in changes {
            let mut genesis = genesis();
            change(&mut genesis);
            let error = check_agreement(&genesis).expect_err(words);
            assert!(error.contains(words), "{error}");
        }
        // A contract that knows none of this.
        let mut genesis = genesis();
        contract(&mut genesis).code = Bytes::new();
        let error = check_agreement(&genesis).expect_err("no contract");
        assert!(error.contains("no contract"), "{error}");
    }

    fn staking(genesis: &mut Genesis) -> &mut StakingConfig {
        genesis.config.staking.as_mut().expect("it has staking")
    }

    fn contract(genesis: &mut Genesis) -> &mut esker_runtime::genesis::GenesisAccount {
        genesis.alloc.get_mut(&STAKING_ADDRESS).expect("it is there")
    }

    #[test]
    fn what_the_constructor_refuses_is_refused_before_with_words() {
        type Change = fn(&mut StakingPlan);
        let changes: [(Change, &str); 13] = [
            (|plan| plan.epoch_length = 0, "at least one block"),
            (|plan| plan.evidence_epochs = 0, "at least one epoch"),
            (|plan| plan.unbonding_epochs = plan.evidence_epochs, "more epochs than evidence"),
            (|plan| plan.jail_epochs = 0, "jail"),
            (|plan| plan.max_validators = 0, "from 1 to 100"),
            (|plan| plan.max_validators = 101, "from 1 to 100"),
            (|plan| plan.min_self_bond = U256::from(COIN - 1), "self-bond"),
            (|plan| plan.min_delegation = U256::ZERO, "least delegation"),
            (|plan| plan.inflation_per_block = U256::from(1u128 << 80), "inflation"),
            (|plan| plan.slash_bps = 10_001, "slash"),
            (|plan| plan.reporter_bps = 10_001, "reporter"),
            (|plan| plan.missed_slots_bps = 10_001, "slots"),
            (|plan| plan.max_commission_step_bps = 10_001, "commission"),
        ];
        let engine = Engine::new(EngineConfig::default()).expect("an engine");
        for (change, words) in changes {
            let mut plan = StakingPlan::default();
            change(&mut plan);
            let error = plan.check().expect_err(words);
            assert!(error.contains(words), "{error}");
            // The contract thinks the same.
            let payload = [code().expect("the artifact").as_ref(), &plan.arguments(&[])].concat();
            let config = Genesis::new(7, 30_000_000, 5).chain_config();
            let built =
                execution(&engine, |session| construct(session, &config, STAKING_ADDRESS, &payload, U256::ZERO));
            assert!(refused(built.expect_err(words)).contains("refuses the parameters"), "{words}");
        }
    }

    #[test]
    fn validators_that_cannot_be_are_refused() {
        let mut twice = first(2, 5);
        twice.public_key = first(1, 5).public_key;
        for (validators, words) in [
            (vec![first(1, 0)], "a self-bond of 0 wei is too small: the least is 1000000000000000000 wei"),
            (vec![first(1, 5), first(1, 5)], "is named twice: an account"),
            (vec![first(1, 5), twice], "is named twice: a key"),
            (
                vec![FirstValidator { commission_bps: 10_001, ..first(1, 5) }],
                "a commission of 10001 basis points is more",
            ),
            (vec![FirstValidator { public_key: B256::ZERO, ..first(1, 5) }], "anybody could sign for it"),
            (vec![FirstValidator { self_bond: U256::MAX, ..first(1, 5) }], "the amounts are too large"),
        ] {
            let mut genesis = Genesis::new(7, 30_000_000, 5);
            let error = StakingPlan::default().put_into(&mut genesis, &validators).expect_err(words);
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn whoever_would_have_no_place_is_named() {
        let plan = StakingPlan { max_validators: 2, ..StakingPlan::default() };
        assert_eq!(plan.check_places(&[first(1, 5), first(2, 9)]), Ok(()));
        let error = plan.check_places(&[first(3, 9), first(1, 5), first(2, 9)]).expect_err("one too many");
        assert!(error.ends_with(&format!("left out would be {}", Address::repeat_byte(1))), "{error}");
    }
}
