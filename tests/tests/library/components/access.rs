//! The owner and the switch, in a contract that has both.

#![allow(missing_docs, reason = "a contract of the tests alone")]

use esker_components::{
    access::ownable::{Error as OwnerError, OwnershipTransferStarted, OwnershipTransferred},
    pausable::{Error as PauseError, Paused, Unpaused},
};
use esker_sdk::prelude::*;
use esker_sdk_test::{Chain, User};

#[contract]
pub mod guarded {
    use esker_components::{
        access::ownable::{Error, Ownable},
        pausable::Pausable,
    };
    use esker_sdk::prelude::*;

    #[storage]
    pub struct Guarded {
        #[flatten]
        #[expose]
        pausable: Pausable,
        #[flatten]
        #[expose]
        ownable: Ownable,
        count: Cell<u64>,
    }

    impl Guarded {
        #[constructor]
        pub fn new(&mut self, cx: &mut Context, owner: Address) -> Result<(), Error> {
            self.ownable.init(cx, owner)
        }

        #[only(ownable.owner)]
        pub fn pause(&mut self, cx: &mut Context) {
            self.pausable.pause(cx);
        }

        #[only(ownable.owner)]
        pub fn unpause(&mut self, cx: &mut Context) {
            self.pausable.unpause(cx);
        }

        #[when(pausable.not_paused)]
        pub fn count(&mut self) -> u64 {
            self.count.add(1)
        }

        #[when(pausable.paused)]
        pub fn rescue(&mut self) {
            self.count.clear();
        }
    }
}
use guarded::GuardedHandle;

fn unauthorized(user: User) -> OwnerError {
    OwnerError::OwnableUnauthorizedAccount { account: user.into() }
}

#[esker_sdk::test]
fn ownership_passes_in_two_steps(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let guarded = chain.deploy(alice, GuardedHandle::constructor(alice));
    chain.send(bob, guarded.transfer_ownership(bob)).reverts(unauthorized(bob));
    let started = |to: User| OwnershipTransferStarted { previous_owner: alice.into(), new_owner: to.into() };
    chain.send(alice, guarded.transfer_ownership(carol)).emits(started(carol));
    chain.send(alice, guarded.transfer_ownership(bob)).emits(started(bob));
    assert_eq!((chain.read(guarded.owner()), chain.read(guarded.pending_owner())), (alice.into(), bob.into()));
    // Offered is not given, and an offer that was replaced is none.
    chain.send(bob, guarded.pause()).reverts(unauthorized(bob));
    chain.send(carol, guarded.accept_ownership()).reverts(unauthorized(carol));
    chain.send(alice, guarded.accept_ownership()).reverts(unauthorized(alice));
    let transferred = OwnershipTransferred { previous_owner: alice.into(), new_owner: bob.into() };
    chain.send(bob, guarded.accept_ownership()).emits(transferred);
    assert_eq!((chain.read(guarded.owner()), chain.read(guarded.pending_owner())), (bob.into(), Address::ZERO));
    chain.send(bob, guarded.accept_ownership()).reverts(unauthorized(bob));
    chain.send(alice, guarded.pause()).reverts(unauthorized(alice));
    chain.send(bob, guarded.pause()).succeeds();
}

#[esker_sdk::test]
fn an_offer_is_withdrawn_by_offering_it_to_nobody(chain: &mut Chain, alice: User, bob: User) {
    let guarded = chain.deploy(alice, GuardedHandle::constructor(alice));
    chain.send(alice, guarded.transfer_ownership(bob)).succeeds();
    chain.send(alice, guarded.transfer_ownership(Address::ZERO)).succeeds();
    chain.send(bob, guarded.accept_ownership()).reverts(unauthorized(bob));
}

/// Who was offered the contract cannot take it after the owner gave it up.
#[esker_sdk::test]
fn a_contract_given_up_stays_without_an_owner(chain: &mut Chain, alice: User, bob: User) {
    let guarded = chain.deploy(alice, GuardedHandle::constructor(alice));
    chain.send(bob, guarded.renounce_ownership()).reverts(unauthorized(bob));
    chain.send(alice, guarded.transfer_ownership(bob)).succeeds();
    let transferred = OwnershipTransferred { previous_owner: alice.into(), new_owner: Address::ZERO };
    chain.send(alice, guarded.renounce_ownership()).emits(transferred);
    chain.send(bob, guarded.accept_ownership()).reverts(unauthorized(bob));
    chain.send(alice, guarded.pause()).reverts(unauthorized(alice));
    assert_eq!(chain.read(guarded.owner()), Address::ZERO);
}

#[esker_sdk::test]
fn nobody_is_no_first_owner(chain: &mut Chain, alice: User) {
    let invalid = OwnerError::OwnableInvalidOwner { owner: Address::ZERO };
    chain.try_deploy(alice, GuardedHandle::constructor(Address::ZERO)).reverts(invalid);
}

#[esker_sdk::test]
fn the_switch_stops_what_asks_for_it(chain: &mut Chain, alice: User, bob: User) {
    let guarded = chain.deploy(alice, GuardedHandle::constructor(alice));
    chain.send(bob, guarded.count()).returns(1);
    chain.send(bob, guarded.rescue()).reverts(PauseError::ExpectedPause);
    chain.send(alice, guarded.unpause()).reverts(PauseError::ExpectedPause);
    chain.send(alice, guarded.pause()).emits(Paused { account: alice.into() });
    assert!(chain.read(guarded.paused()));
    chain.send(alice, guarded.pause()).reverts(PauseError::EnforcedPause);
    chain.send(bob, guarded.count()).reverts(PauseError::EnforcedPause);
    chain.send(bob, guarded.rescue()).succeeds();
    chain.send(alice, guarded.unpause()).emits(Unpaused { account: alice.into() });
    chain.send(bob, guarded.count()).returns(1);
}
