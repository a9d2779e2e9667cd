//! `esker dev`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use esker_vm::EngineKind;
use serde_json::json;

use super::answer::Answer;
use super::failure::Failure;
use crate::accounts::{DEFAULT_MNEMONIC, DERIVATION_PATH};
use crate::chain::ChainError;
use crate::dev_node::{DevConfig, DevError, DevNode};
use crate::home::network::CHAIN_ID_MAX;
use crate::server::ServerError;

/// `esker dev`.
#[derive(Clone, Debug, Args)]
pub struct DevArgs {
    /// Address to listen on.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// Port to listen on; 0 takes a free one.
    #[arg(short, long, default_value_t = 8545)]
    port: u16,
    /// The chain's id.
    #[arg(long, default_value_t = 31_337, value_parser = clap::value_parser!(u64).range(1..=CHAIN_ID_MAX))]
    chain_id: u64,
    /// Make a block every so many seconds, instead of one for every transaction.
    #[arg(short, long, value_name = "SECONDS", value_parser = seconds)]
    block_time: Option<Duration>,
    /// Keep the state in this folder.
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Bound of the store's cache.
    #[arg(long, value_name = "MIB", default_value_t = 128)]
    cache: u64,
    /// Number of accounts with coins.
    #[arg(short, long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(0..=1000))]
    accounts: u32,
    /// Coins of each account.
    #[arg(long, value_name = "COINS", default_value_t = 10_000)]
    balance: u64,
    /// Where the accounts come from.
    #[arg(short, long, value_name = "WORDS", default_value = DEFAULT_MNEMONIC)]
    mnemonic: String,
    /// Gas limit of a block.
    #[arg(long, value_name = "GAS", default_value_t = 30_000_000)]
    gas_limit: u64,
    /// What runs contract code: cranelift or pulley.
    #[arg(long, value_name = "ENGINE", default_value_t = EngineKind::Cranelift)]
    engine: EngineKind,
    /// Print no banner.
    #[arg(long)]
    silent: bool,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| format!("{text} is no number of seconds"))?;
    if !(0.01..=86_400.0).contains(&seconds) {
        return Err("choose from 0.01 seconds to a day".to_owned());
    }
    Ok(Duration::from_secs_f64(seconds))
}

impl From<&DevArgs> for DevConfig {
    fn from(args: &DevArgs) -> Self {
        Self {
            address: SocketAddr::new(args.host, args.port),
            chain_id: args.chain_id,
            block_time: args.block_time,
            state_dir: args.state.clone(),
            cache_bytes: args.cache.saturating_mul(1 << 20),
            accounts: args.accounts,
            balance: args.balance,
            mnemonic: args.mnemonic.clone(),
            gas_limit: args.gas_limit,
            engine: args.engine,
        }
    }
}

impl From<DevError> for Failure {
    fn from(error: DevError) -> Self {
        let failure = match error {
            DevError::Mnemonic(_) | DevError::Chain(ChainError::Genesis(_)) => Self::usage("the node cannot start"),
            DevError::Server(ServerError::InUse(_)) => {
                Self::infrastructure("the node cannot start").hint("stop it, or choose another port with --port")
            }
            _ => Self::infrastructure("the node cannot start"),
        };
        failure.because(error)
    }
}

/// Runs the node until it is told to stop.
///
/// # Errors
/// If the port is in use, the state directory is not usable, or the node fails.
pub fn run(args: &DevArgs, json: bool) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::infrastructure("the system gives no threads").because(error))?;
    runtime.block_on(serve(args, json))
}

async fn serve(args: &DevArgs, json: bool) -> Result<ExitCode, Failure> {
    let mut stop = std::pin::pin!(stop_signal()?);
    // Contracts may have to be compiled first, which can take minutes.
    let node = tokio::select! {
        node = DevNode::start(DevConfig::from(args)) => node?,
        () = &mut stop => {
            tracing::info!("stopping before anything was served");
            return Ok(ExitCode::SUCCESS);
        }
    };
    if !args.silent {
        banner(args, &node).print(json)?;
    }
    let outcome = tokio::select! {
        () = &mut stop => Ok(ExitCode::SUCCESS),
        error = node.failed() => {
            Err(Failure::infrastructure("the node stopped; no acknowledged block is lost").because(error))
        }
    };
    tracing::info!("stopping");
    node.stop().await;
    outcome
}

/// Completes on SIGINT or SIGTERM.
///
/// # Errors
/// If the system lets nobody listen for signals.
pub(super) fn stop_signal() -> Result<impl Future<Output = ()>, Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let failed = |error: std::io::Error| Failure::infrastructure("cannot listen for signals").because(error);
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

fn banner(args: &DevArgs, node: &DevNode) -> Answer {
    let head = node.chain.head();
    let chain_id = node.chain.config().chain_id;
    let facts = json!({
        "listening": node.address.to_string(),
        "chainId": chain_id,
        "accounts": node.accounts.addresses(),
        "blockNumber": head.block.header.number,
        "blockHash": head.block.hash,
        "gasLimit": head.block.header.gas_limit,
        "engine": args.engine.name(),
    });
    Answer::new(banner_text(args, node), facts)
}

fn banner_text(args: &DevArgs, node: &DevNode) -> String {
    let head = node.chain.head();
    let header = &head.block.header;
    let mut lines = vec![format!("esker {}: a development chain\n", env!("CARGO_PKG_VERSION"))];
    lines.push("Available Accounts\n==================".to_owned());
    for (index, address) in node.accounts.addresses().iter().enumerate() {
        let coins = if header.number == 0 { format!(" ({} coins)", args.balance) } else { String::new() };
        lines.push(format!("({index}) {address}{coins}"));
    }
    // Keys of a mnemonic of the user's own stay the user's own.
    if args.mnemonic == DEFAULT_MNEMONIC {
        lines.push("\nPrivate Keys (known to everybody: for development only)\n==================".to_owned());
        for (index, address) in node.accounts.addresses().iter().enumerate() {
            lines.push(format!("({index}) {}", node.accounts.private_key(*address).unwrap_or_default()));
        }
        lines.push(format!("\nMnemonic         {DEFAULT_MNEMONIC}"));
        lines.push(format!("Derivation path  {DERIVATION_PATH}"));
    }
    lines.push(format!("\nChain id   {}", node.chain.config().chain_id));
    lines.push(format!("Gas limit  {}", header.gas_limit));
    lines.push(format!("Engine     {}", args.engine));
    let place = args.state.as_ref().map_or_else(|| "in memory".to_owned(), |path| path.display().to_string());
    lines.push(format!("State      {place}, at block {} ({})", header.number, head.block.hash));
    lines.push(format!("\nListening on {}, HTTP and WebSocket", node.address));
    lines.join("\n")
}
