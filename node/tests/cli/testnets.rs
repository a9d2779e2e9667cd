//! `esker testnet`, where it writes; what runs a network is tested beside it.

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;

use serde_json::{Value, json};

use crate::process::{esker, esker_in};

#[test]
fn a_network_is_written_whole() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let arguments = [
        "testnet",
        "--validators",
        "3",
        "--full-nodes",
        "1",
        "--output",
        "net",
        "--engine-of",
        "2=pulley",
        "--block-time",
        "200ms",
        "--chain-id",
        "99",
        "--gas-limit",
        "5000000",
        "--json",
    ];
    let answer = esker_in(folder.path(), &arguments).expect(0).json();
    let net = folder.path().join("net");
    let read = |name: &str| fs::read_to_string(net.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let network: Value = serde_json::from_str(&read("network.json")).expect("JSON");
    assert_eq!((&network["chainId"], &network["nodes"]), (&json!(99), &answer["nodes"]));
    let nodes = network["nodes"].as_array().expect("a list");
    assert_eq!(nodes.len(), 4);
    let mut urls = BTreeSet::new();
    for (index, node) in nodes.iter().enumerate() {
        let name = format!("node{index}");
        let members: Vec<&String> = node.as_object().expect("an object").keys().collect();
        assert_eq!(members, ["home", "name", "p2p", "rpc"]);
        assert_eq!((&node["name"], &node["home"]), (&json!(name), &json!(net.join(&name))));
        assert!(
            node["p2p"].as_str().is_some_and(|text| text.starts_with("/ip4/127.0.0.1/tcp/") && text.contains("/p2p/"))
        );
        assert!(urls.insert(node["rpc"].as_str().expect("a url").to_owned()));
        let config = read(&format!("{name}/config.toml"));
        let rpc = config.lines().find(|line| line.starts_with("listen = ")).expect("an address");
        assert_eq!(node["rpc"], json!(rpc.replace("listen = \"", "http://").trim_end_matches('"')));
        let engine = if index == 2 { "engine = \"pulley\"" } else { "engine = \"cranelift\"" };
        assert!(config.contains(engine) && config.contains("block_time = \"200ms\""), "{config}");
        assert_eq!(read(&format!("{name}/genesis.json")), read("genesis.json"));
        assert_eq!(net.join(&name).join("keys/consensus.json").exists(), index < 3);
    }
    let genesis: Value = serde_json::from_str(&read("genesis.json")).expect("JSON");
    assert_eq!((&genesis["config"]["chainId"], &genesis["gasLimit"]), (&json!(99), &json!("0x4c4b40")));
    assert_eq!(
        genesis["alloc"].as_object().map(serde_json::Map::len),
        Some(17),
        "ten accounts, the staking contract, three operators and three who report offences"
    );
    let ten_thousand = format!("{:#x}", 10_000u128 * 1_000_000_000_000_000_000);
    assert_eq!(genesis["alloc"]["0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"]["balance"], json!(ten_thousand));
    let powers: Vec<&Value> =
        genesis["validators"].as_array().expect("a list").iter().map(|one| &one["power"]).collect();
    assert_eq!(powers, [&json!(100); 3]);
    let script = read("start.sh");
    assert!(script.contains("for home in node0 node1 node2 node3; do"), "{script}");
    assert!(read("compose.yaml").contains("\"./node3:/home/node3\""));
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(net.join("start.sh")).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);

    let run = esker_in(folder.path(), &arguments).expect(2);
    assert_eq!(run.json()["error"]["message"], json!(format!("{} is not empty", net.display())));
}

#[test]
fn a_person_is_told_where_the_nodes_are_and_how_to_start_them() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = esker_in(folder.path(), &["testnet", "--validators", "1", "--output", "net"]).expect(0);
    for words in ["node0  http://127.0.0.1:", "validates, cranelift", "for tests only", "start.sh; ctrl-C"] {
        assert!(run.stdout.contains(words), "{words} is missing in {run:#?}");
    }
}

#[test]
fn ports_in_use_are_passed_over() {
    // Two ports in a row, of which the first is taken.
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = taken.local_addr().expect("it listens").port();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let port_text = port.to_string();
    let arguments = ["testnet", "--validators", "1", "--output", "net", "--base-port", &port_text, "--json"];
    let run = esker_in(folder.path(), &arguments);
    if run.code == 0 {
        let url = run.json()["nodes"][0]["rpc"].as_str().expect("a url").to_owned();
        let chosen: u16 = url.rsplit(':').next().and_then(|text| text.parse().ok()).expect("a port");
        assert!(chosen > port, "{chosen} is taken");
    } else {
        // Only at the very end of the range.
        assert!(run.expect(2).stdout.contains("are free"));
    }
}

#[test]
fn networks_that_cannot_be_are_refused_and_leave_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = folder.path().join("net").display().to_string();
    let cases: &[(&[&str], &str)] = &[
        (&["--validators", "0"], "0 is not in 1..=100"),
        (&["--validators", "101"], "101 is not in 1..=100"),
        (&["--validators", "four"], "four"),
        (&[], "--validators"),
        (&["--validators", "1", "--full-nodes", "101"], "101 is not in"),
        (&["--validators", "1", "--base-port", "0"], "0 is not in"),
        (&["--validators", "1", "--base-port", "65535"], "choose a lower base port"),
        (&["--validators", "2", "--engine-of", "2=pulley"], "there is no node 2"),
        (&["--validators", "2", "--engine-of", "pulley"], "like 3=pulley"),
        (&["--validators", "2", "--engine-of", "1=winch"], "choose cranelift or pulley"),
        (&["--validators", "2", "--engine-of", "1=pulley", "--engine-of", "1=cranelift"], "twice"),
        (&["--validators", "1", "--block-time", "0s"], "choose from 10ms"),
        (&["--validators", "1", "--block-time", "2s", "--idle-block-time", "1s"], "from the block time, 2s"),
        (&["--validators", "1", "--gas-limit", "20999"], "gas limit"),
        (&["--validators", "1", "--chain-id", "0"], "0 is not in"),
        (&["--validators", "1", "--min-self-bond", "200ether"], "so write 100ether"),
        (&["--validators", "3", "--max-validators", "2"], "raise --max-validators"),
    ];
    for (more, words) in cases {
        let run = esker(&[&["testnet", "--output", &output][..], more].concat()).expect(2);
        assert!(run.stderr.contains(words), "{more:?}: {run:#?}");
        assert!(!folder.path().join("net").exists(), "{more:?}: something is left");
    }
}
