//! What the node says about its part in consensus: written by the application, read by RPC.

use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::Address;
use parking_lot::RwLock;

/// Where the engine stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The height that is being decided.
    pub height: u64,
    /// Its round.
    pub round: u32,
    /// What the round waits for.
    pub step: Step,
    /// Who proposes in it.
    pub proposer: Option<Address>,
    /// Whether this node votes at this height.
    pub is_validator: bool,
    /// Whether it signs; see [`super::sign_state`].
    pub is_signing: bool,
    /// From the moment the last block was known here until it was durable.
    pub finality: Option<Duration>,
    /// Connected peers.
    pub peers: usize,
    /// The highest block that must have been decided, since a validator votes for the one after it.
    pub highest: u64,
    /// The last block when the node started.
    pub started_at: u64,
}

/// What a round waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Step {
    /// The engine starts.
    #[default]
    Starting,
    /// A proposal.
    Propose,
    /// Prevotes.
    Prevote,
    /// Precommits.
    Precommit,
    /// The next height.
    Commit,
}

impl Step {
    /// Its name in answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Propose => "propose",
            Self::Prevote => "prevote",
            Self::Precommit => "precommit",
            Self::Commit => "commit",
        }
    }
}

/// The standing, shared.
#[derive(Clone, Debug, Default)]
pub struct Status(Arc<RwLock<Standing>>);

impl Status {
    /// The standing now.
    #[must_use]
    pub fn get(&self) -> Standing {
        *self.0.read()
    }

    /// Changes it.
    pub fn update(&self, change: impl FnOnce(&mut Standing)) {
        change(&mut self.0.write());
    }
}
