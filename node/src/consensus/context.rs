//! The types that Malachite is generic over: what a height, a vote, a proposal and a validator are here.

use std::fmt;

use alloy_primitives::{Address, B256};
use bytes::Bytes;
use esker_runtime::Validator;
use esker_runtime::validators::{ValidatorsError, proposer};
use malachite::app::types::core as bft;
use malachite::app::types::core::{NilOrVal, Round, VoteType};
use malachite_ed25519::{Ed25519, PublicKey, Signature};

/// The number of the block that is decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Height(pub u64);

impl fmt::Display for Height {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl bft::Height for Height {
    const ZERO: Self = Self(0);
    const INITIAL: Self = Self(1);

    fn increment_by(&self, n: u64) -> Self {
        Self(self.0.saturating_add(n))
    }

    fn decrement_by(&self, n: u64) -> Option<Self> {
        self.0.checked_sub(n).map(Self)
    }

    fn as_u64(&self) -> u64 {
        self.0
    }
}

/// A validator's address: its operator's account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValidatorAddress(pub Address);

impl fmt::Display for ValidatorAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl bft::Address for ValidatorAddress {}

/// One that votes, with its decoded key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voter {
    address: ValidatorAddress,
    public_key: PublicKey,
    power: u64,
}

impl bft::Validator<EskerContext> for Voter {
    fn address(&self) -> &ValidatorAddress {
        &self.address
    }

    fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    fn voting_power(&self) -> u64 {
        self.power
    }
}

/// Why the engine cannot use a validator set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VotersError {
    /// It breaks a rule of every set.
    #[error(transparent)]
    Set(#[from] ValidatorsError),
    /// Nobody is in it: nothing could ever be decided.
    #[error("there is no validator: name at least one in the genesis file")]
    Empty,
    /// A key that is no point on the curve.
    #[error("the public key of validator {0} is not an Ed25519 key")]
    Key(Address),
}

/// A validator set, in the order of the state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voters {
    voters: Vec<Voter>,
    total_power: u64,
}

impl Voters {
    /// The engine's view of a set. Costs a square root for each key, so it is made once a height.
    ///
    /// # Errors
    /// [`VotersError`]
    pub fn new(set: &[Validator]) -> Result<Self, VotersError> {
        esker_runtime::validators::check(set)?;
        if set.is_empty() {
            return Err(VotersError::Empty);
        }
        let voter = |validator: &Validator| {
            let public_key =
                PublicKey::from_bytes(validator.public_key.0).map_err(|_| VotersError::Key(validator.address))?;
            Ok(Voter { address: ValidatorAddress(validator.address), public_key, power: validator.power })
        };
        let voters = set.iter().map(voter).collect::<Result<Vec<_>, VotersError>>()?;
        let total_power = voters.iter().map(|voter| voter.power).sum();
        Ok(Self { voters, total_power })
    }

    /// The validators, in order.
    #[must_use]
    pub fn as_slice(&self) -> &[Voter] {
        &self.voters
    }
}

impl Voter {
    /// Weight of its vote.
    #[must_use]
    pub const fn power(&self) -> u64 {
        self.power
    }
}

impl bft::ValidatorSet<EskerContext> for Voters {
    fn count(&self) -> usize {
        self.voters.len()
    }

    fn total_voting_power(&self) -> u64 {
        self.total_power
    }

    fn get_by_address(&self, address: &ValidatorAddress) -> Option<&Voter> {
        self.voters.iter().find(|voter| voter.address == *address)
    }

    fn get_by_index(&self, index: usize) -> Option<&Voter> {
        self.voters.get(index)
    }
}

/// What is voted on: a block, by its hash. Bodies travel as parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockHash(pub B256);

impl fmt::Display for BlockHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl bft::Value for BlockHash {
    type Id = Self;

    fn id(&self) -> Self {
        *self
    }
}

/// That a proposer proposes a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Height.
    pub height: Height,
    /// Round.
    pub round: Round,
    /// The block.
    pub value: BlockHash,
    /// Round in which the block got two thirds of the prevotes, if it is proposed again.
    pub pol_round: Round,
    /// Who proposes.
    pub proposer: ValidatorAddress,
}

impl bft::Proposal<EskerContext> for Proposal {
    fn height(&self) -> Height {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &BlockHash {
        &self.value
    }

    fn take_value(self) -> BlockHash {
        self.value
    }

    fn pol_round(&self) -> Round {
        self.pol_round
    }

    fn validator_address(&self) -> &ValidatorAddress {
        &self.proposer
    }
}

/// A prevote or precommit. There are no vote extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vote {
    /// Which of the two.
    pub kind: VoteType,
    /// Height.
    pub height: Height,
    /// Round.
    pub round: Round,
    /// The block, or none.
    pub value: NilOrVal<BlockHash>,
    /// Who votes.
    pub voter: ValidatorAddress,
}

impl bft::Vote<EskerContext> for Vote {
    fn height(&self) -> Height {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &NilOrVal<BlockHash> {
        &self.value
    }

    fn take_value(self) -> NilOrVal<BlockHash> {
        self.value
    }

    fn vote_type(&self) -> VoteType {
        self.kind
    }

    fn validator_address(&self) -> &ValidatorAddress {
        &self.voter
    }

    fn extension(&self) -> Option<&bft::SignedExtension<EskerContext>> {
        None
    }

    fn take_extension(&mut self) -> Option<bft::SignedExtension<EskerContext>> {
        None
    }

    fn extend(self, _: bft::SignedExtension<EskerContext>) -> Self {
        self
    }
}

/// A proposed block's body on its way, signed by the proposer, so that nobody else can make a node execute. A block is one
/// part: it is bounded, and a part of a part could not be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProposalPart {
    /// Height.
    pub height: Height,
    /// Round in which it is proposed.
    pub round: Round,
    /// As [`Proposal::pol_round`].
    pub pol_round: Round,
    /// Who proposes.
    pub proposer: ValidatorAddress,
    /// The block's RLP.
    pub block: Bytes,
    /// Over all of it.
    pub signature: Signature,
}

impl bft::ProposalPart<EskerContext> for ProposalPart {
    fn is_first(&self) -> bool {
        true
    }

    fn is_last(&self) -> bool {
        true
    }
}

/// Ties the types together.
#[derive(Clone, Copy, Debug, Default)]
pub struct EskerContext;

impl bft::Context for EskerContext {
    type Address = ValidatorAddress;
    type Height = Height;
    type ProposalPart = ProposalPart;
    type Proposal = Proposal;
    type Validator = Voter;
    type ValidatorSet = Voters;
    type Timeouts = bft::LinearTimeouts;
    type Value = BlockHash;
    type Vote = Vote;
    type Extension = Bytes;
    type SigningScheme = Ed25519;

    fn select_proposer<'a>(&self, voters: &'a Voters, height: Height, round: Round) -> &'a Voter {
        let index = proposer::index(voters.as_slice().iter().map(Voter::power), height.0, round.as_u32().unwrap_or(0));
        // The engine asks only while it decides, and there is no empty set of voters.
        &voters.voters[index]
    }

    fn new_proposal(
        &self,
        height: Height,
        round: Round,
        value: BlockHash,
        pol_round: Round,
        proposer: ValidatorAddress,
    ) -> Proposal {
        Proposal { height, round, value, pol_round, proposer }
    }

    fn new_prevote(&self, height: Height, round: Round, value: NilOrVal<BlockHash>, voter: ValidatorAddress) -> Vote {
        Vote { kind: VoteType::Prevote, height, round, value, voter }
    }

    fn new_precommit(&self, height: Height, round: Round, value: NilOrVal<BlockHash>, voter: ValidatorAddress) -> Vote {
        Vote { kind: VoteType::Precommit, height, round, value, voter }
    }
}
