//! `config.toml`: what a node runner chooses.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use esker_vm::EngineKind;
use serde::{Deserialize, Deserializer, de};

use super::pace;
use super::peer::PeerAddress;

/// Pace of blocks unless another is chosen.
pub const BLOCK_TIME: Duration = Duration::from_secs(1);
/// Pace of blocks while nothing waits, unless another is chosen or blocks are slower anyway.
pub const IDLE_BLOCK_TIME: Duration = Duration::from_secs(10);
/// What native code on a slow machine takes for one gas at most, in nanoseconds.
pub const NS_PER_GAS: u32 = 8;
/// What the interpreter takes, likewise.
pub const NS_PER_GAS_INTERPRETED: u32 = 60;
/// Most peers that a list may name.
const PEERS_MAX: usize = 256;
/// Most connections from one address that may be allowed.
const CONNECTIONS_PER_IP_MAX: usize = 1_000;

/// The settings of a node.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NodeConfig {
    /// How the node calls itself; nothing depends on it.
    pub name: String,
    /// What runs contract code.
    #[serde(deserialize_with = "engine")]
    pub engine: EngineKind,
    /// Bound of the store's cache, in MiB.
    pub cache_mib: u64,
    /// File whose first line is the password of the consensus key; relative to the home.
    pub password_file: Option<PathBuf>,
    /// The JSON-RPC server.
    pub rpc: RpcConfig,
    /// Agreement with the other validators.
    pub consensus: ConsensusConfig,
    /// Spreading of transactions.
    pub gossip: GossipConfig,
}

/// The JSON-RPC server.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RpcConfig {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
}

/// Agreement with the other validators.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "ConsensusTable")]
pub struct ConsensusConfig {
    /// Where peers connect.
    pub listen: SocketAddr,
    /// Peers to connect to.
    pub peers: Vec<PeerAddress>,
    /// Pace of blocks.
    pub block_time: Duration,
    /// Pace of blocks while the mempool is empty; not below `block_time`.
    pub idle_block_time: Duration,
    /// Most connections with one IP address.
    pub connections_per_ip: usize,
    /// How long the network's slowest validator takes for one gas, in nanoseconds: what timeouts are made from.
    pub ns_per_gas: u32,
}

/// Spreading of transactions.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GossipConfig {
    /// Where peers connect.
    pub listen: SocketAddr,
    /// Peers to connect to.
    pub peers: Vec<PeerAddress>,
    /// Most connections with one IP address.
    pub connections_per_ip: usize,
}

/// `[consensus]` as the file has it.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ConsensusTable {
    listen: SocketAddr,
    peers: Vec<PeerAddress>,
    #[serde(deserialize_with = "pace::deserialize")]
    block_time: Duration,
    #[serde(deserialize_with = "pace::deserialize_some")]
    idle_block_time: Option<Duration>,
    connections_per_ip: usize,
    ns_per_gas: u32,
}

impl Default for ConsensusTable {
    fn default() -> Self {
        let ConsensusConfig { listen, peers, block_time, connections_per_ip, ns_per_gas, .. } =
            ConsensusConfig::default();
        Self { listen, peers, block_time, idle_block_time: None, connections_per_ip, ns_per_gas }
    }
}

impl TryFrom<ConsensusTable> for ConsensusConfig {
    type Error = String;

    fn try_from(table: ConsensusTable) -> Result<Self, String> {
        let idle_block_time = table.idle_block_time.unwrap_or_else(|| idle_block_time(table.block_time));
        check_pace(table.block_time, idle_block_time)?;
        Ok(Self {
            listen: table.listen,
            peers: table.peers,
            block_time: table.block_time,
            idle_block_time,
            connections_per_ip: table.connections_per_ip,
            ns_per_gas: table.ns_per_gas,
        })
    }
}

/// The pace while nothing waits that goes with a pace of blocks.
#[must_use]
pub fn idle_block_time(block_time: Duration) -> Duration {
    block_time.max(IDLE_BLOCK_TIME)
}

/// Checks both paces.
///
/// # Errors
/// What is wrong, with what would be right.
pub fn check_pace(block_time: Duration, idle_block_time: Duration) -> Result<(), String> {
    if !(Duration::from_millis(10)..=Duration::from_secs(60)).contains(&block_time) {
        return Err(format!("a block time of {} is out of range: choose from 10ms to 60s", pace::format(block_time)));
    }
    if !(block_time..=Duration::from_secs(3_600)).contains(&idle_block_time) {
        return Err(format!(
            "an idle block time of {} is out of range: choose from the block time, {}, to 60min",
            pace::format(idle_block_time),
            pace::format(block_time)
        ));
    }
    Ok(())
}

impl Default for NodeConfig {
    fn default() -> Self {
        Self {
            name: "node".to_owned(),
            engine: EngineKind::Cranelift,
            cache_mib: 128,
            password_file: None,
            rpc: RpcConfig::default(),
            consensus: ConsensusConfig::default(),
            gossip: GossipConfig::default(),
        }
    }
}

impl Default for RpcConfig {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 8545)) }
    }
}

impl Default for ConsensusConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([0, 0, 0, 0], 27_000)),
            peers: Vec::new(),
            block_time: BLOCK_TIME,
            idle_block_time: IDLE_BLOCK_TIME,
            connections_per_ip: 10,
            ns_per_gas: NS_PER_GAS,
        }
    }
}

impl Default for GossipConfig {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([0, 0, 0, 0], 27_001)), peers: Vec::new(), connections_per_ip: 10 }
    }
}

fn engine<'de, D: Deserializer<'de>>(deserializer: D) -> Result<EngineKind, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
}

impl NodeConfig {
    /// Reads a configuration.
    ///
    /// # Errors
    /// Which line is wrong, and what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let config: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        config.check()?;
        Ok(config)
    }

    /// Checks what the form of the file does not say.
    ///
    /// # Errors
    /// Which setting is wrong, and what would be right.
    pub fn check(&self) -> Result<(), String> {
        check_name(&self.name)?;
        if !(8..=1 << 20).contains(&self.cache_mib) {
            return Err(format!("cache_mib is {}: choose from 8 to 1048576", self.cache_mib));
        }
        check_pace(self.consensus.block_time, self.consensus.idle_block_time)?;
        if !(1..=1_000).contains(&self.consensus.ns_per_gas) {
            return Err(format!("consensus.ns_per_gas is {}: choose from 1 to 1000", self.consensus.ns_per_gas));
        }
        let sides = [
            ("consensus", &self.consensus.peers, self.consensus.connections_per_ip),
            ("gossip", &self.gossip.peers, self.gossip.connections_per_ip),
        ];
        for (table, peers, connections) in sides {
            if peers.len() > PEERS_MAX {
                return Err(format!("{table}.peers names {} peers; at most {PEERS_MAX} are needed", peers.len()));
            }
            if !(1..=CONNECTIONS_PER_IP_MAX).contains(&connections) {
                let range = format!("choose from 1 to {CONNECTIONS_PER_IP_MAX}");
                return Err(format!("{table}.connections_per_ip is {connections}: {range}"));
            }
        }
        let listen = [("rpc", self.rpc.listen), ("consensus", self.consensus.listen), ("gossip", self.gossip.listen)];
        for (index, (first, one)) in listen.iter().enumerate() {
            for (second, other) in listen.iter().skip(index + 1) {
                if overlap(*one, *other) {
                    return Err(format!("{first}.listen and {second}.listen are both port {}", one.port()));
                }
            }
        }
        Ok(())
    }

    /// The file, with comments; reading it gives this configuration again.
    ///
    /// # Errors
    /// If the password file's name is no text, which the file could not hold.
    pub fn to_toml(&self) -> Result<String, String> {
        let password_file = match &self.password_file {
            None => "# password_file = \"password\"".to_owned(),
            Some(path) => {
                let text = path.to_str().ok_or_else(|| format!("the path {} is no UTF-8 text", path.display()))?;
                format!("password_file = {}", quoted(text))
            }
        };
        Ok(format!(
            r#"# The settings of an Esker node. What is left out has its default. The node reads this file when it starts.

# How the node calls itself; nothing depends on it.
name = {name}
# What runs contract code: "cranelift" (native code) or "pulley" (a portable interpreter, slower). The results are the same.
engine = "{engine}"
# Bound of the store's cache, in MiB.
cache_mib = {cache_mib}
# File whose first line is the password of keys/consensus.json, relative to this folder, readable by its owner only.
# Without it the password comes from ESKER_KEYSTORE_PASSWORD, or is asked for.
{password_file}

[rpc]
# Where the JSON-RPC server listens. It has no passwords: let the world at it through a proxy only.
listen = "{rpc_listen}"

[consensus]
# Where other nodes connect to agree on blocks, and to fetch those they lack.
listen = "{consensus_listen}"
# Nodes to connect to: host:port, ip:port, or /ip4/…/tcp/…, perhaps with /p2p/ and the node's id.
peers = {consensus_peers}
# Pace of blocks: the same on all validators of a network.
block_time = "{block_time}"
# Pace of blocks while no transaction waits.
idle_block_time = "{idle_block_time}"
# Most connections with one IP address: raise it where several nodes share one.
connections_per_ip = {consensus_connections}
# How long the network's slowest validator takes for one gas, in nanoseconds; timeouts are made from it and the block's gas
# limit. The same on all validators: 8 for native code, 60 where one of them runs the interpreter.
ns_per_gas = {ns_per_gas}

[gossip]
# Where other nodes connect to exchange transactions.
listen = "{gossip_listen}"
# Nodes to connect to, written as above; their gossip ports.
peers = {gossip_peers}
connections_per_ip = {gossip_connections}
"#,
            name = quoted(&self.name),
            engine = self.engine,
            cache_mib = self.cache_mib,
            rpc_listen = self.rpc.listen,
            consensus_listen = self.consensus.listen,
            consensus_peers = list(&self.consensus.peers),
            block_time = pace::format(self.consensus.block_time),
            idle_block_time = pace::format(self.consensus.idle_block_time),
            consensus_connections = self.consensus.connections_per_ip,
            ns_per_gas = self.consensus.ns_per_gas,
            gossip_listen = self.gossip.listen,
            gossip_peers = list(&self.gossip.peers),
            gossip_connections = self.gossip.connections_per_ip,
        ))
    }
}

/// Checks a node's name.
///
/// # Errors
/// What a name may be.
pub fn check_name(name: &str) -> Result<(), String> {
    let right = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    if name.is_empty() || name.len() > 64 || !name.chars().all(right) {
        return Err(format!("{name:?} cannot be a node's name: choose up to 64 letters, digits, and - _ ."));
    }
    Ok(())
}

/// Whether two servers would want the same port.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let all = |ip: IpAddr| ip.is_unspecified();
    let same_machine = one.ip() == other.ip() || all(one.ip()) || all(other.ip());
    one.port() != 0 && one.port() == other.port() && same_machine
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn list(peers: &[PeerAddress]) -> String {
    let lines: String = peers.iter().map(|peer| format!("\n  {},", quoted(&peer.to_string()))).collect();
    if lines.is_empty() { "[]".to_owned() } else { format!("[{lines}\n]") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let mut config = NodeConfig::default();
        assert_eq!(NodeConfig::parse(&config.to_toml().expect("text")), Ok(config.clone()));
        config.name = "node-7.b".to_owned();
        config.engine = EngineKind::Pulley;
        config.password_file = Some(PathBuf::from("a \"quoted\"\\password"));
        config.consensus.block_time = Duration::from_millis(200);
        config.consensus.idle_block_time = Duration::from_secs(90);
        config.consensus.peers = ["10.0.0.2:1", "host:2"].map(|peer| peer.parse().expect("an address")).to_vec();
        config.gossip.peers = vec!["/ip6/::1/tcp/3".parse().expect("an address")];
        config.gossip.connections_per_ip = 3;
        assert_eq!(NodeConfig::parse(&config.to_toml().expect("text")), Ok(config));
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        assert_eq!(NodeConfig::parse(""), Ok(NodeConfig::default()));
        let slow = NodeConfig::parse("[consensus]\nblock_time = \"20s\"").expect("a configuration");
        assert_eq!(slow.consensus.idle_block_time, Duration::from_secs(20));
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        let cases = [
            ("name = ", "line 1"),
            ("name = \"a b\"", "cannot be a node's name"),
            ("nmae = \"x\"", "unknown field `nmae`"),
            ("[consensus]\npeer = []", "unknown field `peer`"),
            ("[gossip]\npeers = [\"10.0.0.2\"]", "it has no port"),
            ("[consensus]\npeers = [\"0.0.0.0:27000\"]", "no machine's address"),
            ("engine = \"winch\"", "choose cranelift or pulley"),
            ("cache_mib = 1", "choose from 8"),
            ("cache_mib = -1", "line 1"),
            ("[consensus]\nblock_time = \"1\"", "lacks a unit"),
            ("[consensus]\nblock_time = 1", "line 2"),
            ("[consensus]\nblock_time = \"1ms\"", "choose from 10ms"),
            ("[consensus]\nblock_time = \"61s\"", "choose from 10ms"),
            ("[consensus]\nidle_block_time = \"500ms\"", "from the block time, 1s"),
            ("[consensus]\nconnections_per_ip = 0", "choose from 1"),
            ("[gossip]\nconnections_per_ip = 1001", "choose from 1"),
            ("[rpc]\nlisten = \"8545\"", "line 2"),
            ("[rpc]\nlisten = \"127.0.0.1:27000\"", "are both port 27000"),
        ];
        for (text, words) in cases {
            let error = NodeConfig::parse(text).expect_err(text);
            assert!(error.contains(words), "{text}: {error}");
        }
        let many = vec!["\"10.0.0.2:1\""; PEERS_MAX + 1].join(",");
        let error = NodeConfig::parse(&format!("[gossip]\npeers = [{many}]")).expect_err("too many");
        assert!(error.contains("names 257 peers"), "{error}");
    }
}
