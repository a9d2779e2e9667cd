//! A whole network for one machine: a home for every node, the genesis they share, and what starts them.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use alloy_primitives::{Address, U256};
use esker_runtime::{Genesis, validators::VALIDATORS_MAX};
use esker_vm::EngineKind;
use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;
use serde_json::{Value, json};

use super::config::{self, ConsensusConfig, GossipConfig, NS_PER_GAS, NS_PER_GAS_INTERPRETED, NodeConfig, RpcConfig};
use super::error::HomeError;
use super::keys::{SealedKeys, new_node_key};
use super::layout::{Draft, NewHome, utf8};
use super::network;
use super::staking::{FirstValidator, StakingPlan};
use super::{peer, scripts, upgrade};
use crate::accounts::{Accounts, DEFAULT_MNEMONIC};
use crate::keystore::{ScryptCost, secret};
use crate::staking::COIN;

/// Most nodes that do not validate.
pub const FULL_NODES_MAX: usize = 100;
/// The file that tells programs where the nodes are.
pub const NETWORK: &str = "network.json";
/// The genesis, which every home has a copy of.
pub const GENESIS: &str = "genesis.json";
/// What starts all nodes.
pub const START: &str = "start.sh";
/// What starts all nodes in containers.
pub const COMPOSE: &str = "compose.yaml";
/// A node's log in its home, where somebody collects it.
pub const LOG: &str = "node.log";
/// Where a home keeps the password of its own keys.
const PASSWORD: &str = "password";
/// Funded accounts, and the coins of each.
const ACCOUNTS: (u32, u64) = (10, 10_000);
/// Coins of each operator beside what it bonds: what it does as one costs gas.
const OPERATOR_COINS: u64 = 1_000;
/// What the caches of all stores take together, in MiB, where many nodes share a machine.
const CACHES_MIB: u64 = 512;

/// What network is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestnetPlan {
    /// The folder to write, empty or not there.
    pub output: PathBuf,
    /// Nodes that validate, each with the same voting power.
    pub validators: usize,
    /// Nodes that only follow, numbered after the validators.
    pub full_nodes: usize,
    /// The chain's id.
    pub chain_id: u64,
    /// Gas limit of a block.
    pub gas_limit: u64,
    /// Pace of blocks.
    pub block_time: Duration,
    /// Pace of blocks while nothing waits.
    pub idle_block_time: Duration,
    /// What runs contract code, for nodes by number where it is not Cranelift.
    pub engines: BTreeMap<usize, EngineKind>,
    /// The first port to try; those in use are passed over.
    pub base_port: u16,
    /// Protocol versions and their first blocks.
    pub upgrades: Vec<(u32, u64)>,
    /// How validators are chosen and paid.
    pub staking: StakingPlan,
    /// What each validator bonds, in wei.
    pub self_bond: U256,
    /// The binary that the scripts start.
    pub program: PathBuf,
}

impl TestnetPlan {
    /// A network in this folder with so many validators, started with this binary; all else as the command line has it.
    #[must_use]
    pub fn new(output: PathBuf, validators: usize, program: PathBuf) -> Self {
        Self {
            output,
            validators,
            full_nodes: 0,
            chain_id: 31_337,
            gas_limit: 30_000_000,
            block_time: config::BLOCK_TIME,
            idle_block_time: config::IDLE_BLOCK_TIME,
            engines: BTreeMap::new(),
            base_port: 27_000,
            upgrades: Vec::new(),
            staking: StakingPlan::default(),
            self_bond: U256::from(network::SELF_BOND) * U256::from(COIN),
            program,
        }
    }
}

/// A network that was written.
#[derive(Clone, Debug)]
pub struct Testnet {
    /// Its folder, absolute.
    pub folder: PathBuf,
    /// The chain's id.
    pub chain_id: u64,
    /// Its nodes.
    pub nodes: Vec<TestnetNode>,
}

/// A node of a network that was written.
#[derive(Clone, Debug)]
pub struct TestnetNode {
    /// Its name, and its folder's.
    pub name: String,
    /// Its home, absolute.
    pub home: PathBuf,
    /// Where its JSON-RPC server listens.
    pub rpc: SocketAddr,
    /// Where it listens to agree on blocks.
    pub consensus: SocketAddr,
    /// Where it listens to exchange transactions.
    pub gossip: SocketAddr,
    /// Its consensus address with its id on the network.
    pub p2p: Multiaddr,
    /// What runs contract code.
    pub engine: EngineKind,
    /// Its name on the chain, if it validates.
    pub validator: Option<Address>,
}

impl TestnetNode {
    /// Starts `program node --home HOME` with its log in its home.
    ///
    /// # Errors
    /// If the log cannot be written, or the process not be started.
    pub fn spawn(&self, program: &Path) -> std::io::Result<Child> {
        let log = OpenOptions::new().create(true).append(true).mode(0o600).open(self.home.join(LOG))?;
        Command::new(program)
            .arg("node")
            .arg("--home")
            .arg(&self.home)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            // A group of its own: ctrl-C reaches this process alone, which then ends the nodes.
            .process_group(0)
            .spawn()
    }

    /// The url of its JSON-RPC server.
    #[must_use]
    pub fn rpc_url(&self) -> String {
        format!("http://{}", self.rpc)
    }
}

impl Testnet {
    /// What network.json says.
    #[must_use]
    pub fn network_json(&self) -> Value {
        let nodes = self.nodes.iter();
        let nodes = nodes.map(
            |node| json!({"name": node.name, "home": node.home, "rpc": node.rpc_url(), "p2p": node.p2p.to_string()}),
        );
        json!({"chainId": self.chain_id, "nodes": nodes.collect::<Vec<_>>()})
    }
}

/// A node before it is written.
struct Draftee {
    node: TestnetNode,
    node_key: [u8; 32],
    keys: Option<SealedKeys>,
    password: String,
}

impl TestnetPlan {
    /// Writes the network.
    ///
    /// # Errors
    /// If the plan cannot be, the folder is not empty or cannot be written, or too few ports are free. Nothing is left
    /// behind then.
    pub fn write(&self) -> Result<Testnet, HomeError> {
        let total = self.check()?;
        let folder = std::path::absolute(&self.output)
            .map_err(|error| HomeError::invalid("the folder has no path").because(error))?;
        utf8(&folder)?;
        let program = utf8(&self.program)?.to_owned();
        let mut draft = Draft::begin(&folder)?;
        let ports = free_ports(self.base_port, 3 * total)?;
        let drafted = ports.as_chunks::<3>().0.iter().enumerate();
        let drafted: Vec<Draftee> =
            drafted.map(|(index, ports)| self.draft_node(&folder, index, *ports)).collect::<Result<_, _>>()?;
        let genesis = self.genesis(&drafted)?;
        for one in &drafted {
            let others: Vec<&TestnetNode> =
                drafted.iter().map(|other| &other.node).filter(|other| other.name != one.node.name).collect();
            let config = self.config(one, &others, total);
            let home = NewHome {
                config: &config,
                genesis: Some(&genesis),
                founder: None,
                keys: one.keys.as_ref(),
                node_key: one.node_key,
                password: config.password_file.is_some().then_some(&one.password),
            };
            draft.folder(Path::new(&one.node.name))?;
            home.fill(&mut draft, Path::new(&one.node.name))?;
        }
        let nodes = drafted.into_iter().map(|one| one.node).collect();
        let network = Testnet { folder, chain_id: self.chain_id, nodes };
        let names: Vec<&str> = network.nodes.iter().map(|node| node.name.as_str()).collect();
        draft.file(Path::new(GENESIS), &network::genesis_text(&genesis))?;
        draft.file(Path::new(START), &scripts::start_script(&program, &names))?;
        make_executable(&network.folder.join(START))?;
        draft.file(Path::new(COMPOSE), &scripts::compose_file(&program, &names, user()))?;
        // Last: what has this file is whole.
        draft.file(Path::new(NETWORK), &format!("{:#}\n", network.network_json()))?;
        draft.keep();
        Ok(network)
    }

    /// The number of nodes, if the plan can be.
    fn check(&self) -> Result<usize, HomeError> {
        if !(1..=VALIDATORS_MAX).contains(&self.validators) {
            return Err(HomeError::invalid(format!("a network cannot have {} validators", self.validators))
                .next(format!("choose from 1 to {VALIDATORS_MAX}")));
        }
        if self.full_nodes > FULL_NODES_MAX {
            return Err(HomeError::invalid(format!("{} full nodes are too many", self.full_nodes))
                .next(format!("choose at most {FULL_NODES_MAX}")));
        }
        config::check_pace(self.block_time, self.idle_block_time).map_err(HomeError::invalid)?;
        let total = self.validators + self.full_nodes;
        match self.engines.keys().find(|index| **index >= total) {
            Some(index) => Err(HomeError::invalid(format!("there is no node {index} to choose an engine for"))
                .next(format!("choose from 0 to {}", total - 1))),
            None => Ok(total),
        }
    }

    fn draft_node(&self, folder: &Path, index: usize, ports: [u16; 3]) -> Result<Draftee, HomeError> {
        let failed = |reason: String| HomeError::system("no keys could be made").because(reason);
        let password = hex::encode(secret::random::<16>().map_err(failed)?);
        let node_key = new_node_key()?;
        // The password lies beside the keys, so a guess that costs much would protect nothing.
        let keys = (index < self.validators).then(|| SealedKeys::generate(&password, ScryptCost::LIGHT)).transpose()?;
        let [rpc, consensus, gossip] = ports.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        let id = peer::peer_id(node_key).ok_or_else(|| failed("the network key is none".to_owned()))?;
        let name = format!("node{index}");
        let node = TestnetNode {
            home: folder.join(&name),
            name,
            rpc,
            consensus,
            gossip,
            p2p: peer::multiaddr(consensus).with(Protocol::P2p(id)),
            engine: self.engines.get(&index).copied().unwrap_or_default(),
            validator: keys.as_ref().map(|keys| keys.address),
        };
        Ok(Draftee { node, node_key, keys, password })
    }

    fn genesis(&self, drafted: &[Draftee]) -> Result<Genesis, HomeError> {
        let failed = |reason: String| {
            HomeError::invalid("the network cannot be").because(reason).next("correct the command line")
        };
        // Every run of the command gives the same genesis but for the keys, so it does not say when it was made.
        let mut genesis = Genesis::new(self.chain_id, self.gas_limit, 0);
        upgrade::put_into(&mut genesis, &self.upgrades).map_err(failed)?;
        let validators = drafted.iter().filter_map(|one| one.keys.as_ref());
        let validators: Vec<FirstValidator> = validators.map(|keys| keys.first_validator(self.self_bond, 0)).collect();
        self.staking.check_places(&validators).map_err(|reason| failed(reason).next("raise --max-validators"))?;
        self.staking.put_into(&mut genesis, &validators).map_err(failed)?;
        let (count, coins) = ACCOUNTS;
        let accounts = Accounts::from_mnemonic(DEFAULT_MNEMONIC, count).map_err(|error| failed(error.to_string()))?;
        for address in accounts.addresses() {
            network::fund(&mut genesis, *address, coins);
        }
        for keys in drafted.iter().filter_map(|one| one.keys.as_ref()) {
            network::fund(&mut genesis, keys.address, OPERATOR_COINS);
        }
        network::check_genesis(&genesis).map_err(failed)?;
        Ok(genesis)
    }

    /// Whoever interprets code has the time for it from all others.
    fn ns_per_gas(&self) -> u32 {
        let interprets = self.engines.values().any(|engine| *engine == EngineKind::Pulley);
        if interprets { NS_PER_GAS_INTERPRETED } else { NS_PER_GAS }
    }

    fn config(&self, one: &Draftee, others: &[&TestnetNode], total: usize) -> NodeConfig {
        // All nodes share one address, and two that dial each other at once have two connections for a moment.
        let connections_per_ip = 2 * total + 8;
        NodeConfig {
            name: one.node.name.clone(),
            engine: one.node.engine,
            cache_mib: (CACHES_MIB / total as u64).clamp(16, 128),
            password_file: one.keys.is_some().then(|| PathBuf::from(PASSWORD)),
            rpc: RpcConfig { listen: one.node.rpc },
            consensus: ConsensusConfig {
                listen: one.node.consensus,
                peers: others.iter().map(|other| other.consensus.into()).collect(),
                block_time: self.block_time,
                idle_block_time: self.idle_block_time,
                connections_per_ip,
                ns_per_gas: self.ns_per_gas(),
            },
            gossip: GossipConfig {
                listen: one.node.gossip,
                peers: others.iter().map(|other| other.gossip.into()).collect(),
                connections_per_ip,
            },
        }
    }
}

/// The next `count` ports from `base` on that nobody listens on now.
fn free_ports(base: u16, count: usize) -> Result<Vec<u16>, HomeError> {
    let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    let ports: Vec<u16> = (base.max(1)..=u16::MAX).filter(is_free).take(count).collect();
    if ports.len() < count {
        return Err(HomeError::invalid(format!("of the ports from {base} on, only {} are free", ports.len()))
            .because(format!("the network needs {count}"))
            .next("choose a lower base port"));
    }
    Ok(ports)
}

#[cfg(unix)]
fn make_executable(path: &Path) -> Result<(), HomeError> {
    use std::os::unix::fs::PermissionsExt;
    let permissions = std::fs::Permissions::from_mode(0o700);
    std::fs::set_permissions(path, permissions).map_err(|error| HomeError::unwritable(path, &error))
}

#[cfg(unix)]
fn user() -> (u32, u32) {
    (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw())
}

#[cfg(test)]
mod tests {
    use esker_runtime::staking::STAKING_ADDRESS;

    use super::*;
    use crate::home::Home;

    fn plan(folder: &Path, validators: usize) -> TestnetPlan {
        TestnetPlan::new(folder.join("net"), validators, PathBuf::from("/bin/true"))
    }

    #[test]
    fn every_home_opens_and_knows_all_others() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let plan = TestnetPlan {
            full_nodes: 1,
            engines: BTreeMap::from([(2, EngineKind::Pulley)]),
            block_time: Duration::from_millis(200),
            ..plan(folder.path(), 3)
        };
        let network = plan.write().expect("the folder is empty");
        assert_eq!(network.nodes.len(), 4);
        let mut addresses = std::collections::BTreeSet::new();
        for (index, node) in network.nodes.iter().enumerate() {
            let home = Home::open(&node.home).unwrap_or_else(|error| panic!("{error}"));
            let config = &home.config;
            assert_eq!((config.engine, config.rpc.listen), (node.engine, node.rpc));
            assert_eq!(config.engine == EngineKind::Pulley, index == 2);
            assert_eq!(config.consensus.block_time, Duration::from_millis(200));
            for (peers, of) in [
                (&config.consensus.peers, (|node| node.consensus) as fn(&TestnetNode) -> SocketAddr),
                (&config.gossip.peers, |node| node.gossip),
            ] {
                let others = network.nodes.iter().filter(|other| other.name != node.name);
                assert_eq!(peers, &others.map(|other| of(other).into()).collect::<Vec<crate::home::PeerAddress>>());
            }
            let password = home.password().expect("readable").unwrap_or_default();
            let key = home.consensus_key(&password).expect("the password fits");
            assert_eq!(key.as_ref().map(|key| key.address), node.validator);
            // The order is that of the staking contract.
            let entry = node.validator.and_then(|address| {
                home.genesis.validators.iter().find(|validator| validator.address == address).copied()
            });
            assert_eq!(entry.map(|entry| (entry.address, entry.power)), node.validator.map(|address| (address, 100)));
            assert_eq!(entry.map(|entry| entry.public_key), key.map(|key| key.public_key()));
            let id = peer::peer_id(home.node_key().expect("readable")).expect("a seed");
            assert!(node.p2p.to_string().ends_with(&format!("/p2p/{id}")));
            for address in [node.rpc, node.consensus, node.gossip] {
                assert!(addresses.insert(address), "{address} is there twice");
            }
            assert_eq!(home.genesis, Home::open(&network.nodes[0].home).expect("it opens").genesis);
        }
        let written = std::fs::read_to_string(network.folder.join(NETWORK)).expect("written");
        assert_eq!(serde_json::from_str::<Value>(&written).expect("JSON"), network.network_json());
        assert_eq!(
            network::read_genesis(&network.folder.join(GENESIS)).expect("a genesis").alloc.len(),
            11 + 3 + 3,
            "ten accounts, the staking contract, operators and those who report offences"
        );
    }

    #[test]
    fn but_for_keys_a_network_is_always_the_same() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let texts = ["a", "b"].map(|name| {
            let plan = TestnetPlan { output: folder.path().join(name), ..plan(folder.path(), 2) };
            let network = plan.write().expect("the folder is empty");
            let mut genesis = network::read_genesis(&network.folder.join(GENESIS)).expect("a genesis");
            genesis.validators.clear();
            // Accounts that follow from keys, and storage with keys in it.
            let accounts = Accounts::from_mnemonic(DEFAULT_MNEMONIC, ACCOUNTS.0).expect("the well-known words");
            genesis.alloc.retain(|address, _| accounts.addresses().contains(address) || *address == STAKING_ADDRESS);
            let staking = genesis.alloc.get_mut(&STAKING_ADDRESS).expect("the contract");
            staking.storage.clear();
            network::genesis_text(&genesis)
        });
        assert_eq!(texts[0], texts[1]);
    }

    #[test]
    fn ports_in_use_are_passed_over() {
        let taken = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let port = taken.local_addr().expect("it listens").port();
        // Next to the end there may be no other port left.
        match free_ports(port, 1) {
            Ok(ports) => assert!(ports.iter().all(|free| *free > port)),
            Err(error) => assert!(error.to_string().contains("only 0 are free"), "{error}"),
        }
        let error = free_ports(65_535, 4).expect_err("too few").to_string();
        assert!(error.contains("the network needs 4") && error.contains("lower base port"), "{error}");
    }

    #[test]
    fn plans_that_cannot_be_leave_nothing() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let one = plan(folder.path(), 1);
        let plans = [
            (TestnetPlan { validators: 0, ..one.clone() }, "cannot have 0 validators"),
            (TestnetPlan { validators: 101, ..one.clone() }, "cannot have 101 validators"),
            (TestnetPlan { full_nodes: 101, ..one.clone() }, "too many"),
            (TestnetPlan { engines: BTreeMap::from([(1, EngineKind::Pulley)]), ..one.clone() }, "there is no node 1"),
            (TestnetPlan { gas_limit: 1, ..one.clone() }, "gas limit"),
            (TestnetPlan { chain_id: 0, ..one.clone() }, "chain id"),
            (TestnetPlan { block_time: Duration::ZERO, ..one.clone() }, "block time"),
            (TestnetPlan { idle_block_time: Duration::from_millis(500), ..one.clone() }, "idle block time"),
            (TestnetPlan { base_port: 65_534, ..one.clone() }, "the network needs 3"),
        ];
        for (plan, words) in plans {
            let error = plan.write().expect_err(words).to_string();
            assert!(error.contains(words), "{error}");
            assert!(!plan.output.exists(), "{words}: something is left");
        }
        std::fs::create_dir(&one.output).expect("writable");
        std::fs::write(one.output.join("note"), "x").expect("writable");
        assert!(one.write().expect_err("not empty").to_string().contains("is not empty"));
    }
}
