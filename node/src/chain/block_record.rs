//! A block with all that belongs to it, as the tables keep it and as RPC shows it.

use std::sync::Arc;

use alloy_consensus::transaction::Recovered;
use alloy_consensus::{Header, ReceiptEnvelope, Transaction as _, TxEnvelope, TxReceipt};
use alloy_eips::eip2718::{Decodable2718, Encodable2718};
use alloy_primitives::{Address, B256, Bytes, Log};
use alloy_rlp::{BufMut, Decodable, Encodable};
use esker_runtime::{Block, ExecutedBlock, Transaction};

/// A committed block.
#[derive(Clone, Debug)]
pub struct BlockRecord {
    /// Header.
    pub header: Header,
    /// keccak256 of the header's RLP.
    pub hash: B256,
    /// Transactions, in order.
    pub transactions: Vec<Arc<Transaction>>,
    /// Their receipts, in the same order.
    pub receipts: Vec<ReceiptEnvelope>,
}

impl From<&ExecutedBlock> for BlockRecord {
    fn from(block: &ExecutedBlock) -> Self {
        Self {
            header: block.header.clone(),
            hash: block.hash,
            transactions: block.transactions.iter().cloned().map(Arc::new).collect(),
            receipts: block.receipts.clone(),
        }
    }
}

impl BlockRecord {
    /// Header and transactions, as validation takes them.
    #[must_use]
    pub fn block(&self) -> Block {
        let transactions = self.transactions.iter().map(|transaction| Transaction::clone(transaction)).collect();
        Block { header: self.header.clone(), transactions }
    }

    /// Gas that transaction `index` used.
    #[must_use]
    pub fn gas_used(&self, index: usize) -> u64 {
        let cumulative = |index: usize| self.receipts.get(index).map_or(0, TxReceipt::cumulative_gas_used);
        let before = index.checked_sub(1).map_or(0, cumulative);
        cumulative(index).saturating_sub(before)
    }

    /// Logs of all transactions before `index`: the number of that transaction's first log in the block.
    #[must_use]
    pub fn first_log_index(&self, index: usize) -> usize {
        self.receipts.iter().take(index).map(|receipt| receipt.logs().len()).sum()
    }

    /// Logs of transaction `index`.
    #[must_use]
    pub fn logs(&self, index: usize) -> &[Log] {
        self.receipts.get(index).map_or(&[], TxReceipt::logs)
    }

    /// What transaction `index` paid for one gas, in wei.
    #[must_use]
    pub fn effective_gas_price(&self, index: usize) -> u128 {
        self.transactions
            .get(index)
            .map_or(0, |transaction| transaction.envelope().effective_gas_price(self.header.base_fee_per_gas))
    }

    /// The contract that transaction `index` created, if it was a creation.
    #[must_use]
    pub fn created(&self, index: usize) -> Option<Address> {
        let transaction = self.transactions.get(index)?;
        transaction.kind().is_create().then(|| transaction.sender().create(transaction.nonce()))
    }

    /// Size of the block's RLP: header, transactions, no uncles; in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        let transactions: usize = self.transactions.iter().map(|transaction| transaction.envelope().length()).sum();
        let list = alloy_rlp::Header { list: true, payload_length: transactions }.length() + transactions;
        let empty_list = 1;
        let payload = self.header.length() + list + empty_list;
        alloy_rlp::Header { list: true, payload_length: payload }.length() + payload
    }

    /// The block's RLP: `[header, transactions, uncles]`.
    #[must_use]
    pub fn encoded(&self) -> Vec<u8> {
        let payload: usize = self.transactions.iter().map(|transaction| transaction.envelope().length()).sum();
        let list = alloy_rlp::Header { list: true, payload_length: payload };
        let mut out = Vec::with_capacity(self.size());
        alloy_rlp::Header { list: true, payload_length: self.header.length() + list.length() + payload + 1 }
            .encode(&mut out);
        self.header.encode(&mut out);
        list.encode(&mut out);
        for transaction in &self.transactions {
            transaction.envelope().encode(&mut out);
        }
        out.put_u8(alloy_rlp::EMPTY_LIST_CODE);
        out
    }
}

/// What the body table holds for one transaction. Senders are kept, since recovering them costs some 40 µs each.
struct BodyItem {
    sender: Address,
    encoded: Bytes,
}

impl Encodable for BodyItem {
    fn encode(&self, out: &mut dyn BufMut) {
        self.sender.encode(out);
        self.encoded.encode(out);
    }

    fn length(&self) -> usize {
        self.sender.length() + self.encoded.length()
    }
}

/// The body table's value: RLP of `[sender, encoding, sender, encoding, …]`.
#[must_use]
pub fn encode_body(transactions: &[Arc<Transaction>]) -> Vec<u8> {
    let items: Vec<BodyItem> = transactions
        .iter()
        .map(|transaction| BodyItem { sender: transaction.sender(), encoded: transaction.encoded().into() })
        .collect();
    let mut out = Vec::new();
    alloy_rlp::encode_list::<BodyItem, BodyItem>(&items, &mut out);
    out
}

/// Reads back what [`encode_body`] wrote.
///
/// # Errors
/// What is wrong with the bytes.
pub fn decode_body(mut bytes: &[u8]) -> Result<Vec<Arc<Transaction>>, String> {
    let mut payload = alloy_rlp::Header::decode_bytes(&mut bytes, true).map_err(|error| error.to_string())?;
    let mut transactions = Vec::new();
    while !payload.is_empty() {
        let sender = Address::decode(&mut payload).map_err(|error| error.to_string())?;
        let encoded = Bytes::decode(&mut payload).map_err(|error| error.to_string())?;
        let envelope = TxEnvelope::decode_2718_exact(&encoded).map_err(|error| error.to_string())?;
        let recovered = Recovered::new_unchecked(envelope, sender);
        transactions.push(Arc::new(Transaction::from_recovered_unchecked(recovered)));
    }
    whole(bytes)?;
    Ok(transactions)
}

/// The receipt table's value: RLP of the list of EIP-2718 encodings.
#[must_use]
pub fn encode_receipts(receipts: &[ReceiptEnvelope]) -> Vec<u8> {
    let encoded: Vec<Bytes> = receipts.iter().map(|receipt| receipt.encoded_2718().into()).collect();
    alloy_rlp::encode(&encoded)
}

/// Reads back what [`encode_receipts`] wrote.
///
/// # Errors
/// What is wrong with the bytes.
pub fn decode_receipts(mut bytes: &[u8]) -> Result<Vec<ReceiptEnvelope>, String> {
    let encoded = Vec::<Bytes>::decode(&mut bytes).map_err(|error| error.to_string())?;
    whole(bytes)?;
    let decode = |bytes: &Bytes| ReceiptEnvelope::decode_2718_exact(bytes).map_err(|error| error.to_string());
    encoded.iter().map(decode).collect()
}

/// Reads back a header.
///
/// # Errors
/// What is wrong with the bytes.
pub fn decode_header(mut bytes: &[u8]) -> Result<Header, String> {
    let header = Header::decode(&mut bytes).map_err(|error| error.to_string())?;
    whole(bytes)?;
    Ok(header)
}

/// Refuses what is left behind a value that was read.
fn whole(rest: &[u8]) -> Result<(), String> {
    if rest.is_empty() { Ok(()) } else { Err(format!("{} bytes follow it", rest.len())) }
}
