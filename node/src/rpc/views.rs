//! What the specification's objects look like in JSON: blocks, transactions, receipts, logs. No field more, none less.

use alloy_consensus::{Header, Transaction as _, TxReceipt, Typed2718 as _};
use alloy_eips::eip2930::AccessList;
use alloy_primitives::{Address, B64, B256, Bloom, Bytes, Log, U64, U256};
use esker_runtime::Transaction;
use serde::Serialize;

use crate::chain::{BlockRecord, LocatedLog};

/// A block.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BlockView {
    #[serde(flatten)]
    header: HeaderView,
    size: U64,
    transactions: TransactionsView,
    uncles: [B256; 0],
}

/// A header with its hash, as `newHeads` sends it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HeaderView {
    hash: Option<B256>,
    parent_hash: B256,
    sha3_uncles: B256,
    miner: Address,
    state_root: B256,
    transactions_root: B256,
    receipts_root: B256,
    logs_bloom: Bloom,
    difficulty: U256,
    number: U64,
    gas_limit: U64,
    gas_used: U64,
    timestamp: U64,
    extra_data: Bytes,
    mix_hash: B256,
    nonce: B64,
    #[serde(skip_serializing_if = "Option::is_none")]
    base_fee_per_gas: Option<U64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    withdrawals_root: Option<B256>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blob_gas_used: Option<U64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    excess_blob_gas: Option<U64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_beacon_block_root: Option<B256>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requests_hash: Option<B256>,
}

/// The transactions of a block: hashes, or in full.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum TransactionsView {
    Hashes(Vec<B256>),
    Full(Vec<TransactionView>),
}

impl HeaderView {
    /// The view of `header`, which hashes to `hash`.
    #[must_use]
    pub fn new(header: &Header, hash: B256) -> Self {
        Self {
            hash: Some(hash),
            parent_hash: header.parent_hash,
            sha3_uncles: header.ommers_hash,
            miner: header.beneficiary,
            state_root: header.state_root,
            transactions_root: header.transactions_root,
            receipts_root: header.receipts_root,
            logs_bloom: header.logs_bloom,
            difficulty: header.difficulty,
            number: U64::from(header.number),
            gas_limit: U64::from(header.gas_limit),
            gas_used: U64::from(header.gas_used),
            timestamp: U64::from(header.timestamp),
            extra_data: header.extra_data.clone(),
            mix_hash: header.mix_hash,
            nonce: header.nonce,
            base_fee_per_gas: header.base_fee_per_gas.map(U64::from),
            withdrawals_root: header.withdrawals_root,
            blob_gas_used: header.blob_gas_used.map(U64::from),
            excess_blob_gas: header.excess_blob_gas.map(U64::from),
            parent_beacon_block_root: header.parent_beacon_block_root,
            requests_hash: header.requests_hash,
        }
    }
}

impl BlockView {
    /// The view of `block`, with its transactions in full or as hashes.
    #[must_use]
    pub fn new(block: &BlockRecord, is_full: bool) -> Self {
        let transactions = if is_full {
            TransactionsView::Full(
                (0..block.transactions.len()).filter_map(|index| TransactionView::included(block, index)).collect(),
            )
        } else {
            TransactionsView::Hashes(block.transactions.iter().map(|transaction| transaction.hash()).collect())
        };
        Self {
            header: HeaderView::new(&block.header, block.hash),
            size: U64::from(block.size()),
            transactions,
            uncles: [],
        }
    }

    /// Turns the view into that of a block that does not exist yet: it has no hash.
    #[must_use]
    pub fn without_hash(mut self) -> Self {
        self.header.hash = None;
        self
    }
}

/// A transaction, included or waiting.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TransactionView {
    block_hash: Option<B256>,
    block_number: Option<U64>,
    block_timestamp: Option<U64>,
    transaction_index: Option<U64>,
    from: Address,
    hash: B256,
    #[serde(flatten)]
    unsigned: UnsignedView,
    v: U64,
    #[serde(skip_serializing_if = "Option::is_none")]
    y_parity: Option<U64>,
    r: U256,
    s: U256,
}

/// The fields that are signed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UnsignedView {
    r#type: U64,
    #[serde(skip_serializing_if = "Option::is_none")]
    chain_id: Option<U64>,
    nonce: U64,
    to: Option<Address>,
    gas: U64,
    value: U256,
    input: Bytes,
    #[serde(skip_serializing_if = "Option::is_none")]
    gas_price: Option<U256>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_fee_per_gas: Option<U256>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_priority_fee_per_gas: Option<U256>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_list: Option<AccessList>,
}

impl UnsignedView {
    /// The signed fields of `transaction`; `gas_price` is what the specification wants there.
    pub fn new(transaction: &impl alloy_consensus::Transaction, gas_price: Option<u128>) -> Self {
        let kind = transaction.ty();
        Self {
            r#type: U64::from(kind),
            chain_id: transaction.chain_id().map(U64::from),
            nonce: U64::from(transaction.nonce()),
            to: transaction.to(),
            gas: U64::from(transaction.gas_limit()),
            value: transaction.value(),
            input: transaction.input().clone(),
            gas_price: gas_price.map(U256::from),
            max_fee_per_gas: (kind == 2).then(|| U256::from(transaction.max_fee_per_gas())),
            max_priority_fee_per_gas: transaction.max_priority_fee_per_gas().map(U256::from),
            access_list: transaction.access_list().cloned(),
        }
    }
}

impl TransactionView {
    fn new(transaction: &Transaction, gas_price: u128) -> Self {
        let envelope = transaction.envelope();
        let signature = envelope.signature();
        let parity = u64::from(signature.v());
        let is_legacy = transaction.envelope().is_legacy();
        let v = match envelope.chain_id() {
            Some(chain_id) if is_legacy => chain_id.saturating_mul(2).saturating_add(35 + parity),
            None if is_legacy => 27 + parity,
            _ => parity,
        };
        Self {
            block_hash: None,
            block_number: None,
            block_timestamp: None,
            transaction_index: None,
            from: transaction.sender(),
            hash: transaction.hash(),
            unsigned: UnsignedView::new(envelope, Some(gas_price)),
            v: U64::from(v),
            y_parity: (!is_legacy).then(|| U64::from(parity)),
            r: signature.r(),
            s: signature.s(),
        }
    }

    /// A transaction that waits in the pool.
    #[must_use]
    pub fn pending(transaction: &Transaction) -> Self {
        Self::new(transaction, transaction.fee_cap())
    }

    /// Transaction `index` of `block`, if there is one.
    #[must_use]
    pub fn included(block: &BlockRecord, index: usize) -> Option<Self> {
        let view = Self::new(block.transactions.get(index)?, block.effective_gas_price(index));
        Some(Self {
            block_hash: Some(block.hash),
            block_number: Some(U64::from(block.header.number)),
            block_timestamp: Some(U64::from(block.header.timestamp)),
            transaction_index: Some(U64::from(index)),
            ..view
        })
    }
}

/// A log with its place in the chain.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LogView {
    address: Address,
    topics: Vec<B256>,
    data: Bytes,
    block_hash: B256,
    block_number: U64,
    block_timestamp: U64,
    transaction_hash: B256,
    transaction_index: U64,
    log_index: U64,
    removed: bool,
}

impl LogView {
    fn new(block: &BlockRecord, transaction: usize, log_index: usize, log: &Log) -> Self {
        Self {
            address: log.address,
            topics: log.topics().to_vec(),
            data: log.data.data.clone(),
            block_hash: block.hash,
            block_number: U64::from(block.header.number),
            block_timestamp: U64::from(block.header.timestamp),
            transaction_hash: block
                .transactions
                .get(transaction)
                .map(|transaction| transaction.hash())
                .unwrap_or_default(),
            transaction_index: U64::from(transaction),
            log_index: U64::from(log_index),
            removed: false,
        }
    }
}

impl From<&LocatedLog> for LogView {
    fn from(found: &LocatedLog) -> Self {
        Self::new(&found.block, found.transaction, found.log_index, &found.log)
    }
}

/// A receipt.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptView {
    r#type: U64,
    transaction_hash: B256,
    transaction_index: U64,
    block_hash: B256,
    block_number: U64,
    from: Address,
    to: Option<Address>,
    cumulative_gas_used: U64,
    gas_used: U64,
    contract_address: Option<Address>,
    logs: Vec<LogView>,
    logs_bloom: Bloom,
    status: U64,
    effective_gas_price: U256,
}

impl ReceiptView {
    /// The receipt of transaction `index` of `block`, if there is one.
    #[must_use]
    pub fn new(block: &BlockRecord, index: usize) -> Option<Self> {
        let transaction = block.transactions.get(index)?;
        let receipt = block.receipts.get(index)?;
        let first = block.first_log_index(index);
        let logs =
            receipt.logs().iter().enumerate().map(|(offset, log)| LogView::new(block, index, first + offset, log));
        Some(Self {
            r#type: U64::from(transaction.envelope().ty()),
            transaction_hash: transaction.hash(),
            transaction_index: U64::from(index),
            block_hash: block.hash,
            block_number: U64::from(block.header.number),
            from: transaction.sender(),
            to: transaction.kind().to().copied(),
            cumulative_gas_used: U64::from(receipt.cumulative_gas_used()),
            gas_used: U64::from(block.gas_used(index)),
            contract_address: block.created(index),
            logs: logs.collect(),
            logs_bloom: receipt.bloom(),
            status: U64::from(receipt.status()),
            effective_gas_price: U256::from(block.effective_gas_price(index)),
        })
    }
}
