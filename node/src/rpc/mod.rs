//! JSON-RPC: the methods, their parameters and their answers.
//!
//! A method is a function of [`Api`], which every node has, or of what its kind of node has besides ([`dev::DevApi`]), and
//! of [`Args`]; [`register`] says which thread runs it. Nothing here executes a block; calls are executed by [`esker_runtime::simulate`] on a machine of their own, so that they never take what
//! block production needs.

pub mod block_param;
pub mod call_args;
pub mod dev;
pub mod error;
pub mod log_filter;
pub mod network;
pub mod params;
pub mod views;

mod access;
mod eth_blocks;
mod eth_execute;
mod eth_fees;
mod eth_filters;
mod eth_logs;
mod eth_state;
mod eth_subscribe;
mod eth_transactions;
mod fill;
mod light;
mod net_web3;
mod overrides;
mod protocol;
mod register;
pub mod simulate;
mod staking;
mod txpool;

pub use access::Api;
pub use error::RpcError;
pub use params::Args;
pub use register::module;
