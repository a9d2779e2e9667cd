//! What a chain stands on beside its state, if it begins with a snapshot instead of block 0.

use alloy_consensus::Header;
use esker_runtime::Genesis;
use esker_runtime::db::{Batch, StoreError, keys};
use esker_runtime::state::StateDb;

use super::{BlockRecord, tables};

/// Headers before the head that a snapshot has, as far as there are so many: contracts can ask for the hashes of so many
/// blocks (BLOCKHASH).
pub const ANCESTORS: u64 = 256;

/// The first block that a chain holds whole, and what is needed of the time before it.
#[derive(Clone, Debug)]
pub struct Origin {
    /// What the chain began with.
    pub genesis: Genesis,
    /// The block.
    pub head: BlockRecord,
    /// What proves that it was decided, if anything does.
    pub certificate: Option<Vec<u8>>,
    /// Headers of the blocks before it, its parent's first: [`ANCESTORS`], or all.
    pub ancestors: Vec<Header>,
}

impl Origin {
    /// How many ancestors the block `number` must have.
    #[must_use]
    pub const fn ancestors_of(number: u64) -> u64 {
        if number < ANCESTORS { number } else { ANCESTORS }
    }

    /// The head of the chain that `db` holds; `None` if it holds none.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails, or does not hold what belongs to a chain.
    pub fn read(db: &StateDb) -> Result<Option<Self>, StoreError> {
        let Some(number) = tables::head(db)? else { return Ok(None) };
        let missing = |what: &str| StoreError::Corrupt(format!("{what} is missing"));
        let genesis = tables::genesis(db)?.ok_or_else(|| missing("the genesis record"))?;
        let head = tables::block(db, number)?.ok_or_else(|| missing(&format!("block {number}, the head,")))?;
        let (root, said) = (db.root(), head.header.state_root);
        if db.block_number() != Some(number) || root != said {
            return Err(StoreError::Corrupt(format!("the state's root is {root}, the head's header says {said}")));
        }
        let mut ancestors = Vec::new();
        let mut parent_hash = head.header.parent_hash;
        for number in (number - Self::ancestors_of(number)..number).rev() {
            let header =
                tables::header(db, number)?.ok_or_else(|| missing(&format!("the header of block {number}")))?;
            if header.hash_slow() != parent_hash {
                return Err(StoreError::Corrupt(format!("block {number} is not the parent of the block after it")));
            }
            parent_hash = header.parent_hash;
            ancestors.push(header);
        }
        let certificate = tables::certificate(db, number)?;
        Ok(Some(Self { genesis, head, certificate, ancestors }))
    }

    /// All that the tables of a chain hold that begins so.
    ///
    /// # Errors
    /// [`StoreError::Mismatch`] if the genesis cannot be written as JSON.
    pub fn tables(&self) -> Result<Batch, StoreError> {
        let number = self.head.header.number;
        let mut batch = Batch::new();
        tables::put_genesis(&mut batch, &self.genesis)?;
        for header in &self.ancestors {
            tables::put_ancestor(&mut batch, header);
        }
        tables::put_block(&mut batch, &self.head);
        batch.put(keys::block_hash(number), self.head.hash.as_slice());
        if let Some(certificate) = &self.certificate {
            tables::put_certificate(&mut batch, number, certificate);
        }
        tables::put_history_min(&mut batch, number);
        Ok(batch)
    }
}
