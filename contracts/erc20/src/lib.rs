//! The standard fungible token (ERC-20), with OpenZeppelin's behaviour and the errors of ERC-6093.
#![no_std]
use esker_sdk::prelude::*;

/// A token with a fixed supply, all of it given to the deployer.
#[contract]
#[rustfmt::skip]
pub mod erc20 {
    use super::*;

    /// The token's state.
    #[storage] pub struct Erc20 {
        balances: Map<Address, U256>,
        allowances: Map<(Address, Address), U256>,
        total_supply: Cell<U256>,
        name: Text,
        symbol: Text,
    }

    /// `value` moved from one account to another; the zero address stands for creation.
    #[event] pub struct Transfer { #[indexed] pub from: Address, #[indexed] pub to: Address, pub value: U256 }

    /// `spender` may from now on move `value` of `owner`'s tokens.
    #[event] pub struct Approval { #[indexed] pub owner: Address, #[indexed] pub spender: Address, pub value: U256 }

    /// What can go wrong (ERC-6093).
    #[error] pub enum Error {
        ERC20InsufficientBalance { sender: Address, balance: U256, needed: U256 },
        ERC20InvalidSender { sender: Address }, ERC20InvalidReceiver { receiver: Address },
        ERC20InsufficientAllowance { spender: Address, allowance: U256, needed: U256 },
        ERC20InvalidApprover { approver: Address }, ERC20InvalidSpender { spender: Address },
    }
    use Error::*;
    type Result<T> = core::result::Result<T, Error>;

    impl Erc20 {
        /// Creates the token and gives `supply` to the deployer.
        #[constructor]
        pub fn new(&mut self, cx: &mut Context, name: &str, symbol: &str, supply: U256) -> Result<()> {
            let deployer = cx.sender();
            ensure!(!deployer.is_zero(), ERC20InvalidReceiver { receiver: deployer });
            self.name.set(name);
            self.symbol.set(symbol);
            self.balances.set(deployer, supply);
            self.total_supply.set(supply);
            cx.emit(Transfer { from: Address::ZERO, to: deployer, value: supply });
            Ok(())
        }

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

        /// Moves `value` of the caller's tokens to `to`.
        pub fn transfer(&mut self, cx: &mut Context, to: Address, value: U256) -> Result<bool> {
            self.move_tokens(cx, cx.sender(), to, value)
        }

        /// Lets `spender` move `value` of the caller's tokens.
        pub fn approve(&mut self, cx: &mut Context, spender: Address, value: U256) -> Result<bool> {
            let owner = cx.sender();
            check_approval(owner, spender)?;
            self.allowances.set((owner, spender), value);
            cx.emit(Approval { owner, spender, value });
            Ok(true)
        }

        /// Moves `value` of `from`'s tokens to `to`, out of the caller's allowance; an unlimited one stays unlimited.
        pub fn transfer_from(&mut self, cx: &mut Context, from: Address, to: Address, value: U256) -> Result<bool> {
            let spender = cx.sender();
            let mut kept = self.allowances.at_mut((from, spender));
            let allowance = kept.get();
            if allowance != U256::MAX {
                let left = allowance.checked_sub(value);
                let left = left.ok_or(ERC20InsufficientAllowance { spender, allowance, needed: value })?;
                check_approval(from, spender)?;
                kept.set(left);
            }
            self.move_tokens(cx, from, to, value)
        }

        fn move_tokens(&mut self, cx: &mut Context, from: Address, to: Address, value: U256) -> Result<bool> {
            ensure!(!from.is_zero(), ERC20InvalidSender { sender: from });
            ensure!(!to.is_zero(), ERC20InvalidReceiver { receiver: to });
            let left = self.balances.at_mut(from).try_sub(value);
            left.map_err(|balance| ERC20InsufficientBalance { sender: from, balance, needed: value })?;
            self.balances.at_mut(to).add(value);
            cx.emit(Transfer { from, to, value });
            Ok(true)
        }
    }

    fn check_approval(approver: Address, spender: Address) -> Result<()> {
        ensure!(!approver.is_zero(), ERC20InvalidApprover { approver });
        ensure!(!spender.is_zero(), ERC20InvalidSpender { spender });
        Ok(())
    }
}
pub use erc20::*;
