//! `net_*`, `web3_*` and what says which chain this is.

use alloy_primitives::{B256, Bytes, U64, keccak256};
use serde::Serialize;

use super::{Api, Args, RpcError};

/// `web3_clientVersion`
pub fn client_version(api: &Api, _: &Args) -> Result<String, RpcError> {
    Ok(api.client_version.clone())
}

/// `web3_sha3`
pub fn sha3(_: &Api, args: &Args) -> Result<B256, RpcError> {
    Ok(keccak256(args.required::<Bytes>(0)?))
}

/// `net_version`: the chain id in decimal.
pub fn net_version(api: &Api, _: &Args) -> Result<String, RpcError> {
    Ok(api.chain.config().chain_id.to_string())
}

/// `net_listening`
pub fn listening(_: &Api, _: &Args) -> Result<bool, RpcError> {
    Ok(true)
}

/// `net_peerCount`: a development node has no peers.
pub fn peer_count(api: &Api, _: &Args) -> Result<U64, RpcError> {
    Ok(U64::from(api.network.as_ref().map_or(0, |status| status.get().peers)))
}

/// `eth_chainId`
pub fn chain_id(api: &Api, _: &Args) -> Result<U64, RpcError> {
    Ok(U64::from(api.chain.config().chain_id))
}

/// What `eth_syncing` says.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Syncing {
    /// Nothing is missing.
    Done(bool),
    /// Blocks are missing.
    #[serde(rename_all = "camelCase")]
    Behind {
        /// The last block when the node started.
        starting_block: U64,
        /// The last block now.
        current_block: U64,
        /// The last block that the network decided, as far as this node knows.
        highest_block: U64,
    },
}

/// `eth_syncing`: whether the network is ahead of this node by more than the block that is being decided.
pub fn syncing(api: &Api, _: &Args) -> Result<Syncing, RpcError> {
    let current = api.chain.head().block.header.number;
    let standing = api.network.as_ref().map(crate::consensus::status::Status::get).unwrap_or_default();
    if standing.highest <= current.saturating_add(1) {
        return Ok(Syncing::Done(false));
    }
    Ok(Syncing::Behind {
        starting_block: U64::from(standing.started_at),
        current_block: U64::from(current),
        highest_block: U64::from(standing.highest),
    })
}
