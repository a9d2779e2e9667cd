//! Contracts that get a token: that they have to accept it, and what they may do meanwhile.

#![allow(missing_docs, reason = "a contract of the tests alone")]

use esker_components::tokens::erc721::{Error, IErc721ReceiverHandle};
use esker_nft::NftHandle;
use esker_sdk::prelude::*;
use esker_sdk_test::{Answer, Chain, User};

/// A receiver that does something with a token while it is asked whether it accepts it.
#[contract]
pub mod holder {
    use super::*;

    #[storage]
    pub struct Holder {
        way: Cell<u8>,
        keeper: Cell<Address>,
        seen: Cell<U256>,
    }

    impl Holder {
        #[constructor]
        pub fn new(&mut self, keeper: Address) {
            self.keeper.set(keeper);
        }

        pub fn prepare(&mut self, way: u8) {
            self.way.set(way);
        }

        pub fn own(&mut self, cx: &mut Context, nft: Address) {
            NftHandle::at(nft).accept_ownership().call(cx);
        }

        pub fn create(&mut self, cx: &mut Context, nft: Address) {
            NftHandle::at(nft).safe_mint(cx.address(), "mine").call(cx);
        }

        /// What it was told of its first token while it was asked, and one.
        pub fn seen(&self) -> U256 {
            self.seen.get()
        }

        #[name = "onERC721Received"]
        #[reentrant]
        pub fn on_received(
            &mut self,
            cx: &mut Context,
            _operator: Address,
            _from: Address,
            token_id: U256,
            _data: &[u8],
        ) -> FixedBytes<4> {
            let (nft, me, keeper) = (NftHandle::at(cx.sender()), cx.address(), self.keeper.get());
            match self.way.replace(0) {
                1 => nft.safe_transfer_from(me, keeper, token_id).call(cx),
                2 => nft.burn(token_id).call(cx),
                3 => drop(nft.safe_mint(me, "more").call(cx)),
                4 => nft.transfer_from(keeper, me, token_id + 1).call(cx),
                5 => return FixedBytes::ZERO,
                _ => self.seen.set(nft.token_of_owner_by_index(me, 0).call(cx) + 1),
            }
            IErc721ReceiverHandle::INTERFACE_ID
        }
    }
}
use holder::HolderHandle;

/// A collection of alice, of which bob has the tokens 0, 1 and 2.
fn nft(chain: &mut Chain, alice: User, bob: User) -> NftHandle {
    let nft = chain.deploy(alice, NftHandle::constructor("Gallery", "ART", alice));
    for token_id in 0..3_u128 {
        chain.send(alice, nft.safe_mint(bob, "")).returns(token_id);
    }
    nft
}

#[esker_sdk::test]
fn a_contract_has_to_accept(chain: &mut Chain, alice: User, bob: User) {
    let nft = nft(chain, alice, bob);
    let at = Address::repeat_byte(2);
    let refused = || Error::ERC721InvalidReceiver { receiver: at };
    for answer in [Answer::revert(Vec::new()), Answer::value(&FixedBytes([1, 2, 3, 4])), Answer::Halt] {
        chain.mock(at, move |_| answer.clone());
        chain.send(bob, nft.safe_transfer_from(bob, at, 0)).reverts(refused());
        chain.send(alice, nft.safe_mint(at, "")).reverts(refused());
    }
    chain.mock(at, |_| Answer::revert("not here"));
    chain.send(bob, nft.safe_transfer_from(bob, at, 0)).reverts_with("not here");
    chain.mock(at, |_| Answer::nothing());
    chain.send(bob, nft.safe_transfer_from(bob, at, 0)).reverts_with(Vec::new());
    // Whoever refuses harms nobody else, and without asking it gets the token all the same.
    chain.send(bob, nft.safe_transfer_from(bob, alice, 1)).succeeds();
    chain.send(bob, nft.transfer_from(bob, at, 0)).succeeds();
    assert_eq!(chain.read(nft.owner_of(0)), at);
}

#[esker_sdk::test]
fn a_receiver_does_with_its_token_what_it_likes_and_no_more(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let nft = nft(chain, alice, bob);
    let holder = chain.deploy(carol, HolderHandle::constructor(carol));
    let at = holder.address();
    let way = |chain: &mut Chain, way| chain.send(carol, holder.prepare(way)).succeeds();
    // While it is asked, lists have the token already.
    chain.send(bob, nft.safe_transfer_from(bob, at, 2)).succeeds();
    assert_eq!(chain.read(holder.seen()), 3);
    way(chain, 1);
    chain.send(bob, nft.safe_transfer_from(bob, at, 1)).succeeds();
    assert_eq!(chain.read(nft.owner_of(1)), carol.address);
    // Another's token it does not get meanwhile.
    way(chain, 4);
    let stolen = Error::ERC721InsufficientApproval { operator: at, token_id: U256::ONE };
    chain.send(bob, nft.safe_transfer_from(bob, at, 0)).reverts(stolen);
    way(chain, 5);
    chain.send(bob, nft.safe_transfer_from(bob, at, 0)).reverts(Error::ERC721InvalidReceiver { receiver: at });
    way(chain, 2);
    chain.send(bob, nft.safe_transfer_from(bob, at, 0)).succeeds();
    chain.try_read(nft.owner_of(0)).reverts(Error::ERC721NonexistentToken { token_id: U256::ZERO });
    // Not even the owner of the collection adds a token while one is being added.
    chain.send(alice, nft.transfer_ownership(at)).succeeds();
    chain.send(carol, holder.own(nft.address())).succeeds();
    way(chain, 3);
    chain.send(carol, holder.create(nft.address())).reverts_as_reentrant();
    way(chain, 2);
    chain.send(carol, holder.create(nft.address())).succeeds();
    assert_eq!(chain.read(nft.total_supply()), 2);
}
