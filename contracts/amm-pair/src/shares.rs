//! The shares of a pool as a component: an ERC-20 with permits (ERC-2612), by the rules of Uniswap V2's.

use esker_sdk::{Eip712, Eip712Domain, prelude::*};

/// A token that stands for parts of a pool.
#[component]
pub mod shares {
    use super::*;

    /// The token's state, in the order of Uniswap's.
    #[storage]
    pub struct Shares {
        total_supply: Cell<U256>,
        balances: Map<Address, U256>,
        allowances: Map<(Address, Address), U256>,
        domain: Cell<B256>,
        nonces: Map<Address, U256>,
    }

    /// `value` moved from one account to another; the zero address stands for creation and destruction.
    #[event]
    #[rustfmt::skip]
    pub struct Transfer { #[indexed] pub from: Address, #[indexed] pub to: Address, pub value: U256 }

    /// `spender` may from now on move `value` of `owner`'s shares.
    #[event]
    #[rustfmt::skip]
    pub struct Approval { #[indexed] pub owner: Address, #[indexed] pub spender: Address, pub value: U256 }

    /// What an owner signs.
    #[derive(Eip712)]
    #[name = "Permit"]
    pub struct Message {
        /// Whose shares.
        pub owner: Address,
        /// Who may move them.
        pub spender: Address,
        /// How many.
        pub value: U256,
        /// How many messages the owner used before.
        pub nonce: U256,
        /// Until when, as a block's time in seconds.
        pub deadline: U256,
    }

    /// What can go wrong with a permit.
    #[error]
    #[rustfmt::skip]
    pub enum Error {
        Expired { deadline: U256 },
        InvalidSignature { owner: Address },
    }

    /// What anybody may ask.
    #[rustfmt::skip]
    impl Shares {
        /// The token's name.
        pub fn name() -> &'static str { "Uniswap V2" }
        /// The token's symbol.
        pub fn symbol() -> &'static str { "UNI-V2" }
        /// How many decimals a wallet shows.
        pub fn decimals() -> u8 { 18 }
        /// How many shares there are.
        pub fn total_supply(&self) -> U256 { self.total_supply.get() }
        /// How many shares `account` has.
        pub fn balance_of(&self, account: Address) -> U256 { self.balances.get(account) }
        /// How many of `owner`'s shares `spender` may move.
        pub fn allowance(&self, owner: Address, spender: Address) -> U256 { self.allowances.get((owner, spender)) }
        /// The hash of the domain that permits are signed for, fixed at deployment.
        #[name = "DOMAIN_SEPARATOR"]
        pub fn domain_separator(&self) -> B256 { self.domain.get() }
        /// The hash of a permit's type.
        #[name = "PERMIT_TYPEHASH"]
        pub fn permit_typehash() -> B256 { Message::TYPE_HASH }
        /// How many permits `owner` has used: the number of the next one.
        pub fn nonces(&self, owner: Address) -> U256 { self.nonces.get(owner) }
    }

    // These finish their own changes and call nobody: they may be called while the pool waits for a borrower.
    impl Shares {
        /// Moves `value` of the caller's shares to `to`.
        #[reentrant]
        pub fn transfer(&mut self, cx: &mut Context, to: Address, value: U256) -> bool {
            self.move_shares(cx, cx.sender(), to, value);
            true
        }

        /// Moves `value` of `from`'s shares to `to`, out of the caller's allowance; an unlimited one stays unlimited.
        #[reentrant]
        pub fn transfer_from(&mut self, cx: &mut Context, from: Address, to: Address, value: U256) -> bool {
            let key = (from, cx.sender());
            let allowance = self.allowances.get(key);
            if allowance != U256::MAX {
                self.allowances.set(key, allowance - value);
            }
            self.move_shares(cx, from, to, value);
            true
        }

        /// Lets `spender` move `value` of the caller's shares.
        #[reentrant]
        pub fn approve(&mut self, cx: &mut Context, spender: Address, value: U256) -> bool {
            self.allow(cx, cx.sender(), spender, value);
            true
        }

        /// Lets `spender` move `value` of the shares of `owner`, who signed it.
        #[reentrant]
        pub fn permit(
            &mut self,
            cx: &mut Context,
            owner: Address,
            spender: Address,
            value: U256,
            deadline: U256,
            v: u8,
            r: B256,
            s: B256,
        ) -> Result<(), Error> {
            ensure!(U256::from(cx.timestamp()) <= deadline, Error::Expired { deadline });
            let nonce = self.nonces.get(owner);
            self.nonces.set(owner, nonce + 1);
            let message = Message { owner, spender, value, nonce, deadline };
            let digest = Eip712Domain::from_separator(self.domain.get()).digest(&message);
            // As the precompile does, with either half of the order for `s`; the nonce keeps it from being used twice.
            let signer = crypto::ecrecover(digest, v, r, s);
            ensure!(signer == Some(owner) && !owner.is_zero(), Error::InvalidSignature { owner });
            self.allow(cx, owner, spender, value);
            Ok(())
        }
    }

    impl Shares {
        /// Fixes the domain of permits.
        #[internal]
        pub fn init(&mut self, cx: &Context) {
            self.domain.set(Eip712Domain::here(cx, "Uniswap V2", "1").separator());
        }

        /// Creates `value` shares for `to`, who may be the zero address.
        #[internal]
        pub fn mint(&mut self, cx: &mut Context, to: Address, value: U256) {
            self.total_supply.add(value);
            self.balances.at_mut(to).add(value);
            cx.emit(Transfer { from: Address::ZERO, to, value });
        }

        /// Destroys `value` of `from`'s shares.
        #[internal]
        pub fn burn(&mut self, cx: &mut Context, from: Address, value: U256) {
            self.balances.at_mut(from).sub(value);
            self.total_supply.sub(value);
            cx.emit(Transfer { from, to: Address::ZERO, value });
        }

        fn allow(&mut self, cx: &mut Context, owner: Address, spender: Address, value: U256) {
            self.allowances.set((owner, spender), value);
            cx.emit(Approval { owner, spender, value });
        }

        fn move_shares(&mut self, cx: &mut Context, from: Address, to: Address, value: U256) {
            self.balances.at_mut(from).sub(value);
            self.balances.at_mut(to).add(value);
            cx.emit(Transfer { from, to, value });
        }
    }
}
