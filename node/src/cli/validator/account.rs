//! `esker validator account`: everything of a delegator.

use std::collections::BTreeSet;

use alloy_primitives::{Address, U256};
use alloy_sol_types::SolEvent;
use clap::Args;
use serde_json::{Value, json};

use super::super::abi::values::parse_address;
use super::super::answer::{Answer, columns, printable, table};
use super::super::failure::Failure;
use super::super::rpc::RpcArgs;
use super::super::units::{format_amount, format_percent};
use super::chain::StakingChain;
use super::list::epoch_json;
use super::logs;
use crate::staking::Staking;
use crate::staking::report::{Account, Position};

/// Most validators that one request may name.
const NAMED_MAX: usize = 100;

/// `esker validator account`.
#[derive(Args, Clone, Debug)]
pub struct AccountArgs {
    /// The account
    #[arg(value_parser = parse_address)]
    address: Address,

    #[command(flatten)]
    rpc: RpcArgs,
}

/// What an account has, and where that was looked for.
pub struct Holdings {
    /// What it has.
    pub account: Account,
    /// Slashes of validators that it ever delegated to.
    slashes: Vec<Slash>,
    /// The first block whose logs were searched.
    logs_from: u64,
}

struct Slash {
    block: u64,
    event: Staking::Slashed,
}

/// Asks for all that an account has: of the present set, the candidates, and each validator that it ever delegated to.
///
/// # Errors
/// If the server does not answer.
pub async fn holdings(chain: &StakingChain, address: Address) -> Result<Holdings, Failure> {
    let found = logs::search(chain, &logs::delegations_of(address), 0).await?;
    let named = logs::validators_in(&found);
    let mut account: Option<Account> = None;
    let mut asked = BTreeSet::new();
    let mut chunks: Vec<&[Address]> = named.chunks(NAMED_MAX).collect();
    if chunks.is_empty() {
        chunks.push(&[]);
    }
    for chunk in chunks {
        // All at one block: coins that move meanwhile would be seen twice, or not at all.
        let block = account.as_ref().map_or_else(|| json!("latest"), |known| json!(known.block));
        let more: Account = chain.report("esker_stakingAccount", &[json!(address), block, json!(chunk)]).await?;
        asked.extend(chunk);
        match &mut account {
            None => account = Some(more),
            Some(account) => {
                let known: BTreeSet<Address> = account.positions.iter().map(|one| one.validator).collect();
                account.positions.extend(more.positions.into_iter().filter(|one| !known.contains(&one.validator)));
            }
        }
    }
    let account = account.ok_or_else(|| Failure::infrastructure("the server said nothing of the account"))?;
    let held = account.positions.iter().map(|position| position.validator);
    let involved: Vec<Address> = held.chain(asked).collect::<BTreeSet<Address>>().into_iter().collect();
    let slashed = logs::search(chain, &logs::slashes_of(&involved), found.from).await?;
    let slash = |log: &alloy_rpc_types_eth::Log| {
        let event = Staking::Slashed::decode_log_data(&log.inner.data).ok()?;
        Some(Slash { block: log.block_number.unwrap_or_default(), event })
    };
    Ok(Holdings { account, slashes: slashed.logs.iter().filter_map(slash).collect(), logs_from: found.from })
}

/// Shows an account.
///
/// # Errors
/// If the chain has no staking, or the server does not answer.
pub async fn run(args: &AccountArgs) -> Result<Answer, Failure> {
    let chain = StakingChain::open(&args.rpc).await?;
    let holdings = holdings(&chain, args.address).await?;
    let balance = chain.balance(args.address).await?;
    Ok(Answer::new(text(&chain, &holdings, balance), json(&chain, &holdings, balance)))
}

fn sum(positions: &[Position], amount: fn(&Position) -> U256) -> U256 {
    positions.iter().map(amount).fold(U256::ZERO, U256::saturating_add)
}

fn unbonding(position: &Position) -> U256 {
    position.unbonding.iter().map(|entry| entry.amount).fold(U256::ZERO, U256::saturating_add)
}

fn text(chain: &StakingChain, holdings: &Holdings, balance: U256) -> String {
    let Holdings { account, slashes, logs_from } = holdings;
    let positions = &account.positions;
    let mut rows = vec![
        ("account", account.address.to_string()),
        ("balance", format_amount(balance)),
        ("bonded", format_amount(sum(positions, |one| one.stake))),
        ("rewards", format!("{} to claim", format_amount(sum(positions, |one| one.rewards)))),
        ("unbonding", format_amount(sum(positions, unbonding))),
    ];
    if let Some(commission) = account.commission {
        rows.push(("commission", format!("{} to claim, as its own validator's operator", format_amount(commission))));
    }
    if !account.report.is_zero() {
        rows.push(("evidence", format!("{} to claim for evidence", format_amount(account.report))));
    }
    let mut text = columns(&rows);
    if !positions.is_empty() {
        let head = ["VALIDATOR", "NAME", "BONDED", "REDELEGABLE", "REWARDS", "STATE"].map(str::to_owned).to_vec();
        let mut lines = vec![head];
        for one in positions {
            lines.push(vec![
                one.validator.to_string(),
                printable(&one.name),
                format_amount(one.stake),
                format_amount(one.redelegable),
                format_amount(one.rewards),
                match (one.is_tombstoned, one.is_jailed) {
                    (true, _) => "slashed, out for ever",
                    (false, true) => "jailed",
                    (false, false) => "",
                }
                .to_owned(),
            ]);
        }
        text.push_str(&format!("\n\n{}", table(&lines)));
    }
    let on_the_way = positions.iter().flat_map(|one| one.unbonding.iter().map(move |entry| (one, entry)));
    let lines: Vec<String> = on_the_way
        .map(|(one, entry)| {
            let matures = chain.beginning(entry.matures.to());
            let risk =
                if entry.is_at_risk || entry.source.is_some() { "; an offence may still slash them" } else { "" };
            format!("{} out of {}: {}{risk}", format_amount(entry.amount), one.validator, matures.text())
        })
        .collect();
    if !lines.is_empty() {
        text.push_str(&format!("\n\nOn their way out:\n{}", lines.join("\n")));
    }
    if !slashes.is_empty() {
        let line = |slash: &Slash| {
            format!(
                "block {}: {} lost {} of everything, for an offence in epoch {}",
                slash.block,
                slash.event.validator,
                format_percent(chain.params.slashBps),
                slash.event.epoch
            )
        };
        text.push_str(&format!("\n\nSlashes:\n{}", slashes.iter().map(line).collect::<Vec<_>>().join("\n")));
    }
    text.push_str(&format!("\n\n{}", coverage(account, *logs_from)));
    text
}

/// What was looked at.
fn coverage(account: &Account, logs_from: u64) -> String {
    let (asked, head) = (account.asked.to::<u64>(), account.block.to::<u64>());
    if logs_from == 0 {
        return format!(
            "Complete at block {head}: it asked the set, the candidates, and all that the account ever delegated to."
        );
    }
    format!(
        "At block {head} this asked {asked} validators: the set, the candidates, and those that the account delegated to \
         since block {logs_from}.\nThe server holds no older logs: what is in a validator that left before may be missing."
    )
}

fn json(chain: &StakingChain, holdings: &Holdings, balance: U256) -> Value {
    let Holdings { account, slashes, logs_from } = holdings;
    let position = |one: &Position| {
        let entries = one.unbonding.iter().map(|entry| {
            json!({
                "amount": entry.amount.to_string(),
                "epoch": entry.epoch.to::<u64>(),
                "matures": chain.beginning(entry.matures.to()).json(),
                "isAtRisk": entry.is_at_risk,
                "source": entry.source,
            })
        });
        let lots = one
            .lots
            .iter()
            .map(|lot| json!({"source": lot.source, "epoch": lot.epoch.to::<u64>(), "shares": lot.shares.to_string()}));
        json!({
            "validator": one.validator,
            "name": one.name,
            "stake": one.stake.to_string(),
            "redelegable": one.redelegable.to_string(),
            "shares": one.shares.to_string(),
            "lostShares": one.lost_shares.to_string(),
            "lots": lots.collect::<Vec<_>>(),
            "rewards": one.rewards.to_string(),
            "unbonding": entries.collect::<Vec<_>>(),
            "isJailed": one.is_jailed,
            "isTombstoned": one.is_tombstoned,
        })
    };
    let slash = |slash: &Slash| {
        json!({
            "blockNumber": slash.block,
            "validator": slash.event.validator,
            "offenceEpoch": slash.event.epoch,
            "slashBps": chain.params.slashBps,
            "amount": slash.event.amount.to_string(),
        })
    };
    let positions = &account.positions;
    json!({
        "account": account.address,
        "block": account.block.to::<u64>(),
        "epoch": epoch_json(&account.epoch),
        "balance": balance.to_string(),
        "bonded": sum(positions, |one| one.stake).to_string(),
        "rewards": sum(positions, |one| one.rewards).to_string(),
        "unbonding": sum(positions, unbonding).to_string(),
        "commission": account.commission.map(|wei| wei.to_string()),
        "report": account.report.to_string(),
        "positions": positions.iter().map(position).collect::<Vec<_>>(),
        "slashes": slashes.iter().map(slash).collect::<Vec<_>>(),
        "coverage": {"isComplete": *logs_from == 0, "logsFrom": logs_from, "validatorsAsked": account.asked.to::<u64>()},
    })
}
