//! Ethereum's transaction formats, decoded strictly.

mod error;
mod recover;
mod transaction;

pub use error::{ExecuteError, TransactionError};
pub use recover::recover_senders;
pub use transaction::{SignedTransaction, Transaction};
