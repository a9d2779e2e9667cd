//! What nodes do that do not follow the rules. They run the same core, so that they know what is going on, and send
//! something else.

use std::collections::{BTreeMap, BTreeSet};

use alloy_consensus::Header;
use alloy_primitives::{Address, B256};
use alloy_rlp::Decodable as _;
use bytes::Bytes;
use esker::consensus::codec::extended;
use esker::consensus::context::{BlockHash, EskerContext, Height, Proposal, ProposalPart, Vote};
use esker::consensus::{body, certificate};
use malachite::app::consensus::LivenessMsg;
use malachite::app::streaming::StreamContent;
use malachite::app::types::SignedConsensusMsg;
use malachite::app::types::core::{
    CommitCertificate, CommitSignature, NilOrVal, PolkaCertificate, Round, RoundCertificate, RoundCertificateType,
    SignedMessage, SignedVote, VoteType,
};
use malachite_sync::{RawDecidedValue, Response};

use super::app::stream;
use super::block::{Block, Parent, hash};
use super::dice::Dice;
use super::plan::{Plan, SECOND};
use super::roster::Roster;
use super::sync::Sync;
use super::wire::Wire;

/// Frames kept to be sent again.
const SEEN_MAX: usize = 256;

/// How a node breaks the rules; all that is set at once.
#[derive(Clone, Copy, Debug, Default)]
pub struct Behaviour {
    /// Proposes two blocks, each to half of the peers, and votes with its friends for both.
    pub two_faced: bool,
    /// Votes for one thing here and another there.
    pub double_votes: bool,
    /// Proposes blocks that are not valid.
    pub bad_blocks: bool,
    /// Sends its block to some only.
    pub withholds: bool,
    /// Votes and proposes out of turn: past and far rounds, other heights, unknown blocks.
    pub strays: bool,
    /// Sends bytes that mean nothing, and what others sent, again and changed.
    pub garbage: bool,
    /// Lies about its chain and answers with false blocks and certificates.
    pub false_sync: bool,
    /// Proposes blocks of the future, and says of each that it was accepted in a round before.
    pub hurries: bool,
    /// Proposes twice to everybody.
    pub double_proposals: bool,
    /// Often says nothing.
    pub mute: bool,
}

/// Two blocks for one round: who gets which.
#[derive(Clone, Copy)]
struct Faces {
    first: BlockHash,
    second: BlockHash,
    mask: u64,
}

/// What the Byzantine nodes know together.
#[derive(Default)]
pub struct Scheme {
    faces: BTreeMap<(u64, i64), Faces>,
    /// Blocks that could have been proposed in place of those that were, on a chain with staking.
    alternatives: BTreeMap<(u64, i64), Bytes>,
    /// Who decides at each height from 1 on, on a chain with staking.
    pub sets: Vec<BTreeSet<usize>>,
    seen: Vec<Bytes>,
}

/// A frame to somebody.
pub type Sent = (usize, Bytes);

impl Behaviour {
    /// Draws one.
    pub fn draw(dice: &mut Dice) -> Self {
        let mut often = |per_million| dice.happens(per_million);
        Self {
            two_faced: often(500_000),
            double_votes: often(400_000),
            bad_blocks: often(300_000),
            withholds: often(300_000),
            strays: often(300_000),
            garbage: often(300_000),
            false_sync: often(300_000),
            hurries: often(150_000),
            double_proposals: often(300_000),
            mute: often(150_000),
        }
    }

    /// The bytes it proposes in place of a valid block.
    pub fn spoil(&self, block: Block, dice: &mut Dice) -> Bytes {
        if self.hurries && block.time > 3_600 * SECOND {
            // Once it has got its way it is content.
            return Bytes::from_static(b"no block at all");
        }
        if self.hurries {
            return Block { time: block.time + 3_600 * SECOND, ..block }.encode();
        }
        if !self.bad_blocks {
            return block.encode();
        }
        let spoilt = match dice.below(6) {
            0 => Block { root: B256::repeat_byte(7), ..block },
            1 => Block { parent: B256::repeat_byte(9), ..block },
            2 => Block { time: block.time.wrapping_add(1 << 40), ..block },
            3 => Block { height: block.height + 1, ..block },
            4 => return Bytes::from_static(b"no block at all"),
            _ => block,
        };
        spoilt.encode()
    }

    /// The bytes it proposes in place of a valid block of a chain with staking; none if it has nothing against that one.
    pub fn spoil_block(&self, bytes: &[u8], dice: &mut Dice) -> Option<Bytes> {
        if !self.bad_blocks {
            return None;
        }
        let mut header = body::header(bytes).ok()?;
        match dice.below(7) {
            0 => header.state_root = B256::repeat_byte(7),
            1 => header.parent_hash = B256::repeat_byte(9),
            2 => header.timestamp += 1 << 40,
            3 => header.number += 1,
            4 => header.beneficiary = Address::repeat_byte(3),
            5 => return Some(Bytes::from_static(b"no block at all")),
            // Says that others missed their turn.
            _ => header.extra_data = [&header.extra_data[..4], &3u32.to_be_bytes()].concat().into(),
        }
        with_header(bytes, &header)
    }
}

/// The bytes of a block with another header.
fn with_header(bytes: &[u8], header: &Header) -> Option<Bytes> {
    let mut rest = bytes;
    let mut fields = alloy_rlp::Header::decode_bytes(&mut rest, true).ok()?;
    Header::decode(&mut fields).ok()?;
    let payload = [alloy_rlp::encode(header).as_slice(), fields].concat();
    let mut spoilt = Vec::new();
    alloy_rlp::Header { list: true, payload_length: payload.len() }.encode(&mut spoilt);
    spoilt.extend_from_slice(&payload);
    Some(spoilt.into())
}

fn to_all(roster: &Roster, from: usize, bytes: &Bytes, pick: impl Fn(usize) -> bool) -> Vec<Sent> {
    (0..roster.nodes.len()).filter(|to| *to != from && pick(*to)).map(|to| (to, bytes.clone())).collect()
}

fn sign_vote(roster: &Roster, node: usize, vote: Vote) -> SignedVote<EskerContext> {
    let signature = roster.nodes[node].key.sign(&roster.domain.vote(&vote));
    SignedMessage::new(vote, signature)
}

fn vote_frame(roster: &Roster, node: usize, vote: Vote) -> Bytes {
    Wire::Consensus(SignedConsensusMsg::Vote(sign_vote(roster, node, vote))).encode()
}

fn proposal_frame(roster: &Roster, node: usize, proposal: Proposal) -> Bytes {
    let signature = roster.nodes[node].key.sign(&roster.domain.proposal(&proposal));
    Wire::Consensus(SignedConsensusMsg::Proposal(SignedMessage::new(proposal, signature))).encode()
}

fn part_frame(roster: &Roster, node: usize, mut part: ProposalPart) -> Bytes {
    part.signature = roster.nodes[node].key.sign(&roster.domain.part(&part));
    stream(part).encode()
}

impl Scheme {
    /// A frame came to one of them.
    pub fn sees(&mut self, bytes: &Bytes, dice: &mut Dice) {
        if self.seen.len() < SEEN_MAX {
            self.seen.push(bytes.clone());
        } else {
            let place = dice.index(SEEN_MAX);
            self.seen[place] = bytes.clone();
        }
    }

    /// They could have proposed this too.
    pub fn has_alternative(&mut self, height: u64, round: i64, block: Bytes) {
        self.alternatives.insert((height, round), block);
        while self.alternatives.len() > SEEN_MAX {
            self.alternatives.pop_first();
        }
    }

    /// What a Byzantine node sends to everybody in place of what the core wants to.
    pub fn broadcasts(&mut self, from: usize, wire: Wire, plan: &Plan, roster: &Roster, dice: &mut Dice) -> Vec<Sent> {
        let Some(behaviour) = plan.behaviour(from) else { return Vec::new() };
        if behaviour.mute && dice.happens(600_000) {
            return Vec::new();
        }
        let bytes = wire.encode();
        match wire {
            Wire::Part(message) => {
                if let StreamContent::Data(part) = message.content
                    && behaviour.two_faced
                    && let Some(sent) = self.second_face(from, &part, &bytes, roster, dice)
                {
                    return sent;
                }
                let mask = if behaviour.withholds { dice.number() & dice.number() } else { u64::MAX };
                to_all(roster, from, &bytes, |to| mask >> to & 1 == 1)
            }
            Wire::Consensus(SignedConsensusMsg::Proposal(proposal)) => {
                let proposal = proposal.message;
                match self.faces.get(&(proposal.height.0, proposal.round.as_i64())).copied() {
                    Some(faces) if behaviour.two_faced => both_sides(from, &proposal, faces, plan, roster),
                    _ => {
                        let mut sent = to_all(roster, from, &bytes, |_| true);
                        if behaviour.double_proposals {
                            let second = Proposal { value: BlockHash(B256::repeat_byte(5)), ..proposal };
                            sent.extend(to_all(roster, from, &proposal_frame(roster, from, second), |_| true));
                        }
                        sent
                    }
                }
            }
            Wire::Consensus(SignedConsensusMsg::Vote(vote)) => {
                if self.faces.contains_key(&(vote.message.height.0, vote.message.round.as_i64())) && behaviour.two_faced
                {
                    return Vec::new();
                }
                let mut sent = to_all(roster, from, &bytes, |_| true);
                if behaviour.double_votes {
                    let other = match vote.message.value {
                        NilOrVal::Val(_) if dice.happens(500_000) => NilOrVal::Nil,
                        _ => NilOrVal::Val(BlockHash(B256::from(alloy_primitives::U256::from(dice.below(3))))),
                    };
                    let second = vote_frame(roster, from, Vote { value: other, ..vote.message });
                    let (mask, order) = (dice.number(), dice.happens(500_000));
                    let more = to_all(roster, from, &second, |to| mask >> to & 1 == 1);
                    if order {
                        sent.splice(0..0, more)
                    } else {
                        sent.splice(sent.len().., more)
                    };
                }
                sent
            }
            Wire::Status(_) if behaviour.false_sync => {
                let peer = roster.nodes[from].peer;
                let lie = Sync::status(peer, dice.pick(&[0, 7, 1_000, u64::MAX])).encode();
                to_all(roster, from, &lie, |_| true)
            }
            _ => to_all(roster, from, &bytes, |_| true),
        }
    }

    fn second_face(
        &mut self,
        from: usize,
        part: &ProposalPart,
        bytes: &Bytes,
        roster: &Roster,
        dice: &mut Dice,
    ) -> Option<Vec<Sent>> {
        let (names, second) = match self.alternatives.remove(&(part.height.0, part.round.as_i64())) {
            Some(second) => {
                let name = |bytes: &Bytes| Some(BlockHash(body::header(bytes).ok()?.hash_slow()));
                ((name(&part.block)?, name(&second)?), second)
            }
            None => {
                let block = Block::decode(&part.block).filter(|_| part.pol_round == Round::Nil)?;
                let parent = Parent { height: block.height.checked_sub(1)?, hash: block.parent, time: block.time };
                let second = Block::on(&parent, block.time, block.payload ^ 1).encode();
                ((hash(&part.block), hash(&second)), second)
            }
        };
        let mask = dice.number();
        let faces = Faces { first: names.0, second: names.1, mask };
        self.faces.insert((part.height.0, part.round.as_i64()), faces);
        while self.faces.len() > SEEN_MAX {
            self.faces.pop_first();
        }
        let other = part_frame(roster, from, ProposalPart { block: second, ..part.clone() });
        let mut sent = to_all(roster, from, bytes, |to| mask >> to & 1 == 1);
        sent.extend(to_all(roster, from, &other, |to| mask >> to & 1 == 0));
        Some(sent)
    }

    /// What a Byzantine node answers to a request for blocks.
    pub fn answers(
        &self,
        (from, to): (usize, usize),
        wire: Wire,
        plan: &Plan,
        roster: &Roster,
        dice: &mut Dice,
    ) -> Sent {
        let lies = plan.behaviour(from).is_some_and(|behaviour| behaviour.false_sync);
        let Wire::Response(Response::ValueResponse(mut response)) = wire else { return (to, wire.encode()) };
        if lies {
            let count = response.values.len();
            if let Some(value) = response.values.get_mut(dice.index(count)) {
                match dice.below(if roster.stake.is_some() { 8 } else { 6 }) {
                    6.. => *value = self.forged(value, roster).unwrap_or_else(|| value.clone()),
                    0 => value.value_bytes = Bytes::from_static(b"false"),
                    1 => value.certificate.commit_signatures.truncate(1),
                    2 => value.certificate.value_id = BlockHash(B256::repeat_byte(3)),
                    3 => {
                        let doubled = value.certificate.commit_signatures.clone();
                        value.certificate.commit_signatures.extend(doubled);
                    }
                    4 => value.certificate.height = Height(value.certificate.height.0 + 1),
                    _ => response.values.clear(),
                }
            }
        }
        (to, Wire::Response(Response::ValueResponse(response)).encode())
    }

    /// Another block in place of a decided one, with a certificate by those who are validators at other heights.
    fn forged(&self, value: &RawDecidedValue<EskerContext>, roster: &Roster) -> Option<RawDecidedValue<EskerContext>> {
        let (length, rest) = value.value_bytes.split_first_chunk::<4>()?;
        let block = rest.get(u32::from_be_bytes(*length) as usize..)?;
        let mut header = body::header(block).ok()?;
        header.timestamp += 1;
        let block = with_header(block, &header)?;
        let (height, round) = (value.certificate.height, value.certificate.round);
        let value_id = BlockHash(header.hash_slow());
        let sign = |node: &usize| {
            let voter = roster.nodes[*node].address;
            let vote = Vote { kind: VoteType::Precommit, height, round, value: NilOrVal::Val(value_id), voter };
            CommitSignature::new(voter, sign_vote(roster, *node, vote).signature)
        };
        let present = self.sets.get(usize::try_from(height.0).ok()?.checked_sub(1)?)?;
        let others: BTreeSet<usize> =
            self.sets.iter().flatten().filter(|node| !present.contains(node)).copied().collect();
        let commit_signatures = others.iter().map(sign).collect();
        let certificate = CommitCertificate { height, round, value_id, commit_signatures };
        let encoded = certificate::encode(&certificate);
        let length = u32::try_from(encoded.len()).ok()?;
        let bytes = [length.to_be_bytes().as_slice(), &encoded, &block].concat();
        Some(RawDecidedValue::new(bytes.into(), extended(certificate)))
    }

    /// What a Byzantine node, at `height` and `round`, sends without being asked.
    pub fn stirs(
        &mut self,
        from: usize,
        (height, round): (u64, i64),
        plan: &Plan,
        roster: &Roster,
        dice: &mut Dice,
    ) -> Vec<Sent> {
        let Some(behaviour) = plan.behaviour(from) else { return Vec::new() };
        let mut sent = Vec::new();
        if behaviour.garbage {
            let frame = self.garbage(dice);
            sent.extend(to_all(roster, from, &frame, |_| true));
        }
        if behaviour.strays {
            let frame = self.stray(from, height, round, roster, dice);
            sent.extend(to_all(roster, from, &frame, |_| true));
        }
        sent
    }

    fn garbage(&mut self, dice: &mut Dice) -> Bytes {
        if self.seen.is_empty() || dice.happens(200_000) {
            let length = dice.index(200);
            return (0..length).map(|_| dice.number() as u8).collect();
        }
        let place = dice.index(self.seen.len());
        let frame = self.seen[place].clone();
        if frame.is_empty() || dice.happens(400_000) {
            return frame;
        }
        let mut bytes = frame.to_vec();
        for _ in 0..dice.between(1, 3) {
            let place = dice.index(bytes.len());
            bytes[place] ^= dice.between(1, 255) as u8;
        }
        if dice.happens(200_000) {
            bytes.truncate(dice.index(bytes.len()));
        }
        bytes.into()
    }

    fn stray(&self, from: usize, height: u64, round: i64, roster: &Roster, dice: &mut Dice) -> Bytes {
        let at = (height + dice.below(4)).saturating_sub(1);
        let far = match dice.below(4) {
            0 => u32::MAX - 1,
            1 => dice.below(3) as u32,
            _ => (round.max(0) as u64 + dice.below(15)) as u32,
        };
        let known = self.faces.values().next_back().map_or(BlockHash(B256::repeat_byte(1)), |faces| faces.second);
        let value = dice.pick(&[known, BlockHash(B256::repeat_byte(2))]);
        let kind = dice.pick(&[VoteType::Prevote, VoteType::Precommit]);
        let voter = roster.nodes[from].address;
        let (height, round) = (Height(at), Round::new(far));
        let vote = Vote { kind, height, round, value: NilOrVal::Val(value), voter };
        match dice.below(5) {
            0 => {
                proposal_frame(roster, from, Proposal { height, round, value, pol_round: Round::Nil, proposer: voter })
            }
            1 => proposal_frame(roster, from, Proposal { height, round, value, pol_round: round, proposer: voter }),
            2 => {
                let vote = Vote { kind: VoteType::Prevote, ..vote };
                let votes = vec![sign_vote(roster, from, vote)];
                let certificate = PolkaCertificate::new(height, round, value, votes);
                Wire::Liveness(LivenessMsg::PolkaCertificate(certificate)).encode()
            }
            3 => {
                let votes = vec![sign_vote(roster, from, vote)];
                let skip = dice.happens(500_000);
                let kind = if skip { RoundCertificateType::Skip } else { RoundCertificateType::Precommit };
                let certificate = RoundCertificate::new_from_votes(height, round, kind, votes);
                Wire::Liveness(LivenessMsg::SkipRoundCertificate(certificate)).encode()
            }
            _ => vote_frame(roster, from, vote),
        }
    }
}

/// One proposal for each half, and everything that all friends would sign if it were the only one.
fn both_sides(from: usize, proposal: &Proposal, faces: Faces, plan: &Plan, roster: &Roster) -> Vec<Sent> {
    let friends = plan.behaviours.iter().filter(|(_, behaviour)| behaviour.two_faced).map(|(node, _)| *node);
    let friends: Vec<usize> = friends.collect();
    let mut sent = Vec::new();
    for (value, side) in [(faces.first, 1), (faces.second, 0)] {
        let on_side = |to: usize| faces.mask >> to & 1 == side;
        let frame = proposal_frame(roster, from, Proposal { value, ..proposal.clone() });
        sent.extend(to_all(roster, from, &frame, on_side));
        for friend in &friends {
            for kind in [VoteType::Prevote, VoteType::Precommit] {
                let voter = roster.nodes[*friend].address;
                let value = NilOrVal::Val(value);
                let vote = Vote { kind, height: proposal.height, round: proposal.round, value, voter };
                sent.extend(to_all(roster, *friend, &vote_frame(roster, *friend, vote), on_side));
            }
        }
    }
    sent
}
