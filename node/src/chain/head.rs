//! The chain's readers and its one writer.

use std::collections::VecDeque;
use std::sync::Arc;

use alloy_consensus::Header;
use alloy_primitives::{Address, B256};
use esker_runtime::db::{Batch, StoreError};
use esker_runtime::state::{ChangeSet, StateDb, StateReader, StateView};
use esker_runtime::{
    BlockBuilder, BlockEnv, ChainConfig, ExecutedBlock, Genesis, PushError, Transaction, TransactionError,
};
use esker_vm::{Fatal, Machine, Session};
use parking_lot::{Mutex, RwLock};
use tokio::sync::watch;

use super::tables;
use super::{BlockRecord, Location};

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

/// Where the transactions of a block come from.
pub trait TransactionSource: Send {
    /// The next one to try.
    fn offer(&mut self) -> Option<Arc<Transaction>>;

    /// The last one did not get in: whatever else its sender has cannot follow now.
    fn skip_sender(&mut self);
}

/// Offers transactions in the order given, whatever becomes of the ones before.
#[derive(Debug)]
pub struct InOrder(std::vec::IntoIter<Transaction>);

impl InOrder {
    /// Offers `transactions`.
    #[must_use]
    pub fn new(transactions: Vec<Transaction>) -> Self {
        Self(transactions.into_iter())
    }
}

impl TransactionSource for InOrder {
    fn offer(&mut self) -> Option<Arc<Transaction>> {
        self.0.next().map(Arc::new)
    }

    fn skip_sender(&mut self) {}
}

/// What a new block is to be like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextBlock {
    /// Seconds since the Unix epoch; raised to the parent's if it is below.
    pub timestamp: u64,
    /// Who receives the tips.
    pub beneficiary: Address,
    /// Whether to make it though no transaction gets in.
    pub may_be_empty: bool,
}

/// What came of making a block.
#[derive(Debug)]
pub struct Produced {
    /// The block, durable and visible; `None` if no transaction got in and it was not to be empty.
    pub block: Option<Arc<BlockRecord>>,
    /// What it changed.
    pub changes: ChangeSet,
    /// Transactions that were offered and turned out to be invalid.
    pub refused: Vec<(B256, TransactionError)>,
}

/// Why no block was made. The state is what it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProduceError {
    /// The node failed while executing.
    #[error(transparent)]
    Fatal(#[from] Fatal),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
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
    /// Held while a block is made: there is one writer.
    writer: Mutex<()>,
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
            writer: Mutex::new(()),
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

    /// Makes the next block out of what `source` offers, and returns when it is durable and visible to readers. Blocks
    /// the calling thread.
    ///
    /// # Errors
    /// [`ProduceError`]: the node is at fault, nothing was committed.
    pub fn produce(&self, next: NextBlock, source: &mut dyn TransactionSource) -> Result<Produced, ProduceError> {
        let _writer = self.writer.lock();
        let head = self.head();
        let env = self.next_env(&head.block.header, next.timestamp, next.beneficiary);
        let number = env.number;
        let (built, refused) =
            esker_vm::execution(&*self.machine, |session| fill(session, &head.state, &self.config, env, source))?;
        if built.transactions.is_empty() && !next.may_be_empty {
            return Ok(Produced { block: None, changes: ChangeSet::default(), refused });
        }
        let changes = built.changes.clone();
        let update = head.state.prepare(&changes, number)?;
        let block = Arc::new(record(built.seal(update.root)));
        let mut batch = Batch::new();
        tables::put_block(&mut batch, &block);
        let bytes = update.batch().bytes();
        self.db.commit(update, batch)?;
        self.acknowledge(block.clone(), bytes);
        let created: Vec<_> = changes.codes.keys().map(|hash| hash.0.into()).collect();
        self.machine.hold(&created);
        Ok(Produced { block: Some(block), changes, refused })
    }

    /// Lets readers see a block that is durable and wrote that many bytes.
    fn acknowledge(&self, block: Arc<BlockRecord>, bytes: usize) {
        let number = block.header.number;
        let head = Arc::new(Head { block, state: self.db.snapshot() });
        self.recent.write().push(head, bytes);
        self.number.send_replace(number);
    }
}

/// What comes of filling a block: the block, and the transactions that turned out to be invalid.
type Filled = (esker_runtime::BuiltBlock, Vec<(B256, TransactionError)>);

/// Executes what `source` offers until the block is full.
fn fill(
    session: &Session<'_>,
    state: &dyn StateReader,
    config: &ChainConfig,
    env: BlockEnv,
    source: &mut dyn TransactionSource,
) -> Result<Filled, Fatal> {
    let mut builder = BlockBuilder::new(session, state, config, env);
    let mut refused = Vec::new();
    while let Some(transaction) = source.offer() {
        let hash = transaction.hash();
        match builder.push(Transaction::clone(&transaction)) {
            Ok(_) => {}
            Err(PushError::Invalid(reason)) => {
                refused.push((hash, reason));
                source.skip_sender();
            }
            Err(PushError::BlockFull) => source.skip_sender(),
            Err(PushError::Fatal(fatal)) => return Err(fatal),
        }
    }
    Ok((builder.finish()?, refused))
}

/// The record of an executed block.
pub(super) fn record(block: ExecutedBlock) -> BlockRecord {
    BlockRecord {
        header: block.header,
        hash: block.hash,
        transactions: block.transactions.into_iter().map(Arc::new).collect(),
        receipts: block.receipts,
    }
}
