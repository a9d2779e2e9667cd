//! The collection: whose tokens are, that lists tell the same, and what is paid of prices. `receivers.rs` shows
//! what a contract may do that gets one.

use esker_components::{
    access::ownable::Error as OwnerError,
    tokens::{
        enumerable::{ERC721OutOfBoundsIndex, IErc721EnumerableHandle},
        erc721::{Approval, ApprovalForAll, Error, IErc721Handle, IErc721MetadataHandle, Transfer},
        royalty::{Error as RoyaltyError, IErc2981Handle},
        uri_storage::MetadataUpdate,
    },
};
use esker_nft::NftHandle;
use esker_sdk::prelude::*;
use esker_sdk_test::{Chain, Invariant, User, log};

fn number(value: u128) -> U256 {
    U256::from(value)
}

/// A collection of alice, of which bob has the tokens 0, 1 and 2.
fn nft(chain: &mut Chain, alice: User, bob: User) -> NftHandle {
    let nft = chain.deploy(alice, NftHandle::constructor("Gallery", "ART", alice));
    for token_id in 0..3_u128 {
        chain.send(alice, nft.safe_mint(bob, &format!("ipfs://{token_id}"))).returns(token_id);
    }
    nft
}

fn missing(token_id: u128) -> Error {
    Error::ERC721NonexistentToken { token_id: number(token_id) }
}

fn not_approved(operator: User, token_id: u128) -> Error {
    Error::ERC721InsufficientApproval { operator: operator.into(), token_id: number(token_id) }
}

fn unauthorized(user: User) -> OwnerError {
    OwnerError::OwnableUnauthorizedAccount { account: user.into() }
}

/// The tokens of somebody, or of all, as the lists have them.
fn listed(chain: &mut Chain, nft: NftHandle, owner: Option<Address>) -> Vec<U256> {
    let count = match owner {
        Some(owner) => chain.read(nft.balance_of(owner)),
        None => chain.read(nft.total_supply()),
    };
    let mut tokens = Vec::new();
    while count > U256::from(tokens.len()) {
        let index = U256::from(tokens.len());
        tokens.push(match owner {
            Some(owner) => chain.read(nft.token_of_owner_by_index(owner, index)),
            None => chain.read(nft.token_by_index(index)),
        });
    }
    let index = count;
    let end = ERC721OutOfBoundsIndex { owner: owner.unwrap_or_default(), index };
    match owner {
        Some(owner) => chain.try_read(nft.token_of_owner_by_index(owner, index)).reverts(end),
        None => chain.try_read(nft.token_by_index(index)).reverts(end),
    }
    tokens
}

#[esker_sdk::test]
fn a_collection_says_what_it_is(chain: &mut Chain, alice: User, bob: User) {
    let nft = nft(chain, alice, bob);
    assert_eq!((chain.read(nft.name()), chain.read(nft.symbol())), ("Gallery".to_owned(), "ART".to_owned()));
    let ids = [
        (IErc721Handle::INTERFACE_ID, 0x80ac_58cd_u32),
        (IErc721MetadataHandle::INTERFACE_ID, 0x5b5e_139f),
        (IErc721EnumerableHandle::INTERFACE_ID, 0x780e_9d63),
        (IErc2981Handle::INTERFACE_ID, 0x2a55_205a),
        (FixedBytes([0x01, 0xff, 0xc9, 0xa7]), 0x01ff_c9a7),
    ];
    for (id, standard) in ids {
        assert_eq!(id, FixedBytes(standard.to_be_bytes()));
        assert!(chain.read(nft.supports_interface(id)), "{standard:x}");
    }
    assert!(!chain.read(nft.supports_interface(FixedBytes([0xff; 4]))));
    let nobody = OwnerError::OwnableInvalidOwner { owner: Address::ZERO };
    chain.try_deploy(alice, NftHandle::constructor("", "", Address::ZERO)).reverts(nobody);
}

#[esker_sdk::test]
fn only_the_owner_adds_tokens(chain: &mut Chain, alice: User, bob: User) {
    let nft = nft(chain, alice, bob);
    let created = Transfer { from: Address::ZERO, to: bob.into(), token_id: number(3) };
    let described = MetadataUpdate { token_id: number(3) };
    let at = nft.address();
    chain.send(alice, nft.safe_mint(bob, "ipfs://3")).returns(3).emits_only([log(at, created), log(at, described)]);
    assert_eq!((chain.read(nft.owner_of(3)), chain.read(nft.token_uri(3))), (bob.into(), "ipfs://3".to_owned()));
    chain.send(bob, nft.safe_mint(bob, "")).reverts(unauthorized(bob));
    let nowhere = Error::ERC721InvalidReceiver { receiver: Address::ZERO };
    chain.send(alice, nft.safe_mint(Address::ZERO, "")).reverts(nowhere);
    // What was refused used no number.
    chain.send(alice, nft.safe_mint(alice, "")).returns(4);
    assert_eq!(chain.read(nft.token_uri(4)), "");
    chain.try_read(nft.token_uri(5)).reverts(missing(5));
    chain.try_read(nft.owner_of(5)).reverts(missing(5));
    chain.try_read(nft.get_approved(5)).reverts(missing(5));
    chain.try_read(nft.balance_of(Address::ZERO)).reverts(Error::ERC721InvalidOwner { owner: Address::ZERO });
}

#[esker_sdk::test]
fn tokens_move_by_their_owner_or_an_approval(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let nft = nft(chain, alice, bob);
    chain.send(carol, nft.transfer_from(bob, carol, 0)).reverts(not_approved(carol, 0));
    chain.send(carol, nft.approve(carol, 0)).reverts(Error::ERC721InvalidApprover { approver: carol.into() });
    chain.send(bob, nft.transfer_from(bob, carol, 9)).reverts(missing(9));
    chain.send(bob, nft.approve(carol, 9)).reverts(missing(9));
    let approval = Approval { owner: bob.into(), approved: carol.into(), token_id: U256::ZERO };
    chain.send(bob, nft.approve(carol, 0)).emits_only([log(nft.address(), approval)]);
    let (sender, token_id, owner) = (alice.into(), U256::ZERO, bob.into());
    let wrong = Error::ERC721IncorrectOwner { sender, token_id, owner };
    chain.send(carol, nft.transfer_from(alice, carol, 0)).reverts(wrong);
    let nowhere = Error::ERC721InvalidReceiver { receiver: Address::ZERO };
    chain.send(carol, nft.transfer_from(bob, Address::ZERO, 0)).reverts(nowhere);
    let moved = Transfer { from: bob.into(), to: carol.into(), token_id: U256::ZERO };
    chain.send(carol, nft.transfer_from(bob, carol, 0)).emits_only([log(nft.address(), moved)]);
    // The approval went with it; an operator's stays.
    assert_eq!(chain.read(nft.get_approved(0)), Address::ZERO);
    let operator = ApprovalForAll { owner: bob.into(), operator: carol.into(), approved: true };
    chain.send(bob, nft.set_approval_for_all(carol, true)).emits_only([log(nft.address(), operator)]);
    chain.send(carol, nft.approve(alice, 1)).succeeds();
    chain.send(alice, nft.safe_transfer_from(bob, alice, 1)).succeeds();
    chain.send(carol, nft.safe_transfer_from_with_data(bob, alice, 2, b"hello")).succeeds();
    chain.send(carol, nft.transfer_from(alice, carol, 1)).reverts(not_approved(carol, 1));
    let nobody = Error::ERC721InvalidOperator { operator: Address::ZERO };
    chain.send(bob, nft.set_approval_for_all(Address::ZERO, true)).reverts(nobody);
    assert_eq!([alice, bob, carol].map(|user| chain.read(nft.balance_of(user))), [2, 0, 1].map(number));
}

#[esker_sdk::test]
fn a_destroyed_token_never_comes_back(chain: &mut Chain, alice: User, bob: User) {
    let nft = nft(chain, alice, bob);
    chain.send(alice, nft.burn(1)).reverts(not_approved(alice, 1));
    chain.send(alice, nft.burn(9)).reverts(missing(9));
    chain.send(bob, nft.approve(alice, 1)).succeeds();
    let gone = Transfer { from: bob.into(), to: Address::ZERO, token_id: U256::ONE };
    chain.send(alice, nft.burn(1)).emits_only([log(nft.address(), gone)]);
    chain.try_read(nft.owner_of(1)).reverts(missing(1));
    chain.try_read(nft.token_uri(1)).reverts(missing(1));
    chain.send(bob, nft.burn(1)).reverts(missing(1));
    chain.send(bob, nft.burn(2)).succeeds();
    chain.send(alice, nft.safe_mint(alice, "")).returns(3);
    assert_eq!(listed(chain, nft, None), [0, 3].map(number));
}

#[esker_sdk::test]
fn lists_follow_tokens(chain: &mut Chain, alice: User, bob: User) {
    let nft = nft(chain, alice, bob);
    let both = [Some(bob.address), Some(alice.address)];
    let lists = |chain: &mut Chain| both.map(|owner| listed(chain, nft, owner));
    assert_eq!(lists(chain), [vec![number(0), number(1), number(2)], vec![]]);
    // The last takes the place of the one that goes.
    chain.send(bob, nft.transfer_from(bob, alice, 0)).succeeds();
    assert_eq!(lists(chain), [vec![number(2), number(1)], vec![number(0)]]);
    chain.send(bob, nft.transfer_from(bob, bob, 2)).succeeds();
    assert_eq!(lists(chain), [vec![number(2), number(1)], vec![number(0)]]);
    chain.send(bob, nft.transfer_from(bob, alice, 1)).succeeds();
    assert_eq!(lists(chain), [vec![number(2)], vec![number(0), number(1)]]);
    chain.send(alice, nft.burn(0)).succeeds();
    assert_eq!(lists(chain), [vec![number(2)], vec![number(1)]]);
    assert_eq!(listed(chain, nft, None), [2, 1].map(number));
    let far = ERC721OutOfBoundsIndex { owner: bob.into(), index: U256::MAX };
    chain.try_read(nft.token_of_owner_by_index(bob, U256::MAX)).reverts(far);
    let far = ERC721OutOfBoundsIndex { owner: Address::ZERO, index: (U256::ONE << 64) + 1 };
    chain.try_read(nft.token_by_index((U256::ONE << 64) + 1)).reverts(far);
}

#[esker_sdk::test]
fn a_part_of_prices_is_somebody_s(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let nft = nft(chain, alice, bob);
    assert_eq!(chain.read(nft.royalty_info(0, 1_000)), (Address::ZERO, U256::ZERO));
    chain.send(bob, nft.set_default_royalty(bob, 1)).reverts(unauthorized(bob));
    chain.send(bob, nft.set_token_royalty(0, bob, 1)).reverts(unauthorized(bob));
    chain.send(alice, nft.set_default_royalty(alice, 250)).succeeds();
    chain.send(alice, nft.set_token_royalty(1, carol, 10_000)).succeeds();
    // Rounded down, for the seller.
    assert_eq!(chain.read(nft.royalty_info(0, 1_039)), (alice.into(), number(25)));
    assert_eq!(chain.read(nft.royalty_info(1, 1_039)), (carol.into(), number(1_039)));
    assert_eq!(chain.read(nft.royalty_info(7, 0)), (alice.into(), U256::ZERO));
    assert_eq!(chain.read(nft.royalty_info(0, U256::MAX)), (alice.into(), U256::MAX / 40));
    let (token_id, numerator, denominator, receiver) = (U256::ONE, number(10_001), number(10_000), Address::ZERO);
    let refused = RoyaltyError::ERC2981InvalidDefaultRoyalty { numerator, denominator };
    chain.send(alice, nft.set_default_royalty(alice, 10_001)).reverts(refused);
    let refused = RoyaltyError::ERC2981InvalidTokenRoyalty { token_id, numerator, denominator };
    chain.send(alice, nft.set_token_royalty(1, alice, 10_001)).reverts(refused);
    let refused = RoyaltyError::ERC2981InvalidDefaultRoyaltyReceiver { receiver };
    chain.send(alice, nft.set_default_royalty(receiver, 1)).reverts(refused);
    let refused = RoyaltyError::ERC2981InvalidTokenRoyaltyReceiver { token_id, receiver };
    chain.send(alice, nft.set_token_royalty(1, receiver, 1)).reverts(refused);
    chain.send(bob, nft.reset_token_royalty(1)).reverts(unauthorized(bob));
    chain.send(bob, nft.delete_default_royalty()).reverts(unauthorized(bob));
    chain.send(alice, nft.reset_token_royalty(1)).succeeds();
    assert_eq!(chain.read(nft.royalty_info(1, 1_039)), (alice.into(), number(25)));
    chain.send(alice, nft.delete_default_royalty()).succeeds();
    assert_eq!(chain.read(nft.royalty_info(1, 1_039)), (Address::ZERO, U256::ZERO));
}

/// Lists, balances and owners tell the same of every token there ever was.
#[esker_sdk::test]
fn every_token_is_in_one_place(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let (nft, users) = (nft(chain, alice, bob), [alice, bob, carol]);
    Invariant::new()
        .sequences(16)
        .action("mint", move |chain, draw| {
            chain.send(alice, nft.safe_mint(draw.pick(&users), "")).succeeds();
        })
        .action("move", move |chain, draw| {
            let (by, from, to) = (draw.pick(&users), draw.pick(&users), draw.pick(&users));
            let _ = chain.send(by, nft.transfer_from(from, to, U256::from(draw.number(0..=6))));
        })
        .action("move one's own", move |chain, draw| {
            let token_id = U256::from(draw.number(0..=6));
            if let Some(owner) = users.iter().find(|user| {
                let tokens = listed(chain, nft, Some(user.address));
                tokens.contains(&token_id)
            }) {
                chain.send(*owner, nft.safe_transfer_from(*owner, draw.pick(&users), token_id)).succeeds();
            }
        })
        .action("approve", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), nft.approve(draw.pick(&users), U256::from(draw.number(0..=6))));
        })
        .action("approve for all", move |chain, draw| {
            let (by, operator) = (draw.pick(&users), draw.pick(&users));
            chain.send(by, nft.set_approval_for_all(operator, draw.chance())).succeeds();
        })
        .action("burn", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), nft.burn(U256::from(draw.number(0..=6))));
        })
        .check("lists, balances and owners agree", move |chain| {
            let mut all = Vec::new();
            for user in users {
                for token_id in listed(chain, nft, Some(user.address)) {
                    assert_eq!(chain.read(nft.owner_of(token_id)), user.address);
                    all.push(token_id);
                }
            }
            let mut of_all = listed(chain, nft, None);
            all.sort();
            of_all.sort();
            assert_eq!(all, of_all);
            assert!(all.windows(2).all(|pair| pair[0] != pair[1]), "a token twice: {all:?}");
        })
        .run(chain);
}
