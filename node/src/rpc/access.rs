//! What every method works on, and the questions that many of them ask.

use std::sync::Arc;

use alloy_primitives::{Address, B256};
use esker_runtime::db::StoreError;
use esker_runtime::state::{Account, StateReader};
use esker_vm::Machine;
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::RpcError;
use super::block_param::{BlockParam, Tag};
use super::eth_filters::Filters;
use crate::accounts::Accounts;
use crate::chain::{BlockRecord, Chain, Clock, Head};
use crate::mempool::Pool;
use crate::producer::ProducerHandle;

/// Requests that read, at most so many at a time.
const READERS: usize = 64;

/// Everything that the methods need.
pub struct Api {
    /// Blocks and states.
    pub chain: Arc<Chain>,
    /// Waiting transactions.
    pub pool: Arc<Pool>,
    /// Makes blocks.
    pub producer: ProducerHandle,
    /// What time blocks get.
    pub clock: Arc<Clock>,
    /// Executes calls; its slots are not those of block production.
    pub machine: Arc<dyn Machine>,
    /// Keys that this node signs with.
    pub accounts: Accounts,
    /// Who receives the tips.
    pub beneficiary: Address,
    /// Most gas that a call may use.
    pub call_gas_cap: u64,
    /// What `web3_clientVersion` says.
    pub client_version: String,
    /// Names this run of the node.
    pub instance_id: B256,
    /// Installed filters.
    pub(super) filters: Filters,
    pub(super) readers: Arc<Semaphore>,
    pub(super) executors: Arc<Semaphore>,
    /// Held while a transaction of an unlocked account gets its nonce and enters the pool.
    pub(super) sending: Mutex<()>,
}

/// What [`Api::new`] is made from.
pub struct ApiParts {
    /// Blocks and states.
    pub chain: Arc<Chain>,
    /// Waiting transactions.
    pub pool: Arc<Pool>,
    /// Makes blocks.
    pub producer: ProducerHandle,
    /// What time blocks get.
    pub clock: Arc<Clock>,
    /// Executes calls.
    pub machine: Arc<dyn Machine>,
    /// Keys that this node signs with.
    pub accounts: Accounts,
    /// Who receives the tips.
    pub beneficiary: Address,
    /// Calls executed at a time.
    pub executors: usize,
    /// What `web3_clientVersion` says.
    pub client_version: String,
    /// Names this run of the node.
    pub instance_id: B256,
}

impl Api {
    /// The methods' context.
    #[must_use]
    pub fn new(parts: ApiParts) -> Self {
        let block_gas_limit = parts.chain.head().block.header.gas_limit;
        Self {
            chain: parts.chain,
            pool: parts.pool,
            producer: parts.producer,
            clock: parts.clock,
            machine: parts.machine,
            accounts: parts.accounts,
            beneficiary: parts.beneficiary,
            call_gas_cap: block_gas_limit.max(50_000_000),
            client_version: parts.client_version,
            instance_id: parts.instance_id,
            filters: Filters::default(),
            readers: Arc::new(Semaphore::new(READERS)),
            executors: Arc::new(Semaphore::new(parts.executors.max(1))),
            sending: Mutex::new(()),
        }
    }

    /// Number of the block that `block` names; `None` if there is no such block. `pending` is the head here.
    pub(super) fn number(&self, block: BlockParam) -> Result<Option<u64>, RpcError> {
        let head = self.chain.head().block.header.number;
        Ok(match block {
            BlockParam::Tag(Tag::Latest | Tag::Pending | Tag::Safe | Tag::Finalized) => Some(head),
            BlockParam::Tag(Tag::Earliest) => Some(0),
            BlockParam::Number(number) => Some(number).filter(|number| *number <= head),
            // A block's tables are durable a moment before it is acknowledged.
            BlockParam::Hash(hash) => self.chain.number_of(hash)?.filter(|number| *number <= head),
        })
    }

    /// The block that `block` names, if there is one.
    pub(super) fn block(&self, block: BlockParam) -> Result<Option<Arc<BlockRecord>>, RpcError> {
        match self.number(block)? {
            Some(number) => Ok(self.chain.block(number)?),
            None => Ok(None),
        }
    }

    /// The block that `block` names and the state after it.
    ///
    /// # Errors
    /// geth's words if there is no such block, or its state is no longer kept.
    pub(super) fn state(&self, block: BlockParam) -> Result<Arc<Head>, RpcError> {
        if matches!(block, BlockParam::Tag(tag) if tag != Tag::Earliest) {
            return Ok(self.chain.head());
        }
        let Some(number) = self.number(block)? else {
            let what =
                if matches!(block, BlockParam::Hash(_)) { "header for hash not found" } else { "header not found" };
            return Err(RpcError::server(what));
        };
        if let Some(head) = self.chain.recent_state(number) {
            return Ok(head);
        }
        let root = self.chain.header(number)?.map(|header| header.state_root).unwrap_or_default();
        Err(RpcError::server(format!(
            "missing trie node {root:x} (path ) state {root} is not available: block {number} is too old, \
             this node keeps the states of the last blocks only"
        )))
    }

    /// The sender's account at the head; an absent one is empty.
    pub(super) fn account(&self, address: Address) -> Result<Account, RpcError> {
        Ok(self.chain.head().state.account(address)?.unwrap_or_default())
    }

    /// The nonce that `address` uses next, waiting transactions counted.
    pub(super) fn pending_nonce(&self, address: Address) -> Result<u64, RpcError> {
        let nonce = self.account(address)?.nonce;
        Ok(self.pool.pending_nonce(address).map_or(nonce, |pending| pending.max(nonce)))
    }
}

impl From<StoreError> for RpcError {
    fn from(error: StoreError) -> Self {
        Self::internal(error)
    }
}
