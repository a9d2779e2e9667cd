//! Owners, roles and the switch, in a contract that has them all.

#![allow(missing_docs, reason = "a contract of the tests alone")]

use esker_components::{
    access::{
        ownable::{Error as OwnerError, OwnershipTransferStarted, OwnershipTransferred},
        roles::{
            DEFAULT_ADMIN_ROLE, Error as RoleError, IAccessControlHandle, RoleAdminChanged, RoleGranted, RoleRevoked,
        },
    },
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

/// Only admins of a role give and take it; who mints holds a role.
#[contract(erc165)]
pub mod mint {
    use esker_components::access::roles::{AccessControl, DEFAULT_ADMIN_ROLE};
    use esker_sdk::prelude::*;

    pub const MINTER: B256 = FixedBytes([7; 32]);

    #[storage]
    pub struct Mint {
        #[flatten]
        #[expose]
        roles: AccessControl,
        minted: Cell<U256>,
    }

    impl Mint {
        #[constructor]
        pub fn new(&mut self, cx: &mut Context, admin: Address) {
            self.roles.grant(cx, DEFAULT_ADMIN_ROLE, admin);
        }

        #[only(roles.role(MINTER))]
        pub fn mint(&mut self) -> U256 {
            self.minted.add(1)
        }

        #[only(roles.role(DEFAULT_ADMIN_ROLE))]
        pub fn set_admin(&mut self, cx: &mut Context, role: B256, admin_role: B256) {
            self.roles.set_role_admin(cx, role, admin_role);
        }
    }
}
use mint::{MINTER, MintHandle};

fn lacks(user: User, needed_role: B256) -> RoleError {
    RoleError::AccessControlUnauthorizedAccount { account: user.into(), needed_role }
}

#[esker_sdk::test]
fn roles_are_given_and_taken_by_their_admins(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let mint = chain.deploy(alice, MintHandle::constructor(alice));
    assert_eq!(chain.read(mint.default_admin_role()), B256::ZERO);
    chain.send(bob, mint.mint()).reverts(lacks(bob, MINTER));
    chain.send(alice, mint.mint()).reverts(lacks(alice, MINTER));
    chain.send(bob, mint.grant_role(MINTER, bob)).reverts(lacks(bob, DEFAULT_ADMIN_ROLE));
    let granted = RoleGranted { role: MINTER, account: bob.into(), sender: alice.into() };
    chain.send(alice, mint.grant_role(MINTER, bob)).emits(granted);
    assert!(chain.read(mint.has_role(MINTER, bob)));
    // A second time changes nothing, and says so.
    chain.send(alice, mint.grant_role(MINTER, bob)).emits_nothing();
    chain.send(bob, mint.mint()).returns(1);
    // To have a role is not to give it.
    chain.send(bob, mint.grant_role(MINTER, carol)).reverts(lacks(bob, DEFAULT_ADMIN_ROLE));
    chain.send(bob, mint.revoke_role(MINTER, bob)).reverts(lacks(bob, DEFAULT_ADMIN_ROLE));
    let revoked = RoleRevoked { role: MINTER, account: bob.into(), sender: alice.into() };
    chain.send(alice, mint.revoke_role(MINTER, bob)).emits(revoked);
    chain.send(alice, mint.revoke_role(MINTER, bob)).emits_nothing();
    chain.send(bob, mint.mint()).reverts(lacks(bob, MINTER));
}

#[esker_sdk::test]
fn a_role_is_given_up_by_who_has_it(chain: &mut Chain, alice: User, bob: User) {
    let mint = chain.deploy(alice, MintHandle::constructor(alice));
    chain.send(alice, mint.grant_role(MINTER, bob)).succeeds();
    chain.send(bob, mint.renounce_role(MINTER, alice)).reverts(RoleError::AccessControlBadConfirmation);
    // Nobody gives up another's.
    chain.send(alice, mint.renounce_role(MINTER, bob)).reverts(RoleError::AccessControlBadConfirmation);
    let revoked = RoleRevoked { role: MINTER, account: bob.into(), sender: bob.into() };
    chain.send(bob, mint.renounce_role(MINTER, bob)).emits(revoked);
    chain.send(bob, mint.renounce_role(MINTER, bob)).emits_nothing();
    // The last admin too: then roles stay as they are.
    chain.send(alice, mint.renounce_role(DEFAULT_ADMIN_ROLE, alice)).succeeds();
    chain.send(alice, mint.grant_role(MINTER, bob)).reverts(lacks(alice, DEFAULT_ADMIN_ROLE));
}

#[esker_sdk::test]
fn a_role_may_have_an_admin_of_its_own(chain: &mut Chain, alice: User, bob: User) {
    let (mint, chief) = (chain.deploy(alice, MintHandle::constructor(alice)), FixedBytes([9; 32]));
    let changed = RoleAdminChanged { role: MINTER, previous_admin_role: B256::ZERO, new_admin_role: chief };
    chain.send(bob, mint.set_admin(MINTER, chief)).reverts(lacks(bob, DEFAULT_ADMIN_ROLE));
    chain.send(alice, mint.set_admin(MINTER, chief)).emits(changed);
    assert_eq!(chain.read(mint.get_role_admin(MINTER)), chief);
    chain.send(alice, mint.grant_role(MINTER, bob)).reverts(lacks(alice, chief));
    chain.send(alice, mint.grant_role(chief, bob)).succeeds();
    chain.send(bob, mint.grant_role(MINTER, bob)).succeeds();
    chain.send(bob, mint.mint()).returns(1);
}

#[esker_sdk::test]
fn a_contract_with_roles_says_so(chain: &mut Chain, alice: User) {
    let mint = chain.deploy(alice, MintHandle::constructor(alice));
    let id = IAccessControlHandle::INTERFACE_ID;
    assert_eq!(id, FixedBytes([0x79, 0x65, 0xdb, 0x0b]));
    assert!(chain.read(mint.supports_interface(id)));
    assert!(!chain.read(mint.supports_interface(FixedBytes([1, 2, 3, 4]))));
}
