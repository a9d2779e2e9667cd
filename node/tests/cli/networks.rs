//! Networks that run: `esker testnet --run`, `esker node`, `esker status`, each a process.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::process::{command, esker};

/// A process that is killed when the test is over.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    /// Asks it to end and gives its exit code.
    pub fn end(mut self) -> Option<i32> {
        kill_process(Pid::from_child(&self.0), Signal::TERM).expect("it runs");
        self.0.wait().expect("it is ours").code()
    }
}

fn urls(network: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(network.join("network.json")).expect("the network is written");
    let network: Value = serde_json::from_str(&text).expect("JSON");
    let nodes = network["nodes"].as_array().expect("a list");
    nodes.iter().map(|node| node["rpc"].as_str().expect("a url").to_owned()).collect()
}

/// Lines of a process's output until one holds `words`.
fn read_until(lines: &mut impl Iterator<Item = std::io::Result<String>>, words: &str) -> String {
    let mut seen = Vec::new();
    for line in lines {
        let line = line.expect("text");
        if line.contains(words) {
            return line;
        }
        seen.push(line);
    }
    panic!("{words:?} does not come; seen: {seen:#?}");
}

#[test]
fn a_network_runs_until_it_is_told_to_stop() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let net = folder.path().join("net");
    let mut network = command(&["testnet", "--validators", "4", "--block-time", "200ms", "--idle-block-time", "200ms"]);
    network.args(["--base-port", "31000", "--run", "--output"]).arg(&net);
    let mut network = Running(network.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts"));
    let mut lines = BufReader::new(network.0.stderr.take().expect("piped")).lines();
    let line = read_until(&mut lines, "node3 height 3");
    assert!(line.contains("peers 3") && line.contains("finality"), "{line}");
    for url in urls(&net) {
        let status = esker(&["status", "--rpc-url", &url, "--json"]).expect(0).json();
        assert_eq!((&status["syncing"], &status["peers"]), (&Value::Bool(false), &Value::from(3)), "{status}");
    }
    // Nobody reads on: what is still written must not stop it.
    drop(lines);
    assert_eq!(network.end(), Some(0));
    assert_eq!(esker(&["status", "--rpc-url", &urls(&net)[0]]).code, 3, "the nodes are gone too");
}

#[test]
fn a_node_ends_well_and_what_it_cannot_use_is_told() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let net = folder.path().join("net");
    let net = net.to_str().expect("text");
    esker(&["testnet", "--validators", "1", "--output", net, "--base-port", "31100", "--block-time", "50ms"]).expect(0);
    let home = format!("{net}/node0");
    let mut node = command(&["node", "--home", &home, "--rpc", "127.0.0.1:0", "--json"]);
    let mut node = Running(node.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts"));
    let mut facts = serde_json::Deserializer::from_reader(node.0.stdout.take().expect("piped")).into_iter::<Value>();
    let facts = facts.next().expect("it says where it listens").expect("JSON");
    let url = format!("http://{}", facts["listening"].as_str().expect("an address"));
    // The server answers before consensus has begun.
    while !esker(&["status", "--rpc-url", &url]).expect(0).stdout.contains("validating  yes") {}
    let height =
        || esker(&["status", "--rpc-url", &url, "--json"]).expect(0).json()["height"].as_u64().expect("a number");
    // One validator alone decides by itself, whatever lies where it looks for evidence: a pipe that nobody writes into,
    // a link to what never ends; and without the folder.
    let evidence = format!("{home}/data/evidence");
    std::fs::remove_dir_all(&evidence).expect("it is there");
    while height() < 2 || !Path::new(&evidence).exists() {}
    let name = |height: u8| format!("{evidence}/{height}-0101010101010101010101010101010101010101.json");
    assert!(std::process::Command::new("mkfifo").arg(name(1)).status().expect("a POSIX system").success());
    std::os::unix::fs::symlink("/dev/zero", name(2)).expect("writable");
    let before = height();
    while height() < before + 2 {}
    let again = esker(&["node", "--home", &home, "--rpc", "127.0.0.1:0"]).expect(3);
    assert!(again.stderr.contains("in use by another process"), "{again:?}");
    let port = esker(&["node", "--home", &home, "--rpc", url.trim_start_matches("http://")]).expect(3);
    assert!(port.stderr.contains("is in use: another node") && port.stderr.contains("--rpc"), "{port:?}");
    assert!(port.stderr.contains("config.toml") && !port.stderr.contains("--port"), "{port:?}");
    assert_eq!(node.end(), Some(0));

    let listen = esker::home::Home::open(Path::new(&home)).expect("a home").config.consensus.listen;
    let taken = std::net::TcpListener::bind(listen).expect("the node is gone");
    let deaf = esker(&["node", "--home", &home, "--rpc", "127.0.0.1:0"]).expect(3);
    assert!(deaf.stderr.contains(&format!("cannot listen for peers on {listen}: ")), "{deaf:?}");
    drop(taken);

    let genesis = std::fs::read_to_string(format!("{home}/genesis.json")).expect("readable");
    std::fs::write(
        format!("{home}/genesis.json"),
        genesis.replace("\"gasLimit\": \"0x1c9c380\"", "\"gasLimit\": \"0x1c9c381\""),
    )
    .expect("writable");
    let other = esker(&["node", "--home", &home]).expect(3);
    assert!(other.stderr.contains("genesis.json begins with"), "{other:?}");
    let nowhere = esker(&["node", "--home", &format!("{net}/none")]).expect(2);
    assert!(nowhere.stderr.contains("esker init --home"), "{nowhere:?}");
    std::fs::write(format!("{home}/genesis.json"), genesis).expect("writable");
    std::fs::write(format!("{home}/password"), "wrong\n").expect("writable");
    let locked = esker(&["node", "--home", &home]).expect(1);
    assert!(locked.stderr.contains("password is wrong"), "{locked:?}");
}
