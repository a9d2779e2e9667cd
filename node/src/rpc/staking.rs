//! Who validates, and what the staking contract says of them and of those who have stake in them.
//!
//! The contract is asked as `eth_call` asks one: on a session for simulations, which takes nothing that a block needs.
//! One request asks about at most [`VALIDATORS_MAX`] validators of the set, as many candidates, and as many named ones.

use std::collections::BTreeSet;
use std::sync::Arc;

use alloy_primitives::{Address, U64};
use alloy_sol_types::SolCall;
use esker_runtime::staking::{SYSTEM_ADDRESS, decode_next_set, end_epoch_input};
use esker_runtime::validators::VALIDATORS_MAX;
use esker_runtime::{BlockEnv, Validator, validator_set};
use esker_vm::Session;
use serde_json::Value;

use super::block_param::BlockParam;
use super::params::FromParam;
use super::{Api, Args, RpcError};
use crate::chain::Head;
use crate::staking::Staking;
use crate::staking::call::call;
use crate::staking::report::{Account, Candidate, Candidates, Epoch, Member, Position, Standing, ValidatorSet};

/// `esker_validators`
pub(super) fn validators(api: &Api, args: &Args) -> Result<ValidatorSet, RpcError> {
    let block: BlockParam = args.optional(0)?.unwrap_or_default();
    let head = match api.state(block) {
        Ok(head) => head,
        Err(error) => {
            // The block must be there; only its state may be missing. The sets are kept for light clients.
            let Some(number) = api.number(block)? else { return Err(error) };
            let Some(set) = api.chain.validators_at(number)? else { return Err(error) };
            let epoch = api.chain.config().staking.map(|staking| Epoch::of(number, staking.epoch_length));
            return Ok(set_of(number, epoch, set.iter().map(|one| member(one, None)).collect()));
        }
    };
    let number = head.block.header.number;
    let set = validator_set(&head.state)?;
    let Some(contract) = Contract::at(api, head)? else {
        return Ok(set_of(number, None, set.iter().map(|one| member(one, None)).collect()));
    };
    let members = contract.ask(|asker| {
        let known = |one: &Validator| Ok(member(one, Some(asker.validator(one.address)?.into())));
        set.iter().map(known).collect::<Result<_, RpcError>>()
    })?;
    Ok(set_of(number, Some(contract.epoch()), members))
}

fn member(one: &Validator, standing: Option<Standing>) -> Member {
    Member { address: one.address, public_key: one.public_key, power: U64::from(one.power), standing }
}

fn set_of(block: u64, epoch: Option<Epoch>, validators: Vec<Member>) -> ValidatorSet {
    let total: u64 = validators.iter().map(|member| member.power.to::<u64>()).sum();
    ValidatorSet { block: U64::from(block), total_power: U64::from(total), epoch, validators }
}

/// `esker_candidates`
pub(super) fn candidates(api: &Api, args: &Args) -> Result<Candidates, RpcError> {
    let head = api.state(args.optional(0)?.unwrap_or_default())?;
    let number = head.block.header.number;
    let present = validator_set(&head.state)?;
    let contract = Contract::at(api, head)?.ok_or_else(no_staking)?;
    let (next, mut candidates) = contract.ask(|asker| {
        let next = asker.next_set()?.unwrap_or_else(|| present.clone());
        let named = asker.call(Staking::candidatesCall {})?;
        let known: BTreeSet<Address> = present.iter().map(|one| one.address).chain(named).collect();
        let candidate = |address: Address| {
            let info = asker.validator(address)?;
            Ok(Candidate {
                address,
                public_key: info.publicKey,
                power: power_in(&present, address),
                next_power: power_in(&next, address),
                standing: info.into(),
            })
        };
        let candidates = known.into_iter().map(candidate).collect::<Result<Vec<_>, RpcError>>()?;
        Ok((next, candidates))
    })?;
    candidates.sort_by_key(|one| (std::cmp::Reverse(one.standing.stake), one.address));
    Ok(Candidates {
        block: U64::from(number),
        epoch: contract.epoch(),
        total_power: total(&present),
        next_total_power: total(&next),
        candidates,
    })
}

fn power_in(set: &[Validator], address: Address) -> U64 {
    U64::from(set.iter().find(|one| one.address == address).map_or(0, |one| one.power))
}

fn total(set: &[Validator]) -> U64 {
    U64::from(set.iter().map(|one| one.power).sum::<u64>())
}

/// Validators to ask about, at most [`VALIDATORS_MAX`].
#[derive(Debug, Default)]
struct Named(Vec<Address>);

impl FromParam for Named {
    fn from_param(value: &Value) -> Result<Self, String> {
        let list = value.as_array().ok_or("expected a list of addresses")?;
        if list.len() > VALIDATORS_MAX {
            return Err(format!("{} validators are too many: name at most {VALIDATORS_MAX}", list.len()));
        }
        list.iter().map(Address::from_param).collect::<Result<_, _>>().map(Self)
    }
}

/// `esker_stakingAccount`
pub(super) fn account(api: &Api, args: &Args) -> Result<Account, RpcError> {
    let address: Address = args.required(0)?;
    let head = api.state(args.optional(1)?.unwrap_or_default())?;
    let Named(named) = args.optional(2)?.unwrap_or_default();
    let number = head.block.header.number;
    let present = validator_set(&head.state)?;
    let contract = Contract::at(api, head)?.ok_or_else(no_staking)?;
    contract.ask(|asker| {
        let candidates = asker.call(Staking::candidatesCall {})?;
        let all = present.iter().map(|one| one.address).chain(candidates).chain(named.iter().copied());
        let asked: BTreeSet<Address> = all.chain([address]).collect();
        let mut positions = Vec::new();
        let (mut commission, mut count) = (None, 0u64);
        for validator in asked {
            // Somebody may be named who is none.
            let Some(info) = asker.try_call(Staking::validatorCall { operator: validator })? else { continue };
            count += 1;
            if validator == address {
                commission = Some(info.commission);
            }
            let delegation = asker.call(Staking::delegationCall { delegator: address, validator })?;
            let rewards = asker.call(Staking::rewardsOfCall { delegator: address, validator })?;
            let unbonding = asker.call(Staking::unbondingsCall { delegator: address, validator })?;
            let position = Position::new(&info, delegation, rewards, unbonding);
            if !position.is_empty() {
                positions.push(position);
            }
        }
        Ok(Account {
            address,
            block: U64::from(number),
            epoch: contract.epoch(),
            positions,
            asked: U64::from(count),
            report: asker.call(Staking::reportOfCall { reporter: address })?,
            commission,
        })
    })
}

fn no_staking() -> RpcError {
    RpcError::server("this chain has no staking: its validators are those of its genesis")
}

/// The staking contract in the state after a block.
struct Contract<'a> {
    api: &'a Api,
    head: Arc<Head>,
    epoch_length: u64,
}

impl<'a> Contract<'a> {
    /// `None` on a chain without staking.
    fn at(api: &'a Api, head: Arc<Head>) -> Result<Option<Self>, RpcError> {
        let staking = api.chain.config().staking;
        Ok(staking.map(|staking| Self { api, head, epoch_length: staking.epoch_length }))
    }

    fn epoch(&self) -> Epoch {
        Epoch::of(self.head.block.header.number, self.epoch_length)
    }

    /// Asks it questions, all in one session.
    fn ask<R: Send>(&self, work: impl FnOnce(&Asker<'_>) -> Result<R, RpcError> + Send) -> Result<R, RpcError> {
        esker_vm::simulation(&*self.api.machine, |session| work(&Asker { contract: self, session }))?
    }
}

/// Asks in a session.
struct Asker<'a> {
    contract: &'a Contract<'a>,
    session: &'a Session<'a>,
}

impl Asker<'_> {
    /// What a call returns; `None` if it reverts.
    fn run(&self, env: &BlockEnv, from: Address, input: Vec<u8>) -> Result<Option<Vec<u8>>, RpcError> {
        let Contract { api, head, .. } = self.contract;
        let (config, gas) = (api.chain.config(), api.call_gas_cap);
        let said = call(self.session, &head.state, config, env, from, input.into(), gas)?;
        Ok(said.status.is_success().then(|| said.output.to_vec()))
    }

    /// What a view answers; `None` if it reverts.
    fn try_call<C: SolCall>(&self, call: C) -> Result<Option<C::Return>, RpcError> {
        let env = BlockEnv::from(&self.contract.head.block.header);
        let Some(output) = self.run(&env, Address::ZERO, call.abi_encode())? else { return Ok(None) };
        C::abi_decode_returns(&output).map(Some).map_err(|_| unexpected(C::SIGNATURE))
    }

    fn call<C: SolCall>(&self, call: C) -> Result<C::Return, RpcError> {
        self.try_call(call)?.ok_or_else(|| unexpected(C::SIGNATURE))
    }

    fn validator(&self, operator: Address) -> Result<Staking::ValidatorInfo, RpcError> {
        self.call(Staking::validatorCall { operator })
    }

    /// The set that the contract would choose if the epoch ended with the next block; `None` if the present one stayed.
    fn next_set(&self) -> Result<Option<Vec<Validator>>, RpcError> {
        let Contract { api, head, .. } = self.contract;
        let header = &head.block.header;
        let env = api.chain.next_env(header, header.timestamp, api.beneficiary);
        let output = self.run(&env, SYSTEM_ADDRESS, end_epoch_input())?;
        let set = output.and_then(|output| decode_next_set(&output)).ok_or_else(|| unexpected("endEpoch()"))?;
        Ok(Some(set).filter(|set| !set.is_empty()))
    }
}

/// The contract is not the one that this node knows.
fn unexpected(signature: &str) -> RpcError {
    RpcError::server(format!("the chain's staking contract does not answer {signature} as this node expects"))
}
