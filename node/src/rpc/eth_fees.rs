//! What gas costs, and did cost.

use alloy_primitives::{U64, U256};
use serde::Serialize;
use serde_json::Value;

use super::block_param::{BlockNumberOrTag, BlockParam, Tag};
use super::params::{FromParam, LooseNumber};
use super::{Api, Args, RpcError};
use crate::chain::{BlockRecord, LogSearchError};

/// The tip to suggest where no block says anything: 1 gwei.
const DEFAULT_TIP: u128 = 1_000_000_000;
/// Blocks that a suggestion looks at.
const SAMPLED_BLOCKS: u64 = 20;
/// Transactions that a suggestion looks at in each block: the ones that tipped least.
const SAMPLED_TRANSACTIONS: usize = 3;
/// Which of the sampled tips is suggested.
const SUGGESTED_PERCENTILE: usize = 60;
/// Most blocks that one `eth_feeHistory` covers.
const HISTORY_BLOCKS_MAX: u64 = 1_024;
/// Most percentiles that one `eth_feeHistory` asks for.
const PERCENTILES_MAX: usize = 100;

/// What transaction `index` tipped for one gas, in wei.
fn tip(block: &BlockRecord, index: usize) -> u128 {
    let base_fee = u128::from(block.header.base_fee_per_gas.unwrap_or_default());
    block.effective_gas_price(index).saturating_sub(base_fee)
}

/// The tip to suggest, in wei: the 60th percentile of the least tips in the last blocks.
pub(super) fn suggested_tip(api: &Api) -> Result<u128, RpcError> {
    let head = api.chain.head().block.header.number;
    let mut tips = Vec::new();
    for number in head.saturating_sub(SAMPLED_BLOCKS - 1)..=head {
        let Some(block) = api.chain.block(number)? else { continue };
        let mut block_tips: Vec<u128> = (0..block.transactions.len()).map(|index| tip(&block, index)).collect();
        block_tips.sort_unstable();
        tips.extend(block_tips.into_iter().take(SAMPLED_TRANSACTIONS));
    }
    tips.sort_unstable();
    let index = tips.len().saturating_sub(1) * SUGGESTED_PERCENTILE / 100;
    Ok(tips.get(index).copied().unwrap_or(DEFAULT_TIP))
}

/// The next block's base fee, in wei.
pub(super) fn next_base_fee(api: &Api) -> u64 {
    let head = api.chain.head();
    api.chain.next_env(&head.block.header, head.block.header.timestamp, api.beneficiary).base_fee
}

/// `eth_gasPrice`: the next base fee and the suggested tip.
pub fn gas_price(api: &Api, _: &Args) -> Result<U256, RpcError> {
    Ok(U256::from(suggested_tip(api)?) + U256::from(next_base_fee(api)))
}

/// `eth_maxPriorityFeePerGas`
pub fn max_priority_fee(api: &Api, _: &Args) -> Result<U256, RpcError> {
    suggested_tip(api).map(U256::from)
}

/// `eth_baseFee`: that of the next block.
pub fn base_fee(api: &Api, _: &Args) -> Result<U256, RpcError> {
    Ok(U256::from(next_base_fee(api)))
}

/// `eth_feeHistory`'s answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FeeHistory {
    oldest_block: U64,
    base_fee_per_gas: Vec<U256>,
    gas_used_ratio: Vec<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reward: Option<Vec<Vec<U256>>>,
}

/// Percentiles in hundredths, which keeps the sums exact.
#[derive(Debug, Default)]
struct Percentiles(Vec<f64>);

impl FromParam for Percentiles {
    fn from_param(value: &Value) -> Result<Self, String> {
        let items = value.as_array().ok_or("want an array of numbers")?;
        let number = |item: &Value| item.as_f64().ok_or_else(|| format!("{item} is no number"));
        items.iter().map(number).collect::<Result<_, _>>().map(Self)
    }
}

impl Percentiles {
    fn check(&self) -> Result<(), RpcError> {
        let invalid = |text: String| RpcError::server(format!("invalid reward percentile: {text}"));
        if self.0.len() > PERCENTILES_MAX {
            return Err(invalid(format!("over the query limit {PERCENTILES_MAX}")));
        }
        for (index, percentile) in self.0.iter().enumerate() {
            if !(0.0..=100.0).contains(percentile) {
                return Err(invalid(percentile.to_string()));
            }
            if let Some(before) = index.checked_sub(1).and_then(|before| self.0.get(before))
                && percentile <= before
            {
                return Err(invalid(format!("#{}:{before} >= #{index}:{percentile}", index - 1)));
            }
        }
        Ok(())
    }
}

/// `eth_feeHistory`
pub fn fee_history(api: &Api, args: &Args) -> Result<FeeHistory, RpcError> {
    let LooseNumber(wanted) = args.required(0)?;
    let newest: BlockNumberOrTag = args.required(1)?;
    let percentiles: Percentiles = args.optional(2)?.unwrap_or_default();
    percentiles.check()?;
    let head = api.chain.head().block.header.number;
    let newest = match newest {
        BlockNumberOrTag::Number(number) if number > head => {
            return Err(RpcError::server(format!("request beyond head block: requested {number}, head {head}")));
        }
        BlockNumberOrTag::Tag(Tag::Earliest) => 0,
        BlockNumberOrTag::Number(number) => number,
        BlockNumberOrTag::Tag(_) => head,
    };
    // A chain that began with a snapshot answers for fewer blocks.
    let oldest = api.chain.history_min()?;
    if newest < oldest {
        return Err(LogSearchError::Pruned { oldest }.into());
    }
    let count = wanted.min(HISTORY_BLOCKS_MAX).min(newest - oldest + 1);
    if count == 0 {
        return Ok(FeeHistory {
            oldest_block: U64::ZERO,
            base_fee_per_gas: Vec::new(),
            gas_used_ratio: Vec::new(),
            reward: None,
        });
    }
    history(api, newest + 1 - count, newest, &percentiles.0)
}

fn history(api: &Api, oldest: u64, newest: u64, percentiles: &[f64]) -> Result<FeeHistory, RpcError> {
    let mut answer = FeeHistory {
        oldest_block: U64::from(oldest),
        base_fee_per_gas: Vec::new(),
        gas_used_ratio: Vec::new(),
        reward: (!percentiles.is_empty()).then(Vec::new),
    };
    let mut next = 0;
    for number in oldest..=newest {
        let block = api.block(BlockParam::Number(number))?;
        let block = block.ok_or_else(|| RpcError::internal(format!("block {number} is missing from the store")))?;
        let header = &block.header;
        answer.base_fee_per_gas.push(U256::from(header.base_fee_per_gas.unwrap_or_default()));
        answer.gas_used_ratio.push(ratio(header.gas_used, header.gas_limit));
        if let Some(rewards) = &mut answer.reward {
            rewards.push(rewards_at(&block, percentiles));
        }
        next = api.chain.next_env(header, header.timestamp, api.beneficiary).base_fee;
    }
    answer.base_fee_per_gas.push(U256::from(next));
    Ok(answer)
}

#[allow(clippy::cast_precision_loss, reason = "a ratio for display; the specification wants a floating-point number")]
fn ratio(used: u64, limit: u64) -> f64 {
    if limit == 0 { 0.0 } else { used as f64 / limit as f64 }
}

/// The tips at the percentiles of the block's gas, transactions sorted by tip.
fn rewards_at(block: &BlockRecord, percentiles: &[f64]) -> Vec<U256> {
    let mut tips: Vec<(u128, u64)> =
        (0..block.transactions.len()).map(|index| (tip(block, index), block.gas_used(index))).collect();
    tips.sort_unstable();
    tip_percentiles(&tips, block.header.gas_used, percentiles)
}

#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "percentiles are floating-point numbers in the specification; none of this reaches state"
)]
fn tip_percentiles(sorted: &[(u128, u64)], gas_used: u64, percentiles: &[f64]) -> Vec<U256> {
    let mut index = 0;
    let mut passed = sorted.first().map_or(0, |(_, gas)| *gas);
    let at = |percentile: &f64| {
        let threshold = (gas_used as f64 * percentile / 100.0) as u64;
        while passed < threshold && index + 1 < sorted.len() {
            index += 1;
            passed += sorted[index].1;
        }
        U256::from(sorted.get(index).map_or(0, |(tip, _)| *tip))
    };
    percentiles.iter().map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rewards_weigh_tips_by_the_gas_that_paid_them() {
        let sorted = [(1, 50), (5, 30), (9, 20)];
        let rewards = tip_percentiles(&sorted, 100, &[0.0, 50.0, 51.0, 80.0, 81.0, 100.0]);
        assert_eq!(rewards, [1, 1, 5, 5, 9, 9].map(U256::from));
        assert_eq!(tip_percentiles(&[], 0, &[10.0, 90.0]), [U256::ZERO; 2]);
    }

    #[test]
    fn percentiles_must_rise_within_bounds() {
        for (values, text) in [
            (vec![101.0], "invalid reward percentile: 101"),
            (vec![-1.0], "invalid reward percentile: -1"),
            (vec![20.0, 10.0], "invalid reward percentile: #0:20 >= #1:10"),
        ] {
            assert_eq!(Percentiles(values).check().unwrap_err().message, text);
        }
        assert!(Percentiles(vec![0.0, 20.0, 100.0]).check().is_ok());
    }
}
