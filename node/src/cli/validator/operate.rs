//! What operators do with the validator that they have: `edit`, `unjail`, `enter`.

use alloy_primitives::{Address, U256};
use clap::{ArgGroup, Args};
use serde_json::json;

use super::super::abi::values::parse_address;
use super::super::answer::{Answer, printable};
use super::super::failure::Failure;
use super::super::units::{format_percent, parse_percent};
use super::chain::StakingChain;
use super::create::check_name;
use super::sender::{ActorArgs, meaning};
use crate::staking::Staking;

/// `esker validator edit`.
#[derive(Args, Clone, Debug)]
#[command(group = ArgGroup::new("change").required(true).multiple(true))]
pub struct EditArgs {
    /// What the validator calls itself: at most 64 bytes
    #[arg(long, group = "change")]
    name: Option<String>,

    /// Its commission from the next epoch on, like 5%
    #[arg(long, group = "change", value_name = "PERCENT", value_parser = parse_percent)]
    commission: Option<u16>,

    #[command(flatten)]
    actor: ActorArgs,
}

/// `esker validator unjail`.
#[derive(Args, Clone, Debug)]
pub struct UnjailArgs {
    #[command(flatten)]
    actor: ActorArgs,
}

/// `esker validator enter`.
#[derive(Args, Clone, Debug)]
pub struct EnterArgs {
    /// The validator's address
    #[arg(value_parser = parse_address)]
    validator: Address,

    #[command(flatten)]
    actor: ActorArgs,
}

/// Renames a validator, or sets its commission.
///
/// # Errors
/// If the sender has none, or the contract refuses.
pub async fn edit(args: &EditArgs) -> Result<Answer, Failure> {
    if let Some(name) = &args.name {
        check_name(name)?;
    }
    let (mut chain, sender) = args.actor.begin().await?;
    let info = chain.validator(sender.address()).await?;
    let name = args.name.clone().unwrap_or(info.name);
    let commission = args.commission.unwrap_or(info.nextCommissionBps);
    let call = Staking::editValidatorCall { name: name.clone(), commissionBps: commission };
    let answer = chain.send(&args.actor.sending, &sender, U256::ZERO, call).await?;
    let next = chain.beginning_after(chain.epoch_of(&answer), 1);
    let called = if name.is_empty() { "has no name".to_owned() } else { format!("is called \"{}\"", printable(&name)) };
    let text = format!(
        "{} {called}; its commission is {}, and {} in {}.",
        sender.address(),
        format_percent(info.commissionBps),
        format_percent(commission),
        next.text()
    );
    let facts = json!({
        "operator": sender.address(),
        "name": name,
        "commissionBps": info.commissionBps,
        "nextCommissionBps": commission,
        "next": next.json(),
    });
    Ok(meaning(answer, &text, facts))
}

/// Lets a validator out of jail.
///
/// # Errors
/// If the sender has none, or it is not time.
pub async fn unjail(args: &UnjailArgs) -> Result<Answer, Failure> {
    let (mut chain, sender) = args.actor.begin().await?;
    chain.validator(sender.address()).await?;
    let answer = chain.send(&args.actor.sending, &sender, U256::ZERO, Staking::unjailCall {}).await?;
    seated(&chain, answer, sender.address(), "is out of jail").await
}

/// Makes a validator a candidate.
///
/// # Errors
/// If it cannot be one.
pub async fn enter(args: &EnterArgs) -> Result<Answer, Failure> {
    let (mut chain, sender) = args.actor.begin().await?;
    let call = Staking::enterCall { validator: args.validator };
    let answer = chain.send(&args.actor.sending, &sender, U256::ZERO, call).await?;
    seated(&chain, answer, args.validator, "is a candidate").await
}

async fn seated(chain: &StakingChain, answer: Answer, operator: Address, what: &str) -> Result<Answer, Failure> {
    let waited = answer.json["status"] == "success";
    let info = chain.validator(operator).await?;
    let next = chain.beginning_after(chain.epoch_of(&answer), 1);
    let text = if waited && !info.isCandidate {
        format!(
            "{operator} {what}, but no candidate: its operator's own stake is too small, or 100 others have more.\n\
             When that has changed: `esker validator enter {operator}`."
        )
    } else {
        format!("{operator} {what}. If its stake suffices it is in the set in {}.", next.text())
    };
    let is_candidate = waited.then_some(info.isCandidate);
    // No candidate, no epoch in which it could be in the set.
    let next = (is_candidate != Some(false)).then(|| next.json());
    Ok(meaning(answer, &text, json!({"operator": operator, "isCandidate": is_candidate, "next": next})))
}
