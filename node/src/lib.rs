//! The Esker node: a chain on a store, a mempool, a JSON-RPC server and the command line around them.
//!
//! The node executes nothing itself: blocks and calls are executed by `esker-runtime`. It never acknowledges a block that
//! is not durable.

pub mod accounts;
mod bounded_file;
pub mod chain;
pub mod cli;
pub mod consensus;
pub mod demo;
pub mod dev_node;
mod durable_file;
pub mod gossip;
pub mod home;
pub mod keystore;
pub mod mempool;
pub mod network_node;
pub mod producer;
pub mod reporter;
pub mod rpc;
pub mod server;
pub mod simulation;
pub mod snapshot;
pub mod staking;
