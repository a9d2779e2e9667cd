//! What must hold whatever happens, and what was seen.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use alloy_primitives::{B256, keccak256};
use esker::chain::Chain;
use esker::consensus::context::{BlockHash, EskerContext, Proposal, Vote, Voters};
use malachite::app::consensus::MisbehaviorEvidence;
use malachite::app::types::core::VoteType;
use malachite_ed25519::Signature;

use super::block::{Block, Parent, hash};
use super::epochs::Epochs;
use super::roster::Roster;
use super::signer::OnceVerifier;

/// What one run amounted to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Crashes.
    pub crashes: u64,
    /// Blocks that a node got from its peers' chains.
    pub synced: u64,
    /// Times that the guard withheld a signature.
    pub withheld: u64,
    /// Blocks from sync that were not what their sender said.
    pub refused: u64,
    /// Frames that no decoder accepted.
    pub undecodable: u64,
    /// Highest round in which something was decided.
    pub round_max: i64,
    /// Log entries replayed.
    pub replayed: u64,
}

/// Watches a run.
pub struct Checker {
    /// The first thing that must not happen.
    pub violation: Option<String>,
    /// What was seen.
    pub tally: Tally,
    /// Who was found to have signed two things, by whom: votes, proposals.
    pub evidence: BTreeMap<(usize, usize), (usize, usize)>,
    byzantine: BTreeSet<usize>,
    signed: HashMap<(usize, u64, i64, u8), B256>,
    decided: BTreeMap<u64, (BlockHash, usize)>,
    last: Parent,
    /// Watches the sets of a chain with staking.
    pub epochs: Option<Epochs>,
}

impl Tally {
    /// Adds what another run amounted to.
    pub fn add(&mut self, other: &Self) {
        self.crashes += other.crashes;
        self.synced += other.synced;
        self.withheld += other.withheld;
        self.refused += other.refused;
        self.undecodable += other.undecodable;
        self.replayed += other.replayed;
        self.round_max = self.round_max.max(other.round_max);
    }
}

impl Checker {
    /// Watches nodes of which these are Byzantine.
    pub fn new(genesis: B256, byzantine: BTreeSet<usize>) -> Self {
        Self {
            violation: None,
            tally: Tally::default(),
            evidence: BTreeMap::new(),
            byzantine,
            signed: HashMap::new(),
            decided: BTreeMap::new(),
            last: Parent { height: 0, hash: genesis, time: 0 },
            epochs: None,
        }
    }

    /// Records that something happened that must not.
    pub fn violated(&mut self, what: String) {
        self.violation.get_or_insert(what);
    }

    /// Whether the node follows the rules.
    pub fn is_honest(&self, node: usize) -> bool {
        !self.byzantine.contains(&node)
    }

    /// The last height that anybody honest decided.
    pub fn height(&self) -> u64 {
        self.last.height
    }

    fn signs(
        &mut self,
        roster: &Roster,
        node: usize,
        place: (u64, i64, u8),
        bytes: &[u8],
        signature: &Signature,
        what: &str,
    ) {
        if !self.is_honest(node) {
            return;
        }
        if signature.to_bytes() == [0; 64] {
            self.tally.withheld += 1;
            return;
        }
        let (height, round, step) = place;
        let identity = &roster.nodes[node];
        if let Some(epochs) = &self.epochs
            && let Err(what) = epochs.signs(height, identity.address.0, identity.public_key.as_bytes())
        {
            return self.violated(what);
        }
        let digest = keccak256(bytes);
        let first = *self.signed.entry((node, height, round, step)).or_insert(digest);
        if first != digest {
            self.violated(format!("double sign: node {node} signed two {what}s at height {height}, round {round}"));
        }
    }

    /// A node signed a vote, or tried to.
    pub fn signs_vote(&mut self, roster: &Roster, node: usize, vote: &Vote, signature: &Signature) {
        let (step, what) = match vote.kind {
            VoteType::Prevote => (1, "prevote"),
            VoteType::Precommit => (2, "precommit"),
        };
        let place = (vote.height.0, vote.round.as_i64(), step);
        self.signs(roster, node, place, &roster.domain.vote(vote), signature, what);
    }

    /// A node signed a proposal, or tried to.
    pub fn signs_proposal(&mut self, roster: &Roster, node: usize, proposal: &Proposal, signature: &Signature) {
        let place = (proposal.height.0, proposal.round.as_i64(), 0);
        self.signs(roster, node, place, &roster.domain.proposal(proposal), signature, "proposal");
    }

    /// A node made a block part of its chain.
    pub fn commits(&mut self, node: usize, height: u64, round: i64, bytes: &[u8]) {
        if !self.is_honest(node) {
            return;
        }
        let value = hash(bytes);
        if let Some((first, by)) = self.decided.get(&height) {
            if *first != value {
                let what = format!("agreement: node {node} decided {value} at height {height}, node {by} {first}");
                self.violated(what);
            }
            return;
        }
        self.tally.round_max = self.tally.round_max.max(round);
        match Block::decode(bytes) {
            Some(block) if block.is_valid_on(&self.last) => {
                self.last = Parent { height, hash: value.0, time: block.time };
                self.decided.insert(height, (value, node));
            }
            other => self.violated(format!("validity: node {node} decided {other:?} on {:?}", self.last)),
        }
    }

    /// A node makes a height's beginning with this set.
    pub fn decides(&mut self, node: usize, height: u64, voters: &Voters) {
        if let Some(Err(what)) = self.epochs.as_ref().map(|epochs| epochs.decides(height, voters))
            && self.is_honest(node)
        {
            self.violated(format!("node {node}: {what}"));
        }
    }

    /// A node of a chain with staking made a block, its certificate and the next set part of its chain.
    pub fn commits_node(
        &mut self,
        node: usize,
        height: u64,
        round: i64,
        chain: &Chain,
        roster: &Roster,
        verifier: &OnceVerifier,
    ) {
        let Some(epochs) = self.epochs.as_mut().filter(|_| !self.byzantine.contains(&node)) else { return };
        let value = BlockHash(chain.head().block.hash);
        if let Some((first, by)) = self.decided.get(&height).filter(|(first, _)| *first != value) {
            let what = format!("agreement: node {node} decided {value} at height {height}, node {by} {first}");
            return self.violated(what);
        }
        match epochs.commits(height, chain, roster, verifier) {
            Ok(time) => {
                self.decided.entry(height).or_insert((value, node));
                self.tally.round_max = self.tally.round_max.max(round);
                if height > self.last.height {
                    self.last = Parent { height, hash: value.0, time };
                }
            }
            Err(what) => self.violated(format!("node {node}: {what}")),
        }
    }

    /// A node says that it keeps the evidence of a height.
    pub fn keeps(&mut self, node: usize, evidence: &MisbehaviorEvidence<EskerContext>) {
        if let Some(epochs) = self.epochs.as_mut().filter(|_| !self.byzantine.contains(&node)) {
            epochs.keeps(node, evidence);
        }
    }

    /// A node reports who broke the rules at a height.
    pub fn accuses(
        &mut self,
        roster: &Roster,
        verifier: &OnceVerifier,
        observer: usize,
        height: u64,
        evidence: &MisbehaviorEvidence<EskerContext>,
    ) {
        if !self.is_honest(observer) {
            return;
        }
        for (address, pairs) in evidence.votes.iter() {
            let offender = roster.index_of(*address);
            for (first, second) in pairs {
                let (one, two) = (&first.message, &second.message);
                let place = |vote: &Vote| (vote.kind, vote.height.0, vote.round, vote.voter);
                let holds = offender.is_some_and(|offender| {
                    let key = &roster.nodes[offender].public_key;
                    one != two
                        && place(one) == place(two)
                        && (one.height.0, one.voter) == (height, *address)
                        && verifier.vote(one, &first.signature, key)
                        && verifier.vote(two, &second.signature, key)
                });
                self.accused(observer, offender, holds, true);
            }
        }
        for (address, pairs) in evidence.proposals.iter() {
            let offender = roster.index_of(*address);
            for (first, second) in pairs {
                let (one, two) = (&first.message, &second.message);
                let holds = offender.is_some_and(|offender| {
                    let key = &roster.nodes[offender].public_key;
                    one != two
                        && (one.height, one.round, one.proposer) == (two.height, two.round, two.proposer)
                        && (one.height.0, one.proposer) == (height, *address)
                        && verifier.proposal(one, &first.signature, key)
                        && verifier.proposal(two, &second.signature, key)
                });
                self.accused(observer, offender, holds, false);
            }
        }
    }

    fn accused(&mut self, observer: usize, offender: Option<usize>, holds: bool, is_vote: bool) {
        let Some(offender) = offender.filter(|_| holds) else {
            return self.violated(format!("evidence: node {observer} reports a pair that proves nothing"));
        };
        if self.is_honest(offender) {
            return self.violated(format!("evidence: node {observer} reports honest node {offender}"));
        }
        let (votes, proposals) = self.evidence.entry((observer, offender)).or_default();
        *if is_vote { votes } else { proposals } += 1;
    }
}
