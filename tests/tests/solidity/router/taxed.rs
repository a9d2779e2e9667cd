//! A token that takes a fee, beside `TaxedModel`.

#![allow(missing_docs, reason = "a contract of the tests alone")]

use esker_sdk::prelude::*;

/// A fiftieth is destroyed whenever it moves. Everybody lets everybody move it. It runs natively, so that gas of calls that
/// reach it is not comparable.
#[contract]
pub mod taxed {
    use super::*;

    #[storage]
    pub struct Taxed {
        balances: Map<Address, U256>,
    }

    #[event]
    #[rustfmt::skip]
    pub struct Transfer { #[indexed] pub from: Address, #[indexed] pub to: Address, pub value: U256 }

    impl Taxed {
        #[constructor]
        pub fn new(&mut self, cx: &Context, supply: U256) {
            self.balances.set(cx.sender(), supply);
        }

        pub fn balance_of(&self, account: Address) -> U256 {
            self.balances.get(account)
        }

        pub fn transfer(&mut self, cx: &mut Context, to: Address, value: U256) -> bool {
            self.transfer_from(cx, cx.sender(), to, value)
        }

        pub fn transfer_from(&mut self, cx: &mut Context, from: Address, to: Address, value: U256) -> bool {
            self.balances.at_mut(from).sub(value);
            let value = value - value / 50;
            self.balances.at_mut(to).add(value);
            cx.emit(Transfer { from, to, value });
            true
        }
    }
}
pub use taxed::*;
