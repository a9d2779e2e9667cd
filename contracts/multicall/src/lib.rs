//! Makes several calls in one: Multicall3, with the same methods.
//!
//! It keeps nothing and owns nothing: never send it coins or allow it tokens. Whom it calls sees it as the caller.
#![no_std]
use esker_sdk::prelude::*;

/// Calls, and what comes of them.
#[contract]
pub mod multicall {
    use super::*;

    /// A call.
    #[derive(Abi)]
    pub struct Call {
        /// Whom.
        pub target: Address,
        /// With what.
        pub call_data: Bytes,
    }

    /// A call that may fail, or not.
    #[derive(Abi)]
    pub struct Call3 {
        /// Whom.
        pub target: Address,
        /// Whether the others go on if it fails.
        pub allow_failure: bool,
        /// With what.
        pub call_data: Bytes,
    }

    /// A call with coins that may fail, or not.
    #[derive(Abi)]
    pub struct Call3Value {
        /// Whom.
        pub target: Address,
        /// Whether the others go on if it fails.
        pub allow_failure: bool,
        /// With how many wei.
        pub value: U256,
        /// With what.
        pub call_data: Bytes,
    }

    /// What came of a call.
    #[derive(Abi, Clone, Debug, PartialEq, Eq)]
    pub struct CallResult3 {
        /// Whether it did not fail.
        pub success: bool,
        /// What it returned or reverted with.
        pub return_data: Bytes,
    }

    /// Nothing is kept.
    #[storage]
    pub struct Multicall {}

    // All may be entered again: there is nothing that a call could find half done.
    impl Multicall {
        /// Makes calls. If one fails that may not, all are undone.
        #[payable]
        #[reentrant]
        #[returns(returnData)]
        pub fn aggregate3(&mut self, cx: &mut Context, calls: Vec<Call3>) -> Vec<CallResult3> {
            let mut results = Vec::with_capacity(calls.len());
            for call in calls {
                results.push(make(cx, call.target, U256::ZERO, &call.call_data, call.allow_failure));
            }
            results
        }

        /// Makes calls with coins, which have to be all that were sent along. Those of a call that failed stay here, where
        /// anybody may take them.
        #[payable]
        #[reentrant]
        #[returns(returnData)]
        pub fn aggregate3_value(&mut self, cx: &mut Context, calls: Vec<Call3Value>) -> Vec<CallResult3> {
            let (mut results, mut sum) = (Vec::with_capacity(calls.len()), U256::ZERO);
            for call in calls {
                sum = sum.wrapping_add(call.value);
                results.push(make(cx, call.target, call.value, &call.call_data, call.allow_failure));
            }
            require!(sum == cx.value(), "Multicall3: value mismatch");
            results
        }

        /// Makes calls of which none may fail, and gives what they returned.
        #[payable]
        #[reentrant]
        #[returns(blockNumber, returnData)]
        pub fn aggregate(&mut self, cx: &mut Context, calls: Vec<Call>) -> (U256, Vec<Bytes>) {
            let results = self.try_aggregate(cx, true, calls);
            (U256::from(cx.block_number()), results.into_iter().map(|result| result.return_data).collect())
        }

        /// Makes calls, of which none may fail if `require_success`.
        #[payable]
        #[reentrant]
        #[returns(returnData)]
        pub fn try_aggregate(&mut self, cx: &mut Context, require_success: bool, calls: Vec<Call>) -> Vec<CallResult3> {
            let mut results = Vec::with_capacity(calls.len());
            for call in calls {
                results.push(make(cx, call.target, U256::ZERO, &call.call_data, !require_success));
            }
            results
        }
    }

    /// What surrounds the calls, to be asked among them.
    #[rustfmt::skip]
    impl Multicall {
        /// The block's number.
        pub fn get_block_number(cx: &Context) -> U256 { cx.block_number().into() }
        /// The hash of a recent block.
        pub fn get_block_hash(cx: &Context, block_number: U256) -> B256 {
            block_number.to_u64().map_or(B256::ZERO, |number| cx.block_hash(number))
        }
        /// The hash of the block before.
        pub fn get_last_block_hash(cx: &Context) -> B256 { cx.block_hash(cx.block_number().saturating_sub(1)) }
        /// The block's time, in seconds.
        pub fn get_current_block_timestamp(cx: &Context) -> U256 { cx.timestamp().into() }
        /// How much gas the block may use.
        pub fn get_current_block_gas_limit(cx: &Context) -> U256 { cx.block_gas_limit().into() }
        /// Who gets the block's fees.
        pub fn get_current_block_coinbase(cx: &Context) -> Address { cx.coinbase() }
        /// The coins of `addr`, in wei.
        pub fn get_eth_balance(cx: &Context, addr: Address) -> U256 { cx.balance(addr) }
        /// The block's base fee, in wei.
        #[name = "getBasefee"]
        pub fn get_base_fee(cx: &Context) -> U256 { cx.base_fee() }
        /// The chain's number.
        #[name = "getChainId"]
        pub fn get_chain_id(cx: &Context) -> U256 { cx.chain_id().into() }
    }

    fn make(cx: &mut Context, target: Address, value: U256, data: &[u8], allow_failure: bool) -> CallResult3 {
        let (success, return_data) = match cx.call(target, value, u64::MAX, data) {
            Ok(output) => (true, output),
            Err(CallError::Revert(why)) => (false, why),
            Err(_) => (false, Vec::new()),
        };
        require!(success || allow_failure, "Multicall3: call failed");
        CallResult3 { success, return_data: Bytes(return_data) }
    }
}
pub use multicall::*;
