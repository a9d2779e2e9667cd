//! Blocks that others propose: checked, executed, judged, before anybody votes.

use std::time::Instant;

use alloy_primitives::{B256, keccak256};
use esker_runtime::block::first_round;
use esker_runtime::validators::VALIDATORS_MAX;
use esker_runtime::{Block, BlockError};
use malachite::app::types::ProposedValue;
use malachite::app::types::core::{Context as _, Round, Validator as _, ValidatorSet as _};

use super::{AppFailure, Application, PROPOSALS_PER_ROUND_MAX};
use crate::consensus::body;
use crate::consensus::context::{EskerContext, Height, ProposalPart};
use crate::consensus::timing::CLOCK_DRIFT_MAX;

/// Most proposals that wait for their time, and most bytes of them.
pub(super) const EARLY_MAX: usize = 32;
pub(super) const EARLY_BYTES_MAX: usize = 48 << 20;
/// Most of them that their proposer is not known to have signed: the next height may have other validators.
pub(super) const EARLY_UNKNOWN_MAX: usize = 4;
/// Proposals of rounds longer past are not executed.
const ROUNDS_BEHIND_MAX: u32 = 4;
/// Rounds farther ahead are not waited for.
const ROUNDS_AHEAD_MAX: u32 = VALIDATORS_MAX as u32;

/// Proposals whose height or round has not begun, or whose timestamp is ahead of the clock.
#[derive(Default)]
pub(super) struct Early {
    parts: Vec<(ProposalPart, bool)>,
}

impl Early {
    /// Keeps a proposal for later. Where there are too many, those whose time is farthest go, so that nobody fills the place
    /// with rounds that may never come. `is_known`: its proposer signed it, as far as the set of validators is known.
    pub(super) fn keep(&mut self, part: ProposalPart, is_known: bool) {
        let same =
            |kept: &ProposalPart| (kept.height, kept.round, kept.proposer) == (part.height, part.round, part.proposer);
        if is_known {
            // What was taken without knowing gives way to what is signed.
            self.parts.retain(|(kept, known)| *known || !same(kept));
        }
        let unknown = self.parts.iter().filter(|(_, known)| !known).count();
        let is_there = self.parts.iter().any(|(kept, _)| same(kept));
        if is_there || (!is_known && unknown >= EARLY_UNKNOWN_MAX) {
            return;
        }
        self.parts.push((part, is_known));
        self.parts.sort_by_key(|(part, known)| (!known, part.height, part.round));
        while self.parts.len() > EARLY_MAX || self.bytes() > EARLY_BYTES_MAX {
            self.parts.pop();
        }
    }

    fn bytes(&self) -> usize {
        self.parts.iter().map(|(kept, _)| kept.block.len()).sum()
    }

    /// Takes out what belongs to `height` and a round up to `round`.
    pub(super) fn due(&mut self, height: Height, round: Round) -> Vec<ProposalPart> {
        let (due, rest) = std::mem::take(&mut self.parts)
            .into_iter()
            .filter(|(part, _)| part.height >= height)
            .partition(|(part, _)| part.height == height && part.round <= round);
        self.parts = rest;
        let due: Vec<(ProposalPart, bool)> = due;
        due.into_iter().map(|(part, _)| part).collect()
    }

    /// How many wait.
    #[cfg(test)]
    pub(super) const fn len(&self) -> usize {
        self.parts.len()
    }
}

impl Application {
    /// A proposal has come. Returns what the engine is to know of it, if it is the time for that.
    ///
    /// # Errors
    /// [`AppFailure`]: the node cannot go on.
    pub fn received(&mut self, part: ProposalPart) -> Result<Option<ProposedValue<EskerContext>>, AppFailure> {
        let is_next = part.height.0 == self.height.0.saturating_add(1);
        let (Some(round), current) = (part.round.as_u32(), self.round.as_u32()) else { return Ok(None) };
        if part.height != self.height && !is_next {
            return Ok(None);
        }
        if is_next {
            let proposer = *EskerContext.select_proposer(&self.voters, part.height, part.round).address();
            let is_known = part.proposer == proposer && self.is_signed(&part);
            if is_known {
                self.others_at = self.others_at.max(part.height.0);
            }
            if round <= ROUNDS_AHEAD_MAX {
                self.early.keep(part, is_known);
            }
            return Ok(None);
        }
        if part.proposer != self.proposer(part.round) || !self.is_signed(&part) {
            tracing::debug!(height = part.height.0, round, proposer = %part.proposer, "a proposal that its proposer did not sign");
            return Ok(None);
        }
        match current {
            // Whatever can still be decided of a round so long past comes by sync.
            Some(current) if round.saturating_add(ROUNDS_BEHIND_MAX) < current => Ok(None),
            Some(current) if round <= current => self.consider(part),
            _ => {
                if round <= current.unwrap_or(0).saturating_add(ROUNDS_AHEAD_MAX) {
                    self.early.keep(part, true);
                }
                Ok(None)
            }
        }
    }

    /// Whether the part is signed by the validator of the current set that it names.
    fn is_signed(&self, part: &ProposalPart) -> bool {
        let voter = self.voters.get_by_address(&part.proposer);
        voter.is_some_and(|voter| self.verifier.verify_part(part, voter.public_key()))
    }

    /// Judges a proposal of a round that has begun; the body is durable when this returns.
    pub(super) fn consider(&mut self, part: ProposalPart) -> Result<Option<ProposedValue<EskerContext>>, AppFailure> {
        if part.height != self.height || part.proposer != self.proposer(part.round) || !self.is_signed(&part) {
            return Ok(None);
        }
        if self.told_in(part.round) >= PROPOSALS_PER_ROUND_MAX {
            return Ok(None);
        }
        let header = match body::header(&part.block) {
            Ok(header) => header,
            Err(error) => {
                tracing::warn!(proposer = %part.proposer, %error, "a proposal without a block");
                // Counts as one of the round's, or there would be no end of them.
                self.told.insert((part.round, keccak256(&part.block)));
                return Ok(None);
            }
        };
        let hash = header.hash_slow();
        let round = part.round.as_u32().unwrap_or(0);
        if self.told.contains(&(part.round, hash)) {
            return Ok(None);
        }
        // Also where it is said to be proposed again: that is the proposer's word here, which the engine compares with
        // prevotes only in the proposal itself. A block that was taken once is past by now.
        let is_fresh = !self.undecided.has(hash);
        // A block may not be younger than its parent, whose time stands: where all clocks were wrong once, the chain must
        // not wait until they are right again.
        let now = self.clock.now().max(self.chain.head().block.header.timestamp);
        if is_fresh && header.timestamp > now.saturating_add(CLOCK_DRIFT_MAX) {
            tracing::warn!(
                proposer = %part.proposer,
                ahead = header.timestamp.saturating_sub(self.clock.now()),
                "a block from the future waits for the next round: is a clock wrong, here or there?"
            );
            self.early.keep(part, true);
            return Ok(None);
        }
        self.known_since = Some(Instant::now());
        let is_late = first_round(&header.extra_data) > Some(round);
        if is_late {
            let reason = "the header names a round that comes later";
            tracing::warn!(height = self.height.0, %hash, reason, "a proposed block is invalid");
        }
        let is_valid = !is_late && self.judge(&part.block, hash)?;
        if is_valid {
            self.undecided.put(&part, hash).map_err(|error| AppFailure::Io("a proposed block", error))?;
        }
        self.told.insert((part.round, hash));
        Ok(Some(self.value(&part, hash, is_valid)))
    }

    fn told_in(&self, round: Round) -> usize {
        self.told.range((round, B256::ZERO)..=(round, B256::repeat_byte(0xff))).count()
    }

    /// Whether the block with these bytes and this hash is valid on the head; what is valid is ready to commit then. The
    /// verdict depends on nothing but the block and its parent's state.
    pub(super) fn judge(&mut self, bytes: &[u8], hash: B256) -> Result<bool, AppFailure> {
        if let Some(verdict) = self.verdicts.get(&hash) {
            return Ok(*verdict);
        }
        match self.examine(bytes)? {
            Ok(()) => Ok(true),
            Err(reason) => {
                tracing::warn!(height = self.height.0, %hash, reason, "a proposed block is invalid");
                self.keep_verdict(hash, false);
                Ok(false)
            }
        }
    }

    /// Executes the block; keeps it if it is valid, else returns why it is not.
    pub(super) fn examine(&mut self, bytes: &[u8]) -> Result<Result<(), String>, AppFailure> {
        let block = match body::decode(bytes, self.chain.config()) {
            Ok(block) => block,
            Err(error) => return Ok(Err(error.to_string())),
        };
        if let Err(reason) = self.check_beneficiary(&block) {
            return Ok(Err(reason));
        }
        match self.chain.validate(&self.parent()?, &block) {
            Ok(prepared) => {
                self.keep_prepared(prepared);
                Ok(Ok(()))
            }
            Err(BlockError::Fatal(fatal)) => Err(fatal.into()),
            Err(error) => Ok(Err(error.to_string())),
        }
    }

    /// The tips belong to whoever proposed in the round that the header names.
    fn check_beneficiary(&self, block: &Block) -> Result<(), String> {
        let round = first_round(&block.header.extra_data).ok_or("the header names no round")?;
        let proposer = self.proposer(Round::new(round));
        if block.header.beneficiary == proposer.0 {
            return Ok(());
        }
        Err(format!("the beneficiary is {}, the proposer of round {round} is {proposer}", block.header.beneficiary))
    }
}
