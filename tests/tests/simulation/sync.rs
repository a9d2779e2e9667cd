//! How a node catches up: it hears how far its peers are, asks one of them, and gives what comes to the engine in order.

use std::collections::BTreeMap;

use bytes::Bytes;
use esker::consensus::codec::SYNC_BLOCKS_MAX;
use esker::consensus::codec::{decode_certificate, extended};
use esker::consensus::context::{EskerContext, Height};
use malachite::app::types::PeerId;
use malachite::app::types::core::{CommitCertificate, ValueResponse as CoreResponse};
use malachite_sync::{RawDecidedValue, Request, Response, Status, ValueRequest, ValueResponse};

use super::dice::Dice;
use super::disk::Disk;
use super::roster::Roster;
use super::trace::Time;
use super::wire::Wire;

/// Blocks asked for at once.
const BATCH: u64 = 8;
/// How long an answer is waited for.
const PATIENCE: Time = 1_000_000;

/// What a node knows of its peers' chains. Lost in a crash.
#[derive(Default)]
pub struct Sync {
    tips: BTreeMap<usize, u64>,
    /// Whom it asked, and until when it waits.
    asked: Option<(usize, Time)>,
    /// Answers for the heights to come.
    blocks: BTreeMap<u64, (usize, RawDecidedValue<EskerContext>)>,
}

impl Sync {
    /// What a node tells about itself.
    pub fn status(peer: PeerId, head: u64) -> Wire {
        Wire::Status(Status { peer_id: peer, tip_height: Height(head), history_min_height: Height(1) })
    }

    /// A peer tells how far it is.
    pub fn heard(&mut self, from: usize, tip: u64) {
        self.tips.insert(from, tip);
    }

    /// Whom to ask for what, if this node, at work on `height`, is behind.
    pub fn next_request(&mut self, now: Time, height: u64, dice: &mut Dice) -> Option<(usize, Wire)> {
        if self.blocks.contains_key(&height) || self.asked.is_some_and(|(_, until)| now < until) {
            return None;
        }
        let ahead: Vec<usize> = self.tips.iter().filter(|(_, tip)| **tip >= height).map(|(peer, _)| *peer).collect();
        if ahead.is_empty() {
            return None;
        }
        let peer = dice.pick(&ahead);
        self.asked = Some((peer, now + PATIENCE));
        let end = self.tips[&peer].min(height + BATCH - 1);
        Some((peer, Wire::Request(Request::ValueRequest(ValueRequest::new(Height(height)..=Height(end))))))
    }

    /// What a node with this disk answers.
    pub fn answer(disk: &Disk, request: &Request<EskerContext>) -> Wire {
        let Request::ValueRequest(request) = request;
        let (start, end) = (request.range.start().0, request.range.end().0);
        let values = disk
            .chain
            .iter()
            .zip(1u64..)
            .filter(|(_, height)| (start..=end).contains(height))
            .take(SYNC_BLOCKS_MAX)
            .map(|(decided, _)| {
                let certificate = decode_certificate(decided.certificate.clone()).expect("it was encoded here");
                RawDecidedValue::new(decided.block.clone(), extended(certificate))
            })
            .collect();
        Wire::Response(Response::ValueResponse(ValueResponse::new(Height(start), values)))
    }

    /// A peer answers. Only from the one that was asked.
    pub fn answered(&mut self, from: usize, response: Response<EskerContext>, height: u64) {
        if self.asked.is_none_or(|(peer, _)| peer != from) {
            return;
        }
        self.asked = None;
        let Response::ValueResponse(response) = response;
        if response.values.is_empty() {
            self.tips.remove(&from);
        }
        let numbers = (0..).map(|index: u64| response.start_height.0.saturating_add(index));
        for (number, value) in numbers.zip(response.values).take(BATCH as usize) {
            if number >= height && number < height + BATCH {
                self.blocks.insert(number, (from, value));
            }
        }
    }

    /// What to give to the engine, which is at work on `height`.
    pub fn take(&mut self, height: u64, roster: &Roster) -> Option<CoreResponse<EskerContext>> {
        self.blocks = self.blocks.split_off(&height);
        let (from, value) = self.blocks.remove(&height)?;
        Some(CoreResponse::new(roster.nodes[from].peer, value.value_bytes, value.certificate))
    }

    /// What a peer sent is worth nothing: ask another.
    pub fn blame(&mut self, from: usize) {
        self.blocks.retain(|_, (peer, _)| *peer != from);
        self.tips.remove(&from);
    }
}

/// A certificate as the chain keeps it.
pub fn stored(certificate: &CommitCertificate<EskerContext>) -> Bytes {
    esker::consensus::codec::encode_certificate(certificate)
}
