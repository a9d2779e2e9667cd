//! How many votes a proposal needs, as a part of all: OpenZeppelin's `GovernorVotesQuorumFraction`.

use esker_sdk::prelude::*;

/// A number of hundredths of all votes. A proposal needs what held when voting on it began.
#[component]
pub mod quorum {
    use super::*;

    /// Of how many parts the numerator counts.
    const DENOMINATOR: u64 = 100;

    /// The numerators, and since when each holds.
    #[storage]
    pub struct QuorumFraction {
        history: List<Numerator>,
    }

    /// A numerator: one slot.
    #[derive(Abi, Stored, Clone, Copy)]
    pub struct Numerator {
        /// Since when it holds, by the token's clock.
        pub since: Uint<48>,
        /// Hundredths.
        pub value: Uint<208>,
    }

    /// Proposals need that many hundredths of all votes from now on.
    #[event]
    #[rustfmt::skip]
    pub struct QuorumNumeratorUpdated { pub old_quorum_numerator: U256, pub new_quorum_numerator: U256 }

    /// A part is not more than the whole.
    #[error]
    #[rustfmt::skip]
    pub struct GovernorInvalidQuorumFraction { pub quorum_numerator: U256, pub quorum_denominator: U256 }

    impl QuorumFraction {
        /// Ends the call unless a vote decided it.
        #[hook]
        fn check_decided(&mut self, cx: &mut Context) {
            panic!("the contract has no hook quorum.check_decided");
        }

        /// What time it is, by the token's clock.
        #[hook]
        fn now(&self, cx: &Context) -> Uint<48> {
            panic!("the contract has no hook quorum.now")
        }

        /// How many votes there were at a past time.
        #[hook]
        fn past_supply(&self, cx: &Context, timepoint: U256) -> U256 {
            panic!("the contract has no hook quorum.past_supply")
        }

        /// How many hundredths proposals need now.
        pub fn quorum_numerator(&self) -> U256 {
            self.history.iter().next_back().map_or(U256::ZERO, |last| last.value.get())
        }

        /// How many hundredths proposals needed at a time.
        #[name = "quorumNumerator"]
        pub fn quorum_numerator_at(&self, timepoint: U256) -> U256 {
            // From the end, where what is asked for lies nearly always: votes change this seldom.
            let past = self.history.iter().rev().find(|numerator| numerator.since.get() <= timepoint);
            past.map_or(U256::ZERO, |numerator| numerator.value.get())
        }

        /// Of how many parts the numerator counts.
        pub fn quorum_denominator() -> U256 {
            U256::from(DENOMINATOR)
        }

        /// How many votes a proposal needs on which voting began at a past time, rounded down.
        pub fn quorum(&self, cx: &Context, timepoint: U256) -> U256 {
            let supply = self.past_supply(cx, timepoint);
            supply.mul_div(self.quorum_numerator_at(timepoint), U256::from(DENOMINATOR), Rounding::Floor)
        }

        /// Proposals need `new_quorum_numerator` hundredths of all votes from now on. By vote alone.
        #[reentrant]
        pub fn update_quorum_numerator(
            &mut self,
            cx: &mut Context,
            new_quorum_numerator: U256,
        ) -> Result<(), GovernorInvalidQuorumFraction> {
            self.check_decided(cx);
            self.change(cx, new_quorum_numerator)
        }

        /// Sets the numerator without asking.
        ///
        /// # Errors
        /// [`GovernorInvalidQuorumFraction`] above 100.
        #[internal]
        pub fn change(
            &mut self,
            cx: &mut Context,
            new_quorum_numerator: U256,
        ) -> Result<(), GovernorInvalidQuorumFraction> {
            let value = Uint::new(new_quorum_numerator).filter(|_| new_quorum_numerator <= u128::from(DENOMINATOR));
            let value = value.ok_or(GovernorInvalidQuorumFraction {
                quorum_numerator: new_quorum_numerator,
                quorum_denominator: U256::from(DENOMINATOR),
            })?;
            let old_quorum_numerator = self.quorum_numerator();
            let (since, last) = (self.now(cx), self.history.iter().next_back());
            if last.is_some_and(|last| last.since == since) {
                self.history.pop();
            }
            self.history.push(Numerator { since, value });
            cx.emit(QuorumNumeratorUpdated { old_quorum_numerator, new_quorum_numerator });
            Ok(())
        }
    }
}
pub use quorum::*;
