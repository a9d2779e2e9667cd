//! The steps of a height, by name, and a plan to die at one of them.

use std::collections::BTreeSet;

use esker::consensus::context::EskerContext;
use malachite::app::consensus::Effect;
use malachite::app::types::SignedConsensusMsg;
use malachite::app::types::core::VoteType;

use super::env::Request;

/// What a node is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// The engine starts a height, with the set that the application named.
    Height,
    /// A round begins.
    Round,
    /// The proposer builds a block: its body is durable afterwards.
    Build,
    /// A body is executed and judged: if it is valid it is durable afterwards.
    Judge,
    /// A block from sync is checked, executed and judged.
    Sync,
    /// An entry goes to the engine's log, not durable yet.
    Log,
    /// The log is made durable, before a signature.
    LogSync,
    /// A proposal is recorded and signed.
    SignProposal,
    /// A prevote is recorded and signed.
    SignPrevote,
    /// A precommit is recorded and signed.
    SignPrecommit,
    /// A proposal is made durable in the log and sent.
    PublishProposal,
    /// A prevote is made durable in the log and sent.
    PublishPrevote,
    /// A precommit is made durable in the log and sent.
    PublishPrecommit,
    /// The engine says that a block is decided.
    Decide,
    /// The application is told so; nothing is recorded before, all of it afterwards.
    Commit,
    /// Block, state, certificate and with them the next set are written. Before it, the guard knows of the block.
    Store,
    /// The engine says that nothing more comes for the height.
    Finalize,
    /// The application keeps the height's evidence and names the next height.
    Keep,
    /// Anything else.
    Other,
}

impl What {
    /// Those that have a meaning of their own.
    pub const ALL: [Self; 18] = [
        Self::Height,
        Self::Round,
        Self::Build,
        Self::Judge,
        Self::Sync,
        Self::Log,
        Self::LogSync,
        Self::SignProposal,
        Self::SignPrevote,
        Self::SignPrecommit,
        Self::PublishProposal,
        Self::PublishPrevote,
        Self::PublishPrecommit,
        Self::Decide,
        Self::Commit,
        Self::Store,
        Self::Finalize,
        Self::Keep,
    ];

    /// What the application does for this request.
    pub fn answers(request: &Request) -> Self {
        match request {
            Request::Ready | Request::Restream(..) => Self::Other,
            Request::Part(_) => Self::Judge,
            Request::GetValue(..) => Self::Build,
            Request::Decided(_) => Self::Commit,
            Request::Finalized(..) => Self::Keep,
            Request::Synced(..) => Self::Sync,
        }
    }

    /// What the engine does for this effect.
    pub fn follows(effect: &Effect<EskerContext>) -> Self {
        let vote = |kind: VoteType, prevote, precommit| match kind {
            VoteType::Prevote => prevote,
            VoteType::Precommit => precommit,
        };
        match effect {
            Effect::StartRound(..) => Self::Round,
            Effect::WalAppend(..) => Self::Log,
            Effect::SignProposal(..) => Self::SignProposal,
            Effect::SignVote(cast, _) => vote(cast.kind, Self::SignPrevote, Self::SignPrecommit),
            Effect::PublishConsensusMsg(SignedConsensusMsg::Proposal(_), _) => Self::PublishProposal,
            Effect::PublishConsensusMsg(SignedConsensusMsg::Vote(cast), _) => {
                vote(cast.message.kind, Self::PublishPrevote, Self::PublishPrecommit)
            }
            Effect::Decide(..) => Self::Decide,
            Effect::Finalize(..) => Self::Finalize,
            _ => Self::Other,
        }
    }
}

/// On which side of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum When {
    /// Nothing of it happened.
    Before,
    /// It happened, and nothing after it.
    After,
}

/// Nodes that die at one step of one height, each once.
#[derive(Clone, Debug)]
pub struct Kill {
    /// The step.
    pub what: What,
    /// Its side.
    pub when: When,
    /// The height.
    pub height: u64,
    /// Who dies there.
    pub nodes: BTreeSet<usize>,
    /// Whether all nodes die when the first of these does.
    pub together: bool,
}

/// A [`Kill`] under way.
#[derive(Default)]
pub struct Doom {
    kill: Option<Kill>,
    /// Who has died.
    pub struck: BTreeSet<usize>,
}

impl Doom {
    /// Waits for the nodes of `kill`.
    pub fn new(kill: Option<Kill>) -> Self {
        Self { kill, struck: BTreeSet::new() }
    }

    /// Whether `node` dies here.
    pub fn strikes(&mut self, node: usize, what: What, when: When, height: u64) -> bool {
        let Some(kill) = &mut self.kill else { return false };
        let is_there = (kill.what, kill.when, kill.height) == (what, when, height);
        if !is_there || (kill.together && !self.struck.is_empty()) || !kill.nodes.remove(&node) {
            return false;
        }
        self.struck.insert(node)
    }

    /// Whether everybody dies with the one that just did.
    pub fn is_general(&self) -> bool {
        self.kill.as_ref().is_some_and(|kill| kill.together)
    }
}
