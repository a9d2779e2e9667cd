//! The chain's readers and its one writer.

use std::collections::VecDeque;
use std::sync::Arc;

use alloy_consensus::Header;
use alloy_primitives::{Address, B256};
use esker_runtime::db::{Batch, StoreError};
use esker_runtime::state::{StateDb, StateView};
use esker_runtime::{BlockEnv, ChainConfig, Genesis, Parent, PreparedBlock};
use esker_vm::Machine;
use esker_vm::abi::Limits;
use parking_lot::{Mutex, RwLock};
use tokio::sync::watch;

use super::{BlockRecord, Committed, Follower, Location, Recompiling, sets, tables};

/// How many of the last blocks are kept in memory.
const RECENT_BLOCKS: usize = 256;
/// How many of the last states can be queried.
const RECENT_STATES: usize = 128;
/// Bound of what keeping them holds in memory, in bytes: what later blocks replaced.
const RECENT_STATE_BYTES: usize = 64 << 20;

/// A committed block and the state after it, which later blocks do not change.
#[derive(Clone)]
pub struct Head {
    /// The block.
    pub block: Arc<BlockRecord>,
    /// The state after it.
    pub state: StateView,
}

impl Head {
    /// The block as the one that another stands on.
    ///
    /// # Errors
    /// Never, unless block and state were put together wrongly.
    pub fn as_parent(&self) -> Result<Parent, StoreError> {
        Parent::new(self.block.header.clone(), self.state.clone())
    }
}

/// What the last blocks left in memory.
struct Recent {
    head: Arc<Head>,
    /// The last blocks, the head last.
    blocks: VecDeque<Arc<BlockRecord>>,
    /// The last states, the head's last, each with how many bytes its block wrote.
    states: VecDeque<(Arc<Head>, usize)>,
    /// What the blocks after the first of these states wrote, in bytes.
    state_bytes: usize,
}

impl Recent {
    fn begin(head: Arc<Head>) -> Self {
        let blocks = [head.block.clone()].into();
        Self { head: head.clone(), blocks, states: [(head, 0)].into(), state_bytes: 0 }
    }

    /// Makes `head` the head; its block wrote that many bytes.
    fn push(&mut self, head: Arc<Head>, bytes: usize) {
        self.blocks.push_back(head.block.clone());
        if self.blocks.len() > RECENT_BLOCKS {
            self.blocks.pop_front();
        }
        self.head = head.clone();
        self.states.push_back((head, bytes));
        self.state_bytes += bytes;
        while self.states.len() > RECENT_STATES || (self.states.len() > 1 && self.state_bytes > RECENT_STATE_BYTES) {
            self.states.pop_front();
            // The state that is the first one now holds what came after its own block only.
            self.state_bytes -= self.states.front().map_or(0, |(_, bytes)| *bytes);
        }
    }
}

/// A chain on a store. Readers never wait for a block that is being made.
pub struct Chain {
    genesis: Genesis,
    config: ChainConfig,
    pub(super) machine: Arc<dyn Machine>,
    db: StateDb,
    recent: RwLock<Recent>,
    number: watch::Sender<u64>,
    /// Told of each block; held while one is committed.
    pub(super) followers: Mutex<Vec<Arc<dyn Follower>>>,
    recompiling: Mutex<Option<Recompiling>>,
}

impl Chain {
    /// A chain whose last block is `head` with the state that `db` holds. `machine` executes its blocks.
    pub(super) fn new(genesis: Genesis, machine: Arc<dyn Machine>, db: StateDb, head: BlockRecord) -> Self {
        let number = head.header.number;
        let head = Arc::new(Head { block: Arc::new(head), state: db.snapshot() });
        Self {
            config: genesis.chain_config(),
            genesis,
            machine,
            db,
            recent: RwLock::new(Recent::begin(head)),
            number: watch::Sender::new(number),
            followers: Mutex::default(),
            recompiling: Mutex::default(),
        }
    }

    /// What the chain began with.
    #[must_use]
    pub const fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// The rules.
    #[must_use]
    pub const fn config(&self) -> &ChainConfig {
        &self.config
    }

    pub(super) const fn db(&self) -> &StateDb {
        &self.db
    }

    /// How far the contracts are compiled for the upgrade that comes next, where it needs that.
    #[must_use]
    pub fn recompiling(&self) -> Option<Recompiling> {
        *self.recompiling.lock()
    }

    pub(super) fn tell_recompiling(&self, progress: Recompiling) {
        *self.recompiling.lock() = Some(progress);
    }

    /// What bounds modules.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        self.machine.limits()
    }

    /// The last committed block and its state.
    #[must_use]
    pub fn head(&self) -> Arc<Head> {
        self.recent.read().head.clone()
    }

    /// The head's number, which changes with every block.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.number.subscribe()
    }

    /// Block `number` and the state after it, if it is recent enough.
    #[must_use]
    pub fn recent_state(&self, number: u64) -> Option<Arc<Head>> {
        let recent = self.recent.read();
        let age = usize::try_from(recent.head.block.header.number.checked_sub(number)?).ok()?;
        let index = recent.states.len().checked_sub(age + 1)?;
        recent.states.get(index).map(|(head, _)| head.clone())
    }

    /// Number of the oldest block whose state can be queried.
    #[must_use]
    pub fn oldest_state(&self) -> u64 {
        let recent = self.recent.read();
        recent.states.front().map_or(recent.head.block.header.number, |(head, _)| head.block.header.number)
    }

    fn recent_block(&self, number: u64) -> Option<Arc<BlockRecord>> {
        let recent = self.recent.read();
        let age = usize::try_from(recent.head.block.header.number.checked_sub(number)?).ok()?;
        let index = recent.blocks.len().checked_sub(age + 1)?;
        recent.blocks.get(index).cloned()
    }

    /// Block `number`, if it is there.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails or is damaged.
    pub fn block(&self, number: u64) -> Result<Option<Arc<BlockRecord>>, StoreError> {
        if let Some(block) = self.recent_block(number) {
            return Ok(Some(block));
        }
        Ok(tables::block(&self.db, number)?.map(Arc::new))
    }

    /// Number of the oldest block whose body and receipts are there: 0, unless the chain began with a snapshot.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails or is damaged.
    pub fn history_min(&self) -> Result<u64, StoreError> {
        tables::history_min(&self.db)
    }

    /// Header of block `number`, if it is there.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails or is damaged.
    pub fn header(&self, number: u64) -> Result<Option<Header>, StoreError> {
        if let Some(block) = self.recent_block(number) {
            return Ok(Some(block.header.clone()));
        }
        tables::header(&self.db, number)
    }

    /// Number of the block with this hash, if it is there.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails or is damaged.
    pub fn number_of(&self, hash: B256) -> Result<Option<u64>, StoreError> {
        tables::number_of(&self.db, hash)
    }

    /// Where the transaction with this hash is, if a block has it.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails or is damaged.
    pub fn location(&self, hash: B256) -> Result<Option<Location>, StoreError> {
        tables::location(&self.db, hash)
    }

    /// What a block on the head would see: its number, time, base fee.
    #[must_use]
    pub fn next_env(&self, parent: &Header, timestamp: u64, beneficiary: Address) -> BlockEnv {
        BlockEnv::child_of(parent, timestamp, beneficiary, 0, &self.config)
    }

    /// The certificate of block `number`, as [`Chain::commit_with`] was given it.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails or is damaged.
    pub fn certificate(&self, number: u64) -> Result<Option<Vec<u8>>, StoreError> {
        tables::certificate(&self.db, number)
    }

    /// Base fee of the next block, in wei a gas.
    #[must_use]
    pub fn next_base_fee(&self) -> u64 {
        let head = self.head();
        self.next_env(&head.block.header, head.block.header.timestamp, Address::ZERO).base_fee
    }

    /// Makes `block`, whose tables `record` will be, durable, and then the head that readers see. Returns how readers know
    /// it and what it changed.
    pub(super) fn advance(&self, block: PreparedBlock, certificate: Option<&[u8]>) -> Result<Committed, StoreError> {
        let record = Arc::new(BlockRecord::from(block.block()));
        let mut tables = Batch::new();
        tables::put_block(&mut tables, &record);
        if let Some(certificate) = certificate {
            tables::put_certificate(&mut tables, record.header.number, certificate);
        }
        sets::put_record(&mut tables, &self.db, &self.config, &block)?;
        let committed = block.commit(&self.db, tables)?;
        let number = record.header.number;
        let head = Head { block: record.clone(), state: committed.as_parent.state().clone() };
        self.recent.write().push(Arc::new(head), committed.state_bytes);
        self.number.send_replace(number);
        Ok(Committed { block: record, changes: committed.changes })
    }
}
