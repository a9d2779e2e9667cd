//! Receipts, their blooms, and the roots over a block's transactions and receipts.

use std::ops::Range;

use alloy_consensus::{Eip658Value, Receipt, ReceiptEnvelope, ReceiptWithBloom};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{B256, Bloom, Log};

use crate::exec::TransactionResult;
use crate::trie::keccak::{self, Engine, Message};
use crate::trie::ordered::ordered_root;
use crate::types::Transaction;

/// Addresses and topics gathered before they are hashed: they fill the lanes and stay in the processor's cache.
const MESSAGES_AT_ONCE: usize = 256;

/// Root of the trie of the transactions' encodings.
pub(super) fn transactions_root(transactions: &[Transaction]) -> B256 {
    ordered_root(transactions.len(), |index, out| transactions[index].envelope().encode_2718(out))
}

/// Root of the trie of the receipts' encodings.
pub(super) fn receipts_root(receipts: &[ReceiptEnvelope]) -> B256 {
    ordered_root(receipts.len(), |index, out| receipts[index].encode_2718(out))
}

/// The receipt of each transaction.
pub(super) fn receipts(transactions: &[Transaction], results: &[TransactionResult]) -> Vec<ReceiptEnvelope> {
    let blooms = blooms(Engine::best(), results.iter().map(|result| result.logs.as_slice()));
    let mut cumulative_gas_used = 0;
    transactions
        .iter()
        .zip(results)
        .zip(blooms)
        .map(|((transaction, result), logs_bloom)| {
            cumulative_gas_used += result.gas_used;
            let status = Eip658Value::Eip658(result.status.is_success());
            let receipt = Receipt { status, cumulative_gas_used, logs: result.logs.clone() };
            let receipt = ReceiptWithBloom { receipt, logs_bloom };
            ReceiptEnvelope::from_typed(transaction.envelope().tx_type(), receipt)
        })
        .collect()
}

/// The bloom of each of these lists of logs (Yellow Paper, section 4.3.1).
fn blooms<'l>(engine: Engine, lists: impl ExactSizeIterator<Item = &'l [Log]>) -> Vec<Bloom> {
    let mut blooms = vec![Bloom::ZERO; lists.len()];
    let mut pending = Pending::default();
    for (index, logs) in lists.enumerate() {
        for log in logs {
            pending.add(index, log.address.as_slice());
            for topic in log.topics() {
                pending.add(index, topic.as_slice());
            }
        }
        if pending.messages.len() >= MESSAGES_AT_ONCE {
            pending.flush(engine, &mut blooms);
        }
    }
    pending.flush(engine, &mut blooms);
    blooms
}

/// Places in [`Pending::lately`].
const LATELY: usize = 64;

/// What is still to be hashed, and whose bloom each hash goes into.
#[derive(Default)]
struct Pending {
    buffer: Vec<u8>,
    messages: Vec<Message>,
    /// Bloom and message.
    uses: Vec<(usize, usize)>,
    /// Messages (where their bytes stand, and which they are) by what their bytes end in: a block's logs name the same
    /// contract and the same event again and again.
    lately: Vec<Option<(Range<usize>, usize)>>,
}

impl Pending {
    fn add(&mut self, owner: usize, bytes: &[u8]) {
        self.lately.resize(LATELY, None);
        let ending = bytes.iter().rev().take(4).fold(0, |sum, byte| 31 * sum + usize::from(*byte));
        let place = &mut self.lately[ending % LATELY];
        if let Some((at, message)) = place
            && self.buffer.get(at.clone()) == Some(bytes)
        {
            self.uses.push((owner, *message));
            return;
        }
        let start = self.buffer.len();
        self.buffer.extend_from_slice(bytes);
        *place = Some((start..self.buffer.len(), self.messages.len()));
        self.uses.push((owner, self.messages.len()));
        self.messages.push(Message::pad(&mut self.buffer, start));
    }

    fn flush(&mut self, engine: Engine, blooms: &mut [Bloom]) {
        let mut hashes = vec![B256::ZERO; self.messages.len()];
        keccak::hash_messages_with(engine, &self.buffer, &self.messages, |index, digest| hashes[index] = digest.into());
        for (owner, message) in self.uses.drain(..) {
            blooms[owner].m3_2048_hashed(&hashes[message]);
        }
        self.buffer.clear();
        self.messages.clear();
        self.lately.clear();
    }
}

#[cfg(test)]
mod tests {
    use alloy_consensus::TxType;
    use alloy_primitives::{Address, Bytes, logs_bloom};
    use alloy_trie::root::ordered_trie_root_with_encoder;

    use super::*;

    fn compare(lists: &[Vec<Log>], what: &str) {
        let expected: Vec<Bloom> = lists.iter().map(logs_bloom).collect();
        for engine in Engine::available() {
            assert_eq!(blooms(engine, lists.iter().map(Vec::as_slice)), expected, "{what}, {engine:?}");
        }
    }

    #[test]
    fn blooms_are_those_of_alloy_however_many_logs_there_are() {
        let log = |seed: usize| {
            let topics = (0..seed % 5).map(|topic| B256::repeat_byte((seed * 7 + topic) as u8)).collect();
            Log::new_unchecked(Address::repeat_byte(seed as u8), topics, Bytes::new())
        };
        for count in [0, 1, 5, 200, 1_000] {
            let lists: Vec<Vec<Log>> =
                (0..count).map(|list| (0..list % 7).map(|index| log(list * 3 + index)).collect()).collect();
            compare(&lists, &format!("{count} lists"));
        }
    }

    /// Draws the same numbers in every run.
    struct Draw(u64);

    impl Draw {
        fn below(&mut self, bound: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 % bound as u64) as usize
        }

        /// Bytes that come again, or that differ from others in their first one only, or are any.
        fn word(&mut self) -> B256 {
            let mut word = B256::repeat_byte(self.below(4) as u8);
            match self.below(3) {
                0 => {}
                1 => word[0] = self.below(256) as u8,
                _ => word.iter_mut().for_each(|byte| *byte = self.below(256) as u8),
            }
            word
        }

        fn log(&mut self) -> Log {
            let address = Address::from_slice(&self.word()[12..]);
            let topics = (0..self.below(5)).map(|_| self.word()).collect();
            let data: Vec<u8> = (0..self.below(100)).map(|_| self.below(256) as u8).collect();
            Log::new_unchecked(address, topics, data.into())
        }
    }

    #[test]
    fn random_logs_have_alloys_blooms_and_random_receipts_alloys_root() {
        let mut draw = Draw(0x7265_6365_6970_7473);
        for case in 0..24 {
            let count = [draw.below(10), draw.below(200), draw.below(2_001)][case % 3];
            let logs_max = 1 + draw.below(6);
            let lists: Vec<Vec<Log>> =
                (0..count).map(|_| (0..draw.below(logs_max)).map(|_| draw.log()).collect()).collect();
            compare(&lists, &format!("case {case}: {count} lists"));
            let receipts: Vec<ReceiptEnvelope> = lists
                .into_iter()
                .map(|logs| {
                    let status = Eip658Value::Eip658(draw.below(2) == 0);
                    let receipt = Receipt { status, cumulative_gas_used: draw.below(1 << 40) as u64, logs };
                    let kind = [TxType::Legacy, TxType::Eip2930, TxType::Eip1559][draw.below(3)];
                    ReceiptEnvelope::from_typed(kind, receipt.with_bloom())
                })
                .collect();
            let expected = ordered_trie_root_with_encoder(&receipts, |receipt, out| receipt.encode_2718(out));
            assert_eq!(receipts_root(&receipts), expected, "case {case}: {count} receipts");
        }
    }
}
