//! Somebody who follows the network without executing it: over changes of the set, after a long absence, and from liars.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use alloy_primitives::{Address, hex};
use esker::accounts::{Accounts, DEFAULT_MNEMONIC};
use esker::staking::Staking::delegateCall;
use jsonrpsee::core::client::ClientT;
use jsonrpsee::core::params::ArrayParams;
use jsonrpsee::http_client::HttpClient;
use jsonrpsee::server::{RpcModule, ServerBuilder, ServerHandle};
use jsonrpsee::types::ErrorObjectOwned;
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::stake::{COINS, Sender, stake};
use crate::history::one_history;
use crate::load::{Load, summary};
use crate::network::{Network, Plan};
use crate::node::{Node, esker, number};
use crate::scenario::{is_full, scenario, until};

/// Blocks of an epoch.
const EPOCH: u64 = 12;

/// What a run of the command came to.
struct Run {
    code: i32,
    json: Value,
}

/// Runs `esker verify-header` with these arguments.
async fn verify(arguments: &[&str]) -> Run {
    let mut command = esker();
    command.args(["--json", "verify-header"]).args(arguments);
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("no panic").expect("it starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let json = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}, {output:?}"));
    Run { code: output.status.code().expect("no signal"), json }
}

impl Run {
    fn good(self) -> Value {
        assert_eq!(self.code, 0, "{:#}", self.json);
        self.json
    }

    /// Asserts that it ended so, with this in its reason.
    fn bad(&self, code: i32, words: &str) {
        let error = &self.json["error"];
        let told = format!("{} {}", error["message"], error["reason"]);
        assert!(self.code == code && told.contains(words), "{code} with {words:?}: {} {error:#}", self.code);
    }
}

/// Asserts that each of the nodes has the block that was proven, with the state root that was proven.
async fn agree(nodes: &[&Node], proven: &Value) {
    let block = &proven["block"];
    let number = block["number"].as_u64().expect("a number");
    for node in nodes {
        let what = format!("node{} has block {number}", node.index);
        let found = until(what, async || {
            let found = node.ask("eth_getBlockByNumber", json!([format!("{number:#x}"), false])).await.ok()?;
            found["hash"].is_string().then_some(found)
        })
        .await;
        assert_eq!((&found["hash"], &found["stateRoot"]), (&block["hash"], &block["stateRoot"]), "node{}", node.index);
    }
}

fn url(node: &Node) -> String {
    format!("http://{}", node.config().rpc.listen)
}

/// What a relay does to an answer on its way.
type Lie = fn(&str, &mut Value);

/// A server that asks an honest node, and lies.
struct Liar {
    url: String,
    lie: Arc<Mutex<Lie>>,
    _handle: ServerHandle,
}

impl Liar {
    async fn start(honest: &Node) -> Self {
        let lie: Arc<Mutex<Lie>> = Arc::new(Mutex::new(|_, _| ()));
        let mut module = RpcModule::new((honest.http.clone(), lie.clone()));
        for method in ["eth_chainId", "esker_getLightBlock", "esker_getLightBlocks", "eth_getProof"] {
            let registered = module.register_async_method(method, move |params, context, _| async move {
                let params: Vec<Value> = params.parse().unwrap_or_default();
                let (http, lie): &(HttpClient, Arc<Mutex<Lie>>) = &context;
                let mut array = ArrayParams::new();
                for param in params {
                    array.insert(param).expect("JSON");
                }
                let answer: Result<Value, _> = http.request(method, array).await;
                let mut answer =
                    answer.map_err(|error| ErrorObjectOwned::owned(-32_000, error.to_string(), None::<()>))?;
                (lie.lock())(method, &mut answer);
                Ok::<_, ErrorObjectOwned>(answer)
            });
            registered.expect("methods differ");
        }
        let server = ServerBuilder::default().build("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", server.local_addr().expect("it listens"));
        Self { url, lie, _handle: server.start(module) }
    }
}

/// Changes a bit of the bytes in a text, in their middle.
fn damage(text: &mut Value) {
    let mut bytes = hex::decode(text.as_str().expect("bytes")).expect("hex");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    *text = json!(hex::encode_prefixed(bytes));
}

/// The blocks of an answer.
fn blocks<'a>(method: &str, answer: &'a mut Value) -> Vec<&'a mut Value> {
    match method {
        "esker_getLightBlock" => vec![answer],
        "esker_getLightBlocks" => answer.as_array_mut().into_iter().flatten().collect(),
        _ => Vec::new(),
    }
}

/// Lies, each with the exit code and the words that it must come to.
const LIES: &[(&str, Lie, i32, &str)] = &[
    (
        "a changed header",
        |method, answer| blocks(method, answer).into_iter().for_each(|block| damage(&mut block["header"])),
        1,
        "",
    ),
    (
        "a changed certificate",
        |method, answer| blocks(method, answer).into_iter().for_each(|block| damage(&mut block["certificate"])),
        1,
        "",
    ),
    (
        "a changed proof of the set",
        |method, answer| {
            if method == "esker_getLightBlocks" {
                blocks(method, answer).into_iter().for_each(|block| damage(&mut block["setProof"]["account"][0]));
            }
        },
        1,
        "the proof of the validator set",
    ),
    (
        "no proof of the set",
        |method, answer| {
            if method == "esker_getLightBlocks" {
                blocks(method, answer).into_iter().for_each(|block| block["setProof"] = Value::Null);
            }
        },
        1,
        "without the proof",
    ),
    (
        "the same epoch again and again",
        |method, answer| {
            if method == "esker_getLightBlocks" {
                let first = answer[0].clone();
                *answer = json!([first.clone(), first]);
            }
        },
        1,
        "the next one that ends an epoch",
    ),
    (
        "epochs left out",
        |method, answer| {
            if method == "esker_getLightBlocks" {
                answer.as_array_mut().expect("a list").remove(0);
            }
        },
        1,
        "the next one that ends an epoch",
    ),
    (
        "nothing",
        |method, answer| {
            if method == "esker_getLightBlocks" {
                *answer = json!([])
            }
        },
        3,
        "does not give block",
    ),
    (
        "no block",
        |method, answer| {
            if method == "esker_getLightBlock" {
                *answer = Value::Null
            }
        },
        3,
        "has no block",
    ),
    (
        "garbage",
        |method, answer| {
            if method == "esker_getLightBlocks" {
                *answer = json!({"a": [1, "b"]})
            }
        },
        3,
        "unexpected",
    ),
    (
        "a richer account",
        |method, answer| {
            if method == "eth_getProof" {
                answer["balance"] = json!("0xffffffffffffffffffffffffffff")
            }
        },
        1,
        "other fields",
    ),
    (
        "a changed node",
        |method, answer| {
            if method == "eth_getProof" {
                damage(&mut answer["accountProof"][0])
            }
        },
        1,
        "node 0",
    ),
    (
        "a node less",
        |method, answer| {
            if method == "eth_getProof" {
                drop(answer["accountProof"].as_array_mut().expect("a list").pop())
            }
        },
        1,
        "ends after",
    ),
    (
        "another account",
        |method, answer| {
            if method == "eth_getProof" {
                answer["address"] = json!(Address::ZERO)
            }
        },
        1,
        "something else than asked",
    ),
];

/// A server that answers every request with a body that never ends.
fn endless() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("it listens"));
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let Ok(mut connection) = connection else { return };
            let mut request = [0; 4_096];
            let _ = connection.read(&mut request);
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
            let _ = connection.write_all(head.as_bytes());
            let chunk = format!("{:x}\r\n{}\r\n", 1 << 16, " ".repeat(1 << 16));
            while connection.write_all(chunk.as_bytes()).is_ok() {}
        }
    });
    url
}

/// Has every account stake in another validator than the last time, so that powers change.
async fn shift(network: &Network, senders: &mut [Sender], validators: &[Address], round: usize) {
    for (index, sender) in senders.iter_mut().enumerate() {
        let validator = validators[(index + round) % validators.len()];
        sender.send(network, stake(&delegateCall { validator }, COINS)).await;
    }
}

/// The last block that ended an epoch.
async fn last_end(network: &Network) -> u64 {
    network.head(&[0]).await / EPOCH * EPOCH
}

#[test]
fn light_clients_follow() {
    scenario("light", async |run| {
        let plan = Plan { more: &["--epoch-length", "12"], ..Plan::default() };
        let mut network = Network::start(run, &plan).await;
        let load = Load::transfers(&network, &[0, 1]);
        let listed = network.nodes[0].ask("esker_validators", json!([])).await.expect("an answer");
        let validators: Vec<Address> = listed["validators"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|one| serde_json::from_value(one["address"].clone()).expect("an address"))
            .collect();
        let mut senders: Vec<Sender> = (2..6).map(|account| Sender { account, nonce: 0 }).collect();
        let accounts = Accounts::from_mnemonic(DEFAULT_MNEMONIC, 10).expect("the well-known words");
        let (genesis, state, early) =
            (run.path("network/genesis.json"), run.path("light.json"), run.path("early.json"));
        let text = |path: &Path| path.to_str().expect("a name").to_owned();
        let (genesis, state, early) = (text(&genesis), text(&state), text(&early));
        let start = text(&run.path("start.json"));
        let rich = accounts.addresses()[9].to_string();

        // From block 0. A network of this command does not say when it was made.
        let from_genesis = ["--genesis", &genesis, "--rpc-url", &url(&network.nodes[0]), "--state", &state];
        verify(&from_genesis).await.bad(1, "trusted for 106 s only");
        let first = verify(&[&from_genesis[..], &["--allow-expired", "--account", &rich]].concat()).await.good();
        agree(&network.some(&network.all()), &first).await;
        assert_eq!(first["accounts"][0]["balance"], "10000000000000000000000", "{first:#}");
        for copy in [&early, &start] {
            std::fs::copy(&state, copy).expect("writable");
        }
        run.says(format_args!("from block 0: block {} is proven", first["block"]["number"]));

        // On and on, over other nodes, while stake moves.
        let (mut epochs, mut changes) = (0, 0);
        let rounds = if is_full() { 40 } else { 12 };
        for round in 0..rounds {
            if round % 2 == 0 {
                shift(&network, &mut senders, &validators, round).await;
            }
            network.progress(&network.all(), EPOCH).await;
            let asked = &network.nodes[run.between(0, 3) as usize];
            let proven = verify(&[
                "--state",
                &state,
                "--rpc-url",
                &url(asked),
                "--account",
                "0x0000000000000000000000000000000000001000",
                "--slot",
                "0",
                "--slot",
                "0x3",
            ])
            .await
            .good();
            agree(&network.some(&network.all()), &proven).await;
            let slots = &proven["accounts"][0]["storage"];
            assert_eq!(hex::decode(slots[0]["value"].as_str().expect("a word")).expect("hex")[31], 4, "{proven:#}");
            epochs += proven["epochsFollowed"].as_u64().expect("a number");
            changes += proven["setChanges"].as_u64().expect("a number");
        }
        run.says(format_args!("{epochs} epochs followed, {changes} times another set"));
        assert!(epochs >= rounds as u64 - 1 && changes >= 3, "{epochs} epochs, {changes} changes");

        // A node that was killed has in memory no state of what was before; what is kept for light clients is on its disk.
        network.nodes[1].kill();
        network.nodes[1].start();
        network.nodes[1].answers().await;
        let restarted = url(&network.nodes[1]);
        let after = verify(&["--state", &early, "--rpc-url", &restarted, "--trust-period", "7200"]).await.good();
        agree(&network.some(&network.all()), &after).await;
        assert!(after["setChanges"].as_u64().expect("a number") >= 3, "{after:#}");
        assert_eq!(after["trustPeriodMax"], 132, "as the genesis said");
        assert!(after["unchecked"].is_object(), "it began with a block 0 of no time: {after:#}");
        run.says(format_args!(
            "after a long absence: {} epochs with {} bytes in {} ms",
            after["epochsFollowed"], after["bytes"], after["milliseconds"]
        ));

        // From the hash of a block, which only its hash proves.
        let end = last_end(&network).await - EPOCH;
        let anchor =
            network.nodes[2].ask("esker_getLightBlock", json!([format!("{end:#x}"), true])).await.expect("kept");
        let block =
            network.nodes[2].ask("eth_getBlockByNumber", json!([format!("{end:#x}"), false])).await.expect("there");
        let hash = block["hash"].as_str().expect("a hash");
        let trusted = ["--trust", hash, "--genesis", &genesis, "--rpc-url", &restarted];
        agree(&network.some(&network.all()), &verify(&trusted).await.good()).await;
        let mut other = hash.to_owned();
        other.replace_range(2..4, if hash.starts_with("0x00") { "01" } else { "00" });
        verify(&["--trust", &other, "--genesis", &genesis, "--rpc-url", &restarted]).await.bad(3, "has no block");
        let parts = [
            "--trust",
            hash,
            "--chain-id",
            "31337",
            "--genesis-hash",
            first["genesisHash"].as_str().expect("a hash"),
            "--epoch-length",
            "12",
            "--rpc-url",
            &restarted,
        ];
        agree(&network.some(&network.all()), &verify(&parts).await.good()).await;
        verify(&["--trust", hash, "--rpc-url", &restarted]).await.bad(2, "which chain");
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
        let age = now - number(&block["timestamp"]).expect("a number");
        run.says(format_args!("from block {end}, {age} s old"));
        until("the block is old", async || {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
            (now - number(&block["timestamp"]).expect("a number") > 3).then_some(())
        })
        .await;
        verify(&[&trusted[..], &["--trust-period", "2"]].concat()).await.bad(1, "trusted for 2 s only");

        // Without a server.
        let mut list = vec![anchor];
        let ends =
            network.nodes[2].ask("esker_getLightBlocks", json!([format!("{end:#x}"), "0x40"])).await.expect("kept");
        list.extend(ends.as_array().expect("a list").iter().cloned());
        let last = list.len() as u64 - 1;
        let file = text(&run.path("blocks.json"));
        std::fs::write(&file, json!(list).to_string()).expect("writable");
        let offline = verify(&["--trust", hash, "--genesis", &genesis, "--light-blocks", &file]).await.good();
        assert_eq!(offline["blocksVerified"], last);
        agree(&network.some(&network.all()), &offline).await;

        // From liars.
        let liar = Liar::start(&network.nodes[3]).await;
        let lied = text(&run.path("lied.json"));
        for (what, lie, code, words) in LIES {
            *liar.lie.lock() = *lie;
            std::fs::copy(&start, &lied).expect("writable");
            let seen = verify(&["--state", &lied, "--rpc-url", &liar.url, "--account", &rich, "--allow-expired"]).await;
            seen.bad(*code, words);
            run.says(format_args!("{what}: {}", seen.json["error"]["reason"]));
        }
        *liar.lie.lock() = |_, _| ();
        agree(
            &network.some(&network.all()),
            &verify(&["--state", &lied, "--rpc-url", &liar.url, "--allow-expired"]).await.good(),
        )
        .await;
        let begun = std::time::Instant::now();
        verify(&["--state", &lied, "--rpc-url", &endless(), "--rpc-timeout", "20"]).await.bad(3, "");
        assert!(begun.elapsed() < Duration::from_secs(60));

        let acks = load.stop().await;
        run.says(summary(&acks));
        one_history(run, &network.some(&network.all()), &acks).await;
    });
}
