//! A JSON-RPC server that says what a test tells it to, and remembers what it was asked.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use jsonrpsee::server::{RpcModule, ServerBuilder, ServerHandle};
use jsonrpsee::types::ErrorObjectOwned;
use serde_json::{Value, json};

/// An answer: a result, or an error object.
type Reply = Result<Value, ErrorObjectOwned>;

/// The answers to one method: each but the last is given once.
#[derive(Clone, Debug, Default)]
pub struct Script {
    answers: HashMap<&'static str, Vec<Reply>>,
}

impl Script {
    /// A development chain's usual answers.
    pub fn chain() -> Self {
        let block = json!({"number": "0x1", "gasLimit": "0x1c9c380", "baseFeePerGas": "0x3b9aca00"});
        Self::default()
            .answer("eth_chainId", json!("0x7a69"))
            .answer("eth_getBlockByNumber", block)
            .answer("eth_maxPriorityFeePerGas", json!("0x1"))
            .answer("eth_getTransactionCount", json!("0x5"))
    }

    /// Adds a result.
    pub fn answer(self, method: &'static str, result: Value) -> Self {
        self.reply(method, Ok(result))
    }

    /// Adds an error.
    pub fn refuse(self, method: &'static str, code: i32, message: &str, data: Option<&str>) -> Self {
        self.reply(method, Err(ErrorObjectOwned::owned(code, message.to_owned(), data.map(str::to_owned))))
    }

    fn reply(mut self, method: &'static str, reply: Reply) -> Self {
        self.answers.entry(method).or_default().push(reply);
        self
    }

    /// Starts a server that follows the script.
    pub fn start(self) -> Server {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("the system gives threads");
        let asked: Asked = Arc::default();
        let mut module = RpcModule::new(());
        for (method, replies) in self.answers {
            let (asked, replies) = (asked.clone(), Mutex::new(replies));
            let registered = module.register_method(method, move |params, (), _| {
                let params = params.parse::<Value>().unwrap_or_default();
                asked.lock().expect("no test panics with it").push((method.to_owned(), params));
                let mut replies = replies.lock().expect("no test panics with it");
                if replies.len() > 1 { replies.remove(0) } else { replies[0].clone() }
            });
            registered.expect("methods differ");
        }
        let (address, handle) = runtime.block_on(async {
            let server = ServerBuilder::default().build("127.0.0.1:0").await.expect("a port is free");
            (server.local_addr().expect("it listens"), server.start(module))
        });
        Server { url: format!("http://{address}"), asked, _handle: handle, _runtime: runtime }
    }
}

type Asked = Arc<Mutex<Vec<(String, Value)>>>;

/// A running scripted server.
pub struct Server {
    /// Its url.
    pub url: String,
    asked: Asked,
    _handle: ServerHandle,
    _runtime: tokio::runtime::Runtime,
}

impl Server {
    /// The parameters of every request for `method`, in order.
    pub fn asked(&self, method: &str) -> Vec<Value> {
        let asked = self.asked.lock().expect("no test panics with it");
        asked.iter().filter(|(name, _)| name == method).map(|(_, params)| params.clone()).collect()
    }
}

/// A url at which nothing listens.
pub fn dead_url() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it listens");
    drop(listener);
    format!("http://{address}")
}

/// A web server that gives the same answer to every request.
pub fn web_server(status: &'static str, body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it listens");
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let Ok(mut connection) = connection else { return };
            let mut request = [0; 4096];
            let _ = connection.read(&mut request);
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-type: text/html\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            let _ = connection.write_all(answer.as_bytes());
        }
    });
    format!("http://{address}")
}
