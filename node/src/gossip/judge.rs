//! What becomes of a message: the verdicts on its transactions make one on the whole.

use std::time::Instant;

use alloy_primitives::keccak256;
use bytes::Bytes;
use libp2p::gossipsub::MessageAcceptance;
use parking_lot::Mutex;

use super::intake::Job;
use super::seen::Seen;
use super::{TransactionSink, Verdict};

/// A message that was judged.
#[derive(Debug)]
pub struct Judged {
    /// The message.
    pub job: Job,
    /// Whether it is passed on as it is, and whether that it came is held against its peer.
    pub acceptance: MessageAcceptance,
    /// How many of its transactions were accepted.
    pub accepted: usize,
    /// The accepted ones, if the message itself is not passed on.
    pub to_relay: Vec<Bytes>,
}

/// Has the sink judge what was not seen before. A message that is for the greater part of use is passed on as it is; of
/// any other the part that is of use is, in messages of our own: so nobody gets what is useless carried along with a little
/// that is not. A single transaction that no honest peer sends condemns its message.
pub fn judge(job: Job, sink: &dyn TransactionSink, seen: &Mutex<Seen>) -> Judged {
    let hashes: Vec<_> = job.transactions.iter().map(keccak256).collect();
    let now = Instant::now();
    let mut fresh: Vec<Bytes> = Vec::with_capacity(hashes.len());
    {
        let mut seen = seen.lock();
        let is_new = |(transaction, hash): (&Bytes, _)| seen.insert(hash, now).then(|| transaction.clone());
        fresh.extend(job.transactions.iter().zip(hashes).filter_map(is_new));
    }
    let verdicts = if fresh.is_empty() { Vec::new() } else { sink.admit(fresh.clone()) };
    let is_rejected = verdicts.contains(&Verdict::Reject);
    let good = fresh.into_iter().zip(verdicts).filter(|(_, verdict)| *verdict == Verdict::Accept);
    let good: Vec<Bytes> = good.map(|(transaction, _)| transaction).collect();
    let accepted = good.len();
    let acceptance = if is_rejected {
        MessageAcceptance::Reject
    } else if accepted > 0 && accepted * 2 >= job.transactions.len() {
        MessageAcceptance::Accept
    } else {
        MessageAcceptance::Ignore
    };
    let to_relay = if matches!(acceptance, MessageAcceptance::Accept) { Vec::new() } else { good };
    Judged { job, acceptance, accepted, to_relay }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use libp2p::PeerId;
    use libp2p::gossipsub::MessageId;

    use super::*;

    /// Judges by the first byte, and counts what it was asked.
    #[derive(Default)]
    struct ByFirstByte(Mutex<Vec<Bytes>>);

    impl TransactionSink for ByFirstByte {
        fn admit(&self, raw: Vec<Bytes>) -> Vec<Verdict> {
            let verdict = |transaction: &Bytes| match transaction.first() {
                Some(b'a') => Verdict::Accept,
                Some(b'r') => Verdict::Reject,
                _ => Verdict::Ignore,
            };
            let verdicts = raw.iter().map(verdict).collect();
            self.0.lock().extend(raw);
            verdicts
        }

        fn waiting(&self, _age: Duration, _bytes_max: usize) -> Vec<Bytes> {
            Vec::new()
        }
    }

    fn job(transactions: &[&'static str]) -> Job {
        let transactions = transactions.iter().map(|text| Bytes::from_static(text.as_bytes())).collect();
        Job { peer: PeerId::random(), id: MessageId::new(b"id"), transactions, bytes: 0 }
    }

    #[test]
    fn the_parts_of_a_message_decide_on_the_whole() {
        use MessageAcceptance::{Accept, Ignore, Reject};
        let cases: [(&[&str], MessageAcceptance, &[&str]); 6] = [
            (&["a1"], Accept, &[]),
            (&["i1"], Ignore, &[]),
            (&["r1"], Reject, &[]),
            (&["a1", "i1"], Accept, &[]),
            (&["a1", "i1", "i2"], Ignore, &["a1"]),
            (&["a1", "r1", "a2", "a3"], Reject, &["a1", "a2", "a3"]),
        ];
        for (transactions, acceptance, to_relay) in cases {
            let (sink, seen) = (ByFirstByte::default(), Mutex::new(Seen::new(Instant::now())));
            let judged = judge(job(transactions), &sink, &seen);
            assert_eq!(format!("{:?}", judged.acceptance), format!("{acceptance:?}"), "{transactions:?}");
            assert_eq!(judged.to_relay, to_relay, "{transactions:?}");
        }
    }

    #[test]
    fn what_was_seen_is_not_judged_again() {
        let (sink, seen) = (ByFirstByte::default(), Mutex::new(Seen::new(Instant::now())));
        judge(job(&["a1", "i1", "a1"]), &sink, &seen);
        let judged = judge(job(&["a1", "i1", "a2"]), &sink, &seen);
        assert_eq!((judged.accepted, &judged.to_relay[..]), (1, &[Bytes::from("a2")][..]));
        assert_eq!(*sink.0.lock(), ["a1", "i1", "a2"]);
    }
}
