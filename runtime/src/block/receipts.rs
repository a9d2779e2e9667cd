//! Receipts, their blooms, and the roots over a block's transactions and receipts.

use alloy_consensus::{Eip658Value, Receipt, ReceiptEnvelope, ReceiptWithBloom};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{B256, Bloom, Log};

use crate::exec::TransactionResult;
use crate::trie::keccak::{self, Message};
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
    let blooms = blooms(results.iter().map(|result| result.logs.as_slice()));
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
fn blooms<'l>(lists: impl ExactSizeIterator<Item = &'l [Log]>) -> Vec<Bloom> {
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
            pending.flush(&mut blooms);
        }
    }
    pending.flush(&mut blooms);
    blooms
}

/// What is still to be hashed, and whose bloom each hash goes into.
#[derive(Default)]
struct Pending {
    buffer: Vec<u8>,
    messages: Vec<Message>,
    owners: Vec<usize>,
}

impl Pending {
    fn add(&mut self, owner: usize, bytes: &[u8]) {
        let start = self.buffer.len();
        self.buffer.extend_from_slice(bytes);
        self.messages.push(Message::pad(&mut self.buffer, start));
        self.owners.push(owner);
    }

    fn flush(&mut self, blooms: &mut [Bloom]) {
        keccak::hash_messages(&self.buffer, &self.messages, |index, digest| {
            blooms[self.owners[index]].m3_2048_hashed(&digest.into());
        });
        self.buffer.clear();
        self.messages.clear();
        self.owners.clear();
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{Address, Bytes, logs_bloom};

    use super::*;

    #[test]
    fn blooms_are_those_of_alloy_however_many_logs_there_are() {
        let log = |seed: usize| {
            let topics = (0..seed % 5).map(|topic| B256::repeat_byte((seed * 7 + topic) as u8)).collect();
            Log::new_unchecked(Address::repeat_byte(seed as u8), topics, Bytes::new())
        };
        for count in [0, 1, 5, 200, 1_000] {
            let lists: Vec<Vec<Log>> =
                (0..count).map(|list| (0..list % 7).map(|index| log(list * 3 + index)).collect()).collect();
            let expected: Vec<Bloom> = lists.iter().map(logs_bloom).collect();
            assert_eq!(blooms(lists.iter().map(Vec::as_slice)), expected, "{count} lists");
        }
    }
}
