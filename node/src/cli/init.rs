//! `esker init`: the home of one node.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use alloy_primitives::{Address, U256};
use clap::Args;
use esker_runtime::Genesis;
use esker_runtime::staking::STAKING_ADDRESS;
use esker_vm::EngineKind;
use libp2p::multiaddr::Protocol;
use serde_json::json;

use super::answer::{Answer, columns};
use super::failure::Failure;
use super::key::password::PasswordArgs;
use super::staking_args::StakingArgs;
use super::units::{format_amount, parse_amount, parse_percent};
use crate::home::config::{self, NodeConfig};
use crate::home::keys::new_node_key;
use crate::home::network::{self, CHAIN_ID_MAX};
use crate::home::staking::{FirstValidator, StakingPlan};
use crate::home::{Founder, NewHome, PeerAddress, SealedKeys, layout, pace, peer, upgrade};
use crate::keystore::ScryptCost;
use crate::staking::COIN;

/// Coins of the operator's account in a new network, if nobody else is given any.
pub(super) const OPERATOR_COINS: u64 = 10_000;

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
    #[arg(long, value_name = "FILE", conflicts_with = "StakingArgs")]
    genesis: Option<PathBuf>,

    /// Begin a network together with others: make the keys and founder.json, for `esker genesis create`; the genesis comes
    /// later
    #[arg(long, requires = "chain_id", conflicts_with_all = ["genesis", "fund", "gas_limit", "upgrade", "StakingArgs"])]
    founder: bool,

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

    /// What this validator bonds in the new network; the coins come into being with it
    #[arg(long, value_name = "AMOUNT", value_parser = parse_amount, default_value = "100ether")]
    #[arg(conflicts_with = "genesis")]
    self_bond: U256,

    /// Which part of its delegators' rewards this validator of the new network keeps, such as 5%
    #[arg(long, value_name = "PERCENT", value_parser = parse_percent, default_value = "0%", conflicts_with = "genesis")]
    commission: u16,

    #[command(flatten)]
    staking: StakingArgs,

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

pub(super) fn parse_fund(text: &str) -> Result<(Address, u64), String> {
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
    check_funded(&args.fund)?;
    let config = args.config()?;
    let (plan, chain_id) = (args.staking.plan()?, args.chain_id.unwrap_or(31_337));
    let joined = args.genesis.as_ref().map(|path| args.joined(path)).transpose()?;
    if joined.is_none() {
        check_self_bond(args.self_bond, &plan, args.founder)?;
    }
    let begun = begun(chain_id, args.gas_limit, &args.upgrade)?;
    // Asked for only once everything else is known to be right, but for the folder.
    let keys = if args.full_node {
        None
    } else {
        let password = PasswordArgs { password_file: args.password_file.clone() }.chosen()?;
        Some(SealedKeys::generate(&password, ScryptCost::STANDARD)?)
    };
    let new_founder = |keys: &SealedKeys| Founder::new(keys, chain_id, args.self_bond, args.commission);
    let founder = keys.as_ref().filter(|_| args.founder).map(new_founder);
    let genesis = match (joined, &keys) {
        (Some(genesis), _) => Some(genesis),
        (None, Some(keys)) if !args.founder => {
            let first = keys.first_validator(args.self_bond, args.commission);
            let operator = [(keys.address, OPERATOR_COINS)];
            let funded = if args.fund.is_empty() { &operator[..] } else { &args.fund };
            Some(begin(begun, &plan, &[first], funded)?)
        }
        (None, _) => None,
    };
    let home = NewHome {
        config: &config,
        genesis: genesis.as_ref(),
        founder: founder.as_ref(),
        keys: keys.as_ref(),
        node_key: new_node_key()?,
        password: None,
    };
    home.write(&args.home)?;
    answer(args, &home)
}

/// Refuses to give an account coins twice.
pub(super) fn check_funded(fund: &[(Address, u64)]) -> Result<(), Failure> {
    let mut funded = BTreeSet::new();
    match fund.iter().find(|(address, _)| !funded.insert(*address)) {
        Some((twice, _)) => Err(Failure::usage(format!("--fund names {twice} twice")).hint("name each account once")),
        None => Ok(()),
    }
}

/// Refuses a self-bond with which nobody can be a validator of the new network.
pub(super) fn check_self_bond(self_bond: U256, plan: &StakingPlan, is_founder: bool) -> Result<(), Failure> {
    // What the others agree on is not known to a founder yet; a coin it must be in any case.
    let least = if is_founder { U256::from(COIN) } else { plan.min_self_bond };
    if self_bond < least {
        return Err(Failure::usage(format!("a self-bond of {} is too small", format_amount(self_bond)))
            .because(format!("it must be at least {}", format_amount(least)))
            .hint("raise --self-bond; amounts without a unit are wei, so write 100ether"));
    }
    Ok(())
}

/// The genesis of a new network, with nobody in it yet.
pub(super) fn begun(chain_id: u64, gas_limit: u64, upgrades: &[(u32, u64)]) -> Result<Genesis, Failure> {
    let mut genesis = Genesis::new(chain_id, gas_limit, now());
    upgrade::put_into(&mut genesis, upgrades)
        .map_err(|reason| Failure::usage("no network can begin so").because(reason).hint("correct --upgrade"))?;
    Ok(genesis)
}

/// Completes the genesis of a new network, and checks it.
pub(super) fn begin(
    mut genesis: Genesis,
    plan: &StakingPlan,
    validators: &[FirstValidator],
    funded: &[(Address, u64)],
) -> Result<Genesis, Failure> {
    let impossible =
        |reason: String| Failure::usage("no network can begin so").because(reason).hint("correct the command line");
    for (address, coins) in funded {
        network::fund(&mut genesis, *address, *coins);
    }
    if genesis.alloc.contains_key(&STAKING_ADDRESS) {
        return Err(impossible(format!("--fund names {STAKING_ADDRESS}, which is the staking contract's")));
    }
    plan.check_places(validators).map_err(|reason| {
        impossible(reason).hint("raise --max-validators, or leave them out: they can join once the network runs")
    })?;
    plan.put_into(&mut genesis, validators).map_err(impossible)?;
    network::check_genesis(&genesis).map_err(impossible)?;
    Ok(genesis)
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
    let set = home.genesis.map(|genesis| &genesis.validators[..]).unwrap_or_default();
    let entry = home.keys.and_then(|keys| set.iter().find(|one| one.public_key == keys.public_key));
    let has_staking = home.genesis.is_some_and(|genesis| genesis.config.staking.is_some());
    let chain_id = home.genesis.map(|genesis| genesis.config.chain_id).or(args.chain_id);
    let role = match (home.founder, entry, home.keys) {
        (Some(_), ..) => "a founder: it waits for the network's genesis".to_owned(),
        (_, Some(entry), _) => format!("validates, one of {}, with a power of {}", set.len(), entry.power),
        (_, None, Some(_)) => "follows: its key is not among the genesis's validators".to_owned(),
        (_, None, None) => "follows: it has no validator's keys".to_owned(),
    };
    let mut rows = vec![
        ("home", args.home.display().to_string()),
        ("name", home.config.name.clone()),
        ("chain id", chain_id.unwrap_or_default().to_string()),
        ("role", role),
    ];
    if let Some(keys) = home.keys {
        rows.push(("operator", keys.address.to_string()));
        rows.push(("public key", keys.public_key.to_string()));
    }
    rows.extend([("peer id", peer_id.clone()), ("consensus", consensus.clone()), ("gossip", gossip.clone())]);
    let folder = args.home.display();
    let next = match (home.founder, entry, home.keys) {
        (Some(_), ..) => format!(
            "Give {folder}/{} to whoever puts the genesis together (`esker genesis create`), and copy the genesis that \
             comes of it to {folder}/{}.",
            layout::FOUNDER,
            layout::GENESIS
        ),
        (_, None, Some(_)) if has_staking => format!(
            "Once it has caught up, and {} has coins: `esker validator create --home {folder} --self-bond AMOUNT --commission PERCENT`.",
            home.keys.map(|keys| keys.address).unwrap_or_default()
        ),
        (_, None, Some(keys)) => format!(
            "Its entry for the \"validators\" of a genesis without staking:\n{}",
            json!(keys.validator(network::SELF_BOND))
        ),
        _ => String::new(),
    };
    let mut text = columns(&rows);
    if !next.is_empty() {
        text.push_str(&format!("\n\n{next}"));
    }
    text.push_str(&format!(
        "\n\nFor its peers, put an address of this machine in the place of {}.\nStart it with `esker node --home {folder}`.",
        home.config.consensus.listen.ip(),
    ));
    let json = json!({
        "home": args.home,
        "name": home.config.name,
        "chainId": chain_id,
        "isValidator": entry.is_some(),
        "validator": home.keys.map(|keys| {
            // With staking only the contract makes validators; without it this is what a genesis can list.
            let power = entry.map(|entry| entry.power).or((!has_staking && home.founder.is_none()).then_some(network::SELF_BOND));
            json!({"address": keys.address, "publicKey": keys.public_key, "power": power})
        }),
        "founder": home.founder,
        "peerId": peer_id,
        "consensus": consensus,
        "gossip": gossip,
        "rpc": format!("http://{}", home.config.rpc.listen),
    });
    Ok(Answer::new(text, json))
}
