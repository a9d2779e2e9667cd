//! `esker validator list`.

use std::str::FromStr;

use alloy_primitives::{U64, U256};
use clap::Args;
use serde_json::{Value, json};

use super::super::answer::{Answer, printable, table};
use super::super::call::parse_block;
use super::super::failure::Failure;
use super::super::rpc::RpcArgs;
use super::super::units::{format_amount, format_percent};
use super::chain::StakingChain;
use super::outlook::state;
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
    let known = at(&chain, &args.block).await?;
    let json = json!({
        "block": known.block.to::<u64>(),
        "epoch": epoch_json(&known.epoch),
        "totalPower": known.total_power.to::<u64>(),
        "nextTotalPower": known.next_total_power.to::<u64>(),
        "validators": known.candidates.iter().map(candidate_json).collect::<Vec<_>>(),
    });
    Ok(Answer::new(text(&chain, &known), json))
}

/// The candidates after a block.
async fn at(chain: &StakingChain, block: &Value) -> Result<Candidates, Failure> {
    let number = block.as_str().and_then(|text| U64::from_str(text).ok());
    if let Some(number) = number.map(|number| number.to::<u64>()).filter(|number| *number > chain.head) {
        return Err(Failure::usage(format!("there is no block {number} yet"))
            .because(format!("the last one is {}", chain.head))
            .hint("lower --block"));
    }
    let failure = match chain.report("esker_candidates", std::slice::from_ref(block)).await {
        Ok(known) => return Ok(known),
        Err(failure) => failure,
    };
    let Some(message) = failure.detail("rpcMessage").and_then(Value::as_str) else { return Err(failure) };
    if message.contains("header for hash not found") {
        return Err(Failure::usage("no block has this hash").because(message).hint("correct --block"));
    }
    let Some(oldest) = oldest_state(message) else { return Err(failure) };
    Err(Failure::usage("the state after that block is no longer kept")
        .because(format!("this server answers for the blocks from {oldest} to {}", chain.head))
        .hint("choose one of these with --block"))
}

/// The number in "missing trie node …, from block N on".
fn oldest_state(message: &str) -> Option<u64> {
    let (_, rest) = message.strip_prefix("missing trie node")?.rsplit_once("from block ")?;
    rest.split(' ').next()?.parse().ok()
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
            state(one, known, &chain.params),
        ]);
    }
    let epoch = &known.epoch;
    let next = chain.beginning_after(epoch.number.to::<u64>(), 1);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_block_whose_state_is_kept_is_read() {
        let words = "missing trie node 12 (path ) state 0x12 is not available: block 5 is too old, this node answers for \
            the states of the last blocks since it started, from block 73 on";
        assert_eq!(oldest_state(words), Some(73));
        assert_eq!(oldest_state("missing trie node 12 (path )"), None);
        assert_eq!(oldest_state("pruned: this node holds blocks from block 73 on"), None);
    }
}
