//! The real binary on a state directory: killed and started again, refused where it must be.

mod support;

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use alloy_primitives::{Address, B256, hex};
use alloy_signer_local::PrivateKeySigner;
use jsonrpsee::http_client::{HttpClient, HttpClientBuilder};
use serde_json::{Value, json};
use support::{TransferFields, call, number, raw, sign};

fn esker() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_esker"));
    command.env_remove("RUST_LOG").env_remove("ESKER_RPC_URL");
    command
}

/// A child that does not outlive its test.
struct Node {
    child: Child,
    http: HttpClient,
    facts: Value,
}

impl Node {
    fn start(state: &Path, more: &[&str]) -> Self {
        let mut child = esker()
            .args(["--json", "--quiet", "dev", "--port", "0", "--state"])
            .arg(state)
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the binary starts");
        let mut text = String::new();
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let facts = loop {
            let line = lines.next().expect("the banner comes before the end").expect("text");
            text.push_str(&line);
            if let Ok(facts) = serde_json::from_str::<Value>(&text) {
                break facts;
            }
        };
        let address = facts["listening"].as_str().expect("an address");
        let http = HttpClientBuilder::default().build(format!("http://{address}")).expect("a good url");
        Self { child, http, facts }
    }

    /// SIGKILL: nothing is flushed, nobody is told.
    fn kill(mut self) {
        self.child.kill().expect("our own child");
        self.child.wait().expect("our own child");
    }

    async fn ok(&self, method: &str, params: Value) -> Value {
        call(&self.http, method, params).await.unwrap_or_else(|error| panic!("{method}: {error:?}"))
    }

    async fn block(&self, number: u64) -> Value {
        self.ok("eth_getBlockByNumber", json!([format!("{number:#x}"), true])).await
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn signer() -> PrivateKeySigner {
    "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80".parse().expect("the first account's key")
}

fn transfer(nonce: u64) -> String {
    raw(&sign(&signer(), TransferFields { nonce, value: 1, ..TransferFields::default() }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_node_comes_back_with_every_acknowledged_block() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let state = folder.path().join("chain");
    let mut blocks: Vec<Value> = Vec::new();
    let mut nonce = 0;
    for round in 0..4 {
        let node = Node::start(&state, &[]);
        let head = node.facts["blockNumber"].as_u64().expect("a number");
        assert!(
            head + 1 >= blocks.len() as u64,
            "round {round}: block {head} is the head, {} were acknowledged",
            blocks.len()
        );
        for (number, block) in blocks.iter().enumerate() {
            assert_eq!(node.block(number as u64).await, *block, "round {round}: block {number} is as it was");
        }
        for _ in 0..5 {
            let hash = node.ok("eth_sendRawTransaction", json!([transfer(nonce)])).await;
            let receipt = node.ok("eth_getTransactionReceipt", json!([hash])).await;
            assert_eq!(receipt["status"], json!("0x1"), "round {round}: answered, hence in a block");
            nonce += 1;
        }
        let head = number(&node.ok("eth_blockNumber", json!([])).await);
        for number in blocks.len() as u64..=head {
            blocks.push(node.block(number).await);
        }
        node.kill();
    }
    let node = Node::start(&state, &[]);
    assert_eq!(number(&node.ok("eth_getTransactionCount", json!([signer().address()])).await), nonce);
    let balance = node.ok("eth_getBalance", json!([Address::repeat_byte(0xee)])).await;
    assert_eq!(number(&balance), nonce);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_killed_while_it_makes_blocks_loses_none_it_has_shown() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let state = folder.path().join("chain");
    let mut shown: Vec<B256> = Vec::new();
    for round in 0..4u64 {
        let node = Node::start(&state, &["--block-time", "0.01"]);
        for (number, hash) in shown.iter().enumerate() {
            assert_eq!(node.block(number as u64).await["hash"], json!(hash), "round {round}: block {number}");
        }
        // Blocks are made without pause; whatever is seen before the kill must be there after it.
        while (shown.len() as u64) < 8 * (round + 1) {
            let block = node.block(shown.len() as u64).await;
            if !block.is_null() {
                shown.push(serde_json::from_value(block["hash"].clone()).expect("a hash"));
            }
        }
        node.kill();
    }
}

/// Files under `folder`, as an upgrade or a careless hand leaves them: none.
fn modules(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter(|entry| entry.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() > 4_096)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_compiles_what_its_cache_lacks_before_it_serves() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let state = folder.path().join("chain");
    let code = state.join("code");
    let node = Node::start(&state, &[]);
    let creation = json!({"from": signer().address(), "input": support::probe::payload()});
    let hash = node.ok("eth_sendTransaction", json!([creation])).await;
    let receipt = node.ok("eth_getTransactionReceipt", json!([hash])).await;
    assert_eq!(receipt["status"], json!("0x1"));
    node.kill();
    std::fs::remove_dir_all(&code).expect("the folder of compiled modules");

    let node = Node::start(&state, &[]);
    // Written in the background, soon after it was compiled.
    while modules(&code) == 0 {
        let version = node.ok("web3_clientVersion", json!([])).await;
        assert!(version.is_string(), "it serves");
    }
    assert_eq!(modules(&code), 1, "without any call of the contract");
    node.kill();

    // Files that were written with a key that is lost are of no use to a block either.
    std::fs::write(code.join("key"), b"damaged").expect("writes");
    let mut node = Compiling::start(&state, &folder.path().join("told"));
    node.wait_for("compiling contracts before serving missing=1 contracts=1");
}

/// A node that tells into a file what it does, also before it serves.
struct Compiling {
    child: Child,
    told: PathBuf,
}

impl Compiling {
    fn start(state: &Path, told: &Path) -> Self {
        let file = std::fs::File::create(told).expect("a file");
        let mut command = esker();
        command.args(["dev", "--port", "0", "--gas-limit", "10000000000", "--state"]).arg(state);
        command.stdout(file.try_clone().expect("a file")).stderr(file);
        Self { child: command.spawn().expect("the binary starts"), told: told.to_owned() }
    }

    fn told(&self) -> String {
        std::fs::read_to_string(&self.told).expect("a file")
    }

    /// Waits until the node has told `what`; if it ends or serves before, the test fails.
    fn wait_for(&mut self, what: &str) {
        loop {
            let ended = self.child.try_wait().expect("our own child");
            let told = self.told();
            if told.contains(what) {
                return;
            }
            assert!(ended.is_none() && !told.contains("Listening on"), "{told}");
            std::thread::yield_now();
        }
    }
}

impl Drop for Compiling {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_told_to_stop_while_it_compiles_does_not_compile_the_rest() {
    const CONTRACTS: usize = 60;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let state = folder.path().join("chain");
    let node = Node::start(&state, &["--gas-limit", "10000000000"]);
    let work = "(drop (i32.const 7))".repeat(15_000);
    for number in 0..CONTRACTS {
        let text = format!(
            r#"(module (memory (export "memory") 1) (func (export "call") (drop (i32.const {number})) {work}))"#
        );
        let payload = esker_vm::envelope::encode(&wat::parse_str(text).expect("the text is a module"));
        let creation = json!({"from": signer().address(), "input": hex::encode_prefixed(payload), "gas": "0x5f5e100"});
        let hash = node.ok("eth_sendTransaction", json!([creation])).await;
        let receipt = node.ok("eth_getTransactionReceipt", json!([hash])).await;
        assert_eq!(receipt["status"], json!("0x1"));
    }
    node.kill();
    std::fs::remove_dir_all(state.join("code")).expect("the folder of compiled modules");

    let mut node = Compiling::start(&state, &folder.path().join("told"));
    node.wait_for("compiling contracts before serving missing=60");
    let pid = node.child.id().to_string();
    assert!(Command::new("kill").args(["-s", "TERM", &pid]).status().expect("kill is there").success());
    assert_eq!(node.child.wait().expect("our own child").code(), Some(0));
    assert!(modules(&state.join("code")) < CONTRACTS, "{}", node.told());
    // What was compiled is kept, and nothing is locked.
    Node::start(&state, &["--gas-limit", "10000000000"]).kill();
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn a_port_in_use_is_a_clear_error_and_no_chain_begins() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("bound").port().to_string();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let state = folder.path().join("chain");
    let output = esker().args(["dev", "--port", &port, "--state"]).arg(&state).output().expect("runs");
    assert_eq!(output.status.code(), Some(3));
    let said = text(&output);
    assert!(said.contains(&format!("127.0.0.1:{port} is in use")) && said.contains("with --port"), "{said}");
    assert!(!state.exists(), "nothing is written");
}

#[test]
fn a_genesis_that_cannot_be_is_wrong_usage_and_no_chain_begins() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let state = folder.path().join("chain");
    let output = esker().args(["dev", "--port", "0", "--gas-limit", "20999", "--state"]).arg(&state).output();
    let output = output.expect("runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output).contains("choose one from 21000"), "{}", text(&output));
    assert!(!state.exists(), "nothing is written");
}

#[test]
fn a_state_directory_that_is_a_file_or_holds_something_else_is_a_clear_error_and_stays_as_it_is() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("file");
    std::fs::write(&file, b"notes").expect("writes");
    let foreign = folder.path().join("foreign");
    std::fs::create_dir_all(foreign.join("db")).expect("a temporary folder");
    std::fs::write(foreign.join("db/notes"), b"notes").expect("writes");
    for state in [&file, &foreign] {
        let output = esker().args(["dev", "--port", "0", "--state"]).arg(state).output().expect("runs");
        assert_eq!(output.status.code(), Some(3), "{}", text(&output));
        let named = state.join("db").display().to_string();
        assert!(text(&output).contains(&named), "{named}: {}", text(&output));
    }
    assert_eq!(std::fs::read(&file).expect("still there"), b"notes");
    let inside: Vec<_> = std::fs::read_dir(&foreign).expect("still there").flatten().collect();
    assert_eq!(inside.len(), 1, "{inside:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn states_from_before_a_restart_are_refused_with_what_can_be_asked() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = Node::start(folder.path(), &[]);
    node.ok("eth_sendRawTransaction", json!([transfer(0)])).await;
    assert_eq!(number(&node.ok("eth_getTransactionCount", json!([signer().address(), "0x0"])).await), 0);
    node.kill();
    let node = Node::start(folder.path(), &[]);
    assert_eq!(number(&node.ok("eth_getTransactionCount", json!([signer().address(), "0x1"])).await), 1);
    let root = node.block(0).await["stateRoot"].as_str().expect("a root").trim_start_matches("0x").to_owned();
    for (method, params) in [
        ("eth_getBalance", json!([signer().address(), "0x0"])),
        ("eth_call", json!([{"to": signer().address()}, "earliest"])),
        ("eth_getProof", json!([signer().address(), [], "0x0"])),
    ] {
        let (code, text) = call(&node.http, method, params).await.expect_err("the state is gone");
        assert_eq!(code, -32000, "{method}: {text}");
        assert!(text.starts_with(&format!("missing trie node {root} ")), "{method}: {text}");
        assert!(text.contains("block 0 is too old") && text.ends_with("from block 1 on"), "{method}: {text}");
    }
}

#[test]
fn a_locked_state_directory_is_a_clear_error() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let _node = Node::start(folder.path(), &[]);
    let output = esker().args(["dev", "--port", "0", "--state"]).arg(folder.path()).output().expect("runs");
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output).contains("in use by another process"), "{}", text(&output));
    let mut simulate = esker();
    simulate.args(["simulate", "0x0000000000000000000000000000000000000001", "--state"]).arg(folder.path());
    let output = simulate.output().expect("runs");
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output).contains("in use by another process"), "{}", text(&output));
}

#[test]
fn another_chain_in_the_state_directory_is_a_clear_error() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    Node::start(folder.path(), &[]).kill();
    let output =
        esker().args(["dev", "--port", "0", "--chain-id", "5", "--state"]).arg(folder.path()).output().expect("runs");
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output).contains("holds the chain with id 31337, not 5"), "{}", text(&output));
}

#[test]
fn a_state_directory_of_another_version_is_a_clear_error() {
    use esker_runtime::db::{Batch, SledStore, Store, keys};
    let folder = tempfile::tempdir().expect("a temporary folder");
    {
        let store = SledStore::open(folder.path().join("db"), 1 << 20).expect("opens");
        let mut batch = Batch::new();
        batch.put([keys::VERSION], 999u32.to_be_bytes());
        store.apply(batch).expect("writes");
        store.flush().expect("flushes");
    }
    let output = esker().args(["dev", "--port", "0", "--state"]).arg(folder.path()).output().expect("runs");
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output).contains("layout version 999"), "{}", text(&output));
}

#[test]
fn a_corrupt_state_directory_is_a_clear_error_and_stays_as_it_is() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let db = folder.path().join("db");
    std::fs::create_dir(&db).expect("a temporary folder");
    std::fs::write(db.join("conf"), b"nonsense").expect("writes");
    std::fs::write(db.join("db"), [0x5a; 4096]).expect("writes");
    let output = esker().args(["dev", "--port", "0", "--state"]).arg(folder.path()).output().expect("runs");
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    assert!(!text(&output).contains("panicked"), "{}", text(&output));
    assert_eq!(std::fs::read(db.join("conf")).expect("still there"), b"nonsense");
}

#[test]
fn a_bad_mnemonic_is_wrong_usage() {
    let output = esker().args(["dev", "--port", "0", "--mnemonic", "one two three"]).output().expect("runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output).contains("the mnemonic gives no accounts"), "{}", text(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn simulate_answers_alike_from_a_running_node_and_from_its_state_directory() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = Node::start(folder.path(), &[]);
    node.ok("eth_sendRawTransaction", json!([transfer(0)])).await;
    let url = format!("http://{}", node.facts["listening"].as_str().expect("an address"));
    let to = Address::repeat_byte(0x21).to_checksum(None);
    let from = signer().address().to_string();
    let run = |place: [&str; 2]| {
        let output = esker()
            .args(["--json", "simulate", &to, "--from", &from, "--value", "3"])
            .args(place)
            .output()
            .expect("runs");
        assert_eq!(output.status.code(), Some(0), "{}", text(&output));
        let mut report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let source = report["source"].take();
        (source, report)
    };
    let (source, live) = run(["--rpc-url", &url]);
    assert_eq!((source, &live["status"]), (json!("esker_simulate"), &json!("success")));
    assert_eq!(live["stateDiff"][&to]["balance"], json!({"before": "0", "after": "3"}), "{live:#}");
    node.kill();
    let state = folder.path().to_str().expect("plain text").to_owned();
    assert_eq!(run(["--state", &state]), (json!("state"), live));
    let empty = tempfile::tempdir().expect("a temporary folder");
    let output = esker().args(["simulate", &to, "--state"]).arg(empty.path()).output().expect("runs");
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output).contains("holds no chain"), "{}", text(&output));
}

#[test]
fn a_node_told_to_stop_stops_well() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for signal in ["INT", "TERM"] {
        let mut node = Node::start(folder.path(), &[]);
        let pid = node.child.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &pid]).status().expect("kill is there");
        assert!(sent.success());
        assert_eq!(node.child.wait().expect("our own child").code(), Some(0), "SIG{signal}");
    }
}

#[test]
fn a_client_that_never_ends_its_request_does_not_keep_a_node_from_stopping() {
    use std::io::Write;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut node = Node::start(folder.path(), &[]);
    let address = node.facts["listening"].as_str().expect("an address");
    let mut client = std::net::TcpStream::connect(address).expect("it listens");
    let begun = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{";
    client.write_all(begun).expect("writes");
    let pid = node.child.id().to_string();
    assert!(Command::new("kill").args(["-s", "INT", &pid]).status().expect("kill is there").success());
    assert_eq!(node.child.wait().expect("our own child").code(), Some(0));
    drop(client);
}
