//! The multisig under attack: that nothing is done without enough owners, and nothing twice.

use super::support::*;
use esker_multisig::{Error, MultisigHandle};
use esker_sdk::prelude::*;
use esker_sdk_test::{Answer, Chain, End, Invariant, User};

/// An owner that executes once more while it is paid.
#[contract]
mod greedy {
    use super::*;

    #[storage]
    pub struct Greedy {
        failed: Cell<bool>,
    }

    impl Greedy {
        #[receive]
        fn receive(&mut self, cx: &mut Context) {
            let again = MultisigHandle::from(cx.sender()).execute_transaction(0).try_call(cx);
            self.failed.set(again.is_err());
        }

        pub fn failed(&self) -> bool {
            self.failed.get()
        }
    }
}
use greedy::*;

/// Who was removed has no say in what waits, not even after coming back.
#[esker_sdk::test]
fn confirmations_end_with_their_owners(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let multisig = deployed(chain, [alice, bob, carol]);
    chain.send(bob, multisig.submit_transaction(bob, 100, NOTHING)).succeeds();
    let remove = decide(chain, multisig, [alice, carol], multisig.remove_owner(bob).input());
    chain.send(alice, multisig.execute_transaction(remove)).succeeds();
    let few = |confirmations| Error::TooFewConfirmations { confirmations, required: 2 };
    chain.send(carol, multisig.confirm_transaction(0)).succeeds();
    chain.send(carol, multisig.execute_transaction(0)).reverts(few(1));
    let back = decide(chain, multisig, [alice, carol], multisig.add_owner(bob).input());
    chain.send(alice, multisig.execute_transaction(back)).succeeds();
    chain.send(carol, multisig.execute_transaction(0)).reverts(few(0));
    assert!(!chain.read(multisig.confirmations(0, bob)));
}

#[esker_sdk::test]
fn a_call_that_fails_may_be_tried_again(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let multisig = deployed(chain, [alice, bob, carol]);
    let grudge = chain.mock(Address::repeat_byte(0x66), |_| Answer::revert("no coins"));
    chain.send(alice, multisig.submit_transaction(grudge, 1, NOTHING)).succeeds();
    chain.send(bob, multisig.confirm_transaction(0)).succeeds();
    chain.send(bob, multisig.execute_transaction(0)).reverts_with_text("no coins");
    chain.mock(grudge, |_| Answer::nothing());
    chain.send(bob, multisig.execute_transaction(0)).succeeds();
    chain.send(alice, multisig.submit_transaction(carol, 100, NOTHING)).succeeds();
    chain.send(bob, multisig.confirm_transaction(1)).succeeds();
    chain.send(bob, multisig.execute_transaction(1)).reverts(Error::FailedCall);
}

#[esker_sdk::test]
fn a_transaction_cannot_be_entered_again(chain: &mut Chain, alice: User, bob: User) {
    let greedy = chain.deploy(alice, GreedyHandle::constructor());
    let owners = [alice.address, bob.address, greedy.address()];
    let multisig = chain.deploy(alice, MultisigHandle::constructor(&owners, 2));
    chain.transfer(alice, multisig.address(), 100).succeeds();
    chain.send(alice, multisig.submit_transaction(greedy.address(), 40, NOTHING)).succeeds();
    chain.send(bob, multisig.confirm_transaction(0)).succeeds();
    chain.send(bob, multisig.execute_transaction(0)).succeeds();
    assert!(chain.read(greedy.failed()));
    assert_eq!((chain.balance(greedy.address()), chain.balance(multisig.address())), (number(40), number(60)));
}

/// Coins leave for executed transactions alone, each once; and there are never fewer owners than are required.
#[esker_sdk::test]
fn coins_leave_by_confirmed_transactions_alone(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let users = [alice, bob, carol];
    let multisig = deployed(chain, users);
    let purse = Address::repeat_byte(0x77);
    Invariant::new()
        .action("submit", move |chain, draw| {
            let value = number(draw.number(0..=40));
            let _ = chain.send(draw.pick(&users), multisig.submit_transaction(purse, value, NOTHING));
        })
        .action("submit a change", move |chain, draw| {
            let (one, other, required) = (draw.pick(&users), draw.pick(&users), draw.number(0..=3));
            let call = draw.pick(&[
                multisig.remove_owner(one),
                multisig.add_owner(one),
                multisig.replace_owner(one, other),
                multisig.change_requirement(required),
            ]);
            let submit = multisig.submit_transaction(multisig.address(), 0, call.input().to_vec());
            let _ = chain.send(draw.pick(&users), submit);
        })
        .action("confirm", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), multisig.confirm_transaction(draw.number(0..=5)));
        })
        .action("revoke", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), multisig.revoke_confirmation(draw.number(0..=5)));
        })
        .action("execute", move |chain, draw| {
            let id = draw.number(0..=5);
            let had = chain.read(multisig.is_confirmed(id));
            let done = chain.send(draw.pick(&users), multisig.execute_transaction(id));
            assert!(had || done.end() != End::Success, "executed without confirmations");
        })
        .check("coins add up", move |chain| {
            let mut paid = U256::ZERO;
            for id in 0..chain.read(multisig.transaction_count()) {
                let transaction = chain.read(multisig.transactions(id));
                paid += if transaction.executed { transaction.value } else { U256::ZERO };
            }
            assert_eq!(chain.balance(purse), paid);
            assert_eq!(chain.balance(multisig.address()) + paid, 100);
        })
        .check("owners are enough", move |chain| {
            let owners = chain.read(multisig.get_owners());
            assert!((1..=owners.len() as u64).contains(&chain.read(multisig.required())));
            for user in users {
                assert_eq!(chain.read(multisig.is_owner(user)), owners.contains(&user.address));
            }
        })
        .run(chain);
}
