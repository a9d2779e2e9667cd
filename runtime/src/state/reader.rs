//! What execution asks of a state.

use alloy_primitives::{Address, B256, Bytes};

use super::Account;
use crate::db::StoreError;

/// Where a reader finds the slots of an account. Belongs to the reader and the account that it was given for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageHandle {
    /// By the account's address, as anyone does.
    ByAddress,
    /// The account has never had storage.
    Empty,
    /// Under this id of the reader's own.
    Id(u64),
}

/// Reads the state at one block.
pub trait StateReader: Send + Sync {
    /// The account at `address`; `None` if it does not exist.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails or is damaged: a fault of the node, never a result of execution.
    fn account(&self, address: Address) -> Result<Option<Account>, StoreError>;

    /// The value of `slot` (its index, not hashed) of the account at `address`; zero if it was never set.
    ///
    /// # Errors
    /// As [`StateReader::account`].
    fn storage(&self, address: Address, slot: B256) -> Result<B256, StoreError>;

    /// As [`StateReader::account`], with what spares the reader the way to the account when its slots are read.
    ///
    /// # Errors
    /// As [`StateReader::account`].
    fn account_and_storage(&self, address: Address) -> Result<Option<(Account, StorageHandle)>, StoreError> {
        Ok(self.account(address)?.map(|account| (account, StorageHandle::ByAddress)))
    }

    /// As [`StateReader::storage`], with the `handle` that this reader gave for the account at `address`.
    ///
    /// # Errors
    /// As [`StateReader::account`].
    fn storage_at(&self, address: Address, handle: StorageHandle, slot: B256) -> Result<B256, StoreError> {
        match handle {
            StorageHandle::Empty => Ok(B256::ZERO),
            StorageHandle::ByAddress | StorageHandle::Id(_) => self.storage(address, slot),
        }
    }

    /// The code whose keccak is `code_hash`; `None` if no block deployed it.
    ///
    /// # Errors
    /// As [`StateReader::account`].
    fn code(&self, code_hash: B256) -> Result<Option<Bytes>, StoreError>;

    /// The hash of block `number`, if the chain holds it. The 256-block window is the caller's rule.
    ///
    /// # Errors
    /// As [`StateReader::account`].
    fn block_hash(&self, number: u64) -> Result<Option<B256>, StoreError>;
}
