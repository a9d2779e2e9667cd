//! The network between nodes: what leaves one, what becomes of it on the way, and what it is to whom it reaches.

use bytes::Bytes;
use malachite::app::consensus::{Input, LivenessMsg};
use malachite::app::streaming::StreamContent;
use malachite::app::types::SignedConsensusMsg;

use super::{Event, World};
use crate::engine::Node;
use crate::env::{Env, Message, Out};
use crate::plan::{SECOND, Weather};
use crate::trace::Time;
use crate::wire::Wire;

impl World<'_> {
    pub(super) fn leave(&mut self, index: usize, life: u64, at: Time, out: Out) {
        let byzantine = !self.checker.is_honest(index);
        match out {
            Out::Alternative(height, round, block) => self.scheme.has_alternative(height, round, block),
            Out::Later(what) => self.push(at, Event::Local { node: index, life, what }),
            Out::Broadcast(wire) if byzantine => {
                for (to, bytes) in self.scheme.broadcasts(index, wire, self.plan, self.roster, &mut self.dice) {
                    self.send(at, index, to, bytes);
                }
            }
            Out::Send(to, wire) if byzantine => {
                let (to, bytes) = self.scheme.answers((index, to), wire, self.plan, self.roster, &mut self.dice);
                self.send(at, index, to, bytes);
            }
            Out::Broadcast(wire) => {
                let bytes = wire.encode();
                for to in (0..self.slots.len()).filter(|to| *to != index) {
                    self.send(at, index, to, bytes.clone());
                }
            }
            Out::Send(to, wire) => self.send(at, index, to, wire.encode()),
        }
    }

    pub(crate) fn send(&mut self, at: Time, from: usize, to: usize, bytes: Bytes) {
        let Weather { delay, lost, twice, late } = self.weather;
        if self.groups[from] != self.groups[to] && !self.dice.happens(50_000) || self.dice.happens(lost) {
            return;
        }
        let copies = 1 + u64::from(self.dice.happens(twice));
        for _ in 0..copies {
            let mut takes = self.dice.between(delay.0.min(delay.1), delay.1);
            if self.dice.happens(late) {
                takes += self.dice.below(5 * SECOND);
            }
            self.push(at + takes, Event::Frame { from, to, bytes: bytes.clone() });
        }
    }

    pub(super) fn deliver(&mut self, from: usize, to: usize, bytes: &Bytes) {
        if self.groups[from] != self.groups[to] {
            return;
        }
        if !self.checker.is_honest(to) {
            self.scheme.sees(bytes, &mut self.dice);
        }
        let Ok(wire) = Wire::decode(bytes) else {
            self.checker.tally.undecodable += 1;
            return;
        };
        let input = |input| Some(Message::Input(Box::new(input)));
        let message = match wire {
            Wire::Consensus(SignedConsensusMsg::Vote(vote)) | Wire::Liveness(LivenessMsg::Vote(vote)) => {
                input(Input::Vote(vote))
            }
            Wire::Consensus(SignedConsensusMsg::Proposal(proposal)) => input(Input::Proposal(proposal)),
            Wire::Liveness(LivenessMsg::PolkaCertificate(polka)) => input(Input::PolkaCertificate(polka)),
            Wire::Liveness(LivenessMsg::SkipRoundCertificate(round)) => input(Input::RoundCertificate(round)),
            Wire::Part(message) => match message.content {
                StreamContent::Data(part) => Some(Message::Part(part)),
                StreamContent::Fin => None,
            },
            Wire::Status(status) => {
                return self.act(to, |node, env| {
                    node.host.sync.heard(from, status.tip_height.0);
                    ask_peers(node, env);
                    Ok(())
                });
            }
            Wire::Request(request) => {
                return self.act(to, |node, env| {
                    let answer = node.host.serve(&request)?;
                    env.emit(Out::Send(from, answer));
                    Ok(())
                });
            }
            Wire::Response(response) => {
                return self.act(to, |node, env| {
                    node.host.sync.answered(from, response, node.position().0);
                    node.feed_synced(env)
                });
            }
            Wire::Transaction(raw) => {
                return self.act(to, |node, _| {
                    if let Some(node) = &node.host.node {
                        node.submit(&raw);
                    }
                    Ok(())
                });
            }
        };
        if let Some(message) = message {
            self.act(to, |node, env| node.handle(message, env));
        }
    }
}

/// Asks a peer for what the node has not got.
pub(super) fn ask_peers(node: &mut Node, env: &mut Env<'_>) {
    let height = node.position().0;
    // A height that is decided here needs nobody's help.
    if height > node.host.head()
        && let Some((peer, request)) = node.host.sync.next_request(env.now, height, env.dice)
    {
        env.emit(Out::Send(peer, request));
    }
}
