//! `net_*`, `web3_*` and what says which chain this is.

use alloy_primitives::{B256, Bytes, U64, keccak256};

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
pub fn peer_count(_: &Api, _: &Args) -> Result<U64, RpcError> {
    Ok(U64::ZERO)
}

/// `eth_chainId`
pub fn chain_id(api: &Api, _: &Args) -> Result<U64, RpcError> {
    Ok(U64::from(api.chain.config().chain_id))
}

/// `eth_syncing`: never.
pub fn syncing(_: &Api, _: &Args) -> Result<bool, RpcError> {
    Ok(false)
}
