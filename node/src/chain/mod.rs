//! The chain of one node: blocks and the state after the last of them, on one store.
//!
//! The chain never executes anything itself: [`esker_runtime`] does. A block is acknowledged (visible to any reader)
//! only after its state and its tables are durable together.

mod ahead;
mod block_record;
mod clock;
mod compile;
mod head;
mod log_search;
mod open;
mod origin;
mod pipeline;
mod replay;
mod sets;
mod tables;
mod upgrade;
mod verify;

pub use ahead::{AheadCompiler, Recompiling};
pub use block_record::BlockRecord;
pub use clock::Clock;
pub use head::{Chain, Head};
pub use log_search::{LocatedLog, LogSearchError, search as search_logs};
pub use open::{ChainError, genesis_hash, memory_store, open_state_dir};
pub use origin::{ANCESTORS, Origin};
pub use pipeline::{Committed, Follower};
pub use replay::{ReplayError, Replayed};
pub use sets::{LightBlockError, genesis_light_block};
pub use tables::Location;
pub use upgrade::{TableError, adopt_upgrades, check_change, check_upgrades, head_version};
pub use verify::{ChainReport, verify as verify_chain};
