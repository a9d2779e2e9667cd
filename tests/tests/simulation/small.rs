//! The small application: proposes blocks of a few numbers, judges them, keeps the chain, as the node's own one does. It
//! costs next to nothing, and any of its safeguards can be taken away to see what it is for.

use std::collections::BTreeMap;
use std::time::Duration;

use alloy_primitives::B256;
use esker::consensus::codec::EskerCodec;
use esker::consensus::context::{BlockHash, EskerContext, Height, ProposalPart, ValidatorAddress, Voter};
use malachite::app::types::codec::Codec as _;
use malachite::app::types::core::{
    CommitCertificate, HeightParams, Round, Validator as _, Validity, ValueOrigin, ValueResponse,
};
use malachite::app::types::{LocallyProposedValue, ProposedValue};

use super::app::{stream, unsigned};
use super::block::{Block, hash};
use super::disk::Decided;
use super::engine::{Host, timeouts};
use super::env::{Env, Local, Message, Out, Request, Stop};
use super::kills::{What, When};
use super::plan::SECOND;
use super::sync;
use super::trace::Time;

/// How far ahead of the local clock a block's timestamp may be before the block is held back.
const AHEAD_MAX: Time = 2_000_000;
/// Heights to come for which bodies are kept.
const FUTURE_HEIGHTS: u64 = 4;
/// Bodies kept for each of them.
const FUTURE_PARTS: usize = 16;

/// What the application loses in a crash.
#[derive(Default)]
pub struct Small {
    /// Bodies of heights to come.
    future: BTreeMap<u64, Vec<ProposalPart>>,
    /// Bodies whose timestamps are too far ahead: offered again with the next round.
    held: Vec<ProposalPart>,
    /// Heights at which this node judges wrongly, once: what a passing fault of a machine amounts to.
    pub misjudges: Vec<u64>,
}

impl Host {
    /// The set that decides about `height`, and how fast.
    pub fn small_next(&self, height: u64, env: &Env<'_>) -> HeightParams<EskerContext> {
        // Not while the chain is behind the clock.
        let last = self.disk.parent(env.roster.domain.genesis).time;
        let target = env.plan.target.filter(|target| self.clock.shows(env.at()).saturating_sub(last) <= 2 * target);
        HeightParams::new(env.roster.voters(height).clone(), timeouts(), target.map(Duration::from_micros))
    }

    /// The engine starts a round: gives it the bodies that wait for it.
    pub fn small_started_round(
        &mut self,
        height: Height,
        round: Round,
        env: &mut Env<'_>,
    ) -> Vec<ProposedValue<EskerContext>> {
        let mut values: Vec<_> = self
            .disk
            .parts
            .range((height.0, round.as_i64(), B256::ZERO)..=(height.0, round.as_i64(), B256::repeat_byte(0xff)))
            .filter_map(|(_, part)| EskerCodec.decode(part.clone()).ok())
            .collect();
        self.small.future = self.small.future.split_off(&height.0);
        values.extend(self.small.future.remove(&height.0).unwrap_or_default());
        values.append(&mut self.small.held);
        values.into_iter().filter_map(|part| self.judge(part, env)).collect()
    }

    /// Answers one request of the engine.
    pub fn small_answer(&mut self, request: Request, env: &mut Env<'_>) -> Result<(), Stop> {
        match request {
            Request::Ready => {}
            Request::Part(part) => {
                if let Some(value) = self.judge(part, env) {
                    env.later(env.at(), Local::Engine(Message::Proposed(value, ValueOrigin::Consensus)));
                }
            }
            Request::GetValue(height, round) => self.propose(height, round, env),
            Request::Restream(height, round, valid_round, proposer, value) => {
                self.restream(height, round, valid_round, proposer, value, env);
            }
            Request::Decided(certificate) => return self.commit(&certificate, env),
            Request::Finalized(height, evidence) => {
                env.checker.accuses(env.roster, env.verifier, self.index, height.0, &evidence);
                let pause = env.plan.pause(env.dice);
                env.later(env.at() + pause, Local::Engine(Message::StartHeight(height.0 + 1)));
            }
            Request::Synced(response, proposer) => return self.judge_synced(*response, proposer, env),
        }
        Ok(())
    }

    fn propose(&mut self, height: Height, round: Round, env: &mut Env<'_>) {
        if height.0 != self.disk.head() + 1 {
            return;
        }
        let parent = self.disk.parent(env.roster.domain.genesis);
        let key = (height.0, round.as_i64());
        let again = self.disk.built.get(&key).filter(|_| env.plan.remembers).copied();
        let kept = again.and_then(|value| self.disk.undecided.get(&(height.0, value))).cloned();
        let bytes = kept.unwrap_or_else(|| {
            let block = Block::on(&parent, self.clock.shows(env.at()), env.dice.number());
            env.plan.behaviour(self.index).map_or(block.encode(), |behaviour| behaviour.spoil(block, env.dice))
        });
        let value = hash(&bytes);
        self.disk.undecided.insert((height.0, value.0), bytes.clone());
        self.disk.built.insert(key, value.0);
        let address = env.roster.nodes[self.index].address;
        let hurries = env.plan.behaviour(self.index).is_some_and(|behaviour| behaviour.hurries);
        let pol_round = if hurries { Round::new(0) } else { Round::Nil };
        let part = self.signer.part(unsigned(height, round, pol_round, address, bytes));
        self.keep_part(&part, value);
        env.emit(Out::Broadcast(stream(part)));
        env.later(env.at(), Local::Engine(Message::Propose(LocallyProposedValue::new(height, round, value))));
    }

    fn keep_part(&mut self, part: &ProposalPart, value: BlockHash) {
        let bytes = EskerCodec.encode(part).expect("the codec encodes every part");
        self.disk.parts.insert((part.height.0, part.round.as_i64(), value.0), bytes);
    }

    fn restream(
        &mut self,
        height: Height,
        round: Round,
        valid_round: Round,
        proposer: ValidatorAddress,
        value: BlockHash,
        env: &mut Env<'_>,
    ) {
        let address = env.roster.nodes[self.index].address;
        if proposer == address {
            let Some(body) = self.disk.undecided.get(&(height.0, value.0)) else { return };
            let part = self.signer.part(unsigned(height, round, valid_round, address, body.clone()));
            self.keep_part(&part, value);
            env.emit(Out::Broadcast(stream(part)));
        } else if let Some(part) = self.disk.parts.get(&(height.0, round.as_i64(), value.0)) {
            // Somebody else's: only its proposer could sign it anew.
            if let Ok(part) = EskerCodec.decode(part.clone()) {
                env.emit(Out::Broadcast(stream(part)));
            }
        }
    }

    /// Judges a body; none if it is not from the proposer, or not for now.
    fn judge(&mut self, part: ProposalPart, env: &mut Env<'_>) -> Option<ProposedValue<EskerContext>> {
        let next = self.disk.head() + 1;
        let (height, round) = (part.height, part.round);
        if height.0 != next {
            if height.0 > next && height.0 <= next + FUTURE_HEIGHTS {
                let waiting = self.small.future.entry(height.0).or_default();
                if waiting.len() < FUTURE_PARTS {
                    waiting.push(part);
                }
            }
            return None;
        }
        let proposer: &Voter = env.roster.proposer(height, round);
        if *proposer.address() != part.proposer || !env.verifier.part(&part, proposer.public_key()) {
            return None;
        }
        let parent = self.disk.parent(env.roster.domain.genesis);
        let value = hash(&part.block);
        let block = Block::decode(&part.block);
        if let Some(block) = block
            && (env.plan.checks_time || part.pol_round == Round::Nil)
            && block.time > self.clock.shows(env.at()) + AHEAD_MAX
        {
            if self.small.held.len() < FUTURE_PARTS {
                self.small.held.push(part);
            }
            return None;
        }
        let mut valid = block.is_some_and(|block| block.is_valid_on(&parent));
        if self.small.misjudges.contains(&height.0) {
            valid = false;
        }
        self.disk.undecided.insert((height.0, value.0), part.block.clone());
        self.keep_part(&part, value);
        let validity = Validity::from_bool(valid);
        Some(ProposedValue { height, round, valid_round: part.pol_round, proposer: part.proposer, value, validity })
    }

    fn judge_synced(
        &mut self,
        response: ValueResponse<EskerContext>,
        proposer: ValidatorAddress,
        env: &mut Env<'_>,
    ) -> Result<(), Stop> {
        let (height, round) = (response.certificate.height, response.certificate.round);
        if height.0 != self.disk.head() + 1 {
            return Ok(());
        }
        let value = hash(&response.value_bytes);
        if value != response.certificate.value_id {
            if let Some(from) = env.roster.peer(&response.peer) {
                self.sync.blame(from);
            }
            return Ok(());
        }
        let parent = self.disk.parent(env.roster.domain.genesis);
        if !Block::decode(&response.value_bytes).is_some_and(|block| block.is_valid_on(&parent)) {
            return Err(Stop::Broken(format!("block {height} is certified and not valid")));
        }
        env.checker.tally.synced += 1;
        let block = response.value_bytes;
        self.disk.undecided.insert((height.0, value.0), block);
        let (valid_round, validity) = (Round::Nil, Validity::Valid);
        let value = ProposedValue { height, round, valid_round, proposer, value, validity };
        env.later(env.at(), Local::Engine(Message::Proposed(value, ValueOrigin::Sync)));
        Ok(())
    }

    fn commit(&mut self, certificate: &CommitCertificate<EskerContext>, env: &mut Env<'_>) -> Result<(), Stop> {
        let height = certificate.height.0;
        if height <= self.disk.head() {
            return Ok(());
        }
        let Some(body) = self.disk.undecided.get(&(height, certificate.value_id.0)).cloned() else {
            return Err(Stop::Broken(format!("height {height} is decided and the body is not here")));
        };
        if env.plan.notes_blocks {
            let time = Block::decode(&body).map_or(0, |block| block.time);
            self.signer.decided(height, time / SECOND);
        }
        if env.dies_at(What::Store, When::Before, height) {
            return Err(Stop::Crash);
        }
        self.disk.commit(Decided { block: body.clone(), certificate: sync::stored(certificate) });
        env.checker.commits(self.index, height, certificate.round.as_i64(), &body);
        Ok(())
    }
}
