//! The staking contract's logs: which validators an account ever had to do with, and what happened to it.

use alloy_primitives::{Address, B256, U64};
use alloy_rpc_types_eth::Log;
use alloy_sol_types::SolEvent;
use esker_runtime::staking::STAKING_ADDRESS;
use serde_json::{Value, json};

use super::super::failure::Failure;
use super::super::rpc::RpcFailure;
use super::chain::StakingChain;
use crate::staking::Staking;

/// What a server answers for blocks that it does not hold (EIP-4444).
const PRUNED: i64 = 4444;

/// Logs, and the blocks that they are from.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The logs, in the order of the chain.
    pub logs: Vec<Log>,
    /// The first block that was searched.
    pub from: u64,
    /// The last one.
    pub to: u64,
}

/// A list of topics for one place of a filter.
fn topics(addresses: impl IntoIterator<Item = Address>) -> Value {
    addresses.into_iter().map(|address| json!(address.into_word())).collect()
}

fn kinds(hashes: &[B256]) -> Value {
    json!(hashes)
}

/// The logs that have these topics, from `from` on; where the server does not hold that block, from its first one on.
///
/// # Errors
/// If there are more than the server gives at once, or it does not answer.
pub async fn search(chain: &StakingChain, filters: &[Value], from: u64) -> Result<Found, Failure> {
    let mut first = from;
    let mut logs: Vec<Log> = Vec::new();
    let mut index = 0;
    while let Some(topics) = filters.get(index) {
        let filter = json!({
            "address": STAKING_ADDRESS,
            "fromBlock": U64::from(first),
            "toBlock": U64::from(chain.head),
            "topics": topics,
        });
        match chain.rpc.request::<Vec<Log>>("eth_getLogs", &[filter]).await {
            Ok(found) => {
                logs.extend(found);
                index += 1;
            }
            Err(RpcFailure::Refused(refusal)) if refusal.code == PRUNED => {
                let oldest = oldest(&refusal.message).filter(|oldest| *oldest > first && *oldest <= chain.head);
                first = oldest.ok_or(refusal)?;
                (index, logs) = (0, Vec::new());
            }
            Err(RpcFailure::Refused(refusal)) if refusal.message.contains("returned more than") => {
                return Err(Failure::from(refusal).hint("ask for fewer blocks with --from-block"));
            }
            Err(failure) => return Err(failure.into()),
        }
    }
    let place = |log: &Log| (log.block_number, log.log_index);
    logs.sort_by_key(place);
    logs.dedup_by_key(|log| place(log));
    Ok(Found { logs, from: first, to: chain.head })
}

/// The number in "this node holds blocks from N on".
fn oldest(message: &str) -> Option<u64> {
    let (_, rest) = message.split_once("blocks from ")?;
    rest.split(' ').next()?.parse().ok()
}

/// Filters for what an account delegated and moved.
#[must_use]
pub fn delegations_of(account: Address) -> [Value; 1] {
    let events = [Staking::Delegated::SIGNATURE_HASH, Staking::Redelegated::SIGNATURE_HASH];
    [json!([kinds(&events), topics([account])])]
}

/// Filters for all that an account did or was paid, and for slashes that it reported.
#[must_use]
pub fn all_of(account: Address) -> [Value; 2] {
    [json!([null, topics([account])]), json!([kinds(&[Staking::Slashed::SIGNATURE_HASH]), null, topics([account])])]
}

/// Filters for slashes of validators.
#[must_use]
pub fn slashes_of(validators: &[Address]) -> Vec<Value> {
    // A filter has room for a hundred or more; nobody's list is so long that this matters.
    let filter = |some: &[Address]| json!([kinds(&[Staking::Slashed::SIGNATURE_HASH]), topics(some.iter().copied())]);
    validators.chunks(100).map(filter).collect()
}

/// The validators that logs of [`delegations_of`] name.
#[must_use]
pub fn validators_in(found: &Found) -> Vec<Address> {
    let named = |log: &Log| {
        let data = log.inner.data.clone();
        if let Ok(event) = Staking::Delegated::decode_log_data(&data) {
            return vec![event.validator];
        }
        Staking::Redelegated::decode_log_data(&data).map_or_else(|_| Vec::new(), |event| vec![event.from, event.to])
    };
    let mut all: Vec<Address> = found.logs.iter().flat_map(named).collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_block_of_a_pruned_history_is_read() {
        assert_eq!(oldest("pruned history unavailable: this node holds blocks from 512 on"), Some(512));
        assert_eq!(oldest("pruned history unavailable"), None);
    }
}
