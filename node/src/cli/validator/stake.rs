//! Stake coming, leaving and moving: `delegate`, `undelegate`, `redelegate`.

use alloy_primitives::{Address, U256};
use clap::Args;
use serde_json::json;

use super::super::abi::values::parse_address;
use super::super::answer::{Answer, remark};
use super::super::failure::Failure;
use super::super::units::{format_amount, parse_amount};
use super::chain::StakingChain;
use super::sender::{ActorArgs, meaning};
use crate::staking::Staking;

/// How much to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// So many wei.
    Wei(U256),
    /// Whatever there is.
    All,
}

fn parse_some(text: &str) -> Result<Amount, String> {
    if text == "all" { Ok(Amount::All) } else { parse_amount(text).map(Amount::Wei) }
}

/// `esker validator delegate`.
#[derive(Args, Clone, Debug)]
pub struct DelegateArgs {
    /// The validator's address
    #[arg(value_parser = parse_address)]
    validator: Address,

    /// How much, like 50ether
    #[arg(value_parser = parse_amount)]
    amount: U256,

    #[command(flatten)]
    actor: ActorArgs,
}

/// `esker validator undelegate`.
#[derive(Args, Clone, Debug)]
pub struct UndelegateArgs {
    /// The validator's address
    #[arg(value_parser = parse_address)]
    validator: Address,

    /// How much, like 50ether, or all
    #[arg(value_name = "AMOUNT|all", value_parser = parse_some)]
    amount: Amount,

    #[command(flatten)]
    actor: ActorArgs,
}

/// `esker validator redelegate`.
#[derive(Args, Clone, Debug)]
pub struct RedelegateArgs {
    /// The validator to take from
    #[arg(value_name = "FROM", value_parser = parse_address)]
    source: Address,

    /// The validator to give to
    #[arg(value_name = "TO", value_parser = parse_address)]
    target: Address,

    /// How much, like 50ether, or all that may be redelegated
    #[arg(value_name = "AMOUNT|all", value_parser = parse_some)]
    amount: Amount,

    #[command(flatten)]
    actor: ActorArgs,
}

/// Bonds coins.
///
/// # Errors
/// If the contract refuses, or there are too few.
pub async fn delegate(args: &DelegateArgs) -> Result<Answer, Failure> {
    let (mut chain, sender) = args.actor.begin().await?;
    let info = chain.validator(args.validator).await?;
    if info.isJailed {
        remark("the validator is jailed: it earns nothing until its operator brings it back");
    }
    let call = Staking::delegateCall { validator: args.validator };
    let answer = chain.send(&args.actor.sending, &sender, args.amount, call).await?;
    let next = chain.beginning(chain.epoch_of(&answer) + 1);
    let text = format!(
        "{} bonded to {}. They earn rewards at once, and are voting power in {}.",
        format_amount(args.amount),
        args.validator,
        next.text()
    );
    let facts = json!({"validator": args.validator, "amount": args.amount.to_string(), "next": next.json()});
    Ok(meaning(answer, &text, facts))
}

/// Begins to take coins out.
///
/// # Errors
/// If the contract refuses, or there are too few.
pub async fn undelegate(args: &UndelegateArgs) -> Result<Answer, Failure> {
    let (mut chain, sender) = args.actor.begin().await?;
    chain.validator(args.validator).await?;
    let amount = match args.amount {
        Amount::Wei(wei) => wei,
        Amount::All => everything(&chain, sender.address(), args.validator).await?.stake,
    };
    let call = Staking::undelegateCall { validator: args.validator, amount };
    let answer = chain.send(&args.actor.sending, &sender, U256::ZERO, call).await?;
    let matures = chain.beginning(chain.epoch_of(&answer) + u64::from(chain.params.unbondingEpochs));
    let text = format!(
        "{} are on their way out of {}.\nThey can be withdrawn in {}; until then they earn nothing, and answer for what \
         the validator did before.\nThen: `esker validator withdraw {}`.",
        format_amount(amount),
        args.validator,
        matures.text(),
        args.validator
    );
    let facts = json!({"validator": args.validator, "amount": amount.to_string(), "matures": matures.json()});
    Ok(meaning(answer, &text, facts))
}

/// Moves coins.
///
/// # Errors
/// If the contract refuses, or there are too few that may be moved.
pub async fn redelegate(args: &RedelegateArgs) -> Result<Answer, Failure> {
    let (mut chain, sender) = args.actor.begin().await?;
    chain.validator(args.source).await?;
    chain.validator(args.target).await?;
    let amount = match args.amount {
        Amount::Wei(wei) => wei,
        Amount::All => everything(&chain, sender.address(), args.source).await?.redelegable,
    };
    let call = Staking::redelegateCall { from: args.source, to: args.target, amount };
    let answer = chain.send(&args.actor.sending, &sender, U256::ZERO, call).await?;
    let free = chain.beginning(chain.epoch_of(&answer) + u64::from(chain.params.evidenceEpochs));
    let text = format!(
        "{} moved from {} to {}.\nThey answer for what the first did before, and cannot be moved again, until {}.",
        format_amount(amount),
        args.source,
        args.target,
        free.text()
    );
    let facts = json!({"from": args.source, "to": args.target, "amount": amount.to_string(), "free": free.json()});
    Ok(meaning(answer, &text, facts))
}

async fn everything(
    chain: &StakingChain,
    delegator: Address,
    validator: Address,
) -> Result<Staking::DelegationInfo, Failure> {
    let info = chain.ask(Staking::delegationCall { delegator, validator }).await?;
    if info.stake.is_zero() {
        return Err(Failure::failed(format!("{delegator} has nothing bonded to {validator}"))
            .hint(format!("`esker validator account {delegator}` shows what it has")));
    }
    Ok(info)
}
