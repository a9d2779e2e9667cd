//! Roles: who gives and takes them.

#![allow(missing_docs, reason = "a contract of the tests alone")]

use esker_components::access::roles::{
    DEFAULT_ADMIN_ROLE, Error as RoleError, IAccessControlHandle, RoleAdminChanged, RoleGranted, RoleRevoked,
};
use esker_sdk::prelude::*;
use esker_sdk_test::{Chain, User};

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
