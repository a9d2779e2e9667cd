//! The state: accounts, their storage and code, at one block.

mod account;
mod changes;
mod database;
mod proof;
mod reader;

pub use account::Account;
pub use changes::{AccountChange, ChangeSet, SlotChange};
pub use database::{StateDb, StateUpdate, StateView};
pub use proof::{AccountProof, StorageProof};
pub use reader::StateReader;
