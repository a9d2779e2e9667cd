//! A contract that delegates what it is sent, and that can be a bad receiver of what it is paid: it refuses, or calls back.
#![no_std]
use esker_sdk::prelude::*;

/// What it needs of the staking contract.
#[interface]
pub trait Stake {
    /// Bonds the value to a validator.
    #[payable]
    fn delegate(&mut self, validator: Address);
    /// Begins to take coins out of a validator.
    fn undelegate(&mut self, validator: Address, amount: U256);
    /// Pays what has matured.
    fn withdraw(&mut self, validator: Address);
    /// Pays the rewards.
    fn claim_rewards(&mut self, validator: Address);
}

/// A delegator with code.
#[contract]
pub mod delegator {
    use super::*;

    /// What it does with coins that it is paid.
    #[derive(Abi, Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Manner {
        /// It keeps them.
        Takes,
        /// It reverts.
        Refuses,
        /// It asks for more, while it is being paid, and reverts if it gets none.
        CallsBack,
    }

    /// What it remembers.
    #[storage]
    pub struct Delegator {
        staking: Cell<Address>,
        validator: Cell<Address>,
        manner: Cell<Manner>,
    }

    impl Delegator {
        /// Delegates to one validator, through one staking contract.
        #[constructor]
        pub fn new(&mut self, staking: Address, validator: Address) {
            self.staking.set(staking);
            self.validator.set(validator);
        }

        /// Sets its manners.
        pub fn behave(&mut self, manner: Manner) {
            self.manner.set(manner);
        }

        /// Delegates the value.
        #[payable]
        pub fn delegate(&mut self, cx: &mut Context) {
            let value = cx.value();
            StakeHandle::at(self.staking.get()).delegate(self.validator.get()).value(value).call(cx);
        }

        /// Takes some of it out.
        pub fn undelegate(&mut self, cx: &mut Context, amount: U256) {
            StakeHandle::at(self.staking.get()).undelegate(self.validator.get(), amount).call(cx);
        }

        /// Withdraws what has matured.
        pub fn withdraw(&mut self, cx: &mut Context) {
            StakeHandle::at(self.staking.get()).withdraw(self.validator.get()).call(cx);
        }

        /// Claims its rewards.
        pub fn claim(&mut self, cx: &mut Context) {
            StakeHandle::at(self.staking.get()).claim_rewards(self.validator.get()).call(cx);
        }

        /// Is paid.
        #[receive]
        fn receive(&mut self, cx: &mut Context) {
            match self.manner.get() {
                Manner::Takes => {}
                Manner::Refuses => require!(false, "no, thanks"),
                Manner::CallsBack => StakeHandle::at(self.staking.get()).claim_rewards(self.validator.get()).call(cx),
            }
        }
    }
}
pub use delegator::*;
