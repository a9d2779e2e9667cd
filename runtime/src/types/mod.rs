//! Ethereum's transaction formats, decoded strictly.

mod error;
mod transaction;

pub use error::{ExecuteError, TransactionError};
pub use transaction::{SignedTransaction, Transaction, recover_senders};
