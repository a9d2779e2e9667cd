//! Being paid: `claim` and `withdraw`. The contract pays one thing in a transaction, so this may send several.

use alloy_primitives::{Address, U64, U256};
use alloy_sol_types::SolCall;
use clap::Args;
use serde_json::{Value, json};

use super::super::abi::values::parse_address;
use super::super::answer::Answer;
use super::super::failure::Failure;
use super::super::transact::sender::Sender;
use super::super::units::format_amount;
use super::account::{Holdings, holdings};
use super::chain::StakingChain;
use super::sender::ActorArgs;
use crate::staking::Staking;

/// `esker validator claim`.
#[derive(Args, Clone, Debug)]
pub struct ClaimArgs {
    /// Validators whose rewards to claim
    #[arg(value_name = "VALIDATOR", value_parser = parse_address)]
    #[arg(required_unless_present_any = ["all", "commission", "report"])]
    validators: Vec<Address>,

    /// Claim everything: rewards from all validators, commission, and rewards for evidence
    #[arg(long, conflicts_with_all = ["validators", "commission", "report"])]
    all: bool,

    /// Claim the commission of the sender's own validator
    #[arg(long)]
    commission: bool,

    /// Claim rewards for evidence
    #[arg(long)]
    report: bool,

    #[command(flatten)]
    actor: ActorArgs,
}

/// `esker validator withdraw`.
#[derive(Args, Clone, Debug)]
pub struct WithdrawArgs {
    /// Validators that coins were taken out of
    #[arg(value_name = "VALIDATOR", value_parser = parse_address, required_unless_present = "all")]
    validators: Vec<Address>,

    /// Withdraw from all validators whatever has matured
    #[arg(long, conflicts_with = "validators")]
    all: bool,

    #[command(flatten)]
    actor: ActorArgs,
}

/// Claims what is named.
///
/// # Errors
/// If there is nothing to claim, or the contract refuses; what was paid before is told.
pub async fn claim(args: &ClaimArgs) -> Result<Answer, Failure> {
    let (mut chain, sender) = args.actor.begin().await?;
    let account = sender.address();
    let (mut validators, mut commission, mut report) = (args.validators.clone(), args.commission, args.report);
    if args.all {
        let Holdings { account, .. } = holdings(&chain, account).await?;
        let earning = account.positions.iter().filter(|position| !position.rewards.is_zero());
        validators = earning.map(|position| position.validator).collect();
        commission = account.commission.is_some_and(|coins| !coins.is_zero());
        report = !account.report.is_zero();
    }
    let mut payments = Payments::new(&mut chain, &args.actor, &sender);
    let count = validators.len() + usize::from(commission) + usize::from(report);
    if count == 0 {
        return Err(Failure::failed(format!("{account} has nothing to claim"))
            .hint(format!("`esker validator account {account}` shows what it has")));
    }
    payments.check_nonce(count)?;
    for validator in validators {
        payments.pay(format!("rewards from {validator}"), "rewards", Staking::claimRewardsCall { validator }).await?;
    }
    if commission {
        payments.pay("commission".to_owned(), "commission", Staking::claimCommissionCall {}).await?;
    }
    if report {
        payments.pay("rewards for evidence".to_owned(), "report", Staking::claimReportCall {}).await?;
    }
    Ok(payments.so_far())
}

/// Withdraws what has matured.
///
/// # Errors
/// If nothing has, or the contract refuses; what was paid before is told.
pub async fn withdraw(args: &WithdrawArgs) -> Result<Answer, Failure> {
    let (mut chain, sender) = args.actor.begin().await?;
    let account = sender.address();
    let mut validators = args.validators.clone();
    if args.all {
        let Holdings { account: held, .. } = holdings(&chain, account).await?;
        let now = U64::from(chain.next_epoch());
        let has_matured = held.positions.iter().filter(|one| one.unbonding.iter().any(|entry| entry.matures <= now));
        validators = has_matured.map(|position| position.validator).collect();
        if validators.is_empty() {
            let next = held.positions.iter().flat_map(|one| &one.unbonding).map(|entry| entry.matures).min();
            let reason = match next {
                Some(epoch) => format!("the first coins mature in {}", chain.beginning(epoch.to()).text()),
                None => "no coins are on their way out".to_owned(),
            };
            return Err(Failure::failed(format!("{account} has nothing to withdraw"))
                .because(reason)
                .hint(format!("`esker validator account {account}` shows what it has")));
        }
    }
    let mut payments = Payments::new(&mut chain, &args.actor, &sender);
    payments.check_nonce(validators.len())?;
    for validator in validators {
        payments.pay(format!("withdrawn from {validator}"), "withdrawn", Staking::withdrawCall { validator }).await?;
    }
    Ok(payments.so_far())
}

/// Transactions that pay the sender.
struct Payments<'a> {
    chain: &'a mut StakingChain,
    actor: &'a ActorArgs,
    sender: &'a Sender,
    lines: Vec<String>,
    transactions: Vec<Value>,
    paid: U256,
}

impl<'a> Payments<'a> {
    const fn new(chain: &'a mut StakingChain, actor: &'a ActorArgs, sender: &'a Sender) -> Self {
        Self { chain, actor, sender, lines: Vec::new(), transactions: Vec::new(), paid: U256::ZERO }
    }

    fn check_nonce(&self, count: usize) -> Result<(), Failure> {
        if self.actor.sending.nonce.is_some() && count > 1 {
            return Err(Failure::usage(format!("--nonce is one transaction's, and this takes {count}"))
                .hint("leave it out, or name one validator"));
        }
        Ok(())
    }

    async fn pay<C: SolCall>(&mut self, what: String, kind: &str, call: C) -> Result<(), Failure> {
        let sent = self.chain.send(&self.actor.sending, self.sender, U256::ZERO, call).await;
        let answer = match sent {
            Ok(answer) => answer,
            // What was paid already stays paid.
            Err(failure) if self.transactions.is_empty() => return Err(failure),
            Err(failure) => return Err(failure.after(self.so_far())),
        };
        let amount = paid(&answer.json);
        let shown = amount.map_or_else(|| "sent, not waited for".to_owned(), format_amount);
        self.paid = self.paid.saturating_add(amount.unwrap_or_default());
        let hash = answer.json["transactionHash"].as_str().unwrap_or_default().to_owned();
        self.lines.push(format!("{what}: {shown} ({hash})"));
        let mut transaction = answer.json;
        transaction["kind"] = json!(kind);
        transaction["amount"] = json!(amount.map(|wei| wei.to_string()));
        self.transactions.push(transaction);
        Ok(())
    }

    fn so_far(&self) -> Answer {
        let text = format!("{}\ntogether: {}", self.lines.join("\n"), format_amount(self.paid));
        Answer::new(text, json!({"transactions": self.transactions, "paid": self.paid.to_string()}))
    }
}

/// What a receipt's events say was paid.
fn paid(receipt: &Value) -> Option<U256> {
    let logs = receipt["logs"].as_array()?;
    let events = logs.iter().map(|log| &log["event"]);
    let payments = events.filter(|event| {
        ["Withdrawn", "RewardsClaimed", "CommissionClaimed", "ReportClaimed"].iter().any(|name| event["name"] == *name)
    });
    let amounts = payments.filter_map(|event| {
        let amount = event["arguments"].as_array()?.iter().find(|argument| argument["name"] == "amount")?;
        amount["value"].as_str()?.parse::<U256>().ok()
    });
    Some(amounts.fold(U256::ZERO, U256::saturating_add))
}
