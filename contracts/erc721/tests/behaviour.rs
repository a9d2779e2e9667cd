//! The collection's rules, each natively and as wasm on the real VM.

use esker_erc721::{Approval, ApprovalForAll, Erc721, Erc721Handle, Error, Transfer};
use esker_erc721_holder::{Erc721Holder, Erc721HolderHandle};
use esker_sdk::{
    Address, Bytes, ContractError, FixedBytes, U256,
    native::{MemoryHost, Outcome},
};
use esker_sdk_test::{Chain, User};

/// A collection by alice in which bob has token 7.
fn collection(chain: &mut Chain, alice: User, bob: User) -> Erc721Handle {
    let art = chain.deploy::<Erc721>(alice, Erc721Handle::constructor("Gallery", "ART"));
    let minted = Transfer { from: Address::ZERO, to: bob.address, token_id: U256::from(7) };
    chain.send(alice, art.mint(bob.address, 7)).emits(minted);
    art
}

#[esker_sdk::test]
fn a_collection_says_what_it_is(chain: &mut Chain, alice: User, bob: User) {
    let art = collection(chain, alice, bob);
    assert_eq!(chain.read(art.name()), "Gallery");
    assert_eq!(chain.read(art.symbol()), "ART");
    assert_eq!(chain.read(art.owner()), alice.address);
    assert_eq!(chain.read(art.token_uri(7)), "");
    assert_eq!(chain.read(art.balance_of(bob.address)), U256::from(1));
    assert_eq!(chain.read(art.owner_of(7)), bob.address);
    for (id, supported) in [(0x01ff_c9a7, true), (0x80ac_58cd, true), (0x5b5e_139f, true), (0xffff_ffff_u32, false)] {
        assert_eq!(chain.read(art.supports_interface(FixedBytes(id.to_be_bytes()))), supported, "{id:#x}");
    }
}

#[esker_sdk::test]
fn only_the_owner_mints_and_never_twice(chain: &mut Chain, alice: User, bob: User) {
    let art = collection(chain, alice, bob);
    chain.send(bob, art.mint(bob.address, 8)).reverts(Error::OwnableUnauthorizedAccount { account: bob.address });
    chain.send(alice, art.mint(alice.address, 7)).reverts(Error::ERC721InvalidSender { sender: Address::ZERO });
    chain.send(alice, art.mint(Address::ZERO, 8)).reverts(Error::ERC721InvalidReceiver { receiver: Address::ZERO });
}

#[esker_sdk::test]
fn tokens_that_are_not_there_are_named(chain: &mut Chain, alice: User, bob: User) {
    let art = collection(chain, alice, bob);
    let missing = || Error::ERC721NonexistentToken { token_id: U256::from(9) };
    chain.try_read(art.owner_of(9)).reverts(missing());
    chain.try_read(art.token_uri(9)).reverts(missing());
    chain.try_read(art.get_approved(9)).reverts(missing());
    chain.send(bob, art.approve(alice.address, 9)).reverts(missing());
    chain.send(bob, art.transfer_from(bob.address, alice.address, 9)).reverts(missing());
    chain.try_read(art.balance_of(Address::ZERO)).reverts(Error::ERC721InvalidOwner { owner: Address::ZERO });
}

#[esker_sdk::test]
fn a_transfer_needs_the_owner_or_an_approval(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let art = collection(chain, alice, bob);
    let id = U256::from(7);
    let stranger = Error::ERC721InsufficientApproval { operator: carol.address, token_id: id };
    chain.send(carol, art.transfer_from(bob.address, carol.address, id)).reverts(stranger);
    chain.send(carol, art.approve(carol.address, id)).reverts(Error::ERC721InvalidApprover { approver: carol.address });
    let approval = Approval { owner: bob.address, approved: carol.address, token_id: id };
    chain.send(bob, art.approve(carol.address, id)).emits(approval);
    assert_eq!(chain.read(art.get_approved(id)), carol.address);
    let wrong = Error::ERC721IncorrectOwner { sender: alice.address, token_id: id, owner: bob.address };
    chain.send(carol, art.transfer_from(alice.address, carol.address, id)).reverts(wrong);
    let nowhere = Error::ERC721InvalidReceiver { receiver: Address::ZERO };
    chain.send(carol, art.transfer_from(bob.address, Address::ZERO, id)).reverts(nowhere);
    let moved = Transfer { from: bob.address, to: carol.address, token_id: id };
    chain.send(carol, art.transfer_from(bob.address, carol.address, id)).emits(moved);
    // The approval went with the transfer.
    assert_eq!(chain.read(art.get_approved(id)), Address::ZERO);
    assert_eq!(chain.read(art.balance_of(bob.address)), U256::from(0));
    assert_eq!(chain.read(art.balance_of(carol.address)), U256::from(1));
}

#[esker_sdk::test]
fn an_operator_moves_every_token_until_dismissed(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let art = collection(chain, alice, bob);
    let event = |approved| ApprovalForAll { owner: bob.address, operator: carol.address, approved };
    chain.send(bob, art.set_approval_for_all(carol.address, true)).emits(event(true));
    assert!(chain.read(art.is_approved_for_all(bob.address, carol.address)));
    chain.send(carol, art.approve(alice.address, 7)).succeeds();
    chain.send(alice, art.transfer_from(bob.address, alice.address, 7)).succeeds();
    chain.send(alice, art.mint(bob.address, 8)).succeeds();
    chain.send(bob, art.set_approval_for_all(carol.address, false)).emits(event(false));
    let dismissed = Error::ERC721InsufficientApproval { operator: carol.address, token_id: U256::from(8) };
    chain.send(carol, art.transfer_from(bob.address, carol.address, 8)).reverts(dismissed);
    let nobody = Error::ERC721InvalidOperator { operator: Address::ZERO };
    chain.send(bob, art.set_approval_for_all(Address::ZERO, true)).reverts(nobody);
}

#[esker_sdk::test]
fn a_safe_transfer_asks_a_contract_first(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let art = collection(chain, alice, bob);
    // To a person nobody is asked.
    chain.send(bob, art.safe_transfer_from(bob.address, carol.address, 7)).succeeds();
    // The collection itself is a contract that accepts no tokens.
    let refused = Error::ERC721InvalidReceiver { receiver: art.address() };
    chain.send(carol, art.safe_transfer_from(carol.address, art.address(), 7)).reverts(refused);
    let data = Bytes(vec![1, 2, 3]);
    let refused = Error::ERC721InvalidReceiver { receiver: art.address() };
    chain.send(carol, art.safe_transfer_from_with_data(carol.address, art.address(), 7, &data.0)).reverts(refused);
    assert_eq!(chain.read(art.owner_of(7)), carol.address);
    // An ordinary transfer asks nobody.
    chain.send(carol, art.transfer_from(carol.address, art.address(), 7)).succeeds();
    assert_eq!(chain.read(art.owner_of(7)), art.address());
}

#[esker_sdk::test]
fn a_receiver_may_accept_and_may_move_the_token_on_at_once(chain: &mut Chain, alice: User, bob: User) {
    let art = collection(chain, alice, bob);
    let holder = chain.deploy::<Erc721Holder>(alice, Erc721HolderHandle::constructor());
    chain.send(bob, art.safe_transfer_from(bob.address, holder.address(), 7)).succeeds();
    assert_eq!(chain.read(art.owner_of(7)), holder.address());
    chain.send(alice, art.mint(bob.address, 8)).succeeds();
    // The receiver calls back into the collection while that is still in its safe transfer.
    let back = Transfer { from: holder.address(), to: bob.address, token_id: U256::from(8) };
    chain.send(bob, art.safe_transfer_from_with_data(bob.address, holder.address(), 8, b"back")).emits(back);
    assert_eq!(chain.read(art.owner_of(8)), bob.address);
    assert_eq!(chain.read(holder.received()), U256::from(2));
}

/// Nobody can send a transaction from the zero address, but anybody can simulate one: OpenZeppelin asks it for nothing.
#[test]
fn the_zero_address_is_asked_for_no_approval() {
    const ART: Address = Address::repeat_byte(0xa7);
    let (alice, bob, zero) = (Address::repeat_byte(0xa1), Address::repeat_byte(0xb0), Address::ZERO);
    let mut chain = MemoryHost::new();
    let art = chain.deploy::<Erc721>(alice, ART, &Erc721Handle::constructor("Gallery", "ART")).expect("deploys");
    let done = Outcome::Return(Vec::new());
    let refused = |error: Error| Outcome::Revert(error.encode());
    assert_eq!(chain.send(alice, &art.mint(bob, 7)), done);
    assert_eq!(chain.send(zero, &art.approve(alice, 7)), done);
    assert_eq!(chain.query(bob, &art.get_approved(7)), alice);
    let missing = Error::ERC721NonexistentToken { token_id: U256::from(9) };
    assert_eq!(chain.send(zero, &art.approve(alice, 9)), refused(missing));
    assert_eq!(chain.send(zero, &art.set_approval_for_all(alice, true)), done);
    assert!(chain.query(bob, &art.is_approved_for_all(zero, alice)));
    let nobody = Error::ERC721InvalidOperator { operator: zero };
    assert_eq!(chain.send(zero, &art.set_approval_for_all(zero, true)), refused(nobody));
    let wrong = Error::ERC721IncorrectOwner { sender: alice, token_id: U256::from(7), owner: bob };
    assert_eq!(chain.send(zero, &art.transfer_from(alice, alice, 7)), refused(wrong));
    assert_eq!(chain.send(zero, &art.transfer_from(bob, alice, 7)), done);
    assert_eq!(chain.query(bob, &art.owner_of(7)), alice);
    // A token that nobody has belongs to the zero address, from which it comes into being.
    let wrong = Error::ERC721IncorrectOwner { sender: alice, token_id: U256::from(9), owner: zero };
    assert_eq!(chain.send(zero, &art.transfer_from(alice, bob, 9)), refused(wrong));
    assert_eq!(chain.send(zero, &art.transfer_from(zero, bob, 9)), done);
    assert_eq!(chain.query(bob, &art.balance_of(bob)), U256::from(1));
}
