//! What to offer for gas.

use alloy_primitives::{U64, U128, U256};
use serde::Deserialize;
use serde_json::json;

use super::super::failure::Failure;
use super::super::rpc::Rpc;

/// What a transaction offers for one gas, in wei.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fees {
    /// One price, as before EIP-1559.
    Legacy {
        /// Paid for every gas.
        gas_price: u128,
    },
    /// EIP-1559.
    Eip1559 {
        /// The most to pay.
        max_fee: u128,
        /// The part of it that goes to the block's proposer.
        priority_fee: u128,
    },
}

impl Fees {
    /// The most to pay for one gas, in wei.
    #[must_use]
    pub const fn cap(self) -> u128 {
        match self {
            Self::Legacy { gas_price } => gas_price,
            Self::Eip1559 { max_fee, .. } => max_fee,
        }
    }
}

/// What fees depend on in the latest block.
#[derive(Clone, Debug)]
pub struct LatestBlock {
    /// Its gas limit.
    pub gas_limit: u64,
    /// Its base fee; `None` before EIP-1559.
    pub base_fee: Option<u128>,
}

/// Asks for the latest block.
///
/// # Errors
/// If the server does not answer.
pub async fn latest(rpc: &Rpc) -> Result<LatestBlock, Failure> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Block {
        gas_limit: U64,
        base_fee_per_gas: Option<U128>,
    }
    let block: Block = rpc.request("eth_getBlockByNumber", &[json!("latest"), json!(false)]).await?;
    Ok(LatestBlock { gas_limit: block.gas_limit.to(), base_fee: block.base_fee_per_gas.map(|fee| fee.to()) })
}

/// Fills in the fees that were not given. `legacy` is `Some` if a legacy transaction was asked for, with its price if
/// that was given.
///
/// # Errors
/// If the server does not answer, or the tip is above the whole fee.
pub async fn choose(
    rpc: &Rpc,
    block: &LatestBlock,
    legacy: Option<Option<u128>>,
    max_fee: Option<u128>,
    priority_fee: Option<u128>,
) -> Result<Fees, Failure> {
    let base_fee = match (legacy, block.base_fee) {
        (None, Some(base_fee)) => base_fee,
        (None, None) if max_fee.is_some() || priority_fee.is_some() => {
            return Err(Failure::usage("this chain has no EIP-1559 fees").hint("give --gas-price instead"));
        }
        (legacy, _) => {
            let gas_price = match legacy.flatten() {
                Some(price) => price,
                None => narrow(rpc.request::<U256>("eth_gasPrice", &[]).await?)?,
            };
            return Ok(Fees::Legacy { gas_price });
        }
    };
    let suggested = match priority_fee {
        Some(fee) => fee,
        None => {
            let fee: Option<U256> = rpc.request_if_known("eth_maxPriorityFeePerGas", &[]).await?;
            // 1 gwei: what wallets offer where nothing is suggested.
            fee.map_or(Ok(1_000_000_000), narrow)?
        }
    };
    // The base fee grows by at most an eighth a block: twice it lasts for six full blocks.
    let max_fee_chosen = max_fee.unwrap_or_else(|| base_fee.saturating_mul(2).saturating_add(suggested));
    if priority_fee.is_some() && suggested > max_fee_chosen {
        return Err(Failure::usage("the tip is above the most that shall be paid")
            .because(format!("--priority-fee is {suggested} wei, --max-fee {max_fee_chosen} wei"))
            .hint("raise --max-fee"));
    }
    Ok(Fees::Eip1559 { max_fee: max_fee_chosen, priority_fee: suggested.min(max_fee_chosen) })
}

fn narrow(price: U256) -> Result<u128, Failure> {
    u128::try_from(price)
        .map_err(|_| Failure::infrastructure("the server asks an absurd price of gas").because(format!("{price} wei")))
}
