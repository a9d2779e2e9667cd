//! A contract that gets tokens of ERC-721 and ERC-1155, beside `ReceiverModel`.

#![allow(missing_docs, reason = "a contract of the tests alone")]

use esker_erc1155::ItemsHandle;
use esker_nft::NftHandle;
use esker_sdk::prelude::*;

/// Answers as it was told to: accepts, answers something else, reverts with a word or without, or gives back at once what it
/// got. It runs natively, so that gas of calls that ask it is not comparable.
#[contract]
pub mod receiver {
    use super::*;

    #[storage]
    pub struct Receiver {
        received: Cell<U256>,
        way: Cell<u8>,
    }

    impl Receiver {
        pub fn received(&self) -> U256 {
            self.received.get()
        }

        pub fn answers(&mut self, way: u8) {
            self.way.set(way);
        }

        #[reentrant]
        #[name = "onERC721Received"]
        pub fn on_erc721_received(
            &mut self,
            cx: &mut Context,
            _operator: Address,
            from: Address,
            token_id: U256,
            data: &[u8],
        ) -> FixedBytes<4> {
            if self.way.get() == 4 {
                NftHandle::at(cx.sender()).transfer_from(cx.address(), from, token_id).call(cx);
            }
            self.answer(data.len(), FixedBytes([0x15, 0x0b, 0x7a, 0x02]))
        }

        #[reentrant]
        #[name = "onERC1155Received"]
        pub fn on_erc1155_received(
            &mut self,
            cx: &mut Context,
            _operator: Address,
            from: Address,
            id: U256,
            value: U256,
            data: &[u8],
        ) -> FixedBytes<4> {
            if self.way.get() == 4 {
                ItemsHandle::at(cx.sender()).safe_transfer_from(cx.address(), from, id, value, &[]).call(cx);
            }
            self.answer(data.len(), FixedBytes([0xf2, 0x3a, 0x6e, 0x61]))
        }

        #[reentrant]
        #[name = "onERC1155BatchReceived"]
        pub fn on_erc1155_batch_received(
            &mut self,
            cx: &mut Context,
            _operator: Address,
            from: Address,
            ids: &[U256],
            values: &[U256],
            data: &[u8],
        ) -> FixedBytes<4> {
            if self.way.get() == 4 {
                ItemsHandle::at(cx.sender()).safe_batch_transfer_from(cx.address(), from, ids, values, &[]).call(cx);
            }
            self.answer(data.len(), FixedBytes([0xbc, 0x19, 0x7c, 0x81]))
        }

        fn answer(&mut self, length: usize, accepted: FixedBytes<4>) -> FixedBytes<4> {
            self.received.add(U256::from(length + 1));
            match self.way.get() {
                1 => FixedBytes([0xff; 4]),
                2 => esker_sdk::revert_text("not here"),
                3 => esker_sdk::revert_bytes(&[]),
                _ => accepted,
            }
        }
    }
}
pub use receiver::*;
