//! The multisig: who decides what together.

use super::support::*;
use esker_multisig::{
    Confirmation, Deposit, Error, Execution, MultisigHandle, OwnerAddition, OwnerRemoval, RequirementChange,
    Revocation, Submission,
};
use esker_sdk::prelude::*;
use esker_sdk_test::{Chain, User, log};

#[esker_sdk::test]
fn two_of_three_pay(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let multisig = deployed(chain, [alice, bob, carol]);
    let at = multisig.address();
    assert_eq!(chain.read(multisig.get_owners()), [alice, bob, carol].map(|user| user.address));
    let deposit = Deposit { sender: bob.into(), value: number(1) };
    chain.transfer(bob, at, 1).emits(deposit);
    let dave = chain.user("dave");
    chain.send(alice, multisig.submit_transaction(dave, 7, NOTHING)).returns(0).emits_only([
        log(at, Submission { transaction_id: 0 }),
        log(at, Confirmation { sender: alice.into(), transaction_id: 0 }),
    ]);
    let few = Error::TooFewConfirmations { confirmations: 1, required: 2 };
    chain.send(alice, multisig.execute_transaction(0)).reverts(few);
    assert!(!chain.read(multisig.is_confirmed(0)));
    let confirmation = Confirmation { sender: carol.into(), transaction_id: 0 };
    chain.send(carol, multisig.confirm_transaction(0)).emits(confirmation);
    assert!(chain.read(multisig.is_confirmed(0)) && chain.read(multisig.confirmations(0, carol)));
    let before = chain.balance(dave);
    chain.send(bob, multisig.execute_transaction(0)).emits(Execution { transaction_id: 0 });
    assert_eq!(chain.balance(dave) - before, 7);
    assert_eq!((chain.read(multisig.transaction_count()), chain.read(multisig.required())), (1, 2));
    let transaction = chain.read(multisig.transactions(0));
    assert!(transaction.executed && transaction.value == 7 && transaction.destination == dave.address);
}

#[esker_sdk::test]
fn strangers_and_repetition_are_refused(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let multisig = deployed(chain, [alice, bob, carol]);
    let dave = chain.user("dave");
    let stranger = || Error::NotOwner { account: dave.into() };
    chain.send(dave, multisig.submit_transaction(dave, 7, NOTHING)).reverts(stranger());
    chain.send(alice, multisig.submit_transaction(bob, 7, NOTHING)).succeeds();
    for call in [multisig.confirm_transaction(0), multisig.revoke_confirmation(0), multisig.execute_transaction(0)] {
        chain.send(dave, call).reverts(stranger());
    }
    // One owner is one confirmation.
    chain.send(alice, multisig.confirm_transaction(0)).reverts(Error::AlreadyConfirmed { transaction_id: 0 });
    chain.send(bob, multisig.revoke_confirmation(0)).reverts(Error::NotConfirmed { transaction_id: 0 });
    let none = || Error::NoTransaction { transaction_id: 1 };
    for call in [multisig.confirm_transaction(1), multisig.revoke_confirmation(1), multisig.execute_transaction(1)] {
        chain.send(alice, call).reverts(none());
    }
    chain.try_read(multisig.transactions(1)).reverts(none());
    chain.send(bob, multisig.confirm_transaction(0)).succeeds();
    chain.send(bob, multisig.execute_transaction(0)).succeeds();
    let done = || Error::AlreadyExecuted { transaction_id: 0 };
    for call in [multisig.confirm_transaction(0), multisig.revoke_confirmation(0), multisig.execute_transaction(0)] {
        chain.send(alice, call).reverts(done());
    }
    assert_eq!(chain.balance(multisig.address()), 93);
}

#[esker_sdk::test]
fn a_confirmation_is_taken_back(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let multisig = deployed(chain, [alice, bob, carol]);
    chain.send(alice, multisig.submit_transaction(bob, 7, NOTHING)).succeeds();
    chain.send(bob, multisig.confirm_transaction(0)).succeeds();
    let revocation = Revocation { sender: alice.into(), transaction_id: 0 };
    chain.send(alice, multisig.revoke_confirmation(0)).emits(revocation);
    let few = Error::TooFewConfirmations { confirmations: 1, required: 2 };
    chain.send(bob, multisig.execute_transaction(0)).reverts(few);
    chain.send(alice, multisig.confirm_transaction(0)).succeeds();
    chain.send(bob, multisig.execute_transaction(0)).succeeds();
}

#[esker_sdk::test]
fn owners_that_make_no_sense_are_refused(chain: &mut Chain, alice: User, bob: User) {
    let tries: [(&[Address], u64, Error); 5] = [
        (&[alice.address, alice.address], 1, Error::InvalidOwner { owner: alice.into() }),
        (&[Address::ZERO], 1, Error::InvalidOwner { owner: Address::ZERO }),
        (&[alice.address], 0, Error::InvalidRequirement { owners: 1, required: 0 }),
        (&[alice.address, bob.address], 3, Error::InvalidRequirement { owners: 2, required: 3 }),
        (&[], 0, Error::InvalidRequirement { owners: 0, required: 0 }),
    ];
    for (owners, required, error) in tries {
        chain.try_deploy(alice, MultisigHandle::constructor(owners, required)).reverts(error);
    }
    let crowd: Vec<Address> = (1..=51).map(Address::repeat_byte).collect();
    let many = Error::InvalidRequirement { owners: 51, required: 0 };
    chain.try_deploy(alice, MultisigHandle::constructor(&crowd, 1)).reverts(many);
    chain.deploy(alice, MultisigHandle::constructor(&crowd[..50], 50));
}

#[esker_sdk::test]
fn owners_change_together_alone(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let multisig = deployed(chain, [alice, bob, carol]);
    let dave = chain.user("dave");
    let calls = [
        multisig.add_owner(dave),
        multisig.remove_owner(bob),
        multisig.replace_owner(bob, dave),
        multisig.change_requirement(1),
    ];
    for call in &calls {
        chain.send(alice, call.clone()).reverts(Error::NotSelf { caller: alice.into() });
    }
    let id = decide(chain, multisig, [alice, bob], calls[2].input());
    chain.send(alice, multisig.execute_transaction(id)).emits_only([
        log(multisig.address(), OwnerRemoval { owner: bob.into() }),
        log(multisig.address(), OwnerAddition { owner: dave.into() }),
        log(multisig.address(), Execution { transaction_id: id }),
    ]);
    assert_eq!(chain.read(multisig.get_owners()), [alice, carol, dave].map(|user| user.address));
    // Two may go; then one is left, and required.
    for gone in [carol, dave] {
        let id = decide(chain, multisig, [alice, dave], multisig.remove_owner(gone).input());
        chain.send(alice, multisig.execute_transaction(id)).emits(OwnerRemoval { owner: gone.into() });
    }
    assert_eq!(chain.read(multisig.required()), 1);
    let last = multisig.remove_owner(alice);
    let id = chain.send(alice, multisig.submit_transaction(multisig.address(), 0, last.input().to_vec())).returned();
    let nobody = Error::InvalidRequirement { owners: 0, required: 0 };
    chain.send(alice, multisig.execute_transaction(id)).reverts(nobody);
    let refused = [
        (multisig.add_owner(alice), Error::InvalidOwner { owner: alice.into() }),
        (multisig.add_owner(multisig.address()), Error::InvalidOwner { owner: multisig.address() }),
        (multisig.remove_owner(bob), Error::NotOwner { account: bob.into() }),
        (multisig.change_requirement(2), Error::InvalidRequirement { owners: 1, required: 2 }),
    ];
    for (call, error) in refused {
        let submit = multisig.submit_transaction(multisig.address(), 0, call.input().to_vec());
        let id = chain.send(alice, submit).returned();
        chain.send(alice, multisig.execute_transaction(id)).reverts(error);
    }
    let add = multisig.add_owner(bob);
    let id = chain.send(alice, multisig.submit_transaction(multisig.address(), 0, add.input().to_vec())).returned();
    chain.send(alice, multisig.execute_transaction(id)).emits(OwnerAddition { owner: bob.into() });
    let change = multisig.change_requirement(2);
    let id = chain.send(alice, multisig.submit_transaction(multisig.address(), 0, change.input().to_vec())).returned();
    chain.send(alice, multisig.execute_transaction(id)).emits(RequirementChange { required: 2 });
}
