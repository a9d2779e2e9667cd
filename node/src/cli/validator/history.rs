//! `esker validator history`: what an account did, was paid and lost.

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256};
use alloy_rpc_types_eth::Log;
use alloy_sol_types::SolEventInterface;
use clap::Args;
use serde_json::{Value, json};

use super::super::abi::values::parse_address;
use super::super::answer::{Answer, printable, table};
use super::super::failure::Failure;
use super::super::rpc::RpcArgs;
use super::super::units::{format_amount, format_percent, parse_quantity};
use super::chain::StakingChain;
use super::logs;
use crate::staking::Staking::StakingEvents;

/// `esker validator history`.
#[derive(Args, Clone, Debug)]
pub struct HistoryArgs {
    /// The account: a delegator, an operator, or a reporter of evidence
    #[arg(value_parser = parse_address)]
    address: Address,

    /// The first block to look at
    #[arg(long, value_name = "BLOCK", default_value_t = 0, value_parser = parse_quantity)]
    from_block: u64,

    /// The most entries to show, the newest
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    limit: u64,

    #[command(flatten)]
    rpc: RpcArgs,
}

/// Shows it.
///
/// # Errors
/// If the chain has no staking, or the server does not answer.
pub async fn run(args: &HistoryArgs) -> Result<Answer, Failure> {
    let chain = StakingChain::open(&args.rpc).await?;
    if args.from_block > chain.head {
        return Err(Failure::usage(format!("there is no block {} yet", args.from_block))
            .because(format!("the last one is {}", chain.head))
            .hint("lower --from-block"));
    }
    // Whoever delegated before that block is slashed with its validators too.
    let delegations = logs::search(&chain, &logs::delegations_of(args.address), 0).await?;
    let mut filters: Vec<Value> = logs::all_of(args.address).to_vec();
    filters.extend(logs::slashes_of(&logs::validators_in(&delegations)));
    let found = logs::search(&chain, &filters, args.from_block).await?;
    let limit = usize::try_from(args.limit).unwrap_or(usize::MAX);
    let shown: Vec<&Log> = found.logs.iter().rev().take(limit).collect();
    let entry = |log: &&Log| {
        let mut object = chain.decoder().log(log.address(), log.data()).json();
        object["blockNumber"] = json!(log.block_number);
        object["transactionHash"] = json!(log.transaction_hash);
        object["text"] = json!(told(log, args.address));
        object
    };
    let object = json!({
        "account": args.address,
        "fromBlock": found.from,
        "toBlock": found.to,
        "found": found.logs.len(),
        "entries": shown.iter().map(entry).collect::<Vec<Value>>(),
    });
    let mut lines = vec![["BLOCK", "WHAT", "TRANSACTION"].map(str::to_owned).to_vec()];
    for log in &shown {
        lines.push(vec![
            log.block_number.unwrap_or_default().to_string(),
            told(log, args.address),
            log.transaction_hash.unwrap_or(B256::ZERO).to_string(),
        ]);
    }
    let transactions: BTreeSet<Option<B256>> = shown.iter().map(|log| log.transaction_hash).collect();
    let mut text = if shown.is_empty() { String::new() } else { format!("{}\n\n", table(&lines)) };
    text.push_str(&format!(
        "{} of {} entries in {} transactions, from block {} to {}.\n\
         Jailings leave no log: `esker validator show` says whether a validator is jailed, and until when.",
        shown.len(),
        found.logs.len(),
        transactions.len(),
        found.from,
        found.to
    ));
    Ok(Answer::new(text, object))
}

/// What a log says, seen from an account.
fn told(log: &Log, account: Address) -> String {
    use StakingEvents as E;
    let data = log.data();
    let Ok(event) = StakingEvents::decode_raw_log(data.topics(), &data.data) else {
        return "something that this program does not know".to_owned();
    };
    match event {
        E::ValidatorCreated(event) => format!(
            "became the validator \"{}\" with {}, commission {}",
            printable(&event.name),
            format_amount(event.stake),
            format_percent(event.commissionBps)
        ),
        E::ValidatorEdited(event) => format!(
            "is called \"{}\", commission {} from epoch {} on",
            printable(&event.name),
            format_percent(event.commissionBps),
            event.epoch
        ),
        E::CandidateEntered(_) => "became a candidate".to_owned(),
        E::CandidateReplaced(event) if event.by == account => format!("took the place of {}", event.validator),
        E::CandidateReplaced(event) => format!("lost its place to {}", event.by),
        E::Delegated(event) => format!("delegated {} to {}", format_amount(event.amount), event.validator),
        E::Undelegated(event) => format!(
            "undelegated {} from {}, until epoch {}",
            format_amount(event.amount),
            event.validator,
            event.matures
        ),
        E::Redelegated(event) => {
            format!("redelegated {} from {} to {}", format_amount(event.amount), event.from, event.to)
        }
        E::Withdrawn(event) => format!("withdrew {} from {}", format_amount(event.amount), event.validator),
        E::RewardsClaimed(event) => {
            format!("was paid {} rewards from {}", format_amount(event.amount), event.validator)
        }
        E::CommissionClaimed(event) => format!("was paid {} commission", format_amount(event.amount)),
        E::ReportClaimed(event) => format!("was paid {} for evidence", format_amount(event.amount)),
        E::Unjailed(_) => "came out of jail".to_owned(),
        E::Slashed(event) if event.reporter == account => {
            format!("reported {}, for a reward of {}", event.validator, format_amount(event.reward))
        }
        E::Slashed(event) => format!(
            "{} was slashed: {} of all that was bonded to it, for an offence in epoch {}",
            event.validator,
            format_amount(event.amount),
            event.epoch
        ),
        E::SlashSettled(event) => {
            format!("lost {} that had left {}, to a slash", format_amount(event.amount), event.validator)
        }
    }
}
