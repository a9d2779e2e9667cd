//! What every method works on, and the questions that many of them ask.

use std::sync::Arc;

use alloy_primitives::Address;
use esker_runtime::db::StoreError;
use esker_runtime::state::{Account, StateReader};
use esker_vm::Machine;
use tokio::sync::Semaphore;

use super::RpcError;
use super::block_param::{BlockParam, Tag};
use super::eth_filters::Filters;
use crate::chain::{BlockRecord, Chain, Clock, Head};
use crate::consensus::status::Status;
use crate::mempool::Pool;

/// Requests that read, at most so many at a time.
const READERS: usize = 16;
/// Transactions that are checked at a time, at most. Apart from the readers: what is paid for does not wait for what is
/// free.
const SENDERS: usize = 16;
/// Subscriptions that look at a block at a time, at most.
const FOLLOWERS: usize = 4;
/// Requests that read or answer much: as many at a time as there are threads, and at most so many. Each may need some
/// hundred megabytes meanwhile.
const GATHERERS_MAX: usize = 4;

/// What the methods of every node work on: reading and simulating; nothing in it makes a block.
pub struct Api {
    /// Blocks and states.
    pub chain: Arc<Chain>,
    /// Waiting transactions.
    pub pool: Arc<Pool>,
    /// What time blocks get.
    pub clock: Arc<Clock>,
    /// Executes calls, in sessions for simulations.
    pub machine: Arc<dyn Machine>,
    /// Who receives the tips.
    pub beneficiary: Address,
    /// Most gas that a call may use.
    pub call_gas_cap: u64,
    /// What `web3_clientVersion` says.
    pub client_version: String,
    /// How the node stands in its network; `None` on a node without one.
    pub network: Option<Status>,
    /// Installed filters.
    pub(super) filters: Filters,
    pub(super) readers: Arc<Semaphore>,
    pub(super) senders: Arc<Semaphore>,
    pub(super) followers: Arc<Semaphore>,
    pub(super) gatherers: Arc<Semaphore>,
    pub(super) executors: Arc<Semaphore>,
}

impl AsRef<Api> for Api {
    fn as_ref(&self) -> &Api {
        self
    }
}

impl Api {
    /// The methods' context. `client_version` is what `web3_clientVersion` says.
    #[must_use]
    pub fn new(
        chain: Arc<Chain>,
        pool: Arc<Pool>,
        clock: Arc<Clock>,
        machine: Arc<dyn Machine>,
        beneficiary: Address,
        client_version: String,
    ) -> Self {
        let block_gas_limit = chain.head().block.header.gas_limit;
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            chain,
            pool,
            beneficiary,
            clock,
            machine,
            call_gas_cap: block_gas_limit.max(50_000_000),
            client_version,
            network: None,
            filters: Filters::default(),
            readers: Arc::new(Semaphore::new(READERS)),
            senders: Arc::new(Semaphore::new(SENDERS)),
            followers: Arc::new(Semaphore::new(FOLLOWERS)),
            gatherers: Arc::new(Semaphore::new(threads.min(GATHERERS_MAX))),
            executors: Arc::new(Semaphore::new(threads)),
        }
    }

    /// The same for a node of a network.
    #[must_use]
    pub fn in_network(self, status: Status) -> Self {
        Self { network: Some(status), ..self }
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
        let oldest = self.chain.oldest_state();
        let root = self.chain.header(number)?.map(|header| header.state_root).unwrap_or_default();
        Err(RpcError::server(format!(
            "missing trie node {root:x} (path ) state {root} is not available: block {number} is too old, this node \
             answers for the states of the last blocks since it started, from block {oldest} on"
        )))
    }

    /// The sender's account at the head; an absent one is empty.
    pub(super) fn account(&self, address: Address) -> Result<Account, RpcError> {
        Ok(self.chain.head().state.account(address)?.unwrap_or_default())
    }

    /// The nonce that `address` uses next, waiting transactions counted.
    pub(super) fn pending_nonce(&self, address: Address) -> Result<u64, RpcError> {
        // The pool first: a transaction leaves it only after the head that counts it is there.
        let pending = self.pool.pending_nonce(address);
        Ok(self.account(address)?.nonce.max(pending.unwrap_or_default()))
    }
}

impl From<StoreError> for RpcError {
    fn from(error: StoreError) -> Self {
        Self::internal(error)
    }
}
