//! The standard fungible token (ERC-20): OpenZeppelin's `ERC20`, with the errors of ERC-6093.

use esker_sdk::prelude::*;

/// A fungible token.
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

    /// `value` moved from one account to another; the zero address stands for creation and destruction.
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
        /// `sender` has less than that.
        ERC20InsufficientBalance { sender: Address, balance: U256, needed: U256 },
        /// Nobody sends from there.
        ERC20InvalidSender { sender: Address },
        /// Nobody receives there.
        ERC20InvalidReceiver { receiver: Address },
        /// `spender` may move less than that.
        ERC20InsufficientAllowance { spender: Address, allowance: U256, needed: U256 },
        /// Nobody approves from there.
        ERC20InvalidApprover { approver: Address },
        /// Nobody is approved there.
        ERC20InvalidSpender { spender: Address },
    }
    use Error::*;
    type Result<T> = core::result::Result<T, Error>;

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

    /// What holders do.
    impl Erc20 {
        /// Moves `value` of the caller's tokens to `to`.
        pub fn transfer(&mut self, cx: &mut Context, to: Address, value: U256) -> Result<bool> {
            self.move_tokens(cx, cx.sender(), to, value)?;
            Ok(true)
        }

        /// Lets `spender` move `value` of the caller's tokens.
        pub fn approve(&mut self, cx: &mut Context, spender: Address, value: U256) -> Result<bool> {
            self.allow(cx, cx.sender(), spender, value)?;
            Ok(true)
        }

        /// Moves `value` of `from`'s tokens to `to`, out of the caller's allowance; an unlimited one stays unlimited.
        pub fn transfer_from(&mut self, cx: &mut Context, from: Address, to: Address, value: U256) -> Result<bool> {
            self.spend_allowance(from, cx.sender(), value)?;
            self.move_tokens(cx, from, to, value)?;
            Ok(true)
        }
    }

    /// What the contract does.
    impl Erc20 {
        /// Called before balances change; the zero address stands for creation and destruction.
        #[hook]
        fn before_update(&mut self, cx: &mut Context, from: Address, to: Address, value: U256) {}

        /// Called after balances have changed.
        #[hook]
        fn after_update(&mut self, cx: &mut Context, from: Address, to: Address, value: U256) {}

        /// Names the token; for the constructor.
        #[internal]
        pub fn init(&mut self, name: &str, symbol: &str) {
            self.name.set(name);
            self.symbol.set(symbol);
        }

        /// Creates `value` tokens for `to`.
        ///
        /// # Errors
        /// `ERC20InvalidReceiver` of the zero address.
        #[internal]
        pub fn mint(&mut self, cx: &mut Context, to: Address, value: U256) -> Result<()> {
            ensure!(!to.is_zero(), ERC20InvalidReceiver { receiver: to });
            self.update(cx, Address::ZERO, to, value)
        }

        /// Destroys `value` of `account`'s tokens.
        ///
        /// # Errors
        /// `ERC20InvalidSender` of the zero address, and `ERC20InsufficientBalance`.
        #[internal]
        pub fn burn(&mut self, cx: &mut Context, account: Address, value: U256) -> Result<()> {
            ensure!(!account.is_zero(), ERC20InvalidSender { sender: account });
            self.update(cx, account, Address::ZERO, value)
        }

        /// Moves `value` of `from`'s tokens to `to`, whoever calls.
        ///
        /// # Errors
        /// `ERC20InvalidSender` and `ERC20InvalidReceiver` of the zero address, and `ERC20InsufficientBalance`.
        #[internal]
        pub fn move_tokens(&mut self, cx: &mut Context, from: Address, to: Address, value: U256) -> Result<()> {
            ensure!(!from.is_zero(), ERC20InvalidSender { sender: from });
            ensure!(!to.is_zero(), ERC20InvalidReceiver { receiver: to });
            self.update(cx, from, to, value)
        }

        /// Lets `spender` move `value` of `owner`'s tokens, whoever calls.
        ///
        /// # Errors
        /// `ERC20InvalidApprover` and `ERC20InvalidSpender` of the zero address.
        #[internal]
        pub fn allow(&mut self, cx: &mut Context, owner: Address, spender: Address, value: U256) -> Result<()> {
            self.set_allowance(owner, spender, value)?;
            cx.emit(Approval { owner, spender, value });
            Ok(())
        }

        /// Takes `value` out of what `spender` may move of `owner`'s tokens, unless that is unlimited.
        ///
        /// # Errors
        /// `ERC20InsufficientAllowance`, and those of [`Erc20::allow`].
        #[internal]
        pub fn spend_allowance(&mut self, owner: Address, spender: Address, value: U256) -> Result<()> {
            let allowance = self.allowance(owner, spender);
            if allowance == U256::MAX {
                return Ok(());
            }
            let left = allowance.checked_sub(value);
            let left = left.ok_or(ERC20InsufficientAllowance { spender, allowance, needed: value })?;
            self.set_allowance(owner, spender, left)
        }

        fn set_allowance(&mut self, owner: Address, spender: Address, value: U256) -> Result<()> {
            ensure!(!owner.is_zero(), ERC20InvalidApprover { approver: owner });
            ensure!(!spender.is_zero(), ERC20InvalidSpender { spender });
            self.allowances.set((owner, spender), value);
            Ok(())
        }

        /// Moves tokens, creates them or destroys them.
        fn update(&mut self, cx: &mut Context, from: Address, to: Address, value: U256) -> Result<()> {
            self.before_update(cx, from, to, value);
            if from.is_zero() {
                self.total_supply.add(value);
            } else {
                let left = self.balances.at_mut(from).try_sub(value);
                left.map_err(|balance| ERC20InsufficientBalance { sender: from, balance, needed: value })?;
            }
            if to.is_zero() {
                self.total_supply.sub(value);
            } else {
                self.balances.at_mut(to).add(value);
            }
            cx.emit(Transfer { from, to, value });
            self.after_update(cx, from, to, value);
            Ok(())
        }
    }
}
pub use erc20::*;
