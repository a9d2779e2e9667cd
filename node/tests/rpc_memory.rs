//! What clients can make a node hold in memory: bodies that never end, answers that nobody reads, long batches. The node
//! is a process of its own, whose memory the system counts.

mod support;

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use alloy_primitives::{Bytes, TxKind};
use alloy_signer_local::PrivateKeySigner;
use esker::accounts::{Accounts, DEFAULT_MNEMONIC};
use esker::server::limits::{
    BATCH_MAX, IN_FLIGHT_MAX, MEMORY_BYTES_MAX, REQUEST_BYTES_FREE, REQUEST_COPIES, REQUESTS_COMMON_BYTES,
    SUBSCRIPTIONS_MAX,
};
use futures::future::join_all;
use serde_json::{Value, json};
use support::{TransferFields, raw, sign};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Nothing here takes as long: a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(120);
/// What a small request may take while others do their worst, on a machine with other things to do.
const PROMPT: Duration = Duration::from_secs(10);

/// A development node in a process of its own, killed when dropped.
struct Node {
    process: Child,
    address: SocketAddr,
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Node {
    fn start() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_esker"))
            .args(["dev", "--port", "0", "--gas-limit", "60000000", "--json"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary was built with this test");
        let mut lines = BufReader::new(process.stdout.take().expect("it is piped")).lines();
        let mut text = String::new();
        let facts: Value = loop {
            text.push_str(&lines.next().expect("the banner comes before the end").expect("it is readable"));
            if let Ok(facts) = serde_json::from_str(&text) {
                break facts;
            }
        };
        // Whoever prints later must find a reader.
        std::thread::spawn(move || lines.for_each(drop));
        let address = facts["listening"].as_str().expect("an address").parse().expect("an address");
        Self { process, address }
    }

    /// Memory of the process in bytes: what it has, and the most that it ever had.
    fn memory(&self) -> (usize, usize) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("it runs");
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("the system counts it");
            let kilobytes: usize = line.trim().trim_end_matches(" kB").parse().expect("a number");
            kilobytes << 10
        };
        (field("VmRSS:"), field("VmHWM:"))
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("the server listens")
    }

    /// A connection that has sent the head of a request.
    async fn begin(&self, length: usize) -> TcpStream {
        let mut stream = self.connect().await;
        let head = format!(
            "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.expect("the head is taken");
        stream
    }

    /// A connection that has sent a request.
    async fn ask(&self, request: &Value) -> TcpStream {
        let body = request.to_string();
        let mut stream = self.begin(body.len()).await;
        stream.write_all(body.as_bytes()).await.expect("the body is taken");
        stream
    }

    async fn post(&self, request: &Value) -> Value {
        let (status, answer) = answer(&mut self.ask(request).await).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    async fn ok(&self, method: &str, params: Value) -> Value {
        let answer = self.post(&call(1, method, &params)).await;
        answer.get("result").unwrap_or_else(|| panic!("{method}: {answer}")).clone()
    }

    /// A connection that speaks WebSocket.
    async fn websocket(&self) -> TcpStream {
        let mut stream = self.connect().await;
        let request = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
        stream.write_all(request.as_bytes()).await.expect("the head is taken");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.expect("an answer"));
        }
        assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
        stream
    }
}

fn call(id: u64, method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

/// The status and the body of an answer that ends its connection.
async fn answer(stream: &mut TcpStream) -> (u16, Value) {
    let mut text = Vec::new();
    stream.read_to_end(&mut text).await.expect("an answer");
    let text = String::from_utf8(text).expect("UTF-8");
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("a head and a body: {text:?}"));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    (status, serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {head}")))
}

/// A frame of a client, masked with zeros.
fn frame(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81, 0xfe];
    frame.extend(u16::try_from(text.len()).expect("a short message").to_be_bytes());
    frame.extend([0; 4]);
    frame.extend_from_slice(text.as_bytes());
    frame
}

/// The next message of the server.
async fn message(stream: &mut TcpStream) -> Value {
    assert_eq!(stream.read_u8().await.expect("a frame"), 0x81, "a whole text frame");
    let length = match stream.read_u8().await.expect("a length") {
        126 => u64::from(stream.read_u16().await.expect("a length")),
        127 => stream.read_u64().await.expect("a length"),
        length => u64::from(length),
    };
    let mut payload = vec![0; usize::try_from(length).expect("it fits")];
    stream.read_exact(&mut payload).await.expect("a payload");
    serde_json::from_slice(&payload).expect("JSON")
}

/// Returns when the server has begun to answer each of them. None of them is read.
async fn all_answered(streams: &[TcpStream]) {
    let answered = join_all(streams.iter().map(async |stream| stream.peek(&mut [0]).await.expect("an answer")));
    tokio::time::timeout(PATIENCE, answered).await.expect("everybody is answered in time");
}

fn signer(index: usize) -> PrivateKeySigner {
    let accounts = Accounts::from_mnemonic(DEFAULT_MNEMONIC, 10).expect("a good mnemonic");
    let key = accounts.private_key(accounts.addresses()[index]).expect("an account of the mnemonic");
    PrivateKeySigner::from_bytes(&key).expect("a valid key")
}

/// One of the largest transactions that the chain takes.
fn large(signer: &PrivateKeySigner, nonce: u64) -> String {
    let largest = esker_runtime::ChainConfig::new(31_337).transaction_bytes_max;
    let fields = |bytes| TransferFields {
        nonce,
        to: TxKind::Call(alloy_primitives::Address::repeat_byte(0xee)),
        input: Bytes::from(vec![0; bytes]),
        gas: 1_500_000,
        ..TransferFields::default()
    };
    let around = raw(&sign(signer, fields(100_000))).len() / 2 - 1 - 100_000;
    let text = raw(&sign(signer, fields(largest - around - 2)));
    assert!(text.len() > 2 * largest - 16 && text.len() <= 2 + 2 * largest, "{}", text.len());
    text
}

/// Puts a block of some megabytes on the chain.
async fn make_a_large_block(node: &Node) {
    node.ok("evm_setAutomine", json!([false])).await;
    let signer = signer(0);
    for nonce in 0..30 {
        node.ok("eth_sendRawTransaction", json!([large(&signer, nonce)])).await;
    }
    node.ok("evm_mine", json!([])).await;
    node.ok("evm_setAutomine", json!([true])).await;
    let block = node.ok("eth_getBlockByNumber", json!(["0x1", false])).await;
    assert_eq!(block["transactions"].as_array().map(Vec::len), Some(30));
}

/// What must be answered whatever others do: a question, and one of the largest transactions.
async fn serves(node: &Node, nonce: u64) {
    let begun = Instant::now();
    let served = async {
        node.ok("eth_blockNumber", json!([])).await;
        node.ok("eth_sendRawTransaction", json!([large(&signer(1), nonce)])).await;
    };
    tokio::time::timeout(PROMPT, served).await.expect("small requests are answered at once");
    println!("a question and a transaction of 128 KiB were answered in {:?}", begun.elapsed());
}

fn mib(bytes: usize) -> usize {
    bytes >> 20
}

/// Two hundred requests that lack their last byte.
async fn hold_requests(node: &Node) -> Vec<TcpStream> {
    const BYTES: usize = 8 << 20;
    let begin = call(1, "web3_sha3", &json!(["0x"])).to_string();
    // The parameter is made long: the text ends with what closes it.
    let (head, tail) = begin.split_at(begin.rfind("0x").expect("it is there") + 2);
    let body = [head.as_bytes(), &vec![b'a'; BYTES], tail.as_bytes()].concat();
    let body = &body;
    join_all((0..200).map(async |_| {
        let mut stream = node.begin(body.len()).await;
        stream.write_all(&body[..body.len() - 1]).await.expect("also what is refused is taken");
        stream
    }))
    .await
}

/// Ends what [`hold_requests`] began; returns how many were refused.
async fn end_requests(streams: Vec<TcpStream>) -> usize {
    let answers = join_all(streams.into_iter().map(async |mut stream| {
        stream.write_all(b"}").await.expect("the last byte is taken");
        answer(&mut stream).await
    }));
    let answers = tokio::time::timeout(PATIENCE, answers).await.expect("everybody is answered");
    let (refused, answered): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(status, _)| *status == 503);
    for (_, answer) in &refused {
        assert_eq!(answer["error"]["code"], json!(-32005), "{answer}");
        let words = answer["error"]["message"].as_str().expect("words");
        assert!(words.starts_with("the server is busy") && words.contains("try again later"), "{words}");
    }
    for (status, answer) in &answered {
        assert!(*status == 200 && answer["result"].is_string(), "{status} {answer}");
    }
    refused.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_share_a_bounded_memory_and_small_requests_are_always_answered() {
    let node = Node::start();
    make_a_large_block(&node).await;
    let (before, _) = node.memory();
    let mut nonces = 0..;
    let mut check = async |what: &str| {
        serves(&node, nonces.next().expect("numbers do not end")).await;
        let (now, most) = node.memory();
        println!("{what}: {} MiB, at most {} MiB, {} MiB before", mib(now), mib(most), mib(before));
        assert!(most - before < MEMORY_BYTES_MAX, "{what}: {} MiB more", mib(most - before));
    };

    // Bodies that do not end.
    let requests = hold_requests(&node).await;
    check("bodies that do not end").await;

    // Answers that nobody reads: two megabytes of requests ask for some gigabytes.
    let block = json!(["0x1", true]);
    let batch: Vec<Value> = (0..3).map(|id| call(id, "eth_getBlockByNumber", &block)).collect();
    let batch = json!(batch);
    let unread = join_all((0..100).map(|_| node.ask(&batch))).await;
    all_answered(&unread).await;
    check("and answers that nobody reads").await;

    // The same over WebSocket, where the next request needs not wait for an answer.
    let frames = frame(&call(1, "eth_getBlockByNumber", &block).to_string()).repeat(500);
    let frames = &frames;
    let pipelined = join_all((0..50).map(async |_| {
        let mut stream = node.websocket().await;
        stream.write_all(frames).await.expect("the system keeps what the node does not read");
        stream
    }))
    .await;
    all_answered(&pipelined).await;
    check("and the same over WebSocket").await;

    let refused = end_requests(requests).await;
    let fit = REQUESTS_COMMON_BYTES / REQUEST_COPIES / ((8 << 20) - REQUEST_BYTES_FREE);
    println!("{refused} of 200 requests were refused, {fit} fit at a time");
    assert!((100..200).contains(&refused), "{refused}");
    drop((unread, pipelined));
    // Whoever is left has everything to himself again.
    let answer = tokio::time::timeout(PATIENCE, async {
        loop {
            let answer = node.post(&batch).await;
            if answer.as_array().is_some_and(|answers| answers.iter().all(|answer| answer["result"].is_object())) {
                return answer;
            }
        }
    });
    let answer = answer.await.expect("what the others held is given back");
    assert!(answer.to_string().len() > 20 << 20);
    check("and after it").await;

    // What an allocator keeps is its own affair; that nothing leaks shows when it all comes again.
    let unread = join_all((0..100).map(|_| node.ask(&batch))).await;
    all_answered(&unread).await;
    check("and once more").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn subscribers_that_do_not_read_hold_a_bounded_memory() {
    let node = Node::start();
    let (before, _) = node.memory();
    let subscribe = |id| frame(&call(id, "eth_subscribe", &json!(["newPendingTransactions", true])).to_string());
    let frames: Vec<u8> = (0..u64::from(SUBSCRIPTIONS_MAX)).flat_map(subscribe).collect();
    let frames = &frames;
    let subscribed = join_all((0..10).map(async |_| {
        let mut stream = node.websocket().await;
        stream.write_all(frames).await.expect("the system keeps what the node does not read");
        for _ in 0..SUBSCRIPTIONS_MAX {
            let answer = message(&mut stream).await;
            assert!(answer["result"].is_string(), "{answer}");
        }
        stream
    }));
    let subscribed = tokio::time::timeout(PATIENCE, subscribed).await.expect("everybody is subscribed in time");
    // Eight megabytes, of which each of ten thousand subscriptions is to be told.
    make_a_large_block(&node).await;
    all_answered(&subscribed).await;
    serves(&node, 0).await;
    let (now, most) = node.memory();
    println!("{} MiB, at most {} MiB, {} MiB before", mib(now), mib(most), mib(before));
    assert!(most - before < MEMORY_BYTES_MAX, "{} MiB more", mib(most - before));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_may_have_a_thousand_entries() {
    let node = Node::start();
    let entries = |count: usize| -> Value {
        (0..count as u64)
            .map(|id| match id {
                0 => json!({"jsonrpc": "2.0", "method": "evm_mine"}),
                id => call(id, "eth_chainId", &json!([])),
            })
            .collect()
    };
    let answer = node.post(&entries(BATCH_MAX)).await;
    let answers = answer.as_array().expect("a list");
    assert_eq!(answers.len(), BATCH_MAX - 1);
    assert!(answers.iter().all(|answer| answer["result"] == json!("0x7a69")));
    let answer = node.post(&entries(BATCH_MAX + 1)).await;
    let error = json!({"code": -32600, "message": "batch too large"});
    assert_eq!(answer[0], json!({"jsonrpc": "2.0", "id": 1, "error": error}), "the id of the first call");
    assert_eq!(answer.as_array().map(Vec::len), Some(1));
    assert_eq!(node.ok("eth_blockNumber", json!([])).await, json!("0x1"), "nothing of it was done");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_batch_answers_is_bounded_as_in_geth() {
    let node = Node::start();
    make_a_large_block(&node).await;
    let batch: Vec<Value> = (1..7).map(|id| call(id, "eth_getBlockByNumber", &json!(["0x1", true]))).collect();
    let answer = node.post(&json!(batch)).await;
    let answers = answer.as_array().expect("a list");
    let kinds: Vec<_> = answers.iter().map(|answer| answer["error"]["code"].as_i64()).collect();
    assert_eq!(kinds, [None, None, None, None, Some(-32003), Some(-32003)], "eight megabytes each");
    assert_eq!(answers[5]["error"]["message"], json!("response too large"));
    assert_eq!(answers[5]["id"], json!(6));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_pipelines_and_reads_in_the_end_gets_every_answer() {
    let node = Node::start();
    let count = 100 * IN_FLIGHT_MAX as u64;
    let mut stream = node.websocket().await;
    let frames: Vec<u8> = (0..count).flat_map(|id| frame(&call(id, "eth_chainId", &json!([])).to_string())).collect();
    stream.write_all(&frames).await.expect("the system keeps what the node does not read");
    let mut ids = Vec::new();
    for _ in 0..count {
        let answer = tokio::time::timeout(PATIENCE, message(&mut stream)).await.expect("an answer in time");
        assert_eq!(answer["result"], json!("0x7a69"));
        ids.push(answer["id"].as_u64().expect("a number"));
    }
    ids.sort_unstable();
    assert!(ids.into_iter().eq(0..count), "every request has one answer");
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_that_grow_when_they_are_read_are_counted_as_what_they_become() {
    let node = Node::start();
    let (before, _) = node.memory();
    // Twenty-four megabytes of text that would become some gigabytes.
    let objects = vec!["{\"\":1}"; 3 << 20].join(",");
    let body = format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"web3_sha3\",\"params\":[[{objects}]]}}");
    let mut stream = node.begin(body.len()).await;
    stream.write_all(body.as_bytes()).await.expect("the body is taken");
    let (status, answer) = answer(&mut stream).await;
    assert!(status == 200 && answer["error"]["code"] == json!(-32005), "{status} {answer}");
    let (_, most) = node.memory();
    println!("{} MiB, at most {} MiB more", mib(body.len()), mib(most - before));
    assert!(most - before < 256 << 20, "{} MiB more", mib(most - before));
    serves(&node, 0).await;
}
