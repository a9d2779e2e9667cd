//! Opening a chain: an empty store gets the genesis block, any other must fit.

use std::path::Path;
use std::sync::Arc;

use alloy_primitives::B256;
use esker_runtime::db::{Batch, MemoryStore, OpenError, SledStore, Store, StoreError};
use esker_runtime::genesis::GenesisError;
use esker_runtime::state::StateDb;
use esker_runtime::{Genesis, PreparedBlock};
use esker_vm::Machine;

use super::{BlockRecord, Chain, TableError, sets, tables};

/// Why a chain could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// The store could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The genesis is no good.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// The store holds another chain.
    #[error(
        "the state directory holds the chain with id {found}, not {wanted}: start with --chain-id {found}, or choose \
         another directory"
    )]
    OtherChain {
        /// Chain id of the store.
        found: u64,
        /// Chain id asked for.
        wanted: u64,
    },
    /// The chain's upgrades contradict its blocks.
    #[error(transparent)]
    Upgrades(#[from] TableError),
    /// A store without a chain, where one must be.
    #[error("{0} holds no chain: point --state at the directory of a node that has run")]
    NoChain(String),
}

/// Opens the store in the folder `path`, which is made if it does not exist; `cache_bytes` bounds its cache.
///
/// # Errors
/// [`OpenError`]: locked by another process, of another version, damaged, not readable.
pub fn open_state_dir(path: &Path, cache_bytes: u64) -> Result<Arc<dyn Store>, OpenError> {
    Ok(Arc::new(SledStore::open(path, cache_bytes)?))
}

/// A store that is gone with the process.
#[must_use]
pub fn memory_store() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new())
}

/// Hash of the block 0 that `genesis` makes.
///
/// # Errors
/// [`ChainError::Genesis`] if it is no good.
pub fn genesis_hash(genesis: &Genesis) -> Result<B256, ChainError> {
    let db = StateDb::open(memory_store())?;
    Ok(PreparedBlock::genesis(&db, genesis.build()?)?.block().hash)
}

impl Chain {
    /// Opens the chain on `store`. An empty store begins with `genesis`; on any other, `genesis` must name the same
    /// chain id and is otherwise replaced by what the chain began with.
    ///
    /// # Errors
    /// [`ChainError`].
    pub fn open(store: Arc<dyn Store>, genesis: &Genesis, machine: Arc<dyn Machine>) -> Result<Self, ChainError> {
        let db = StateDb::open(store)?;
        match tables::head(&db)? {
            None => Self::begin(db, genesis, machine),
            Some(head) => Self::resume(db, head, Some(genesis.config.chain_id), machine),
        }
    }

    /// Opens the chain that `store` holds. `name` is what an error calls the store.
    ///
    /// # Errors
    /// [`ChainError`]; [`ChainError::NoChain`] if it holds none.
    pub fn open_existing(store: Arc<dyn Store>, name: &str, machine: Arc<dyn Machine>) -> Result<Self, ChainError> {
        let db = StateDb::open(store)?;
        let head = tables::head(&db)?.ok_or_else(|| ChainError::NoChain(name.to_owned()))?;
        Self::resume(db, head, None, machine)
    }

    fn begin(db: StateDb, genesis: &Genesis, machine: Arc<dyn Machine>) -> Result<Self, ChainError> {
        let built = genesis.build()?;
        let prepared = PreparedBlock::genesis(&db, built)?;
        let block = BlockRecord::from(prepared.block());
        let mut batch = Batch::new();
        tables::put_block(&mut batch, &block);
        tables::put_genesis(&mut batch, genesis)?;
        sets::put_record(&mut batch, &db, &genesis.chain_config(), &prepared)?;
        prepared.commit(&db, batch)?;
        tracing::info!(hash = %block.hash, chain_id = genesis.config.chain_id, "a new chain begins");
        Ok(Self::new(genesis.clone(), machine, db, block))
    }

    fn resume(db: StateDb, head: u64, wanted: Option<u64>, machine: Arc<dyn Machine>) -> Result<Self, ChainError> {
        let genesis =
            tables::genesis(&db)?.ok_or_else(|| StoreError::Corrupt("the genesis record is missing".into()))?;
        let found = genesis.config.chain_id;
        if let Some(wanted) = wanted.filter(|wanted| *wanted != found) {
            return Err(ChainError::OtherChain { found, wanted });
        }
        let block = tables::block(&db, head)?
            .ok_or_else(|| StoreError::Corrupt(format!("block {head}, the head, is missing")))?;
        if tables::hash_of(&db, head)? != Some(block.hash) {
            return Err(
                StoreError::Corrupt(format!("the header of block {head} does not have the recorded hash")).into()
            );
        }
        if db.root() != block.header.state_root {
            return Err(StoreError::Corrupt(format!(
                "the state's root is {}, the head's header says {}",
                db.root(),
                block.header.state_root
            ))
            .into());
        }
        tracing::info!(number = head, hash = %block.hash, "the chain goes on");
        Ok(Self::new(genesis, machine, db, block))
    }
}
