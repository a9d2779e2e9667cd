//! What the router asks of others.

use esker_sdk::prelude::*;

/// A token.
#[interface]
pub trait IToken {
    /// Moves the caller's tokens.
    fn transfer(&mut self, to: Address, value: U256) -> bool;
    /// Moves `from`'s tokens, out of the caller's allowance.
    fn transfer_from(&mut self, from: Address, to: Address, value: U256) -> bool;
    /// How many tokens `account` has.
    fn balance_of(&self, account: Address) -> U256;
}

/// Coins as a token.
#[interface]
pub trait IWeth {
    /// Gives tokens for the coins sent along.
    #[payable]
    fn deposit(&mut self);
    /// Gives coins for tokens.
    fn withdraw(&mut self, wad: U256);
}

/// Where pools come from.
#[interface]
pub trait IFactory {
    /// The pool of two tokens; the zero address if there is none.
    fn get_pair(&self, token_a: Address, token_b: Address) -> Address;
    /// Creates it.
    fn create_pair(&mut self, token_a: Address, token_b: Address) -> Address;
}
