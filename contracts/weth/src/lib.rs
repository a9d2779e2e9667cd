//! Coins as a token (ERC-20), so that what trades tokens trades coins too: WETH9.
#![no_std]
use esker_sdk::prelude::*;

/// A token for each coin that the contract holds. Whoever sends coins gets as many tokens, and gives them back for coins.
#[contract]
pub mod weth {
    use super::*;

    /// Who has how many tokens, and who may move whose. WETH9 has name, symbol and decimals before them.
    #[storage]
    pub struct Weth {
        balances: Map<Address, U256>,
        allowances: Map<(Address, Address), U256>,
    }

    /// `guy` may from now on move `wad` of `src`'s tokens.
    #[event]
    #[rustfmt::skip]
    pub struct Approval { #[indexed] pub src: Address, #[indexed] pub guy: Address, pub wad: U256 }

    /// `wad` tokens moved from one account to another. There is none of creation and destruction.
    #[event]
    #[rustfmt::skip]
    pub struct Transfer { #[indexed] pub src: Address, #[indexed] pub dst: Address, pub wad: U256 }

    /// `dst` sent `wad` wei and got as many tokens.
    #[event]
    #[rustfmt::skip]
    pub struct Deposit { #[indexed] pub dst: Address, pub wad: U256 }

    /// `src` gave `wad` tokens back and got as many wei.
    #[event]
    #[rustfmt::skip]
    pub struct Withdrawal { #[indexed] pub src: Address, pub wad: U256 }

    /// What anybody may ask.
    #[rustfmt::skip]
    impl Weth {
        /// The token's name.
        pub fn name() -> &'static str { "Wrapped Ether" }
        /// The token's symbol.
        pub fn symbol() -> &'static str { "WETH" }
        /// How many decimals a wallet shows.
        pub fn decimals() -> u8 { 18 }
        /// How many tokens there are: what the contract holds, also if coins came without a call.
        pub fn total_supply(cx: &Context) -> U256 { cx.balance(cx.address()) }
        /// How many tokens `account` has.
        pub fn balance_of(&self, account: Address) -> U256 { self.balances.get(account) }
        /// How many of `owner`'s tokens `spender` may move.
        pub fn allowance(&self, owner: Address, spender: Address) -> U256 { self.allowances.get((owner, spender)) }
    }

    impl Weth {
        /// Takes the coins sent along for tokens; also in the middle of a withdrawal, as coins without a call are.
        #[payable]
        #[reentrant]
        pub fn deposit(&mut self, cx: &mut Context) {
            let (dst, wad) = (cx.sender(), cx.value());
            self.balances.at_mut(dst).add(wad);
            cx.emit(Deposit { dst, wad });
        }

        /// Coins sent without a word are a deposit.
        #[receive]
        fn receive(&mut self, cx: &mut Context) {
            self.deposit(cx);
        }

        /// And so is any call that the contract does not know.
        #[fallback]
        #[payable]
        fn fallback(&mut self, cx: &mut Context) {
            self.deposit(cx);
        }

        /// Gives `wad` tokens back for coins. The tokens go before the coins do, so calling back gains nothing.
        pub fn withdraw(&mut self, cx: &mut Context, wad: U256) {
            let src = cx.sender();
            demand(self.balances.at_mut(src).try_sub(wad).is_ok());
            demand(cx.send(src, wad).is_ok());
            cx.emit(Withdrawal { src, wad });
        }

        /// Lets `guy` move `wad` of the caller's tokens.
        pub fn approve(&mut self, cx: &mut Context, guy: Address, wad: U256) -> bool {
            self.allowances.set((cx.sender(), guy), wad);
            cx.emit(Approval { src: cx.sender(), guy, wad });
            true
        }

        /// Moves `wad` of the caller's tokens to `dst`.
        pub fn transfer(&mut self, cx: &mut Context, dst: Address, wad: U256) -> bool {
            self.transfer_from(cx, cx.sender(), dst, wad)
        }

        /// Moves `wad` of `src`'s tokens to `dst`, out of the caller's allowance; an unlimited one stays unlimited, and
        /// one's own tokens need none.
        pub fn transfer_from(&mut self, cx: &mut Context, src: Address, dst: Address, wad: U256) -> bool {
            let mut allowance = self.allowances.at_mut((src, cx.sender()));
            if src != cx.sender() && allowance.get() != U256::MAX {
                demand(allowance.try_sub(wad).is_ok());
            }
            demand(self.balances.at_mut(src).try_sub(wad).is_ok());
            self.balances.at_mut(dst).add(wad);
            cx.emit(Transfer { src, dst, wad });
            true
        }
    }

    /// Reverts without a word, as WETH9 does.
    fn demand(holds: bool) {
        if !holds {
            esker_sdk::revert_bytes(&[]);
        }
    }
}
pub use weth::*;
