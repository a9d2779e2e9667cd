//! Transactions that wait for a block.
//!
//! The pool never executes anything and never touches the store: whoever adds a transaction brings the sender's account
//! as the head's state has it, and the pool is told what each block changed. All that it is asked for on a block's path (the
//! best transactions, the worst ones, whether there are any) comes from indices that are kept up with each change.

mod admission;
mod arrivals;
mod best;
pub mod journal;
mod pool;
mod price;
mod sender;
mod stock;
pub mod submit;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use alloy_primitives::B256;

pub use admission::{Admission, MIN_PRICE_BUMP_PERCENT, PoolError, may_heal};
pub use arrivals::Arrivals;
pub use best::BestTransactions;
pub use pool::{ByNonce, Content, Pool, Status};
pub use stock::{Added, Limits};

/// Passes a transaction in the pool on to peers, by its hash.
pub type Publish = Arc<dyn Fn(B256) + Send + Sync>;
