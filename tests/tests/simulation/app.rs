//! The application beneath an engine, as the engine sees it: the small one of this simulation, or the node's own.

use bytes::Bytes;
use esker::consensus::context::{EskerContext, Height, ProposalPart, ValidatorAddress};
use malachite::app::streaming::StreamContent;
use malachite::app::types::ProposedValue;
use malachite::app::types::core::{HeightParams, Round};
use malachite::app::types::streaming::{StreamId, StreamMessage};
use malachite_ed25519::Signature;
use malachite_sync::Request as SyncRequest;

use super::engine::Host;
use super::env::{Env, Local, Message, Out, Request, Stop};
use super::kills::{What, When};
use super::sync::Sync;
use super::wire::Wire;

/// A body as it travels.
pub fn stream(part: ProposalPart) -> Wire {
    let id = [part.height.0.to_be_bytes(), part.round.as_i64().to_be_bytes()].concat();
    Wire::Part(StreamMessage::new(StreamId::new(id.into()), 0, StreamContent::Data(part)))
}

/// A body that is not signed yet.
pub fn unsigned(
    height: Height,
    round: Round,
    pol_round: Round,
    proposer: ValidatorAddress,
    block: Bytes,
) -> ProposalPart {
    ProposalPart { height, round, pol_round, proposer, block, signature: Signature::from_bytes([0; 64]) }
}

impl Host {
    /// Height of the last block.
    pub fn head(&self) -> u64 {
        self.node.as_ref().map_or_else(|| self.disk.head(), |node| node.head())
    }

    /// The set that decides about `height`, and how fast.
    pub fn next(&mut self, height: u64, env: &mut Env<'_>) -> HeightParams<EskerContext> {
        match &mut self.node {
            Some(node) => {
                let params = node.next(self.clock.shows(env.at()));
                env.checker.decides(self.index, height, &params.validator_set);
                params
            }
            None => self.small_next(height, env),
        }
    }

    /// The engine starts a round: gives it the bodies that wait for it.
    pub fn started_round(
        &mut self,
        height: Height,
        round: Round,
        proposer: ValidatorAddress,
        env: &mut Env<'_>,
    ) -> Result<Vec<ProposedValue<EskerContext>>, Stop> {
        if height.0 != self.head() + 1 {
            env.checker.violated(format!("node {} starts height {height} on {}", self.index, self.head()));
        }
        match &mut self.node {
            Some(node) => node.started_round(height, round, proposer, self.clock.shows(env.at())),
            None => Ok(self.small_started_round(height, round, env)),
        }
    }

    /// Answers one request of the engine.
    pub fn answer(&mut self, request: Request, env: &mut Env<'_>) -> Result<(), Stop> {
        let (what, height) = (What::answers(&request), request.height());
        if env.dies_at(what, When::Before, height) {
            return Err(Stop::Crash);
        }
        match request {
            Request::Ready => {
                let next = self.head() + 1;
                env.later(env.at(), Local::Engine(Message::StartHeight(next)));
            }
            request if self.node.is_some() => self.node_answer(request, env)?,
            request => self.small_answer(request, env)?,
        }
        if env.dies_at(what, When::After, height) {
            return Err(Stop::Crash);
        }
        if what == What::Commit {
            // The peers hear of it once it is durable.
            env.emit(Out::Broadcast(Sync::status(env.roster.nodes[self.index].peer, self.head())));
        }
        Ok(())
    }

    /// Answers a peer that is behind.
    pub fn serve(&mut self, request: &SyncRequest<EskerContext>) -> Result<Wire, Stop> {
        match &mut self.node {
            Some(node) => node.serve(request),
            None => Ok(Sync::answer(&self.disk, request)),
        }
    }
}
