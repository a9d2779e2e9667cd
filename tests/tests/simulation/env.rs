//! What a node sees of the world while it handles one event.

use bytes::Bytes;
use esker::consensus::context::{BlockHash, EskerContext, Height, ProposalPart, ValidatorAddress};
use malachite::app::consensus::MisbehaviorEvidence;
use malachite::app::metrics::Metrics;
use malachite::app::types::core::{CommitCertificate, Round, Timeout, ValueOrigin, ValueResponse};
use malachite::app::types::{LocallyProposedValue, ProposedValue};

use super::checker::Checker;
use super::dice::Dice;
use super::kills::{Doom, What, When};
use super::plan::Plan;
use super::roster::Roster;
use super::signer::OnceVerifier;
use super::trace::{Time, Trace};
use super::wire::Wire;

/// The engine's inbox.
#[derive(Clone, Debug)]
pub enum Message {
    /// A vote or proposal, or one of the certificates, as an input.
    Input(Box<malachite::app::consensus::Input<EskerContext>>),
    /// The application starts a height.
    StartHeight(u64),
    /// A timer ran out, if it is still the one with this number.
    Timer(Timeout, u64),
    /// The application proposes.
    Propose(LocallyProposedValue<EskerContext>),
    /// The application judged a body.
    Proposed(ProposedValue<EskerContext>, ValueOrigin),
    /// A peer's body, which the engine passes on.
    Part(ProposalPart),
}

/// The application's inbox. It handles one after the other.
#[derive(Clone, Debug)]
pub enum Request {
    /// The engine is there.
    Ready,
    /// A peer's body.
    Part(ProposalPart),
    /// Something to propose is wanted.
    GetValue(Height, Round),
    /// A body is to be sent again.
    Restream(Height, Round, Round, ValidatorAddress, BlockHash),
    /// Decided: make it durable.
    Decided(CommitCertificate<EskerContext>),
    /// Nothing more comes for this height.
    Finalized(Height, Box<MisbehaviorEvidence<EskerContext>>),
    /// A peer's block whose certificate holds.
    Synced(Box<ValueResponse<EskerContext>>, ValidatorAddress),
}

impl Request {
    /// Which height it is about; 0 if about none.
    pub fn height(&self) -> u64 {
        match self {
            Self::Ready => 0,
            Self::Part(part) => part.height.0,
            Self::GetValue(height, _) | Self::Restream(height, ..) | Self::Finalized(height, _) => height.0,
            Self::Decided(certificate) => certificate.height.0,
            Self::Synced(response, _) => response.certificate.height.0,
        }
    }
}

/// What a node sends to itself.
#[derive(Clone, Debug)]
pub enum Local {
    /// To its engine.
    Engine(Message),
    /// To its application.
    Host(Request),
    /// Time to tell the peers how far it is.
    Tick,
}

/// What leaves a node.
#[derive(Clone, Debug)]
pub enum Out {
    /// To everybody.
    Broadcast(Wire),
    /// To one.
    Send(usize, Wire),
    /// To its friends alone: another block that it could have proposed at this height and round.
    Alternative(u64, i64, Bytes),
    /// To itself, later.
    Later(Local),
}

/// The world as a node sees it while it handles an event.
pub struct Env<'a> {
    /// When the event happens.
    pub now: Time,
    /// How long handling it took so far.
    pub spent: Time,
    /// Who is who.
    pub roster: &'a Roster,
    /// What the seed drew.
    pub plan: &'a Plan,
    /// Verifies.
    pub verifier: &'a OnceVerifier,
    /// Nobody reads them.
    pub metrics: &'a Metrics,
    /// Chance.
    pub dice: &'a mut Dice,
    /// Watches.
    pub checker: &'a mut Checker,
    /// Remembers.
    pub trace: &'a mut Trace,
    /// What leaves the node, and when.
    pub out: Vec<(Time, Out)>,
    /// How likely the node dies at each step, per million.
    pub deadly: u64,
    /// Dies at this step, counted over the whole run, if that is to happen.
    pub step: &'a mut Option<u64>,
    /// Which node it is.
    pub node: usize,
    /// Who dies at a step with a name.
    pub doom: &'a mut Doom,
}

impl Env<'_> {
    /// The time by now.
    pub fn at(&self) -> Time {
        self.now + self.spent
    }

    /// Something leaves the node now.
    pub fn emit(&mut self, what: Out) {
        self.out.push((self.at(), what));
    }

    /// Something comes back to the node then.
    pub fn later(&mut self, at: Time, what: Local) {
        self.out.push((at, Out::Later(what)));
    }

    /// Whether the node dies on this side of a step.
    pub fn dies_at(&mut self, what: What, when: When, height: u64) -> bool {
        self.doom.strikes(self.node, what, when, height) || self.dies()
    }

    /// Whether the node dies between two steps.
    fn dies(&mut self) -> bool {
        if let Some(left) = self.step {
            if *left == 0 {
                *self.step = None;
                return true;
            }
            *left -= 1;
        }
        self.dice.happens(self.deadly)
    }
}

/// Why a node does not go on.
#[derive(Clone, Debug)]
pub enum Stop {
    /// It crashed, as the plan has it.
    Crash,
    /// It gave up, which no honest node may.
    Broken(String),
}
