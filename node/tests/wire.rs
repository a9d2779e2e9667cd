//! Bytes on the wire: batches, malformed JSON, malformed frames, CORS. Whatever comes, the server answers and lives.

mod support;

use serde_json::{Value, json};
use support::{TestNode, raw};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

struct Response {
    head: String,
    body: String,
}

/// One HTTP request on a connection of its own.
async fn http(node: &TestNode, head: &str, body: &[u8]) -> Response {
    let mut stream = TcpStream::connect(node.node.address).await.expect("the server listens");
    let head = format!("{head}\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await.expect("writes");
    stream.write_all(body).await.expect("writes");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("reads");
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    Response { head: head.to_ascii_lowercase(), body: body.to_owned() }
}

async fn post(node: &TestNode, body: &[u8]) -> Value {
    let response = http(node, "POST / HTTP/1.1\r\nContent-Type: application/json", body).await;
    serde_json::from_str(&response.body).unwrap_or_else(|error| panic!("{error}: {}", response.body))
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_requests_are_answered_with_the_protocols_codes() {
    let node = TestNode::start().await;
    for (body, code) in [
        (&b"{"[..], -32700),
        (b"\xff\xfe", -32700),
        (b"nonsense", -32700),
        (b"", -32700),
        (b"{} {}", -32700),
        (b"[]", -32600),
        (b"{}", -32600),
        (b" {}", -32600),
        (b"5", -32600),
        (b"null", -32600),
        (b"\"eth_chainId\"", -32600),
        (b"{\"method\":\"eth_chainId\"}", -32600),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"eth_chainId\"}", -32600),
        (b"{\"jsonrpc\":\"2.0\",\"id\":-1,\"method\":\"eth_chainId\"}", -32600),
        (b"{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"eth_chainId\"}", -32600),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":2,\"method\":\"eth_chainId\"}", -32600),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1}", -32600),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":5}", -32600),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_getBalance\",\"params\":{\"a\":1}}", -32602),
    ] {
        let answer = post(&node, body).await;
        assert_eq!(answer["error"]["code"], json!(code), "{}: {answer}", String::from_utf8_lossy(body));
    }
    assert_eq!(node.ok("eth_blockNumber", json!([])).await, json!("0x0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_may_begin_with_any_amount_of_whitespace() {
    let node = TestNode::start().await;
    let request = format!("{}{}", " \r\n".repeat(1_000), json!({"jsonrpc": "2.0", "id": 1, "method": "eth_chainId"}));
    assert_eq!(post(&node, request.as_bytes()).await["result"], json!("0x7a69"));
}

#[tokio::test(flavor = "multi_thread")]
async fn notifications_are_obeyed_in_silence() {
    let node = TestNode::start().await;
    let mine = json!({"jsonrpc": "2.0", "method": "evm_mine", "params": []});
    let nonsense = json!({"jsonrpc": "2.0", "method": "eth_nonsense"});
    let subscribe = json!({"jsonrpc": "2.0", "method": "eth_subscribe", "params": ["newHeads"]});
    for body in [mine.clone(), nonsense.clone(), subscribe.clone(), json!([mine, nonsense, subscribe])] {
        let response =
            http(&node, "POST / HTTP/1.1\r\nContent-Type: application/json", body.to_string().as_bytes()).await;
        assert!(response.head.starts_with("http/1.1 200"), "{body}: {}", response.head);
        assert_eq!(response.body, "", "{body}");
    }
    assert_eq!(node.ok("eth_blockNumber", json!([])).await, json!("0x2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_of_a_batch_with_an_unusable_id_is_answered_all_the_same() {
    let node = TestNode::start().await;
    let batch = json!([
        {"jsonrpc": "2.0", "id": -7, "method": "evm_mine"},
        {"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber"},
    ]);
    let answer = post(&node, batch.to_string().as_bytes()).await;
    assert_eq!(answer[0]["error"]["code"], json!(-32600), "{answer}");
    assert_eq!(answer[1], json!({"jsonrpc": "2.0", "id": 1, "result": "0x0"}), "and it is not obeyed");
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_are_answered_in_order_also_when_parts_fail() {
    let node = TestNode::start().await;
    let batch = json!([
        {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId"},
        {"jsonrpc": "2.0", "id": "two", "method": "eth_nonsense", "params": []},
        {"jsonrpc": "2.0", "method": "eth_chainId"},
        5,
        {"jsonrpc": "2.0", "id": 3, "method": "eth_getBalance", "params": []},
    ]);
    let answer = post(&node, batch.to_string().as_bytes()).await;
    let answers = answer.as_array().expect("a list");
    assert_eq!(answers.len(), 4, "the notification has no answer: {answer}");
    assert_eq!(answers[0], json!({"jsonrpc": "2.0", "id": 1, "result": "0x7a69"}));
    assert_eq!(answers[1]["error"]["message"], json!("the method eth_nonsense does not exist/is not available"));
    assert_eq!(answers[1]["id"], json!("two"));
    assert_eq!(answers[2]["error"]["code"], json!(-32600));
    assert_eq!(answers[3]["error"]["message"], json!("missing value for required argument 0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_transactions_shares_blocks_and_is_all_mined() {
    let node = TestNode::start().await;
    let to = alloy_primitives::Address::repeat_byte(1);
    let batch: Vec<Value> = (0..100u64)
        .map(|nonce| {
            let raw = raw(&node.transfer(0, nonce, to, 1));
            json!({"jsonrpc": "2.0", "id": nonce, "method": "eth_sendRawTransaction", "params": [raw]})
        })
        .collect();
    let answer = post(&node, json!(batch).to_string().as_bytes()).await;
    assert!(answer.as_array().expect("a list").iter().all(|answer| answer["result"].is_string()), "{answer}");
    // The next single transaction waits for its block, and all before it are then in blocks too.
    node.send(&node.transfer(0, 100, to, 1)).await;
    assert_eq!(node.ok("eth_getTransactionCount", json!([node.address(0)])).await, json!("0x65"));
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_may_ask_from_anywhere() {
    let node = TestNode::start().await;
    let head = "OPTIONS / HTTP/1.1\r\nOrigin: http://example.org\r\nAccess-Control-Request-Method: POST\r\n\
                Access-Control-Request-Headers: content-type";
    let response = http(&node, head, b"").await;
    assert!(response.head.starts_with("http/1.1 200"), "{}", response.head);
    assert!(response.head.contains("access-control-allow-origin: *"), "{}", response.head);
    let head = "POST / HTTP/1.1\r\nContent-Type: application/json\r\nOrigin: http://example.org";
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": "eth_chainId"}).to_string();
    let response = http(&node, head, request.as_bytes()).await;
    assert!(response.head.contains("access-control-allow-origin: *"), "{}", response.head);
    assert_eq!(http(&node, "GET / HTTP/1.1", b"").await.head.split(' ').nth(1), Some("405"));
}

/// A WebSocket connection, frame by frame.
struct RawSocket {
    stream: TcpStream,
}

impl RawSocket {
    async fn open(node: &TestNode) -> Self {
        let mut stream = TcpStream::connect(node.node.address).await.expect("the server listens");
        let request = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
        stream.write_all(request.as_bytes()).await.expect("writes");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.expect("reads"));
        }
        assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
        Self { stream }
    }

    /// Sends one frame with that opcode, masked with zeros.
    async fn send(&mut self, opcode: u8, payload: &[u8]) {
        let length = u8::try_from(payload.len()).ok().filter(|length| *length < 126).expect("short in these tests");
        let mut frame = vec![0x80 | opcode, 0x80 | length, 0, 0, 0, 0];
        frame.extend_from_slice(payload);
        self.stream.write_all(&frame).await.expect("writes");
    }

    /// The next text frame.
    async fn receive(&mut self) -> Value {
        let opcode = self.stream.read_u8().await.expect("reads");
        assert_eq!(opcode, 0x81, "a whole text frame");
        let length = match self.stream.read_u8().await.expect("reads") {
            126 => usize::from(self.stream.read_u16().await.expect("reads")),
            length => usize::from(length),
        };
        let mut payload = vec![0; length];
        self.stream.read_exact(&mut payload).await.expect("reads");
        serde_json::from_slice(&payload).expect("JSON")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_frames_are_answered_and_survived() {
    let node = TestNode::start().await;
    let mut socket = RawSocket::open(&node).await;
    socket.send(1, b"{").await;
    assert_eq!(socket.receive().await["error"]["code"], json!(-32700));
    socket.send(1, b"{\"jsonrpc\":\"2.0\",\"id\":1}").await;
    assert_eq!(socket.receive().await["error"]["code"], json!(-32600));
    socket.send(2, b"\xff\x00").await;
    assert_eq!(socket.receive().await["error"]["code"], json!(-32700));
    socket.send(1, b"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"eth_chainId\"}").await;
    assert_eq!(socket.receive().await, json!({"jsonrpc": "2.0", "id": 7, "result": "0x7a69"}));
    // A frame that breaks the protocol may end its own connection, never the server.
    let mut broken = RawSocket::open(&node).await;
    broken.stream.write_all(&[0xff; 64]).await.expect("writes");
    assert_eq!(node.ok("eth_chainId", json!([])).await, json!("0x7a69"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_in_a_batch_is_refused_once() {
    let node = TestNode::start().await;
    let mut socket = RawSocket::open(&node).await;
    socket.send(1, b"[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_subscribe\",\"params\":[\"newHeads\"]}]").await;
    let answer = socket.receive().await;
    assert_eq!(answer[0]["error"]["code"], json!(-32000), "{answer}");
    node.ok("evm_mine", json!([])).await;
    socket.send(1, b"{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"eth_blockNumber\"}").await;
    assert_eq!(socket.receive().await, json!({"jsonrpc": "2.0", "id": 2, "result": "0x1"}), "no notification before");
}

#[tokio::test(flavor = "multi_thread")]
async fn notifications_carry_no_id() {
    let node = TestNode::start().await;
    let mut socket = RawSocket::open(&node).await;
    socket.send(1, b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_subscribe\",\"params\":[\"newHeads\"]}").await;
    let id = socket.receive().await["result"].clone();
    node.ok("evm_mine", json!([])).await;
    let notification = socket.receive().await;
    assert_eq!(notification["method"], json!("eth_subscription"));
    assert_eq!(notification["params"]["subscription"], id);
    assert_eq!(notification["params"]["result"]["number"], json!("0x1"));
    assert!(notification.get("id").is_none());
}
