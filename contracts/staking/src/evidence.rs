//! Evidence of equivocation: two signed messages of one validator that exclude each other.
//!
//! What is signed is defined in `docs/spec/consensus.md`, "Signatures"; this reads exactly that and nothing else.

use esker_sdk::{Address, B256};

/// What a validator signs when it registers its key, before chain id, contract, operator and key.
const POSSESSION: &[u8] = b"esker/possession/1";
const VOTE: &[u8] = b"esker/vote/1";
const PROPOSAL: &[u8] = b"esker/proposal/1";

/// Which of a validator's messages in a round this is. An honest validator signs at most one of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Its proposal.
    Proposal,
    /// Its first vote.
    Prevote,
    /// Its second vote.
    Precommit,
}

/// Whose message it is and which: two different messages that agree in this are equivocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Who is said to have signed.
    pub signer: Address,
    /// The block's number.
    pub height: u64,
    /// The round.
    pub round: u32,
    /// The message's kind.
    pub step: Step,
}

/// The chain that a message was signed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Domain {
    /// The chain's id.
    pub chain_id: u64,
    /// The hash of block 0.
    pub genesis: B256,
}

/// Takes fixed pieces off the front of what was signed.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (piece, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*piece)
    }

    fn number(&mut self) -> Option<u64> {
        self.take().map(u64::from_be_bytes)
    }

    /// A round: −1 or 32 bits.
    fn round(&mut self) -> Option<Option<u32>> {
        match self.number()? {
            u64::MAX => Some(None),
            round => Some(Some(u32::try_from(round).ok()?)),
        }
    }
}

/// Reads what a validator signed: the chain, and the message's position. `None` if it is no vote or proposal.
#[must_use]
pub fn read(message: &[u8]) -> Option<(Domain, Position)> {
    let (rest, is_vote) = match message.strip_prefix(VOTE) {
        Some(rest) => (rest, true),
        None => (message.strip_prefix(PROPOSAL)?, false),
    };
    let mut reader = Reader(rest);
    let domain = Domain { chain_id: reader.number()?, genesis: B256::from(reader.take()?) };
    let step = match is_vote.then(|| reader.take()) {
        None => Step::Proposal,
        Some(Some([0])) => Step::Prevote,
        Some(Some([1])) => Step::Precommit,
        Some(_) => return None,
    };
    let height = reader.number()?;
    let round = reader.round()??;
    if is_vote {
        match reader.take()? {
            [0] => {}
            [1] => drop(reader.take::<32>()?),
            _ => return None,
        }
    } else {
        reader.round()?;
        reader.take::<32>()?;
    }
    let signer = Address(reader.take()?);
    reader.0.is_empty().then_some((domain, Position { signer, height, round, step }))
}

/// The position at which two messages exclude each other, and the chain; `None` if they do not.
///
/// Both are read strictly, so that two different messages at one position say different things.
#[must_use]
pub fn conflict(first: &[u8], second: &[u8]) -> Option<(Domain, Position)> {
    let found = read(first)?;
    (first != second && read(second)? == found).then_some(found)
}

/// What a validator's key signs to show that its operator has it.
#[must_use]
pub fn possession(chain_id: u64, contract: Address, operator: Address, public_key: &B256) -> [u8; 98] {
    let mut bytes = [0; 98];
    let chain_id = chain_id.to_be_bytes();
    let parts = [POSSESSION, &chain_id, contract.as_bytes(), operator.as_bytes(), &public_key.0];
    for (byte, value) in bytes.iter_mut().zip(parts.into_iter().flatten()) {
        *byte = *value;
    }
    bytes
}
