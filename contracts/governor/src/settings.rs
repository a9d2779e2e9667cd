//! What a vote changes about voting: OpenZeppelin's `GovernorSettings`.

use esker_sdk::prelude::*;

/// How long voting waits and lasts, and who may propose.
#[component]
pub mod settings {
    use super::*;

    /// The settings, in the units of the token's clock.
    #[storage]
    pub struct Settings {
        proposal_threshold: Cell<U256>,
        voting_delay: Cell<Uint<48>>,
        voting_period: Cell<u32>,
    }

    /// Voting begins that long after a proposal from now on.
    #[event]
    #[rustfmt::skip]
    pub struct VotingDelaySet { pub old_voting_delay: U256, pub new_voting_delay: U256 }

    /// Voting lasts that long from now on.
    #[event]
    #[rustfmt::skip]
    pub struct VotingPeriodSet { pub old_voting_period: U256, pub new_voting_period: U256 }

    /// Who proposes needs that many votes from now on.
    #[event]
    #[rustfmt::skip]
    pub struct ProposalThresholdSet { pub old_proposal_threshold: U256, pub new_proposal_threshold: U256 }

    /// Voting lasts some time.
    #[error]
    #[rustfmt::skip]
    pub struct GovernorInvalidVotingPeriod { pub voting_period: U256 }

    impl Settings {
        /// Ends the call unless a vote decided it.
        #[hook]
        fn check_decided(&mut self, cx: &mut Context) {
            panic!("the contract has no hook settings.check_decided");
        }

        /// How long after a proposal voting begins.
        pub fn voting_delay(&self) -> U256 {
            self.voting_delay.get().get()
        }

        /// How long voting lasts.
        pub fn voting_period(&self) -> U256 {
            self.voting_period.get().into()
        }

        /// How many votes it takes to propose.
        pub fn proposal_threshold(&self) -> U256 {
            self.proposal_threshold.get()
        }

        /// Voting begins `new_voting_delay` after a proposal from now on. By vote alone.
        #[reentrant]
        pub fn set_voting_delay(&mut self, cx: &mut Context, new_voting_delay: Uint<48>) {
            self.check_decided(cx);
            self.change_voting_delay(cx, new_voting_delay);
        }

        /// Voting lasts `new_voting_period` from now on. By vote alone.
        #[reentrant]
        pub fn set_voting_period(
            &mut self,
            cx: &mut Context,
            new_voting_period: u32,
        ) -> Result<(), GovernorInvalidVotingPeriod> {
            self.check_decided(cx);
            self.change_voting_period(cx, new_voting_period)
        }

        /// Who proposes needs `new_proposal_threshold` votes from now on. By vote alone.
        #[reentrant]
        pub fn set_proposal_threshold(&mut self, cx: &mut Context, new_proposal_threshold: U256) {
            self.check_decided(cx);
            self.change_proposal_threshold(cx, new_proposal_threshold);
        }

        /// Sets all three, for the constructor.
        ///
        /// # Errors
        /// [`GovernorInvalidVotingPeriod`] if it is 0.
        #[internal]
        pub fn init(
            &mut self,
            cx: &mut Context,
            voting_delay: Uint<48>,
            voting_period: u32,
            proposal_threshold: U256,
        ) -> Result<(), GovernorInvalidVotingPeriod> {
            self.change_voting_delay(cx, voting_delay);
            self.change_voting_period(cx, voting_period)?;
            self.change_proposal_threshold(cx, proposal_threshold);
            Ok(())
        }

        fn change_voting_delay(&mut self, cx: &mut Context, new: Uint<48>) {
            let old = self.voting_delay.replace(new);
            cx.emit(VotingDelaySet { old_voting_delay: old.get(), new_voting_delay: new.get() });
        }

        fn change_voting_period(&mut self, cx: &mut Context, new: u32) -> Result<(), GovernorInvalidVotingPeriod> {
            ensure!(new != 0, GovernorInvalidVotingPeriod { voting_period: U256::ZERO });
            let old = self.voting_period.replace(new);
            cx.emit(VotingPeriodSet { old_voting_period: old.into(), new_voting_period: new.into() });
            Ok(())
        }

        fn change_proposal_threshold(&mut self, cx: &mut Context, new: U256) {
            let old = self.proposal_threshold.replace(new);
            cx.emit(ProposalThresholdSet { old_proposal_threshold: old, new_proposal_threshold: new });
        }
    }
}
pub use settings::*;
