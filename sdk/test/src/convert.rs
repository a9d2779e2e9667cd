//! The SDK's types as the runtime's, and back.

use alloy_primitives::{Address, B256, U256};

pub(crate) fn outside(address: esker_sdk::Address) -> Address {
    Address::new(address.0)
}

pub(crate) fn inside(address: Address) -> esker_sdk::Address {
    esker_sdk::Address(address.into_array())
}

pub(crate) fn wei(amount: esker_sdk::U256) -> U256 {
    U256::from_be_bytes(amount.to_be_bytes())
}

pub(crate) fn number(number: U256) -> esker_sdk::U256 {
    esker_sdk::U256::from_be_bytes(number.to_be_bytes())
}

pub(crate) fn word(word: esker_sdk::B256) -> B256 {
    B256::new(word.0)
}

pub(crate) fn inside_word(word: B256) -> esker_sdk::B256 {
    esker_sdk::FixedBytes(word.0)
}
