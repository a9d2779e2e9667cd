//! The application that Malachite decides for: proposes blocks from the mempool, executes what others propose before it
//! is voted on, commits what is decided, serves and takes what was decided before.
//!
//! Everything here blocks the calling thread and knows nothing of channels or actors: [`super::engine`] connects it, and a
//! test can drive it step by step. What the engine is told is durable before it is told.

mod decide;
mod failure;
mod propose;
mod receive;
mod sync;
#[cfg(test)]
mod tests;

pub use failure::AppFailure;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use alloy_primitives::B256;
use esker_runtime::{Parent, PreparedBlock, validator_set};
use malachite::app::types::ProposedValue;
use malachite::app::types::core::{Context as _, HeightParams, Round, Validator as _, ValidatorSet as _, Validity};

use super::context::{BlockHash, EskerContext, Height, ProposalPart, ValidatorAddress, Voters};
use super::domain::Domain;
use super::evidence::{EVIDENCE, EvidenceStore};
use super::signing::{ConsensusSigner, ConsensusVerifier};
use super::status::{Status, Step};
use super::timing::Timing;
use super::undecided::Undecided;
use crate::chain::{Chain, Clock};
use crate::mempool::Pool;

/// Most executed blocks of a height kept in memory, ready to commit. Another one that is decided is executed again.
const PREPARED_MAX: usize = 4;
/// Most verdicts remembered of a height.
const VERDICTS_MAX: usize = 1_024;
/// A proposer may propose one block a round; one that proposes two lies, and the second is needed to prove it.
const PROPOSALS_PER_ROUND_MAX: usize = 2;

/// What the application works on.
pub struct Parts {
    /// Blocks and states.
    pub chain: Arc<Chain>,
    /// Where the transactions of a proposal come from.
    pub pool: Arc<Pool>,
    /// What time it is.
    pub clock: Arc<Clock>,
    /// Signs bodies; `None` on a node that does not vote.
    pub signer: Option<Arc<ConsensusSigner>>,
    /// Durations.
    pub timing: Timing,
    /// Where RPC reads how it goes.
    pub status: Status,
}

/// The application.
pub struct Application {
    chain: Arc<Chain>,
    pool: Arc<Pool>,
    clock: Arc<Clock>,
    signer: Option<Arc<ConsensusSigner>>,
    timing: Timing,
    status: Status,
    verifier: ConsensusVerifier,
    folder: std::path::PathBuf,
    undecided: Undecided,
    evidence: EvidenceStore,
    /// Who decides about the height.
    voters: Voters,
    height: Height,
    round: Round,
    /// Blocks of the height that are valid and executed.
    prepared: BTreeMap<B256, PreparedBlock>,
    /// Whether blocks of the height are valid in themselves.
    verdicts: BTreeMap<B256, bool>,
    /// Which proposals the engine has been told of.
    told: BTreeSet<(Round, B256)>,
    /// Proposals whose time has not come.
    early: receive::Early,
    /// When the last block of the height became known.
    known_since: Option<Instant>,
    /// What serving those who are behind took.
    serving: sync::Serving,
    /// The highest height that a validator has proposed at.
    others_at: u64,
}

impl Application {
    /// Opens what the application keeps in `folder`, and goes on from the chain's head.
    ///
    /// # Errors
    /// [`AppFailure`] if the folder cannot be used or the state names no validators.
    pub fn open(parts: Parts, domain: Domain, folder: &Path) -> Result<Self, AppFailure> {
        let Parts { chain, pool, clock, signer, timing, status } = parts;
        let head = chain.head();
        let number = head.block.header.number;
        chain.config().rules_at(number.saturating_add(1))?;
        let failed = |what: &'static str| move |error| AppFailure::Io(what, error);
        let undecided = Undecided::open(&folder.join("undecided"), number).map_err(failed("proposed blocks"))?;
        let evidence = EvidenceStore::open(&folder.join(EVIDENCE)).map_err(failed("evidence"))?;
        let voters = Voters::new(&validator_set(&head.state)?)?;
        Ok(Self {
            chain,
            pool,
            clock,
            signer,
            timing,
            status,
            verifier: ConsensusVerifier(domain),
            folder: folder.to_owned(),
            undecided,
            evidence,
            voters,
            height: Height(number + 1),
            round: Round::Nil,
            prepared: BTreeMap::new(),
            verdicts: BTreeMap::new(),
            told: BTreeSet::new(),
            early: receive::Early::default(),
            known_since: None,
            serving: sync::Serving::default(),
            others_at: 0,
        })
    }

    /// The height to decide next, and how. Where others have been at it for a while (`late`), its pace is shorter by
    /// that: a node that waited as long as they do would come too late to every height.
    #[must_use]
    pub fn next(&self, late: Duration) -> (Height, HeightParams<EskerContext>) {
        let target = self.timing.target(self.head_age()).map(|target| target.saturating_sub(late));
        (self.height, HeightParams::new(self.voters.clone(), self.timing.timeouts(), target))
    }

    /// The height that is being decided.
    #[must_use]
    pub const fn height(&self) -> Height {
        self.height
    }

    /// The highest height that a validator is known to have begun.
    #[must_use]
    pub const fn others_at(&self) -> u64 {
        self.others_at
    }

    /// Seconds since the head was made, by this node's clock.
    fn head_age(&self) -> u64 {
        self.clock.now().saturating_sub(self.chain.head().block.header.timestamp)
    }

    fn parent(&self) -> Result<Parent, AppFailure> {
        Ok(self.chain.head().as_parent()?)
    }

    fn proposer(&self, round: Round) -> ValidatorAddress {
        *EskerContext.select_proposer(&self.voters, self.height, round).address()
    }

    /// A round begins. Returns the proposals for it that the engine has not been told of: kept from before a restart, or
    /// come too early.
    ///
    /// # Errors
    /// [`AppFailure`]: the node cannot go on.
    pub fn started_round(
        &mut self,
        height: Height,
        round: Round,
        proposer: ValidatorAddress,
    ) -> Result<Vec<ProposedValue<EskerContext>>, AppFailure> {
        if height != self.height {
            return Ok(Vec::new());
        }
        self.round = round;
        let mine = self.signer.as_ref().map(|signer| signer.address());
        let is_validator = mine.is_some_and(|address| self.voters.get_by_address(&address).is_some());
        let is_signing = self.signer.as_ref().is_some_and(|signer| signer.signs_at(height.0));
        self.status.update(|standing| {
            standing.height = height.0;
            standing.round = round.as_u32().unwrap_or(0);
            standing.proposer = Some(proposer.0);
            standing.step = Step::Propose;
            standing.is_validator = is_validator;
            standing.is_signing = is_validator && is_signing;
        });
        let mut proposals = self.undecided.in_round(round);
        proposals.extend(self.early.due(height, round));
        let mut values = Vec::new();
        for part in proposals {
            values.extend(self.consider(part)?);
        }
        Ok(values)
    }

    /// What the engine is told of a proposal.
    fn value(&self, part: &ProposalPart, hash: B256, is_valid: bool) -> ProposedValue<EskerContext> {
        ProposedValue {
            height: part.height,
            round: part.round,
            valid_round: part.pol_round,
            proposer: part.proposer,
            value: BlockHash(hash),
            validity: Validity::from_bool(is_valid),
        }
    }

    fn keep_prepared(&mut self, block: PreparedBlock) {
        let hash = block.block().hash;
        self.keep_verdict(hash, true);
        while self.prepared.len() >= PREPARED_MAX {
            self.prepared.pop_first();
        }
        self.prepared.insert(hash, block);
    }

    fn keep_verdict(&mut self, hash: B256, is_valid: bool) {
        if self.verdicts.len() >= VERDICTS_MAX {
            // They are found anew.
            self.verdicts.clear();
        }
        self.verdicts.insert(hash, is_valid);
    }
}
