//! `esker node`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::json;
use tokio::runtime::Runtime;

use super::answer::Answer;
use super::dev::stop_signal;
use super::failure::Failure;
use super::key::password::PasswordArgs;
use crate::home::{Home, NodeConfig, layout};
use crate::network_node::{NetworkConfig, NetworkError, NetworkNode, ValidatorKey};
use crate::server::ServerError;

/// How long a node that has stopped waits for what its threads are still at.
const LEFT_BEHIND_AFTER: Duration = Duration::from_secs(3);

/// `esker node`.
#[derive(Clone, Debug, Args)]
pub struct NodeArgs {
    /// The node's home, as `esker init` or `esker testnet` made it
    #[arg(long, value_name = "DIR")]
    home: PathBuf,

    /// Serve JSON-RPC here instead of where config.toml says; port 0 takes a free one
    #[arg(long, value_name = "HOST:PORT")]
    rpc: Option<SocketAddr>,

    #[command(flatten)]
    password: PasswordArgs,

    /// Sign at once although the record of what was signed is missing or older than the chain
    ///
    /// Only for a network that lost so many records that it cannot go on, and only if no other machine runs this key: two
    /// signatures where one is allowed cost the validator its stake, and can split the chain.
    #[arg(long)]
    sign_now: bool,

    /// By how many seconds the clock is wrong, for tests
    #[arg(long, value_name = "SECONDS", default_value_t = 0, hide = true, allow_negative_numbers = true)]
    clock_offset: i64,
}

impl From<NetworkError> for Failure {
    fn from(error: NetworkError) -> Self {
        let failure = Self::infrastructure("the node cannot start");
        let failure = if matches!(error, NetworkError::Server(ServerError::InUse(_))) {
            failure.hint("stop it, or choose another port: in config.toml under [rpc], or for now with --rpc")
        } else {
            failure
        };
        failure.because(error)
    }
}

/// Runs a node until it is told to stop.
///
/// # Errors
/// If its home cannot be used, or it cannot go on.
pub fn run(args: &NodeArgs, json: bool) -> Result<ExitCode, Failure> {
    let home = Home::open(&args.home)?;
    let config = settings(args, &home)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::infrastructure("the system gives no threads").because(error))?;
    finish(runtime, serve(config, &home, json), LEFT_BEHIND_AFTER)
}

/// Runs `work`, and then waits for what threads of `runtime` are still at, but no longer than `bound`: a disk that does not
/// answer, or contracts that are being compiled, must not keep a node from ending. All that matters is durable by then.
fn finish<T>(runtime: Runtime, work: impl Future<Output = T>, bound: Duration) -> T {
    let outcome = runtime.block_on(work);
    runtime.shutdown_timeout(bound);
    outcome
}

fn settings(args: &NodeArgs, home: &Home) -> Result<NetworkConfig, Failure> {
    let NodeConfig { name, engine, cache_mib, rpc, consensus, gossip, .. } = home.config.clone();
    let multiaddrs =
        |peers: &[crate::home::PeerAddress]| peers.iter().map(crate::home::PeerAddress::to_multiaddr).collect();
    Ok(NetworkConfig {
        name,
        genesis: home.genesis.clone(),
        data: home.data(),
        rpc: args.rpc.unwrap_or(rpc.listen),
        consensus: consensus.listen,
        consensus_peers: multiaddrs(&consensus.peers),
        connections_per_ip: consensus.connections_per_ip,
        gossip: gossip.listen,
        gossip_peers: multiaddrs(&gossip.peers),
        gossip_connections_per_ip: gossip.connections_per_ip,
        node_seed: home.node_key()?,
        validator: validator(args, home)?,
        block_time: consensus.block_time,
        idle_block_time: consensus.idle_block_time,
        ns_per_gas: consensus.ns_per_gas,
        engine,
        cache_bytes: cache_mib.saturating_mul(1 << 20),
        clock_offset: args.clock_offset,
    })
}

fn validator(args: &NodeArgs, home: &Home) -> Result<Option<ValidatorKey>, Failure> {
    let Some(key) = super::home::unlock(home, &args.password)? else { return Ok(None) };
    Ok(Some(ValidatorKey {
        address: key.address,
        seed: *key.seed(),
        sign_state: home.path.join(layout::SIGN_STATE),
        sign_now: args.sign_now,
    }))
}

async fn serve(config: NetworkConfig, home: &Home, json: bool) -> Result<ExitCode, Failure> {
    let mut stop = std::pin::pin!(stop_signal()?);
    let (consensus, gossip, validator) =
        (config.consensus, config.gossip, config.validator.as_ref().map(|key| key.address));
    // Contracts may have to be compiled first, which can take minutes.
    let node = tokio::select! {
        node = NetworkNode::start(config) => node?,
        () = &mut stop => {
            tracing::info!("stopping before anything was served");
            return Ok(ExitCode::SUCCESS);
        }
    };
    let head = node.chain.head().block.header.number;
    let role = validator.map_or_else(|| "follows the chain".to_owned(), |address| format!("validator {address}"));
    let text = format!(
        "esker {}: {} of chain {}, {role}\nBlock      {head}\nConsensus  {consensus}\nGossip     {gossip}\n\
         Listening on {}, HTTP and WebSocket",
        env!("CARGO_PKG_VERSION"),
        home.config.name,
        home.genesis.config.chain_id,
        node.address
    );
    let facts = json!({
        "listening": node.address.to_string(),
        "chainId": home.genesis.config.chain_id,
        "name": home.config.name,
        "validator": validator,
        "blockNumber": head,
    });
    Answer::new(text, facts).print(json)?;
    let outcome = tokio::select! {
        () = &mut stop => Ok(ExitCode::SUCCESS),
        failure = node.failed() => {
            Err(Failure::infrastructure("the node stopped; nothing that is in a block is lost").because(failure))
        }
    };
    tracing::info!("stopping");
    node.stop().await;
    outcome
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_thread_that_a_disk_holds_up_does_not_keep_a_node_from_ending() {
        let (disk, answer) = mpsc::channel::<()>();
        let (begin, begun) = mpsc::channel();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("threads");
        let work = async {
            tokio::task::spawn_blocking(move || {
                begin.send(()).expect("somebody waits");
                answer.recv()
            });
            begun.recv().expect("it reads");
            7
        };
        // It comes back though nothing answers the thread before this test ends.
        assert_eq!(finish(runtime, work, Duration::from_millis(1)), 7);
        drop(disk);
    }
}
