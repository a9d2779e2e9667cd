//! How votes are counted: OpenZeppelin's `GovernorCountingSimple`.

use esker_sdk::prelude::*;

/// Votes against, for, and neither.
#[component]
pub mod counting {
    use super::*;

    /// The votes on every proposal.
    #[storage]
    pub struct Counting {
        votes: Map<U256, ProposalVote>,
    }

    /// The votes on one.
    #[storage(nested)]
    pub struct ProposalVote {
        against_votes: Cell<U256>,
        for_votes: Cell<U256>,
        abstain_votes: Cell<U256>,
        has_voted: Map<Address, bool>,
    }

    /// What can go wrong.
    #[error]
    #[rustfmt::skip]
    pub enum Error {
        /// Everybody votes once on a proposal.
        GovernorAlreadyCastVote { voter: Address },
        /// Votes are 0 against, 1 for, 2 abstain.
        GovernorInvalidVoteType,
    }
    use Error::*;

    impl Counting {
        /// What votes may be, and which of them count for the quorum.
        #[name = "COUNTING_MODE"]
        pub fn counting_mode() -> &'static str {
            "support=bravo&quorum=for,abstain"
        }

        /// Whether `account` voted on a proposal.
        pub fn has_voted(&self, proposal_id: U256, account: Address) -> bool {
            self.votes.at(proposal_id).has_voted.get(account)
        }

        /// The votes on a proposal.
        #[returns(againstVotes, forVotes, abstainVotes)]
        pub fn proposal_votes(&self, proposal_id: U256) -> (U256, U256, U256) {
            let votes = self.votes.at(proposal_id);
            (votes.against_votes.get(), votes.for_votes.get(), votes.abstain_votes.get())
        }

        /// Counts a vote of `weight`.
        ///
        /// # Errors
        /// [`Error`].
        #[internal]
        pub fn count(&mut self, proposal_id: U256, voter: Address, support: u8, weight: U256) -> Result<(), Error> {
            let mut votes = self.votes.at_mut(proposal_id);
            ensure!(!votes.has_voted.at_mut(voter).replace(true), GovernorAlreadyCastVote { voter });
            match support {
                0 => votes.against_votes.add(weight),
                1 => votes.for_votes.add(weight),
                2 => votes.abstain_votes.add(weight),
                _ => return Err(GovernorInvalidVoteType),
            };
            Ok(())
        }

        /// Whether `quorum` votes were cast for a proposal, or for neither side.
        #[internal]
        pub fn reached(&self, proposal_id: U256, quorum: U256) -> bool {
            let (_, for_votes, abstain_votes) = self.proposal_votes(proposal_id);
            for_votes + abstain_votes >= quorum
        }

        /// Whether more votes were cast for a proposal than against it.
        #[internal]
        pub fn succeeded(&self, proposal_id: U256) -> bool {
            let (against_votes, for_votes, _) = self.proposal_votes(proposal_id);
            for_votes > against_votes
        }
    }
}
pub use counting::*;
