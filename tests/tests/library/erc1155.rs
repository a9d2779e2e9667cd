//! Many tokens in one contract: who moves what, who accepts it, and that they are counted.

#![allow(missing_docs, reason = "a contract of the tests alone")]

use esker_components::{
    access::ownable::Error as OwnerError,
    tokens::erc1155::{
        ApprovalForAll, BATCH_RECEIVED, Error, IErc1155Handle, IErc1155MetadataUriHandle, IErc1155ReceiverHandle,
        RECEIVED, TransferBatch, TransferSingle,
    },
};
use esker_erc1155::ItemsHandle;
use esker_sdk::{Panic, abi::decode_params, prelude::*};
use esker_sdk_test::{Answer, Chain, Draw, Invariant, Sent, User, log};

/// A receiver that does something with tokens while it is asked whether it accepts them.
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

        pub fn seen(&self) -> U256 {
            self.seen.get()
        }

        #[name = "onERC1155Received"]
        #[reentrant]
        pub fn on_received(
            &mut self,
            cx: &mut Context,
            _operator: Address,
            _from: Address,
            id: U256,
            value: U256,
            _data: &[u8],
        ) -> FixedBytes<4> {
            let (items, me, keeper) = (ItemsHandle::at(cx.sender()), cx.address(), self.keeper.get());
            match self.way.replace(0) {
                1 => items.safe_transfer_from(me, keeper, id, value, &[]).call(cx),
                2 => items.burn(me, id, value).call(cx),
                3 => items.safe_transfer_from(me, me, id, 0, &[]).call(cx),
                4 => items.safe_transfer_from(me, keeper, id, value + 1, &[]).call(cx),
                5 => items.mint(me, id, value, &[]).call(cx),
                _ => self.seen.set(items.balance_of(me, id).call(cx)),
            }
            RECEIVED
        }
    }
}
use holder::HolderHandle;

fn number(value: u128) -> U256 {
    U256::from(value)
}

fn numbers<const N: usize>(values: [u128; N]) -> Vec<U256> {
    values.map(number).to_vec()
}

/// Items of alice, of which bob has ten of id 1 and five of id 2.
fn items(chain: &mut Chain, alice: User, bob: User) -> ItemsHandle {
    let items = chain.deploy(alice, ItemsHandle::constructor("https://items/{id}", alice));
    chain.send(alice, items.mint_batch(bob, &numbers([1, 2]), &numbers([10, 5]), &[])).succeeds();
    items
}

fn too_few(sender: impl Into<Address>, token_id: u128, balance: u128, needed: u128) -> Error {
    let (token_id, balance, needed) = (number(token_id), number(balance), number(needed));
    Error::ERC1155InsufficientBalance { sender: sender.into(), balance, needed, token_id }
}

fn not_approved(operator: User, owner: User) -> Error {
    Error::ERC1155MissingApprovalForAll { operator: operator.into(), owner: owner.into() }
}

fn lengths(ids: u128, values: u128) -> Error {
    Error::ERC1155InvalidArrayLength { ids_length: number(ids), values_length: number(values) }
}

#[esker_sdk::test]
fn items_say_what_they_are(chain: &mut Chain, alice: User, bob: User) {
    let items = items(chain, alice, bob);
    assert_eq!(chain.read(items.uri(7)), "https://items/{id}");
    assert_eq!(chain.read(items.owner()), alice.address);
    let ids = [IErc1155Handle::INTERFACE_ID, IErc1155MetadataUriHandle::INTERFACE_ID];
    assert_eq!(ids, [FixedBytes([0xd9, 0xb6, 0x7a, 0x26]), FixedBytes([0x0e, 0x89, 0x34, 0x1c])]);
    let erc165 = FixedBytes([0x01, 0xff, 0xc9, 0xa7]);
    for (id, supported) in [(ids[0], true), (ids[1], true), (erc165, true), (FixedBytes([0xff; 4]), false)] {
        assert_eq!(chain.read(items.supports_interface(id)), supported, "{id:?}");
    }
    let receiver = IErc1155ReceiverHandle::at(alice.into());
    let one = receiver.on_received(alice, bob, 0, 0, &[]);
    let many = receiver.on_batch_received(alice, bob, &[], &[], &[]);
    assert_eq!((&one.input()[..4], &many.input()[..4]), (&RECEIVED.0[..], &BATCH_RECEIVED.0[..]));
    let nobody = OwnerError::OwnableInvalidOwner { owner: Address::ZERO };
    chain.try_deploy(alice, ItemsHandle::constructor("", Address::ZERO)).reverts(nobody);
    let stranger = || OwnerError::OwnableUnauthorizedAccount { account: bob.into() };
    chain.send(bob, items.set_uri("https://mine")).reverts(stranger());
    chain.send(alice, items.set_uri("https://new/{id}")).succeeds();
    assert_eq!(chain.read(items.uri(0)), "https://new/{id}");
}

#[esker_sdk::test]
fn the_owner_creates(chain: &mut Chain, alice: User, bob: User) {
    let items = items(chain, alice, bob);
    let (operator, from, to) = (Address::from(alice), Address::ZERO, Address::from(bob));
    let created = TransferSingle { operator, from, to, id: number(7), value: number(3) };
    chain.send(alice, items.mint(bob, 7, 3, &[])).emits_only([log(items.address(), created)]);
    let (ids, values) = (numbers([8, 9, 8]), numbers([1, 2, 3]));
    let created = TransferBatch { operator, from, to, ids: ids.clone(), values: values.clone() };
    chain.send(alice, items.mint_batch(bob, &ids, &values, &[])).emits_only([log(items.address(), created)]);
    assert_eq!(chain.read(items.balance_of(bob, 8)), 4);
    // A batch of one is single, and one of none is a batch.
    let created = TransferSingle { operator, from, to, id: number(7), value: number(0) };
    chain.send(alice, items.mint_batch(bob, &numbers([7]), &numbers([0]), &[])).emits(created);
    let created = TransferBatch { operator, from, to, ids: Vec::new(), values: Vec::new() };
    chain.send(alice, items.mint_batch(bob, &[], &[], &[])).emits(created);
    let stranger = || OwnerError::OwnableUnauthorizedAccount { account: bob.into() };
    chain.send(bob, items.mint(bob, 1, 1, &[])).reverts(stranger());
    chain.send(bob, items.mint_batch(bob, &[], &[], &[])).reverts(stranger());
    let nowhere = || Error::ERC1155InvalidReceiver { receiver: Address::ZERO };
    chain.send(alice, items.mint(Address::ZERO, 1, 1, &[])).reverts(nowhere());
    chain.send(alice, items.mint_batch(bob, &numbers([1]), &[], &[])).reverts(lengths(1, 0));
    chain.send(alice, items.mint_batch(bob, &[], &numbers([1, 2]), &[])).reverts(lengths(0, 2));
}

#[esker_sdk::test]
fn holders_and_their_operators_move(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let items = items(chain, alice, bob);
    let (from, to) = (Address::from(bob), Address::from(carol));
    let moved = TransferSingle { operator: from, from, to, id: number(1), value: number(4) };
    chain.send(bob, items.safe_transfer_from(bob, carol, 1, 4, &[])).emits_only([log(items.address(), moved)]);
    chain.send(bob, items.safe_transfer_from(bob, carol, 1, 7, &[])).reverts(too_few(bob, 1, 6, 7));
    chain.send(carol, items.safe_transfer_from(bob, carol, 1, 1, &[])).reverts(not_approved(carol, bob));
    let approval = |approved| ApprovalForAll { account: from, operator: to, approved };
    chain.send(bob, items.set_approval_for_all(carol, true)).emits_only([log(items.address(), approval(true))]);
    assert!(chain.read(items.is_approved_for_all(bob, carol)));
    let (ids, values) = (numbers([1, 2]), numbers([6, 5]));
    let moved = TransferBatch { operator: to, from, to, ids: ids.clone(), values: values.clone() };
    let batch = || items.safe_batch_transfer_from(bob, carol, &ids, &values, b"all");
    chain.send(carol, batch()).emits_only([log(items.address(), moved)]);
    let accounts = [from, to, to, to];
    assert_eq!(chain.read(items.balance_of_batch(&accounts, &numbers([1, 1, 2, 3]))), numbers([0, 10, 5, 0]));
    chain.try_read(items.balance_of_batch(&accounts, &numbers([1]))).reverts(lengths(1, 4));
    chain.send(carol, batch()).reverts(too_few(bob, 1, 0, 6));
    // Approval goes one way, and until it is taken back.
    chain.send(bob, items.safe_transfer_from(carol, bob, 1, 1, &[])).reverts(not_approved(bob, carol));
    chain.send(bob, items.set_approval_for_all(carol, false)).emits(approval(false));
    chain.send(carol, items.safe_transfer_from(bob, carol, 1, 0, &[])).reverts(not_approved(carol, bob));
}

#[esker_sdk::test]
fn what_makes_no_sense_is_refused(chain: &mut Chain, alice: User, bob: User) {
    let (items, zero) = (items(chain, alice, bob), Address::ZERO);
    let nowhere = || Error::ERC1155InvalidReceiver { receiver: zero };
    chain.send(bob, items.safe_transfer_from(bob, zero, 1, 1, &[])).reverts(nowhere());
    chain.send(bob, items.safe_batch_transfer_from(bob, zero, &[], &[], &[])).reverts(nowhere());
    chain.send(bob, items.set_approval_for_all(zero, true)).reverts(Error::ERC1155InvalidOperator { operator: zero });
    // Nobody signs for it, but anybody asks a node what would be.
    let no_sender = || Error::ERC1155InvalidSender { sender: zero };
    chain.call(zero, items.safe_transfer_from(zero, bob, 1, 1, &[])).reverts(no_sender());
    chain.call(zero, items.burn(zero, 1, 1)).reverts(no_sender());
    let batch = |ids: &[U256], values: &[U256]| items.safe_batch_transfer_from(bob, alice, ids, values, &[]);
    chain.send(bob, batch(&numbers([1, 2]), &numbers([1]))).reverts(lengths(2, 1));
    // One id twice is both together.
    chain.send(bob, batch(&numbers([1, 1]), &numbers([6, 5]))).reverts(too_few(bob, 1, 4, 5));
    chain.send(bob, batch(&numbers([1, 1]), &numbers([6, 4]))).succeeds();
    // To oneself nothing comes of it.
    chain.send(bob, items.safe_transfer_from(bob, bob, 2, 5, &[])).succeeds();
    assert_eq!(chain.read(items.balance_of(bob, 2)), 5);
    chain.send(alice, items.mint(bob, 3, U256::MAX, &[])).panics(Panic::Overflow);
    chain.send(alice, items.mint(bob, 3, U256::MAX - 15, &[])).succeeds();
    chain.send(alice, items.mint(alice, 4, 1, &[])).panics(Panic::Overflow);
}

#[esker_sdk::test]
fn holders_and_their_operators_destroy(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let items = items(chain, alice, bob);
    let (from, to) = (Address::from(bob), Address::ZERO);
    let gone = TransferSingle { operator: from, from, to, id: number(1), value: number(4) };
    chain.send(bob, items.burn(bob, 1, 4)).emits_only([log(items.address(), gone)]);
    chain.send(carol, items.burn(bob, 1, 1)).reverts(not_approved(carol, bob));
    // Nor does the owner of the contract.
    chain.send(alice, items.burn_batch(bob, &numbers([1]), &numbers([1]))).reverts(not_approved(alice, bob));
    chain.send(bob, items.set_approval_for_all(carol, true)).succeeds();
    chain.send(carol, items.burn(bob, 1, 7)).reverts(too_few(bob, 1, 6, 7));
    chain.send(carol, items.burn_batch(bob, &numbers([1]), &[])).reverts(lengths(1, 0));
    let (ids, values) = (numbers([1, 2]), numbers([5, 5]));
    let gone = TransferBatch { operator: carol.into(), from, to, ids: ids.clone(), values: values.clone() };
    chain.send(carol, items.burn_batch(bob, &ids, &values)).emits_only([log(items.address(), gone)]);
    assert_eq!((chain.read(items.total_supply_of(1)), chain.read(items.total_supply())), (number(1), number(1)));
    assert_eq!([1, 2, 3].map(|id| chain.read(items.exists(id))), [true, false, false]);
}

fn give(chain: &mut Chain, items: ItemsHandle, bob: User, to: Address) -> Sent<()> {
    chain.send(bob, items.safe_transfer_from(bob, to, 1, 2, b"here"))
}

fn give_many(chain: &mut Chain, items: ItemsHandle, bob: User, to: Address) -> Sent<()> {
    chain.send(bob, items.safe_batch_transfer_from(bob, to, &numbers([1, 2]), &numbers([1, 1]), b"here"))
}

#[esker_sdk::test]
fn a_contract_has_to_accept(chain: &mut Chain, alice: User, bob: User) {
    let items = items(chain, alice, bob);
    let (one, many) = (RECEIVED, BATCH_RECEIVED);
    let (by, here) = (Address::from(bob), Bytes(b"here".to_vec()));
    let wanted = (by, by, number(1), number(2), here.clone());
    let wanted_many = (by, by, numbers([1, 2]), numbers([1, 1]), here);
    let picky = chain.mock(Address::repeat_byte(1), move |called| {
        let (selector, arguments) = called.input.split_at(4);
        if selector == one.0 && decode_params(arguments).as_ref() == Ok(&wanted) {
            Answer::value(&one)
        } else if selector == many.0 && decode_params(arguments).as_ref() == Ok(&wanted_many) {
            Answer::value(&many)
        } else {
            Answer::revert("something else")
        }
    });
    give(chain, items, bob, picky).succeeds();
    give_many(chain, items, bob, picky).succeeds();
    chain.send(bob, items.safe_transfer_from(bob, picky, 1, 1, b"there")).reverts_with("something else");
    // The answer to another question, no answer, and a refusal without a word.
    let refused = || Error::ERC1155InvalidReceiver { receiver: Address::repeat_byte(2) };
    let wrong = chain.mock(Address::repeat_byte(2), move |called| {
        Answer::value(if called.selector() == one.0 { &many } else { &one })
    });
    give(chain, items, bob, wrong).reverts(refused());
    give_many(chain, items, bob, wrong).reverts(refused());
    chain.send(alice, items.mint(wrong, 1, 1, &[])).reverts(refused());
    let silent = chain.mock(Address::repeat_byte(2), |_| Answer::revert(Vec::new()));
    give(chain, items, bob, silent).reverts(refused());
    let empty = chain.mock(Address::repeat_byte(2), |_| Answer::nothing());
    give(chain, items, bob, empty).reverts_with(Vec::new());
    // A contract that knows nothing of tokens: the items themselves.
    let own = Error::ERC1155InvalidReceiver { receiver: items.address() };
    give(chain, items, bob, items.address()).reverts(own);
    assert_eq!(chain.read(items.balance_of(bob, 1)), 7);
}

#[esker_sdk::test]
fn a_receiver_does_with_tokens_what_it_likes_and_no_more(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let items = items(chain, alice, bob);
    let holder = chain.deploy(carol, HolderHandle::constructor(carol));
    let to = holder.address();
    let way = |chain: &mut Chain, way| chain.send(carol, holder.prepare(way)).succeeds();
    // It sees what it got, passes it on, destroys it, and sends itself something while it is asked.
    give(chain, items, bob, to).succeeds();
    assert_eq!(chain.read(holder.seen()), 2);
    way(chain, 1);
    give(chain, items, bob, to).succeeds();
    assert_eq!((chain.read(items.balance_of(to, 1)), chain.read(items.balance_of(carol, 1))), (number(2), number(2)));
    way(chain, 2);
    give(chain, items, bob, to).succeeds();
    assert_eq!(chain.read(items.total_supply_of(1)), 8);
    way(chain, 3);
    give(chain, items, bob, to).succeeds();
    assert_eq!(chain.read(holder.seen()), 4);
    // What it has not got it cannot move, and what is the owner's is not even asked for.
    way(chain, 4);
    chain.send(alice, items.mint(to, 9, 1, &[])).reverts(too_few(to, 9, 1, 2));
    way(chain, 5);
    give(chain, items, bob, to).reverts_as_reentrant();
    assert_eq!(chain.read(items.balance_of(bob, 1)), 2);
}

/// Tokens of every id are as many as everybody has, and all together as many as of all ids.
#[esker_sdk::test]
fn tokens_are_counted(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let (items, users) = (items(chain, alice, bob), [alice, bob, carol]);
    let id = |draw: &mut Draw| U256::from(draw.number(1..=3));
    let value = |draw: &mut Draw| U256::from(draw.number(0..=12));
    let some = move |draw: &mut Draw| {
        let count = draw.number(0..=3);
        let (ids, values): (Vec<U256>, Vec<U256>) = (0..count).map(|_| (id(draw), value(draw))).unzip();
        (ids, values)
    };
    Invariant::new()
        .action("mint", move |chain, draw| {
            chain.send(alice, items.mint(draw.pick(&users), id(draw), value(draw), &[])).succeeds();
        })
        .action("mint a batch", move |chain, draw| {
            let (ids, values) = some(draw);
            chain.send(alice, items.mint_batch(draw.pick(&users), &ids, &values, &[])).succeeds();
        })
        .action("approve", move |chain, draw| {
            let (by, operator) = (draw.pick(&users), draw.pick(&users));
            chain.send(by, items.set_approval_for_all(operator, draw.chance())).succeeds();
        })
        .action("move", move |chain, draw| {
            let (by, from, to) = (draw.pick(&users), draw.pick(&users), draw.pick(&users));
            let _ = chain.send(by, items.safe_transfer_from(from, to, id(draw), value(draw), &[]));
        })
        .action("move a batch", move |chain, draw| {
            let (by, from, to) = (draw.pick(&users), draw.pick(&users), draw.pick(&users));
            let (ids, values) = some(draw);
            let _ = chain.send(by, items.safe_batch_transfer_from(from, to, &ids, &values, &[]));
        })
        .action("burn", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), items.burn(draw.pick(&users), id(draw), value(draw)));
        })
        .action("burn a batch", move |chain, draw| {
            let (ids, values) = some(draw);
            let _ = chain.send(draw.pick(&users), items.burn_batch(draw.pick(&users), &ids, &values));
        })
        .check("they add up", move |chain| {
            let mut all = U256::ZERO;
            for id in 1..=3_u128 {
                let sum: U256 = users.iter().map(|user| chain.read(items.balance_of(*user, id))).sum();
                assert_eq!(sum, chain.read(items.total_supply_of(id)), "id {id}");
                assert_eq!(sum > 0, chain.read(items.exists(id)), "id {id}");
                all += sum;
            }
            assert_eq!(all, chain.read(items.total_supply()));
        })
        .run(chain);
}
