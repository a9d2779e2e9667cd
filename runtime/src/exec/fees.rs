//! What a transaction costs before it runs, and what gas costs.

use alloy_eips::eip2930::AccessList;
use alloy_primitives::TxKind;

use crate::params::gas;

/// What a transaction must be able to pay for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntrinsicGas {
    /// Charged before the first frame.
    pub base: u64,
    /// Least gas that the transaction uses (EIP-7623).
    pub floor: u64,
}

/// The transaction's own price: Yellow Paper's g_0 with EIP-2028, 2930 and 7623, without EIP-3860's words.
#[must_use]
pub fn intrinsic_gas(kind: TxKind, input: &[u8], access_list: &AccessList) -> IntrinsicGas {
    let input_len = as_u64(input.len());
    let nonzero = as_u64(input.iter().filter(|byte| **byte != 0).count());
    let zero = input_len - nonzero;
    let addresses = as_u64(access_list.0.len());
    let keys: u64 = access_list.0.iter().map(|item| as_u64(item.storage_keys.len())).sum();
    let creation = if kind.is_create() { gas::CREATE } else { 0 };
    IntrinsicGas {
        base: gas::TRANSACTION
            + creation
            + zero * gas::CALLDATA_ZERO
            + nonzero * gas::CALLDATA_NONZERO
            + addresses * gas::ACCESS_LIST_ADDRESS
            + keys * gas::ACCESS_LIST_KEY,
        floor: gas::TRANSACTION + (zero + nonzero * gas::CALLDATA_NONZERO_TOKENS) * gas::CALLDATA_TOKEN_FLOOR,
    }
}

/// What each gas costs the sender, in wei (EIP-1559); `None` if the cap does not cover the base fee.
#[must_use]
pub fn effective_gas_price(fee_cap: u128, tip_cap: u128, base_fee: u64) -> Option<u128> {
    let room = fee_cap.checked_sub(u128::from(base_fee))?;
    Some(u128::from(base_fee) + tip_cap.min(room))
}

/// The base fee of the block after one with these figures, in wei (EIP-1559).
#[must_use]
pub fn next_base_fee(gas_used: u64, gas_limit: u64, base_fee: u64) -> u64 {
    let target = gas_limit / gas::ELASTICITY;
    if target == 0 || gas_used == target {
        return base_fee;
    }
    let distance = gas_used.abs_diff(target);
    let change =
        u128::from(base_fee) * u128::from(distance) / u128::from(target) / u128::from(gas::BASE_FEE_CHANGE_DENOMINATOR);
    // At most 2 × base fee / 8, for gas used is at most twice the target.
    let change = u64::try_from(change).unwrap_or(u64::MAX);
    if gas_used > target { base_fee.saturating_add(change.max(1)) } else { base_fee.saturating_sub(change) }
}

fn as_u64(len: usize) -> u64 {
    u64::try_from(len).expect("usize has at most 64 bits")
}

#[cfg(test)]
mod tests {
    use alloy_eips::eip1559::{BaseFeeParams, calc_next_block_base_fee};
    use alloy_eips::eip2930::AccessListItem;
    use alloy_primitives::{Address, B256};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_next_base_fee_is_what_alloy_computes(
            limit in 5_000u64..1_000_000_000, share in 0u64..=1_000, base_fee in 0u64..1_000_000_000_000,
        ) {
            let used = limit / 1_000 * share;
            let theirs = calc_next_block_base_fee(used, limit, base_fee, BaseFeeParams::ethereum());
            prop_assert_eq!(next_base_fee(used, limit, base_fee), theirs);
        }
    }

    #[test]
    fn intrinsic_gas_counts_bytes_creation_and_the_access_list() {
        let list =
            AccessList(vec![AccessListItem { address: Address::ZERO, storage_keys: vec![B256::ZERO, B256::ZERO] }]);
        let call = intrinsic_gas(TxKind::Call(Address::ZERO), &[0, 0, 1], &AccessList::default());
        assert_eq!(call, IntrinsicGas { base: 21_000 + 8 + 16, floor: 21_000 + 60 });
        let create = intrinsic_gas(TxKind::Create, &[], &list);
        assert_eq!(create, IntrinsicGas { base: 53_000 + 2_400 + 3_800, floor: 21_000 });
    }

    #[test]
    fn the_sender_pays_the_base_fee_and_at_most_the_tip() {
        assert_eq!(effective_gas_price(100, 2, 7), Some(9));
        assert_eq!(effective_gas_price(8, 2, 7), Some(8));
        assert_eq!(effective_gas_price(7, 0, 7), Some(7));
        assert_eq!(effective_gas_price(6, 6, 7), None);
    }
}
