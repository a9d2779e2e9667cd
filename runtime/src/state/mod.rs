//! The state: accounts, their storage and code, at one block.

mod account;
mod changes;
mod database;
mod journal;
mod proof;
mod reader;

pub use account::Account;
pub use changes::{AccountChange, ChangeSet, SlotChange};
pub use database::{StateDb, StateUpdate, StateView};
pub use journal::{AccountId, Checkpoint, Journal, SlotId, SlotValues};
pub use proof::{AccountProof, StorageProof};
pub use reader::StateReader;
