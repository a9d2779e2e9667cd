//! The methods of a node in a network: transactions come in, and how the blocks are agreed on can be seen.

use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes, U64};
use jsonrpsee::RpcModule;
use jsonrpsee::core::RegisterMethodError;
use serde::Serialize;

use malachite::app::types::core::CommitSignature;

use super::register::Registry;
use super::{Api, Args, RpcError, eth_transactions, light, staking};
use crate::chain::BlockRecord;
use crate::consensus::certificate;
use crate::consensus::context::EskerContext;
use crate::consensus::status::Status;
use crate::mempool::Publish;

/// What the methods work on.
pub struct NetworkApi {
    api: Arc<Api>,
    status: Status,
    validator: Option<Address>,
    reporter: Option<Address>,
    publish: Publish,
}

impl AsRef<Api> for NetworkApi {
    fn as_ref(&self) -> &Api {
        &self.api
    }
}

impl NetworkApi {
    /// The methods' context; `validator` is the address that this node votes with, `reporter` the account that it reports
    /// offences with; `publish` is told of each transaction that a client brought.
    #[must_use]
    pub fn new(
        api: Arc<Api>,
        status: Status,
        validator: Option<Address>,
        reporter: Option<Address>,
        publish: Publish,
    ) -> Self {
        Self { api, status, validator, reporter, publish }
    }
}

/// The methods beside those of every node.
///
/// # Errors
/// If two have one name.
pub fn module(network: NetworkApi) -> Result<RpcModule<NetworkApi>, RegisterMethodError> {
    let mut registry = Registry::new(Arc::new(network));
    registry.quick("eth_accounts", 0, |_, _| Ok(Vec::<Address>::new()));
    registry.quick("eth_coinbase", 0, |network, _| Ok(network.validator.unwrap_or_default()));
    registry.quick("esker_consensusState", 0, consensus_state);
    registry.execute("esker_validators", 1, |network, args| staking::validators(&network.api, args));
    registry.execute("esker_candidates", 1, |network, args| staking::candidates(&network.api, args));
    registry.execute("esker_stakingAccount", 3, |network, args| staking::account(&network.api, args));
    registry.read("esker_getCertificate", 1, get_certificate);
    light::register(&mut registry);
    let result = registry.module.register_async_method("eth_sendRawTransaction", |params, network, _| async move {
        let args = Args::parse(&params, 1)?;
        // On a task of its own: whatever is in the pool is told to peers, also if the client has hung up meanwhile.
        let sending = tokio::spawn(async move {
            let hash = eth_transactions::send_raw(&network.api, args).await?;
            (network.publish)(hash);
            Ok::<_, RpcError>(hash)
        });
        sending.await.map_err(RpcError::internal)?
    });
    let result = result.map(|_| ());
    registry.keep(result);
    registry.finish()
}

/// What `esker_consensusState` says.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ConsensusState {
    height: U64,
    round: u32,
    step: &'static str,
    proposer: Option<Address>,
    validator: Option<Address>,
    reporter: Option<Address>,
    is_validator: bool,
    is_signing: bool,
    finality_ms: Option<u64>,
    peers: usize,
}

fn consensus_state(network: &NetworkApi, _: &Args) -> Result<ConsensusState, RpcError> {
    let standing = network.status.get();
    let is_behind = standing.highest > network.api.chain.head().block.header.number + 1;
    Ok(ConsensusState {
        height: U64::from(standing.height),
        round: standing.round,
        step: if is_behind { "syncing" } else { standing.step.name() },
        proposer: standing.proposer,
        validator: network.validator,
        reporter: network.reporter,
        is_validator: standing.is_validator,
        is_signing: standing.is_signing,
        finality_ms: standing.finality.map(|finality| u64::try_from(finality.as_millis()).unwrap_or(u64::MAX)),
        peers: standing.peers,
    })
}

/// What `esker_getCertificate` says.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct CertificateView {
    height: U64,
    round: u32,
    block_hash: B256,
    signatures: Vec<SignatureView>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SignatureView {
    address: Address,
    signature: Bytes,
}

fn get_certificate(network: &NetworkApi, args: &Args) -> Result<Option<CertificateView>, RpcError> {
    let block: Option<Arc<BlockRecord>> = network.api.block(args.required(0)?)?;
    let Some(block) = block else { return Ok(None) };
    let Some(bytes) = network.api.chain.certificate(block.header.number)? else { return Ok(None) };
    let certificate = certificate::decode(bytes.into()).map_err(RpcError::internal)?;
    let signature = |one: &CommitSignature<EskerContext>| SignatureView {
        address: one.address.0,
        signature: one.signature.to_bytes().to_vec().into(),
    };
    Ok(Some(CertificateView {
        height: U64::from(certificate.height.0),
        round: certificate.round.as_u32().unwrap_or_default(),
        block_hash: certificate.value_id.0,
        signatures: certificate.commit_signatures.iter().map(signature).collect(),
    }))
}
