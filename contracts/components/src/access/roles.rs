//! Roles, and who has them: OpenZeppelin's `AccessControl`.

use esker_sdk::prelude::*;

/// The role that gives and takes all roles which have no other admin, itself included.
pub const DEFAULT_ADMIN_ROLE: B256 = FixedBytes([0; 32]);

/// What anybody may ask of a contract with roles, and what those with the right role may change.
#[interface]
pub trait IAccessControl {
    /// What a caller without the role is refused with.
    type Error: ContractError;
    /// Whether `account` has `role`.
    fn has_role(&self, role: B256, account: Address) -> bool;
    /// The role whose members give and take `role`.
    fn get_role_admin(&self, role: B256) -> B256;
    /// Gives `role` to `account`.
    fn grant_role(&mut self, cx: &mut Context, role: B256, account: Address);
    /// Takes `role` from `account`.
    fn revoke_role(&mut self, cx: &mut Context, role: B256, account: Address);
    /// Gives up a role of one's own; who calls says who they are, so that nobody does it by mistake.
    fn renounce_role(&mut self, cx: &mut Context, role: B256, caller_confirmation: Address) -> Result<(), Self::Error>;
}

/// Roles, named by 32 bytes: the hash of a name, mostly.
#[component]
pub mod roles {
    use super::*;

    /// Who has which role.
    #[storage]
    pub struct AccessControl {
        roles: Map<B256, Role>,
    }

    /// One role.
    #[storage(nested)]
    pub struct Role {
        members: Map<Address, bool>,
        admin: Cell<B256>,
    }

    /// The members of `new_admin_role` give and take `role` now.
    #[event]
    pub struct RoleAdminChanged {
        #[indexed]
        pub role: B256,
        #[indexed]
        pub previous_admin_role: B256,
        #[indexed]
        pub new_admin_role: B256,
    }

    /// `account` has `role` now.
    #[event]
    #[rustfmt::skip]
    pub struct RoleGranted { #[indexed] pub role: B256, #[indexed] pub account: Address, #[indexed] pub sender: Address }

    /// `account` no longer has `role`.
    #[event]
    #[rustfmt::skip]
    pub struct RoleRevoked { #[indexed] pub role: B256, #[indexed] pub account: Address, #[indexed] pub sender: Address }

    /// What can go wrong.
    #[error]
    #[rustfmt::skip]
    pub enum Error {
        /// Only those with the role may.
        AccessControlUnauthorizedAccount { account: Address, needed_role: B256 },
        /// Who gives up a role has to name itself.
        AccessControlBadConfirmation,
    }
    use Error::*;

    impl IAccessControl for AccessControl {
        type Error = Error;

        fn has_role(&self, role: B256, account: Address) -> bool {
            self.roles.at(role).members.get(account)
        }

        fn get_role_admin(&self, role: B256) -> B256 {
            self.roles.at(role).admin.get()
        }

        #[only(admin_of(role))]
        fn grant_role(&mut self, cx: &mut Context, role: B256, account: Address) {
            self.grant(cx, role, account);
        }

        #[only(admin_of(role))]
        fn revoke_role(&mut self, cx: &mut Context, role: B256, account: Address) {
            self.revoke(cx, role, account);
        }

        fn renounce_role(&mut self, cx: &mut Context, role: B256, caller_confirmation: Address) -> Result<(), Error> {
            ensure!(caller_confirmation == cx.sender(), AccessControlBadConfirmation);
            self.revoke(cx, role, caller_confirmation);
            Ok(())
        }
    }

    impl AccessControl {
        /// The role that gives and takes all roles which have no other admin.
        #[name = "DEFAULT_ADMIN_ROLE"]
        pub fn default_admin_role() -> B256 {
            DEFAULT_ADMIN_ROLE
        }

        /// Gives `role` to `account` without asking. Tells whether it did not have it.
        #[internal]
        pub fn grant(&mut self, cx: &mut Context, role: B256, account: Address) -> bool {
            let granted = !self.roles.at_mut(role).members.at_mut(account).replace(true);
            if granted {
                cx.emit(RoleGranted { role, account, sender: cx.sender() });
            }
            granted
        }

        /// Takes `role` from `account` without asking. Tells whether it had it.
        #[internal]
        pub fn revoke(&mut self, cx: &mut Context, role: B256, account: Address) -> bool {
            let revoked = self.roles.at_mut(role).members.at_mut(account).replace(false);
            if revoked {
                cx.emit(RoleRevoked { role, account, sender: cx.sender() });
            }
            revoked
        }

        /// Lets the members of `new_admin_role` give and take `role`.
        #[internal]
        pub fn set_role_admin(&mut self, cx: &mut Context, role: B256, new_admin_role: B256) {
            let previous_admin_role = self.roles.at_mut(role).admin.replace(new_admin_role);
            cx.emit(RoleAdminChanged { role, previous_admin_role, new_admin_role });
        }

        /// Guards what needs a role: `#[only(roles.role(MINTER))]`.
        ///
        /// # Errors
        /// `AccessControlUnauthorizedAccount`.
        #[internal]
        pub fn only_role(&self, cx: &Context, needed_role: B256) -> Result<(), Error> {
            let account = cx.sender();
            ensure!(self.has_role(needed_role, account), AccessControlUnauthorizedAccount { account, needed_role });
            Ok(())
        }

        /// Guards what needs the role that gives and takes `role`.
        ///
        /// # Errors
        /// `AccessControlUnauthorizedAccount`.
        #[internal]
        pub fn only_admin_of(&self, cx: &Context, role: B256) -> Result<(), Error> {
            self.only_role(cx, self.get_role_admin(role))
        }
    }
}
pub use roles::*;
