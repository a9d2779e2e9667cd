//! Takes tokens that ask before they come: OpenZeppelin's `ERC721Holder` and `ERC1155Holder`.

use esker_sdk::prelude::*;

/// What a token of ERC-1155 asks its receivers.
#[interface]
#[rustfmt::skip]
pub trait IErc1155Receiver {
    /// Whether one token, `value` times, may come from `from`: yes is the method's selector.
    #[name = "onERC1155Received"]
    fn on_erc1155_received(
        &mut self, operator: Address, from: Address, id: U256, value: U256, data: &[u8],
    ) -> FixedBytes<4>;
    /// Whether several tokens may come from `from`: yes is the method's selector.
    #[name = "onERC1155BatchReceived"]
    fn on_erc1155_batch_received(
        &mut self, operator: Address, from: Address, ids: &[U256], values: &[U256], data: &[u8],
    ) -> FixedBytes<4>;
}

/// Says yes to every token.
#[component]
pub mod token_holder {
    #![expect(unused_variables, reason = "every token is welcome, whoever sends it")]
    use super::*;

    /// Nothing is kept.
    #[storage]
    pub struct TokenHolder {}

    // They change nothing, and tokens may come while the contract waits for a call that it makes.
    impl IErc1155Receiver for TokenHolder {
        #[reentrant]
        #[rustfmt::skip]
        fn on_erc1155_received(
            &mut self, operator: Address, from: Address, id: U256, value: U256, data: &[u8],
        ) -> FixedBytes<4> {
            FixedBytes([0xf2, 0x3a, 0x6e, 0x61])
        }

        #[reentrant]
        #[rustfmt::skip]
        fn on_erc1155_batch_received(
            &mut self, operator: Address, from: Address, ids: &[U256], values: &[U256], data: &[u8],
        ) -> FixedBytes<4> {
            FixedBytes([0xbc, 0x19, 0x7c, 0x81])
        }
    }

    impl TokenHolder {
        /// Whether the token `token_id` of ERC-721 may come from `from`: yes is the method's selector.
        #[reentrant]
        #[name = "onERC721Received"]
        #[rustfmt::skip]
        pub fn on_erc721_received(
            &mut self, operator: Address, from: Address, token_id: U256, data: &[u8],
        ) -> FixedBytes<4> {
            FixedBytes([0x15, 0x0b, 0x7a, 0x02])
        }
    }
}
pub use token_holder::*;
