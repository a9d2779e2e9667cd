//! Building blocks, and sending proposals again.

use std::time::{Duration, Instant};

use alloy_primitives::B256;
use bytes::Bytes;
use esker_runtime::{Proposal, Proposed};
use malachite::app::types::core::Round;
use malachite_ed25519::Signature;

use super::{AppFailure, Application};
use crate::consensus::body;
use crate::consensus::context::{BlockHash, Height, ProposalPart, ValidatorAddress};
use crate::consensus::timing::Timing;
use crate::mempool::may_heal;

impl Application {
    /// Builds a block for `round` within 40 % of `timeout`. `None` if there is nothing to propose: another height, a node
    /// that does not sign, or a proposal that would come too late.
    ///
    /// # Errors
    /// [`AppFailure`]: the node cannot go on.
    pub fn propose(
        &mut self,
        height: Height,
        round: Round,
        timeout: Duration,
    ) -> Result<Option<(BlockHash, ProposalPart)>, AppFailure> {
        let Some(signer) = self.signer.clone() else { return Ok(None) };
        let (Some(number), true) = (round.as_u32(), height == self.height && signer.signs_at(height.0)) else {
            return Ok(None);
        };
        // What was proposed before a crash is proposed again: anything else would be a second proposal.
        if let Some(hash) = self.undecided.proposed_by(signer.address(), number)
            && let Some(part) = self.undecided.part(round, hash)
        {
            let is_valid = self.judge(&part.block, hash)?;
            return Ok(is_valid.then_some((BlockHash(hash), part)));
        }
        let deadline = Instant::now() + Timing::building(timeout);
        let parent = self.parent()?;
        let timestamp = self.clock.now();
        let beneficiary = signer.address().0;
        let mut source = self.pool.best(self.chain.next_base_fee());
        let proposal = Proposal { timestamp, beneficiary, round: number };
        let mut goes_on = || Instant::now() < deadline;
        let Proposed { block, refused } = self.chain.propose(&parent, proposal, &mut source, &mut goes_on)?;
        drop(source);
        for (hash, reason) in refused {
            if !may_heal(&reason) {
                self.pool.remove(hash);
            }
        }
        let hash = block.block().hash;
        let part = signer.sign_part(self.unsigned(round, Round::Nil, signer.address(), body::encode(block.block())));
        self.undecided.put(&part, hash).map_err(|error| AppFailure::Io("a proposed block", error))?;
        self.told.insert((round, hash));
        self.known_since = Some(Instant::now());
        tracing::debug!(height = height.0, round = number, %hash, transactions = block.block().transactions.len(), "proposing");
        self.keep_prepared(block);
        Ok(Some((BlockHash(hash), part)))
    }

    /// The proposal to send again: of a block that is proposed anew, signed by this node, or as its proposer signed it.
    /// `None` if it is not here any more.
    ///
    /// # Errors
    /// [`AppFailure`]: the node cannot go on.
    pub fn restream(
        &mut self,
        height: Height,
        round: Round,
        pol_round: Round,
        proposer: ValidatorAddress,
        hash: B256,
    ) -> Result<Option<ProposalPart>, AppFailure> {
        if height != self.height {
            return Ok(None);
        }
        if let Some(part) = self.undecided.part(round, hash) {
            return Ok(Some(part));
        }
        let Some(signer) = self.signer.clone().filter(|signer| signer.address() == proposer) else { return Ok(None) };
        let Some(block) = self.undecided.body(hash) else { return Ok(None) };
        let part = signer.sign_part(self.unsigned(round, pol_round, proposer, block));
        self.undecided.put(&part, hash).map_err(|error| AppFailure::Io("a proposed block", error))?;
        Ok(Some(part))
    }

    pub(super) fn unsigned(
        &self,
        round: Round,
        pol_round: Round,
        proposer: ValidatorAddress,
        block: Bytes,
    ) -> ProposalPart {
        let signature = Signature::from_bytes([0; 64]);
        ProposalPart { height: self.height, round, pol_round, proposer, block, signature }
    }
}
