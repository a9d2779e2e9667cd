//! Tokens that their owners destroy: OpenZeppelin's `ERC20Burnable`.

use esker_sdk::prelude::*;

/// Destruction for everybody. What is destroyed is for the contract to say, by both hooks.
#[component]
pub mod burnable {
    use super::*;

    /// Nothing is kept.
    #[storage]
    pub struct Burnable {}

    impl Burnable {
        /// Takes `value` out of the caller's allowance by `owner`.
        #[hook]
        fn spend_allowance(&mut self, cx: &mut Context, owner: Address, value: U256) {
            panic!("the contract has no hook burnable.spend_allowance");
        }

        /// Destroys `value` of `account`'s tokens.
        #[hook]
        fn destroy(&mut self, cx: &mut Context, account: Address, value: U256) {
            panic!("the contract has no hook burnable.destroy");
        }

        /// Destroys `value` of the caller's tokens.
        pub fn burn(&mut self, cx: &mut Context, value: U256) {
            self.destroy(cx, cx.sender(), value);
        }

        /// Destroys `value` of `account`'s tokens, out of the caller's allowance.
        pub fn burn_from(&mut self, cx: &mut Context, account: Address, value: U256) {
            self.spend_allowance(cx, account, value);
            self.destroy(cx, account, value);
        }
    }
}
pub use burnable::*;
