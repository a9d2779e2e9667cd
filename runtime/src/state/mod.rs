//! The state: accounts, their storage and code, at one block.
//!
//! A [`StateDb`] stands on a store. Its life is a loop of three separate steps: execute a block on a [`StateView`]
//! (which gives a [`ChangeSet`]), [`prepare`](StateView::prepare) the changes (which gives the root, and everything to
//! write), and [`commit`](StateDb::commit). Only the last one writes, once, atomically and durably.

mod account;
mod cache;
mod changes;
mod computed;
mod database;
mod diff;
mod history;
mod index;
mod items;
mod journal;
mod layers;
mod proof;
mod reader;
mod rebuild;
mod record;
mod tables;
mod update;
mod verify;
mod view;

pub use account::Account;
pub use changes::{AccountChange, ChangeSet, SlotChange};
pub use database::{StateDb, StateMemory, StateOptions};
pub use diff::ReverseDiff;
pub use history::HistoryMemory;
pub use items::StateItem;
pub use journal::{AccountId, Checkpoint, Journal, SlotId, SlotValues};
pub use proof::{AccountProof, AccountProofError, StorageProof};
pub use reader::{StateReader, StorageHandle};
pub use rebuild::{Rebuild, RebuildError, Rebuilt, is_unfinished};
pub use update::StateUpdate;
pub use verify::{VerifyError, VerifyProgress, VerifyReport};
pub use view::StateView;
