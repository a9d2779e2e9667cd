//! Messages that wait to be judged: bounded for each peer and in all, and taken from the peers in turn, so that one that
//! sends a lot delays nobody but itself.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use libp2p::PeerId;
use libp2p::gossipsub::MessageId;

/// What may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntakeLimits {
    /// Messages of one peer.
    pub messages_per_peer: usize,
    /// Bytes of one peer.
    pub bytes_per_peer: usize,
    /// Messages in all.
    pub messages: usize,
    /// Bytes in all.
    pub bytes: usize,
}

impl Default for IntakeLimits {
    fn default() -> Self {
        Self { messages_per_peer: 128, bytes_per_peer: 4 << 20, messages: 1_024, bytes: 32 << 20 }
    }
}

/// A message that is in order as far as its form goes.
#[derive(Debug)]
pub struct Job {
    /// Who sent it.
    pub peer: PeerId,
    /// What the swarm calls it.
    pub id: MessageId,
    /// What it holds.
    pub transactions: Vec<Bytes>,
    /// Its size.
    pub bytes: usize,
}

#[derive(Debug, Default)]
struct Queue {
    jobs: VecDeque<Job>,
    bytes: usize,
}

/// See the module.
#[derive(Debug)]
pub struct Intake {
    limits: IntakeLimits,
    queues: BTreeMap<PeerId, Queue>,
    /// The peers that have something waiting, the next one first.
    turns: VecDeque<PeerId>,
    messages: usize,
    bytes: usize,
}

impl Intake {
    /// Nothing waits.
    #[must_use]
    pub fn new(limits: IntakeLimits) -> Self {
        Self { limits, queues: BTreeMap::new(), turns: VecDeque::new(), messages: 0, bytes: 0 }
    }

    /// Takes a message in, or gives it back because too much waits already.
    ///
    /// # Errors
    /// The message.
    pub fn push(&mut self, job: Job) -> Result<(), Box<Job>> {
        let limits = &self.limits;
        let own = self.queues.get(&job.peer).map_or((0, 0), |queue| (queue.jobs.len(), queue.bytes));
        let fits = own.0 < limits.messages_per_peer
            && own.1 + job.bytes <= limits.bytes_per_peer
            && self.messages < limits.messages
            && self.bytes + job.bytes <= limits.bytes;
        if !fits {
            return Err(Box::new(job));
        }
        let queue = self.queues.entry(job.peer).or_default();
        if queue.jobs.is_empty() {
            self.turns.push_back(job.peer);
        }
        queue.bytes += job.bytes;
        self.bytes += job.bytes;
        self.messages += 1;
        queue.jobs.push_back(job);
        Ok(())
    }

    /// The next message: the oldest of the peer whose turn it is.
    pub fn pop(&mut self) -> Option<Job> {
        let peer = self.turns.pop_front()?;
        let queue = self.queues.get_mut(&peer)?;
        let job = queue.jobs.pop_front()?;
        queue.bytes -= job.bytes;
        self.bytes -= job.bytes;
        self.messages -= 1;
        if queue.jobs.is_empty() {
            self.queues.remove(&peer);
        } else {
            self.turns.push_back(peer);
        }
        Some(job)
    }

    /// Gives back all that waits of a peer.
    pub fn forget(&mut self, peer: &PeerId) -> VecDeque<Job> {
        let Some(queue) = self.queues.remove(peer) else { return VecDeque::new() };
        self.turns.retain(|other| other != peer);
        self.messages -= queue.jobs.len();
        self.bytes -= queue.bytes;
        queue.jobs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(peer: PeerId, id: u8, bytes: usize) -> Job {
        Job { peer, id: MessageId::new(&[id]), transactions: Vec::new(), bytes }
    }

    #[test]
    fn each_peer_has_its_turn_and_its_share() {
        let limits = IntakeLimits { messages_per_peer: 3, bytes_per_peer: 100, messages: 5, bytes: 150 };
        let mut intake = Intake::new(limits);
        let (loud, quiet, third) = (PeerId::random(), PeerId::random(), PeerId::random());
        for id in 0..3 {
            intake.push(job(loud, id, 10)).expect("within its share");
        }
        assert!(intake.push(job(loud, 3, 10)).is_err(), "its messages are too many");
        intake.push(job(quiet, 10, 60)).expect("within its share");
        assert!(intake.push(job(quiet, 11, 41)).is_err(), "its bytes are too many");
        assert!(intake.push(job(third, 20, 61)).is_err(), "the bytes of all are too many");
        intake.push(job(quiet, 12, 40)).expect("exactly its share");
        assert!(intake.push(job(third, 21, 1)).is_err(), "the messages of all are too many");

        let order: Vec<MessageId> = std::iter::from_fn(|| intake.pop()).map(|job| job.id).collect();
        assert_eq!(order, [0, 10, 1, 12, 2].map(|id| MessageId::new(&[id])));
        assert_eq!((intake.messages, intake.bytes, intake.queues.len(), intake.turns.len()), (0, 0, 0, 0));
    }

    #[test]
    fn a_peer_that_is_forgotten_leaves_nothing() {
        let mut intake = Intake::new(IntakeLimits::default());
        let (gone, stays) = (PeerId::random(), PeerId::random());
        for id in 0..4 {
            intake.push(job(gone, id, 7)).expect("room");
        }
        intake.push(job(stays, 9, 7)).expect("room");
        assert_eq!(intake.forget(&gone).len(), 4);
        assert!(intake.forget(&gone).is_empty());
        assert_eq!((intake.messages, intake.bytes), (1, 7));
        assert_eq!(intake.pop().map(|job| job.peer), Some(stays));
        assert!(intake.pop().is_none());
    }
}
