//! `esker status`: how a node and its network are.

use std::time::{SystemTime, UNIX_EPOCH};

use alloy_primitives::{Address, B256, U64};
use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{Answer, columns, printable};
use super::failure::Failure;
use super::rpc::{Rpc, RpcArgs, RpcFailure};

/// `esker status`.
#[derive(Args, Clone, Debug)]
pub struct StatusArgs {
    #[command(flatten)]
    rpc: RpcArgs,
}

/// What `esker_consensusState` says.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConsensusState {
    /// The height that is being agreed on.
    pub height: U64,
    /// Its round; -1 before the first.
    pub round: i64,
    /// What the node waits for in it.
    pub step: String,
    /// Who proposes in it.
    pub proposer: Option<Address>,
    /// The name of this node's key.
    pub validator: Option<Address>,
    /// Whether that is in the set.
    pub is_validator: bool,
    /// Whether the node votes: it may have to wait after a start.
    pub is_signing: bool,
    /// Milliseconds from the last block's proposal to its commit.
    pub finality_ms: Option<f64>,
}

/// What `esker_validators` says.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ValidatorSet {
    total_power: U64,
    validators: Vec<Value>,
}

/// What `esker_protocol` says.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Protocol {
    version: U64,
    latest_known_version: U64,
    next: Option<NextVersion>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct NextVersion {
    version: U64,
    block: U64,
    is_known: bool,
    modules: Option<U64>,
    modules_ready: Option<U64>,
}

/// What matters of a block.
#[derive(Clone, Debug, Deserialize)]
struct Block {
    number: U64,
    hash: B256,
    timestamp: U64,
}

/// What `eth_syncing` says: `false`, or how far the node has caught up.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Syncing {
    Flag(bool),
    Progress(Progress),
}

/// A node that catches up.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Progress {
    current_block: U64,
    highest_block: U64,
}

/// What a server said; `None` where it does not know the method.
struct Status {
    chain_id: u64,
    client: Option<String>,
    block: Block,
    age: Option<u64>,
    syncing: Option<Syncing>,
    peers: Option<u64>,
    consensus: Option<ConsensusState>,
    validators: Option<ValidatorSet>,
    protocol: Option<Protocol>,
}

/// Asks the node.
///
/// # Errors
/// If no server answers, or it is no Ethereum node.
pub async fn run(args: &StatusArgs) -> Result<Answer, Failure> {
    let rpc = Rpc::new(&args.rpc)?;
    let status = Status::ask(&rpc).await?;
    Ok(Answer::new(status.text(), status.json(rpc.url())))
}

impl Status {
    async fn ask(rpc: &Rpc) -> Result<Self, Failure> {
        let chain_id = rpc.chain_id().await?;
        let block: Block = rpc.request("eth_getBlockByNumber", &[json!("latest"), json!(false)]).await?;
        let peers: Option<U64> = rpc.request_if_known("net_peerCount", &[]).await?;
        Ok(Self {
            chain_id,
            client: rpc.request_if_known("web3_clientVersion", &[]).await?,
            age: age(block.timestamp.to()),
            block,
            syncing: rpc.request_if_known("eth_syncing", &[]).await?,
            peers: peers.map(|peers| peers.to()),
            consensus: consensus_state(rpc).await?,
            validators: rpc.request_if_known("esker_validators", &[]).await?,
            protocol: rpc.request_if_known("esker_protocol", &[]).await?,
        })
    }

    fn json(&self, url: &str) -> Value {
        json!({
            "rpcUrl": url,
            "chainId": self.chain_id,
            "client": self.client,
            "height": self.block.number.to::<u64>(),
            "hash": self.block.hash,
            "timestamp": self.block.timestamp.to::<u64>(),
            "secondsSinceBlock": self.age,
            "syncing": self.syncing.as_ref().map(Syncing::json),
            "peers": self.peers,
            "consensus": self.consensus.as_ref().map(|state| json!({
                "height": state.height.to::<u64>(),
                "round": state.round,
                "step": state.step,
                "proposer": state.proposer,
                "validator": state.validator,
                "isValidator": state.is_validator,
                "isSigning": state.is_signing,
                "finalityMs": state.finality_ms,
            })),
            "protocol": self.protocol.as_ref().map(Protocol::json),
            "validators": self.validators.as_ref().map(|set| json!({
                "count": set.validators.len(),
                "totalPower": set.total_power.to::<u64>(),
            })),
        })
    }

    fn text(&self) -> String {
        let mut rows = vec![
            ("chain id", self.chain_id.to_string()),
            ("height", self.block.number.to::<u64>().to_string()),
            ("hash", self.block.hash.to_string()),
            (
                "last block",
                self.age.map_or_else(|| "at the chain's beginning".to_owned(), |age| format!("{age} s ago")),
            ),
            ("syncing", self.syncing.as_ref().map_or_else(|| "the server does not say".to_owned(), Syncing::text)),
            ("peers", self.peers.map_or_else(|| "the server does not say".to_owned(), |peers| peers.to_string())),
        ];
        match &self.consensus {
            None => rows.push(("consensus", "none: the server makes its blocks alone, or does not say".to_owned())),
            Some(state) => {
                rows.push(("consensus", state.text()));
                rows.push(("proposer", state.proposer.map_or_else(|| "nobody yet".to_owned(), |who| who.to_string())));
                rows.push(("validating", state.role()));
                if let Some(time) = state.finality_ms {
                    rows.push(("finality", format!("{time:.0} ms from the last block's proposal to its commit")));
                }
            }
        }
        if let Some(set) = &self.validators {
            rows.push(("validators", format!("{}, with a power of {}", set.validators.len(), set.total_power)));
        }
        if let Some(protocol) = &self.protocol {
            rows.push(("protocol", protocol.text()));
        }
        if let Some(client) = &self.client {
            rows.push(("client", printable(client)));
        }
        columns(&rows)
    }
}

impl Syncing {
    fn json(&self) -> Value {
        match self {
            Self::Flag(flag) => json!(flag),
            Self::Progress(Progress { current_block, highest_block }) => {
                json!({"currentBlock": current_block.to::<u64>(), "highestBlock": highest_block.to::<u64>()})
            }
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Flag(false) => "no".to_owned(),
            Self::Flag(true) => "yes".to_owned(),
            Self::Progress(Progress { current_block, highest_block }) => {
                format!("yes, at block {current_block} of {highest_block}")
            }
        }
    }
}

impl Protocol {
    fn json(&self) -> Value {
        json!({
            "version": self.version.to::<u64>(),
            "latestKnownVersion": self.latest_known_version.to::<u64>(),
            "next": self.next.as_ref().map(|next| json!({
                "version": next.version.to::<u64>(),
                "height": next.block.to::<u64>(),
                "isKnown": next.is_known,
                "modules": next.modules.map(|count| count.to::<u64>()),
                "modulesReady": next.modules_ready.map(|count| count.to::<u64>()),
            })),
        })
    }

    fn text(&self) -> String {
        let now = format!("version {}", self.version);
        let Some(next) = &self.next else { return now };
        let then = format!("{now}; version {} from block {}", next.version, next.block);
        match (next.is_known, next.modules, next.modules_ready) {
            (false, ..) => format!("{then}, which the node is too old for: it will stop there"),
            (true, Some(modules), Some(ready)) => format!("{then}, {ready} of {modules} contracts compiled for it"),
            (true, ..) => then,
        }
    }
}

impl ConsensusState {
    fn text(&self) -> String {
        format!("height {}, round {}, {}", self.height, self.round, printable(&self.step))
    }

    fn role(&self) -> String {
        match (self.validator, self.is_validator, self.is_signing) {
            (None, ..) => "no: it has no validator's key".to_owned(),
            (Some(name), false, _) => format!("no: {name} is not in the validator set"),
            (Some(name), true, false) => format!("not yet: {name} does not sign until another height is committed"),
            (Some(name), true, true) => format!("yes, as {name}"),
        }
    }
}

/// The state of agreement, if the server knows of any.
///
/// # Errors
/// As [`Rpc::request`].
pub(super) async fn consensus_state(rpc: &Rpc) -> Result<Option<ConsensusState>, RpcFailure> {
    rpc.request_if_known("esker_consensusState", &[]).await
}

/// Seconds since a block's time; none if it names no real time. A clock behind the block's shows 0.
fn age(timestamp: u64) -> Option<u64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
    (timestamp != 0).then(|| now.saturating_sub(timestamp))
}
