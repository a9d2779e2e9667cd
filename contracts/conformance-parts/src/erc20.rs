//! The standard fungible token as a component: what `contracts/erc20` has, for comparison.

use esker_sdk::prelude::*;

/// A fungible token (ERC-20).
#[component]
pub mod erc20 {
    use super::*;

    /// The token's state.
    #[storage]
    pub struct Erc20 {
        balances: Map<Address, U256>,
        allowances: Map<(Address, Address), U256>,
        total_supply: Cell<U256>,
        name: Text,
        symbol: Text,
    }

    /// `value` moved from one account to another; the zero address stands for creation.
    #[event]
    #[rustfmt::skip]
    pub struct Transfer { #[indexed] pub from: Address, #[indexed] pub to: Address, pub value: U256 }

    /// `spender` may from now on move `value` of `owner`'s tokens.
    #[event]
    #[rustfmt::skip]
    pub struct Approval { #[indexed] pub owner: Address, #[indexed] pub spender: Address, pub value: U256 }

    /// What can go wrong (ERC-6093).
    #[error]
    #[rustfmt::skip]
    pub enum Error {
        ERC20InsufficientBalance { sender: Address, balance: U256, needed: U256 },
        ERC20InvalidSender { sender: Address },
        ERC20InvalidReceiver { receiver: Address },
        ERC20InsufficientAllowance { spender: Address, allowance: U256, needed: U256 },
        ERC20InvalidApprover { approver: Address },
        ERC20InvalidSpender { spender: Address },
    }
    use Error::*;

    /// What anybody may ask.
    #[rustfmt::skip]
    impl Erc20 {
        /// The token's name.
        pub fn name(&self) -> String { self.name.get() }
        /// The token's symbol.
        pub fn symbol(&self) -> String { self.symbol.get() }
        /// How many decimals a wallet shows.
        pub fn decimals() -> u8 { 18 }
        /// How many tokens there are.
        pub fn total_supply(&self) -> U256 { self.total_supply.get() }
        /// How many tokens `account` has.
        pub fn balance_of(&self, account: Address) -> U256 { self.balances.get(account) }
        /// How many of `owner`'s tokens `spender` may move.
        pub fn allowance(&self, owner: Address, spender: Address) -> U256 { self.allowances.get((owner, spender)) }
    }

    impl Erc20 {
        /// Called before balances change; the zero address stands for creation.
        #[hook]
        fn before_update(&mut self, cx: &mut Context, from: Address, to: Address, value: U256) {}

        /// Names the token and gives `initial_supply` to `to`.
        ///
        /// # Errors
        /// `ERC20InvalidReceiver` of the zero address.
        #[internal]
        pub fn init(
            &mut self,
            cx: &mut Context,
            name: &str,
            symbol: &str,
            to: Address,
            initial_supply: U256,
        ) -> Result<(), Error> {
            ensure!(!to.is_zero(), ERC20InvalidReceiver { receiver: to });
            self.name.set(name);
            self.symbol.set(symbol);
            self.total_supply.set(initial_supply);
            self.balances.set(to, initial_supply);
            cx.emit(Transfer { from: Address::ZERO, to, value: initial_supply });
            Ok(())
        }

        /// Creates `value` tokens for `to`.
        ///
        /// # Errors
        /// `ERC20InvalidReceiver` of the zero address.
        #[internal]
        pub fn mint(&mut self, cx: &mut Context, to: Address, value: U256) -> Result<(), Error> {
            ensure!(!to.is_zero(), ERC20InvalidReceiver { receiver: to });
            self.before_update(cx, Address::ZERO, to, value);
            self.total_supply.add(value);
            self.balances.at_mut(to).add(value);
            cx.emit(Transfer { from: Address::ZERO, to, value });
            Ok(())
        }

        /// Moves `value` of the caller's tokens to `to`.
        pub fn transfer(&mut self, cx: &mut Context, to: Address, value: U256) -> Result<bool, Error> {
            self.move_tokens(cx, cx.sender(), to, value)
        }

        /// Lets `spender` move `value` of the caller's tokens.
        pub fn approve(&mut self, cx: &mut Context, spender: Address, value: U256) -> Result<bool, Error> {
            self.allow(cx, cx.sender(), spender, value)
        }

        /// Lets `spender` move `value` of `owner`'s tokens.
        ///
        /// # Errors
        /// `ERC20InvalidApprover` and `ERC20InvalidSpender` of the zero address.
        #[internal]
        pub fn allow(
            &mut self,
            cx: &mut Context,
            owner: Address,
            spender: Address,
            value: U256,
        ) -> Result<bool, Error> {
            self.set_allowance(owner, spender, value)?;
            cx.emit(Approval { owner, spender, value });
            Ok(true)
        }

        /// Moves `value` of `from`'s tokens to `to`, out of the caller's allowance; an unlimited one stays unlimited.
        pub fn transfer_from(
            &mut self,
            cx: &mut Context,
            from: Address,
            to: Address,
            value: U256,
        ) -> Result<bool, Error> {
            let spender = cx.sender();
            let allowance = self.allowances.get((from, spender));
            if allowance != U256::MAX {
                let left = allowance.checked_sub(value);
                let left = left.ok_or(ERC20InsufficientAllowance { spender, allowance, needed: value })?;
                self.set_allowance(from, spender, left)?;
            }
            self.move_tokens(cx, from, to, value)
        }

        fn set_allowance(&mut self, owner: Address, spender: Address, value: U256) -> Result<(), Error> {
            ensure!(!owner.is_zero(), ERC20InvalidApprover { approver: owner });
            ensure!(!spender.is_zero(), ERC20InvalidSpender { spender });
            self.allowances.set((owner, spender), value);
            Ok(())
        }

        fn move_tokens(&mut self, cx: &mut Context, from: Address, to: Address, value: U256) -> Result<bool, Error> {
            ensure!(!from.is_zero(), ERC20InvalidSender { sender: from });
            ensure!(!to.is_zero(), ERC20InvalidReceiver { receiver: to });
            self.before_update(cx, from, to, value);
            let left = self.balances.at_mut(from).try_sub(value);
            left.map_err(|balance| ERC20InsufficientBalance { sender: from, balance, needed: value })?;
            self.balances.at_mut(to).add(value);
            cx.emit(Transfer { from, to, value });
            Ok(true)
        }
    }
}
pub use erc20::*;
