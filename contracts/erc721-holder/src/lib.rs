//! A contract that accepts every ERC-721 token and gives each back to whoever sent it, if asked in the transfer's data.
#![no_std]
use esker_erc721::{Erc721Handle, Erc721ReceiverHandle};
use esker_sdk::prelude::*;

/// Holds tokens, as OpenZeppelin's `ERC721Holder` does.
#[contract]
pub mod erc721_holder {
    use super::*;

    /// What the holder remembers.
    #[storage]
    pub struct Erc721Holder {
        received: Cell<U256>,
    }

    impl Erc721Holder {
        /// How many tokens came here by safe transfers.
        pub fn received(&self) -> U256 {
            self.received.get()
        }

        /// Accepts the token. Data that is not empty asks for it to be sent back at once, while the collection is still
        /// in its own safe transfer.
        #[name = "onERC721Received"]
        pub fn on_received(
            &mut self,
            cx: &mut Context,
            operator: Address,
            from: Address,
            token_id: U256,
            data: &[u8],
        ) -> FixedBytes<4> {
            let _ = operator;
            self.received.add(1);
            if !data.is_empty() {
                let collection = Erc721Handle::at(cx.sender());
                collection.transfer_from(cx.address(), from, token_id).call(cx);
            }
            Erc721ReceiverHandle::INTERFACE_ID
        }
    }
}
pub use erc721_holder::*;
