//! `esker validator list`.

use alloy_primitives::{U64, U256};
use clap::Args;
use serde_json::{Value, json};

use super::super::answer::{Answer, printable, table};
use super::super::call::parse_block;
use super::super::failure::Failure;
use super::super::rpc::RpcArgs;
use super::super::units::{format_amount, format_percent};
use super::chain::StakingChain;
use crate::staking::report::{Candidate, Candidates, Standing};

/// `esker validator list`.
#[derive(Args, Clone, Debug)]
pub struct ListArgs {
    /// The block after which they are asked: a number, a hash, or latest; the state of the last blocks only is kept
    #[arg(long, default_value = "latest", value_parser = parse_block)]
    block: Value,

    #[command(flatten)]
    rpc: RpcArgs,
}

/// Shows the set and the candidates.
///
/// # Errors
/// If the chain has no staking, or the server does not answer.
pub async fn run(args: &ListArgs) -> Result<Answer, Failure> {
    let chain = StakingChain::open(&args.rpc).await?;
    let known: Candidates = chain.report("esker_candidates", std::slice::from_ref(&args.block)).await?;
    let json = json!({
        "block": known.block.to::<u64>(),
        "epoch": epoch_json(&known.epoch),
        "totalPower": known.total_power.to::<u64>(),
        "nextTotalPower": known.next_total_power.to::<u64>(),
        "validators": known.candidates.iter().map(candidate_json).collect::<Vec<_>>(),
    });
    Ok(Answer::new(text(&chain, &known), json))
}

/// An epoch, as `--json` shows it.
#[must_use]
pub fn epoch_json(epoch: &crate::staking::report::Epoch) -> Value {
    json!({
        "number": epoch.number.to::<u64>(),
        "firstBlock": epoch.first_block.to::<u64>(),
        "lastBlock": epoch.last_block.to::<u64>(),
        "blocksLeft": epoch.blocks_left.to::<u64>(),
    })
}

/// What the contract says of a validator, as `--json` shows it.
#[must_use]
pub fn standing_json(standing: &Standing) -> Value {
    json!({
        "name": standing.name,
        "stake": standing.stake.to_string(),
        "selfBond": standing.self_bond.to_string(),
        "commissionBps": standing.commission_bps,
        "nextCommissionBps": standing.next_commission_bps,
        "commission": standing.commission.to_string(),
        "slots": standing.slots,
        "missed": standing.missed,
        "isJailed": standing.is_jailed,
        "jailedUntil": standing.jailed_until.map(|epoch| epoch.to::<u64>()),
        "isTombstoned": standing.is_tombstoned,
        "offenceEpoch": standing.offence_epoch.map(|epoch| epoch.to::<u64>()),
        "isCandidate": standing.is_candidate,
    })
}

/// A candidate, as `--json` shows it.
#[must_use]
pub fn candidate_json(one: &Candidate) -> Value {
    let mut object = standing_json(&one.standing);
    object["address"] = json!(one.address);
    object["publicKey"] = json!(one.public_key);
    object["power"] = json!(one.power.to::<u64>());
    object["nextPower"] = json!(one.next_power.to::<u64>());
    object
}

/// A commission now, and from the next epoch on if that is another.
#[must_use]
pub fn commission(standing: &Standing) -> String {
    let (now, next) = (standing.commission_bps, standing.next_commission_bps);
    if now == next { format_percent(now) } else { format!("{}, then {}", format_percent(now), format_percent(next)) }
}

fn text(chain: &StakingChain, known: &Candidates) -> String {
    let head = ["", "VALIDATOR", "NAME", "POWER", "NEXT", "STAKE", "SELF-BOND", "COMMISSION", "MISSED", "STATE"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for (index, one) in known.candidates.iter().enumerate() {
        let standing = &one.standing;
        let power = |power: U64| if power.is_zero() { "-".to_owned() } else { power.to::<u64>().to_string() };
        rows.push(vec![
            (index + 1).to_string(),
            one.address.to_string(),
            printable(&standing.name),
            power(one.power),
            power(one.next_power),
            whole(standing.stake),
            whole(standing.self_bond),
            commission(standing),
            format!("{} of {}", standing.missed, standing.slots),
            state(one).to_owned(),
        ]);
    }
    let epoch = &known.epoch;
    let next = chain.beginning(epoch.number.to::<u64>() + 1);
    let when = if known.block.to::<u64>() == chain.head {
        format!("NEXT is {}", next.text())
    } else {
        format!("NEXT is epoch {}, from block {} on", next.epoch, next.block)
    };
    format!(
        "Block {}, epoch {} (blocks {} to {}). {when}, as things stand.\n\n{}",
        known.block.to::<u64>(),
        epoch.number.to::<u64>(),
        epoch.first_block.to::<u64>(),
        epoch.last_block.to::<u64>(),
        table(&rows)
    )
}

/// An amount in a table: coins without their last digits, as a list is for comparing; `show` and `--json` are exact.
fn whole(wei: U256) -> String {
    let milli = wei / U256::from(1_000_000_000_000_000u64);
    format_amount(milli * U256::from(1_000_000_000_000_000u64)).replace(" ether", "")
}

/// How a validator stands, in a word or two.
#[must_use]
pub fn state(one: &Candidate) -> &'static str {
    let standing = &one.standing;
    match (one.power.is_zero(), one.next_power.is_zero()) {
        _ if standing.is_tombstoned => "slashed, out for ever",
        _ if standing.is_jailed => "jailed",
        (false, false) => "in the set",
        (false, true) => "leaves the set",
        (true, false) => "enters the set",
        (true, true) if standing.is_candidate => "waits: too little stake",
        (true, true) => "no candidate",
    }
}
