//! A governor: who holds votes proposes, votes, and has done what was decided. OpenZeppelin's `Governor`, release 5, with its
//! `GovernorSettings`, `GovernorCountingSimple`, `GovernorVotes`, `GovernorVotesQuorumFraction` and `GovernorTimelockControl`.
//!
//! The timelock makes the calls and holds what the voters own together. Unlike in the model, votes have no further parameters,
//! while a proposal is carried out the calls that it makes can neither propose nor vote, and there is neither ERC-165 nor
//! `getProposalId`, which is `hashProposal`.
#![no_std]
use esker_components::nonces::Nonces;
use esker_sdk::{abi, prelude::*};
use esker_timelock::{Timelock, TimelockHandle};

pub mod ballot;
pub mod counting;
mod description;
pub mod events;
pub mod quorum;
pub mod settings;
mod votes;

pub use votes::*;

/// Proposals, and the votes on them.
#[contract]
pub mod governor {
    use super::{
        ProposalState::*,
        ballot::{Ballot, is_signed},
        counting::{Counting, Error as CountingError},
        description::may_propose,
        events::{ProposalCanceled, ProposalCreated, ProposalExecuted, ProposalQueued, TimelockChange, VoteCast},
        quorum::{GovernorInvalidQuorumFraction, QuorumFraction},
        settings::{GovernorInvalidVotingPeriod, Settings},
        *,
    };

    /// Where a proposal stands.
    #[derive(Abi, Clone, Copy, Debug, PartialEq, Eq)]
    pub enum ProposalState {
        /// Voting has not begun.
        Pending,
        /// It is voted on.
        Active,
        /// It was taken back.
        Canceled,
        /// There were too few votes for it.
        Defeated,
        /// It was accepted.
        Succeeded,
        /// It waits in the timelock.
        Queued,
        /// Nothing expires: here for the numbers of the others.
        Expired,
        /// It was carried out.
        Executed,
    }

    /// A proposal. Times are the token's clock's, except for `eta_seconds`.
    #[derive(Abi, Stored)]
    pub struct ProposalCore {
        /// Who proposed it.
        pub proposer: Address,
        /// The time whose votes count; voting begins after it.
        pub vote_start: Uint<48>,
        /// How long voting lasts.
        pub vote_duration: u32,
        /// Whether it was carried out.
        pub executed: bool,
        /// Whether it was taken back.
        pub canceled: bool,
        /// When it may be carried out, in seconds; 0 before it is queued.
        pub eta_seconds: Uint<48>,
    }

    /// The governor's state, in the order of OpenZeppelin's, and at the end what that keeps in code.
    #[storage]
    pub struct Governor {
        #[flatten]
        #[expose]
        nonces: Nonces,
        name: Text,
        proposals: Map<U256, ProposalCore>,
        /// Hashes of the calls that the governor awaits from the timelock, the next one at the end.
        awaited: List<B256>,
        #[flatten]
        #[expose]
        settings: Settings,
        #[flatten]
        #[expose]
        counting: Counting,
        #[flatten]
        #[expose]
        quorum: QuorumFraction,
        timelock: Cell<Address>,
        timelock_ids: Map<U256, B256>,
        token: Cell<Address>,
    }

    /// What can go wrong.
    #[error]
    #[rustfmt::skip]
    pub enum Error {
        /// A proposal has some calls, and as many values and inputs as targets.
        GovernorInvalidProposalLength { targets: U256, calldatas: U256, values: U256 },
        /// Coins belong into the timelock.
        GovernorDisabledDeposit,
        /// Only a vote decides this: the timelock calls it for a proposal.
        GovernorOnlyExecutor { account: Address },
        /// There is no such proposal.
        GovernorNonexistentProposal { proposal_id: U256 },
        /// It is in none of the states whose bits are set in `expected_states`, counted from [`ProposalState::Pending`].
        GovernorUnexpectedProposalState { proposal_id: U256, current: ProposalState, expected_states: B256 },
        /// Who proposes needs more votes.
        GovernorInsufficientProposerVotes { proposer: Address, votes: U256, threshold: U256 },
        /// The description says that somebody else proposes it.
        GovernorRestrictedProposer { proposer: Address },
        /// Not the voter's signature, or of something else.
        GovernorInvalidSignature { voter: Address },
        /// Only the proposer takes a proposal back, before voting begins.
        GovernorUnableToCancel { proposal_id: U256, account: Address },
        /// The time lies too far ahead.
        SafeCastOverflowedUintDowncast { bits: u8, value: U256 },
        /// A relayed call failed without saying why.
        FailedCall,
        #[from] Counting(CountingError),
        #[from] Period(GovernorInvalidVotingPeriod),
        #[from] Quorum(GovernorInvalidQuorumFraction),
    }
    use Error::*;
    type Result<T> = core::result::Result<T, Error>;

    impl Governor {
        /// Governs by the votes of `token`, through `timelock`, where it must be a proposer. Delay and period are counted by
        /// the token's clock, the quorum in hundredths of all votes.
        #[constructor]
        pub fn new(
            &mut self,
            cx: &mut Context,
            name: &str,
            token: Address,
            timelock: Address,
            voting_delay: Uint<48>,
            voting_period: u32,
            proposal_threshold: U256,
            quorum_numerator: U256,
        ) -> Result<()> {
            self.name.set(name);
            self.token.set(token);
            self.settings.init(cx, voting_delay, voting_period, proposal_threshold)?;
            self.quorum.change(cx, quorum_numerator)?;
            self.change_timelock(cx, timelock);
            Ok(())
        }

        /// Takes no coins: they belong into the timelock.
        #[receive]
        fn receive(&mut self) {
            revert_with(GovernorDisabledDeposit);
        }
    }

    /// What anybody may ask.
    #[rustfmt::skip]
    impl Governor {
        /// The governor's name, in the domain of what voters sign.
        pub fn name(&self) -> String { self.name.get() }
        /// The version in that domain.
        pub fn version() -> &'static str { "1" }
        /// Where votes come from.
        pub fn token(&self) -> Address { self.token.get() }
        /// Who carries out what is decided.
        pub fn timelock(&self) -> Address { self.timelock.get() }
        /// What voters sign.
        #[name = "BALLOT_TYPEHASH"]
        pub fn ballot_typehash() -> B256 { Ballot::TYPE_HASH }
        /// The time whose votes count; voting begins after it.
        pub fn proposal_snapshot(&self, proposal_id: U256) -> U256 { self.proposals.at(proposal_id).vote_start.get().get() }
        /// The last time at which votes are taken.
        pub fn proposal_deadline(&self, proposal_id: U256) -> U256 {
            self.proposal_snapshot(proposal_id) + U256::from(self.proposals.at(proposal_id).vote_duration.get())
        }
        /// Who proposed it.
        pub fn proposal_proposer(&self, proposal_id: U256) -> Address { self.proposals.at(proposal_id).proposer.get() }
        /// When it may be carried out, in seconds; 0 before it is queued.
        pub fn proposal_eta(&self, proposal_id: U256) -> U256 { self.proposals.at(proposal_id).eta_seconds.get().get() }
        /// Whether a proposal has to be queued: all have.
        pub fn proposal_needs_queuing(&self, proposal_id: U256) -> bool { let _ = proposal_id; true }
        /// How many votes `account` had at a past time.
        pub fn get_votes(&self, cx: &Context, account: Address, timepoint: U256) -> U256 {
            self.votes().get_past_votes(account, timepoint).call(cx)
        }
        /// What time it is: the token's clock, or the block's number if it has none.
        pub fn clock(&self, cx: &Context) -> Uint<48> {
            let clock = self.votes().clock().try_call(cx);
            clock.unwrap_or_else(|_| Uint::try_from(U256::from(cx.block_number())).unwrap_or_default())
        }
        /// What the clock shows.
        #[name = "CLOCK_MODE"]
        pub fn clock_mode(&self, cx: &Context) -> String {
            self.votes().clock_mode().try_call(cx).unwrap_or_else(|_| "mode=blocknumber&from=default".to_owned())
        }
    }

    impl Governor {
        /// The identifier of a proposal: who knows what is proposed knows it, whoever proposes.
        pub fn hash_proposal(
            targets: &[Address],
            values: &[U256],
            calldatas: &[Bytes],
            description_hash: B256,
        ) -> U256 {
            let encoded = abi::encode_params(&(targets, values, calldatas, description_hash));
            U256::from_be_bytes(crypto::keccak256(&encoded).0)
        }

        /// Where a proposal stands.
        pub fn state(&self, cx: &Context, proposal_id: U256) -> Result<ProposalState> {
            let proposal = self.proposals.get(proposal_id);
            ensure!(proposal.vote_start != 0, GovernorNonexistentProposal { proposal_id });
            let now = self.clock(cx).get();
            Ok(if proposal.executed {
                Executed
            } else if proposal.canceled {
                Canceled
            } else if proposal.vote_start.get() >= now {
                Pending
            } else if self.proposal_deadline(proposal_id) >= now {
                Active
            } else if !self.is_accepted(cx, proposal_id, proposal.vote_start) {
                Defeated
            } else if proposal.eta_seconds == 0 {
                Succeeded
            } else {
                self.timelock_state(cx, proposal_id)
            })
        }
    }

    /// What holders of votes do.
    impl Governor {
        /// Proposes calls, and gives the proposal's id. A description that ends in `#proposer=0x…` can be proposed by that
        /// address alone: nobody can take the id away from it.
        pub fn propose(
            &mut self,
            cx: &mut Context,
            targets: Vec<Address>,
            values: Vec<U256>,
            calldatas: Vec<Bytes>,
            description: String,
        ) -> Result<U256> {
            let (proposer, now) = (cx.sender(), self.clock(cx).get());
            ensure!(may_propose(proposer, &description), GovernorRestrictedProposer { proposer });
            let threshold = self.settings.proposal_threshold();
            if threshold > 0 {
                let votes = self.get_votes(cx, proposer, now - 1);
                ensure!(votes >= threshold, GovernorInsufficientProposerVotes { proposer, votes, threshold });
            }
            let proposal_id =
                Self::hash_proposal(&targets, &values, &calldatas, crypto::keccak256(description.as_bytes()));
            let count = targets.len();
            ensure!(
                count == values.len() && count == calldatas.len() && count != 0,
                GovernorInvalidProposalLength {
                    targets: U256::from(count),
                    calldatas: U256::from(calldatas.len()),
                    values: U256::from(values.len()),
                }
            );
            if self.proposal_snapshot(proposal_id) != 0 {
                let (current, expected_states) = (self.state(cx, proposal_id)?, B256::ZERO);
                return Err(GovernorUnexpectedProposalState { proposal_id, current, expected_states });
            }
            let vote_start = now + self.settings.voting_delay();
            let vote_end = vote_start + self.settings.voting_period();
            let mut proposal = self.proposals.at_mut(proposal_id);
            proposal.proposer.set(proposer);
            proposal.vote_start.set(to_uint48(vote_start)?);
            proposal.vote_duration.set(self.settings.voting_period().to_u64().unwrap_or_default() as u32);
            let signatures = vec![String::new(); count];
            cx.emit(ProposalCreated {
                proposal_id,
                proposer,
                targets,
                values,
                signatures,
                calldatas,
                vote_start,
                vote_end,
                description,
            });
            Ok(proposal_id)
        }

        /// Votes: 0 against, 1 for, 2 abstain. Gives the weight.
        pub fn cast_vote(&mut self, cx: &mut Context, proposal_id: U256, support: u8) -> Result<U256> {
            self.cast(cx, proposal_id, cx.sender(), support, String::new())
        }

        /// Votes, and says why.
        pub fn cast_vote_with_reason(
            &mut self,
            cx: &mut Context,
            proposal_id: U256,
            support: u8,
            reason: String,
        ) -> Result<U256> {
            self.cast(cx, proposal_id, cx.sender(), support, reason)
        }

        /// Votes for `voter`, who signed it: a key's signature is `r`, `s` and `v`, one behind the other.
        pub fn cast_vote_by_sig(
            &mut self,
            cx: &mut Context,
            proposal_id: U256,
            support: u8,
            voter: Address,
            signature: &[u8],
        ) -> Result<U256> {
            let nonce = self.nonces.use_nonce(voter);
            let digest = Eip712Domain::here(cx, &self.name.get(), Self::version()).digest(&Ballot {
                proposal_id,
                support,
                voter,
                nonce,
            });
            ensure!(is_signed(cx, voter, digest, signature), GovernorInvalidSignature { voter });
            self.cast(cx, proposal_id, voter, support, String::new())
        }

        /// Puts an accepted proposal into the timelock.
        pub fn queue(
            &mut self,
            cx: &mut Context,
            targets: &[Address],
            values: &[U256],
            calldatas: &[Bytes],
            description_hash: B256,
        ) -> Result<U256> {
            let proposal_id = Self::hash_proposal(targets, values, calldatas, description_hash);
            self.check_state(cx, proposal_id, &[Succeeded])?;
            let (timelock, salt) = (TimelockHandle::at(self.timelock.get()), salt(cx, description_hash));
            let delay = timelock.get_min_delay().call(cx);
            let operation = Timelock::hash_operation_batch(targets, values, calldatas, B256::ZERO, salt);
            self.timelock_ids.set(proposal_id, operation);
            let eta_seconds = delay + U256::from(cx.timestamp());
            self.proposals.at_mut(proposal_id).eta_seconds.set(to_uint48(eta_seconds)?);
            timelock.schedule_batch(targets, values, calldatas, B256::ZERO, salt, delay).call(cx);
            cx.emit(ProposalQueued { proposal_id, eta_seconds });
            Ok(proposal_id)
        }

        /// Has a queued proposal carried out, when the timelock's delay has passed. Coins sent along go to the timelock.
        #[payable]
        pub fn execute(
            &mut self,
            cx: &mut Context,
            targets: &[Address],
            values: &[U256],
            calldatas: &[Bytes],
            description_hash: B256,
        ) -> Result<U256> {
            let proposal_id = Self::hash_proposal(targets, values, calldatas, description_hash);
            self.check_state(cx, proposal_id, &[Queued])?;
            self.proposals.at_mut(proposal_id).executed.set(true);
            for (_, calldata) in targets.iter().zip(calldatas).rev().filter(|(target, _)| **target == cx.address()) {
                self.awaited.push(crypto::keccak256(calldata));
            }
            let timelock = TimelockHandle::at(self.timelock.get());
            let batch = timelock.execute_batch(targets, values, calldatas, B256::ZERO, salt(cx, description_hash));
            batch.value(cx.value()).call(cx);
            self.timelock_ids.set(proposal_id, B256::ZERO);
            self.awaited.clear();
            cx.emit(ProposalExecuted { proposal_id });
            Ok(proposal_id)
        }

        /// Takes a proposal back, for its proposer, before voting begins.
        pub fn cancel(
            &mut self,
            cx: &mut Context,
            targets: &[Address],
            values: &[U256],
            calldatas: &[Bytes],
            description_hash: B256,
        ) -> Result<U256> {
            let (proposal_id, account) =
                (Self::hash_proposal(targets, values, calldatas, description_hash), cx.sender());
            let is_allowed = self.state(cx, proposal_id)? == Pending && account == self.proposal_proposer(proposal_id);
            ensure!(is_allowed, GovernorUnableToCancel { proposal_id, account });
            self.proposals.at_mut(proposal_id).canceled.set(true);
            cx.emit(ProposalCanceled { proposal_id });
            Ok(proposal_id)
        }
    }

    /// What a vote alone decides. The timelock calls these while a proposal is carried out: they may be entered then.
    impl Governor {
        /// Calls `target` in the governor's name.
        #[reentrant]
        #[payable]
        pub fn relay(&mut self, cx: &mut Context, target: Address, value: U256, data: &[u8]) -> Result<()> {
            self.check_decided(cx)?;
            match cx.call(target, value, u64::MAX, data) {
                Err(CallError::Revert(why)) if why.is_empty() => Err(FailedCall),
                Err(CallError::Halt | CallError::BadOutput) => Err(FailedCall),
                Err(error) => error.raise(),
                Ok(_) => Ok(()),
            }
        }

        /// Makes another timelock carry out what is decided. What waits in the old one is lost to the governor.
        #[reentrant]
        pub fn update_timelock(&mut self, cx: &mut Context, new_timelock: Address) -> Result<()> {
            self.check_decided(cx)?;
            self.change_timelock(cx, new_timelock);
            Ok(())
        }

        #[hook(settings.check_decided)]
        fn settings_decided(&mut self, cx: &mut Context) -> Result<()> {
            self.check_decided(cx)
        }

        #[hook(quorum.check_decided)]
        fn quorum_decided(&mut self, cx: &mut Context) -> Result<()> {
            self.check_decided(cx)
        }

        #[hook(quorum.now)]
        fn now(&self, cx: &Context) -> Uint<48> {
            self.clock(cx)
        }

        #[hook(quorum.past_supply)]
        fn past_supply(&self, cx: &Context, timepoint: U256) -> U256 {
            self.votes().get_past_total_supply(timepoint).call(cx)
        }

        /// The timelock has to call, and with what a proposal says that is being carried out: others may be able to schedule
        /// calls there too.
        fn check_decided(&mut self, cx: &Context) -> Result<()> {
            ensure!(cx.sender() == self.timelock.get(), GovernorOnlyExecutor { account: cx.sender() });
            let called = crypto::keccak256(&cx.input());
            while self.awaited.pop().unwrap_or_else(|| esker_sdk::Panic::PopOnEmpty.raise()) != called {}
            Ok(())
        }
    }

    impl Governor {
        fn votes(&self) -> IVotesHandle {
            IVotesHandle::at(self.token.get())
        }

        /// Votes count once, as they were when voting began: what is bought or borrowed later has none.
        fn cast(
            &mut self,
            cx: &mut Context,
            proposal_id: U256,
            voter: Address,
            support: u8,
            reason: String,
        ) -> Result<U256> {
            self.check_state(cx, proposal_id, &[Active])?;
            let weight = self.get_votes(cx, voter, self.proposal_snapshot(proposal_id));
            self.counting.count(proposal_id, voter, support, weight)?;
            cx.emit(VoteCast { voter, proposal_id, support, weight, reason });
            Ok(weight)
        }

        fn change_timelock(&mut self, cx: &mut Context, new_timelock: Address) {
            let old_timelock = self.timelock.replace(new_timelock);
            cx.emit(TimelockChange { old_timelock, new_timelock });
        }

        fn is_accepted(&self, cx: &Context, proposal_id: U256, vote_start: Uint<48>) -> bool {
            self.counting.reached(proposal_id, self.quorum.quorum(cx, vote_start.get()))
                && self.counting.succeeded(proposal_id)
        }

        /// Where a queued proposal stands: somebody may have executed or cancelled it at the timelock itself.
        fn timelock_state(&self, cx: &Context, proposal_id: U256) -> ProposalState {
            let (timelock, operation) = (TimelockHandle::at(self.timelock.get()), self.timelock_ids.get(proposal_id));
            if timelock.is_operation_pending(operation).call(cx) {
                Queued
            } else if timelock.is_operation_done(operation).call(cx) {
                Executed
            } else {
                Canceled
            }
        }

        fn check_state(&self, cx: &Context, proposal_id: U256, expected: &[ProposalState]) -> Result<()> {
            let current = self.state(cx, proposal_id)?;
            let bits = expected.iter().map(|state| 1 << *state as u32).sum::<u64>();
            let expected_states = FixedBytes(U256::from(bits).to_be_bytes());
            ensure!(
                expected.contains(&current),
                GovernorUnexpectedProposalState { proposal_id, current, expected_states }
            );
            Ok(())
        }
    }

    /// Two governors of one timelock have different operations.
    fn salt(cx: &Context, description_hash: B256) -> B256 {
        let mut salt = description_hash;
        for (byte, of_address) in salt.0.iter_mut().zip(cx.address().0) {
            *byte ^= of_address;
        }
        salt
    }

    fn to_uint48(value: U256) -> Result<Uint<48>> {
        Uint::new(value).ok_or(SafeCastOverflowedUintDowncast { bits: 48, value })
    }
}
pub use governor::*;
