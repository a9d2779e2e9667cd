//! `esker init`: the home of one node.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use alloy_primitives::Address;
use clap::Args;
use esker_runtime::Genesis;
use esker_vm::EngineKind;
use libp2p::multiaddr::Protocol;
use serde_json::json;

use super::answer::{Answer, columns};
use super::failure::Failure;
use super::key::password::PasswordArgs;
use crate::home::config::{self, NodeConfig};
use crate::home::keys::new_node_key;
use crate::home::network::{self, CHAIN_ID_MAX, VALIDATOR_POWER};
use crate::home::{NewHome, PeerAddress, SealedKeys, layout, pace, peer, upgrade};
use crate::keystore::ScryptCost;

/// Coins of the operator's account in a new network, if nobody else is given any.
const OPERATOR_COINS: u64 = 10_000;

/// `esker init`.
#[derive(Args, Clone, Debug)]
pub struct InitArgs {
    /// The folder to write, empty or not there
    #[arg(long, value_name = "DIR")]
    home: PathBuf,

    /// How the node calls itself [default: the folder's name]
    #[arg(long)]
    name: Option<String>,

    /// Join the network that begins with this genesis, instead of beginning one with this node as its only validator
    #[arg(long, value_name = "FILE")]
    genesis: Option<PathBuf>,

    /// Make no validator's keys: the node only follows
    #[arg(long, requires = "genesis", conflicts_with = "password_file")]
    full_node: bool,

    /// The new network's chain id; with --genesis, refuse any other [default of a new network: 31337]
    #[arg(long, value_name = "ID", value_parser = clap::value_parser!(u64).range(1..=CHAIN_ID_MAX))]
    chain_id: Option<u64>,

    /// Gas limit of the new network's blocks
    #[arg(long, value_name = "GAS", default_value_t = 30_000_000, conflicts_with = "genesis")]
    gas_limit: u64,

    /// Give an account coins in the new network; repeatable [default: 10000 coins for this node's operator]
    #[arg(long, value_name = "ADDRESS=COINS", value_parser = parse_fund, conflicts_with = "genesis")]
    fund: Vec<(Address, u64)>,

    /// Plan that the new network passes to a protocol version at a block; with block 0 it begins so; repeatable
    #[arg(long, value_name = "VERSION=BLOCK", value_parser = upgrade::parse, conflicts_with = "genesis")]
    upgrade: Vec<(u32, u64)>,

    /// Pace of blocks, such as 200ms or 1s; the same on all validators of a network
    #[arg(long, value_name = "TIME", value_parser = pace::parse, default_value = "1s")]
    block_time: Duration,

    /// Pace of blocks while no transaction waits [default: 10s, or the block time if that is more]
    #[arg(long, value_name = "TIME", value_parser = pace::parse)]
    idle_block_time: Option<Duration>,

    /// What runs contract code: cranelift or pulley
    #[arg(long, value_name = "ENGINE", default_value_t = EngineKind::Cranelift)]
    engine: EngineKind,

    /// A peer's consensus address: host:port, ip:port or a multiaddress; repeatable
    #[arg(long, value_name = "ADDRESS")]
    peer: Vec<PeerAddress>,

    /// A peer's gossip address; repeatable
    #[arg(long, value_name = "ADDRESS")]
    gossip_peer: Vec<PeerAddress>,

    /// Where the JSON-RPC server listens
    #[arg(long, value_name = "IP:PORT", default_value_t = NodeConfig::default().rpc.listen)]
    rpc_listen: SocketAddr,

    /// Where peers connect to agree on blocks
    #[arg(long, value_name = "IP:PORT", default_value_t = NodeConfig::default().consensus.listen)]
    consensus_listen: SocketAddr,

    /// Where peers connect to exchange transactions
    #[arg(long, value_name = "IP:PORT", default_value_t = NodeConfig::default().gossip.listen)]
    gossip_listen: SocketAddr,

    /// Read the keys' password from this file's first line; the node will read it there too when it starts
    ///
    /// Otherwise it is taken from the environment variable ESKER_KEYSTORE_PASSWORD, or asked for without echo.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

fn parse_fund(text: &str) -> Result<(Address, u64), String> {
    const EXPECTED: &str = "write it like 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266=1000";
    let (address, coins) = text.split_once('=').ok_or_else(|| format!("{text:?} has no \"=\"; {EXPECTED}"))?;
    let address = address.trim().parse().map_err(|_| format!("{address:?} is no address; {EXPECTED}"))?;
    let coins = coins.trim().parse().map_err(|_| format!("{coins:?} is no whole number of coins; {EXPECTED}"))?;
    Ok((address, coins))
}

/// Makes the home.
///
/// # Errors
/// If the folder is not empty or cannot be written, the genesis is none, or no password is given. Nothing is left behind
/// then.
pub fn run(args: &InitArgs) -> Result<Answer, Failure> {
    if args.full_node && args.genesis.is_none() {
        return Err(Failure::usage("--full-node follows a network that there is").hint("add --genesis FILE"));
    }
    let mut funded = BTreeSet::new();
    if let Some((twice, _)) = args.fund.iter().find(|(address, _)| !funded.insert(*address)) {
        return Err(Failure::usage(format!("--fund names {twice} twice")).hint("name each account once"));
    }
    let config = args.config()?;
    let mut genesis = match &args.genesis {
        Some(path) => args.joined(path)?,
        None => Genesis::new(args.chain_id.unwrap_or(31_337), args.gas_limit, now()),
    };
    if args.genesis.is_none() {
        upgrade::put_into(&mut genesis, &args.upgrade)
            .map_err(|reason| Failure::usage("no network can begin so").because(reason).hint("correct --upgrade"))?;
    }
    // Asked for only once everything else is known to be right, but for the folder.
    let keys = if args.full_node {
        None
    } else {
        let password = PasswordArgs { password_file: args.password_file.clone() }.chosen()?;
        Some(SealedKeys::generate(&password, ScryptCost::STANDARD)?)
    };
    if let (None, Some(keys)) = (&args.genesis, &keys) {
        genesis.validators = vec![keys.validator(VALIDATOR_POWER)];
        let operator = [(keys.address, OPERATOR_COINS)];
        let funded = if args.fund.is_empty() { &operator[..] } else { &args.fund };
        for (address, coins) in funded {
            network::fund(&mut genesis, *address, *coins);
        }
        network::check_genesis(&genesis).map_err(|reason| {
            Failure::usage("no network can begin so").because(reason).hint("correct the command line")
        })?;
    }
    let home =
        NewHome { config: &config, genesis: &genesis, keys: keys.as_ref(), node_key: new_node_key()?, password: None };
    home.write(&args.home)?;
    answer(args, &home)
}

impl InitArgs {
    fn config(&self) -> Result<NodeConfig, Failure> {
        let home = std::path::absolute(&self.home)
            .map_err(|error| Failure::usage("the home's folder has no path").because(error))?;
        let folder_name = home.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let default_name = || config::check_name(folder_name).map_or("node", |()| folder_name).to_owned();
        let password_file = self.password_file.as_ref().map(|path| -> Result<PathBuf, Failure> {
            // Wrong now is better than wrong when the node starts.
            layout::check_private(path)?;
            std::path::absolute(path).map_err(|error| Failure::usage("the password file has no path").because(error))
        });
        let mut config = NodeConfig {
            name: self.name.clone().unwrap_or_else(default_name),
            engine: self.engine,
            password_file: password_file.transpose()?,
            ..NodeConfig::default()
        };
        config.rpc.listen = self.rpc_listen;
        config.consensus.listen = self.consensus_listen;
        config.consensus.peers.clone_from(&self.peer);
        config.consensus.block_time = self.block_time;
        config.consensus.idle_block_time =
            self.idle_block_time.unwrap_or_else(|| config::idle_block_time(self.block_time));
        config.gossip.listen = self.gossip_listen;
        config.gossip.peers.clone_from(&self.gossip_peer);
        config.check().map_err(|reason| {
            Failure::usage("no node can have these settings").because(reason).hint("correct the command line")
        })?;
        Ok(config)
    }

    fn joined(&self, path: &Path) -> Result<Genesis, Failure> {
        let genesis = network::read_genesis(path)?;
        let found = genesis.config.chain_id;
        match self.chain_id {
            Some(expected) if expected != found => {
                Err(Failure::usage(format!("{} begins another chain", path.display()))
                    .because(format!("its chain id is {found}, --chain-id says {expected}"))
                    .hint("name the right genesis, or correct --chain-id"))
            }
            _ => Ok(genesis),
        }
    }
}

/// Seconds since the Unix epoch.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

fn answer(args: &InitArgs, home: &NewHome<'_>) -> Result<Answer, Failure> {
    let peer_id = peer::peer_id(home.node_key).map(|id| id.to_string()).unwrap_or_default();
    let reached = |address: SocketAddr| match peer_id.parse() {
        Ok(id) => peer::multiaddr(address).with(Protocol::P2p(id)).to_string(),
        Err(_) => peer::multiaddr(address).to_string(),
    };
    let (consensus, gossip) = (reached(home.config.consensus.listen), reached(home.config.gossip.listen));
    let entry = home.keys.map(|keys| keys.validator(VALIDATOR_POWER));
    let set = &home.genesis.validators;
    let is_validator = entry.is_some_and(|entry| set.iter().any(|other| other.public_key == entry.public_key));
    let role = match (is_validator, entry) {
        (true, _) => format!("validates, one of {}", set.len()),
        (false, Some(_)) => "follows: its key is not among the genesis's validators".to_owned(),
        (false, None) => "follows: it has no validator's keys".to_owned(),
    };
    let mut rows = vec![
        ("home", args.home.display().to_string()),
        ("name", home.config.name.clone()),
        ("chain id", home.genesis.config.chain_id.to_string()),
        ("role", role),
    ];
    if let Some(entry) = entry {
        rows.push(("operator", entry.address.to_string()));
        rows.push(("public key", entry.public_key.to_string()));
    }
    rows.extend([("peer id", peer_id.clone()), ("consensus", consensus.clone()), ("gossip", gossip.clone())]);
    let mut text = columns(&rows);
    if let Some(entry) = entry {
        text.push_str(&format!("\n\nIts entry for the \"validators\" of a genesis:\n{}", json!(entry)));
    }
    text.push_str(&format!(
        "\n\nFor its peers, put an address of this machine in the place of {}.\nStart it with `esker node --home {}`.",
        home.config.consensus.listen.ip(),
        args.home.display()
    ));
    let json = json!({
        "home": args.home,
        "name": home.config.name,
        "chainId": home.genesis.config.chain_id,
        "isValidator": is_validator,
        "validator": entry,
        "peerId": peer_id,
        "consensus": consensus,
        "gossip": gossip,
        "rpc": format!("http://{}", home.config.rpc.listen),
    });
    Ok(Answer::new(text, json))
}
