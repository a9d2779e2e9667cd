//! Stake coming, leaving and moving: `delegate`, `undelegate`, `redelegate`.

use alloy_primitives::{Address, U256};
use clap::Args;
use serde_json::{Value, json};

use super::super::abi::values::parse_address;
use super::super::answer::Answer;
use super::super::failure::Failure;
use super::super::units::{format_amount, parse_amount};
use super::chain::StakingChain;
use super::outlook::{Hindrance, is_left_over};
use super::sender::{ActorArgs, meaning};
use crate::staking::Staking;
use crate::staking::report::{Candidate, Candidates};

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
    chain.validator(args.validator).await?;
    let call = Staking::delegateCall { validator: args.validator };
    let answer = chain.send(&args.actor.sending, &sender, args.amount, call).await?;
    let prospect = Prospect::of(&chain, &answer, args.validator, args.amount).await;
    let text = format!("{} bonded to {}. {}", format_amount(args.amount), args.validator, prospect.text);
    let facts = json!({
        "validator": args.validator,
        "amount": args.amount.to_string(),
        "next": prospect.next,
        "warning": prospect.warning,
    });
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
    let matures = chain.beginning_after(chain.epoch_of(&answer), chain.params.unbondingEpochs);
    let warning = left_over(&chain, &answer, args.validator).await;
    let text = format!(
        "{} are on their way out of {}.\nThey can be withdrawn in {}; until then they earn nothing, and answer for what \
         the validator did before.\nThen: `esker validator withdraw {}`.{}",
        format_amount(amount),
        args.validator,
        matures.text(),
        args.validator,
        warning.as_ref().map(|words| format!("\nWarning: {words}.")).unwrap_or_default()
    );
    let facts = json!({
        "validator": args.validator,
        "amount": amount.to_string(),
        "matures": matures.json(),
        "warning": warning,
    });
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
    let free = chain.beginning_after(chain.epoch_of(&answer), chain.params.evidenceEpochs);
    let prospect = Prospect::of(&chain, &answer, args.target, amount).await;
    let text = format!(
        "{} moved from {} to {}. {}\nThey answer for what the first did before, and cannot be moved again, until {}.",
        format_amount(amount),
        args.source,
        args.target,
        prospect.text,
        free.text()
    );
    let facts = json!({
        "from": args.source,
        "to": args.target,
        "amount": amount.to_string(),
        "free": free.json(),
        "next": prospect.next,
        "warning": prospect.warning,
    });
    Ok(meaning(answer, &text, facts))
}

/// What becomes of coins that were bonded to a validator.
struct Prospect {
    /// In words, with the warning.
    text: String,
    /// From when on they are voting power; null if they are not to be, as things stand.
    next: Value,
    /// Why not.
    warning: Option<String>,
}

impl Prospect {
    /// Of `amount` that the transaction of `answer` bonds to a validator.
    async fn of(chain: &StakingChain, answer: &Answer, validator: Address, amount: U256) -> Self {
        let next = chain.beginning_after(chain.epoch_of(answer), 1);
        // The coins are bonded: a server that does not say how the validator stands makes that no failure.
        let Some((one, known)) = standing(chain, validator).await else {
            let text = format!("If the validator is in the set then, they are voting power in {}.", next.text());
            return Self { text, next: next.json(), warning: None };
        };
        let is_in = !one.power.is_zero();
        let hindrance = Hindrance::of(&one, &known, &chain.params).filter(|why| match why {
            // What is only sent does not count there yet.
            Hindrance::Outranked { least, .. } if answer.json["status"] == "sent" => {
                one.standing.stake.saturating_add(amount) <= *least
            }
            _ => true,
        });
        let (text, next, warning) = match hindrance {
            None if is_in => {
                (format!("They earn rewards at once, and are voting power in {}.", next.text()), next.json(), None)
            }
            None => (format!("They earn rewards, and are voting power, in {}.", next.text()), next.json(), None),
            Some(why) => {
                let earning = if is_in { "earn nothing from the next epoch on" } else { "earn nothing" };
                let warning = why.text(validator);
                let text = format!("As things stand they {earning} and are no voting power.\nWarning: {warning}.");
                (text, Value::Null, Some(warning))
            }
        };
        Self { text, next, warning }
    }
}

/// How a validator stands at the head; `None` if the server does not say.
async fn standing(chain: &StakingChain, validator: Address) -> Option<(Candidate, Candidates)> {
    let known: Candidates = chain.report("esker_candidates", &[json!("latest")]).await.ok()?;
    if let Some(one) = known.candidates.iter().find(|one| one.address == validator) {
        return Some((one.clone(), known));
    }
    let info = chain.find(validator).await.ok()??;
    Some((Candidate::outside(info), known))
}

/// Why a validator out of which coins were taken stays in the set all the same, if it does.
async fn left_over(chain: &StakingChain, answer: &Answer, validator: Address) -> Option<String> {
    if answer.json["status"] == "sent" {
        return None;
    }
    let (one, _) = standing(chain, validator).await?;
    is_left_over(&one, &chain.params).then(|| {
        format!(
            "{validator} stays in the set, with its power of {}, as long as no other validator may be chosen: a chain \
             without validators would stop. Keep its node running until `esker validator list` shows another one in the set",
            one.next_power
        )
    })
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
