//! Starts real nodes on free ports and speaks to them.

#![allow(dead_code, reason = "each test binary uses its own part of this module")]

pub mod probe;
pub mod schema;

use std::net::SocketAddr;

use alloy_consensus::{TxEip1559, TxEnvelope, TypedTransaction};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, hex};
use alloy_signer_local::PrivateKeySigner;
use esker::accounts::sign_transaction;
use esker::dev_node::{DevConfig, DevNode};
use jsonrpsee::core::ClientError;
use jsonrpsee::core::client::ClientT;
use jsonrpsee::core::params::ArrayParams;
use jsonrpsee::http_client::{HttpClient, HttpClientBuilder};
use jsonrpsee::types::ErrorObjectOwned;
use serde_json::Value;

/// A free port on this machine.
pub const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// A development node in this process.
pub struct TestNode {
    pub node: DevNode,
    pub http: HttpClient,
}

pub fn config() -> DevConfig {
    DevConfig { address: ANY_PORT, ..DevConfig::default() }
}

impl TestNode {
    pub async fn start() -> Self {
        Self::with(config()).await
    }

    pub async fn with(config: DevConfig) -> Self {
        let node = DevNode::start(config).await.expect("the node starts on a free port");
        let http = HttpClientBuilder::default().build(format!("http://{}", node.address)).expect("a good url");
        Self { node, http }
    }

    pub fn ws_url(&self) -> String {
        format!("ws://{}", self.node.address)
    }

    pub fn address(&self, index: usize) -> Address {
        self.node.accounts.addresses()[index]
    }

    pub fn signer(&self, index: usize) -> PrivateKeySigner {
        let key = self.node.accounts.private_key(self.address(index)).expect("a dev account has a key");
        PrivateKeySigner::from_bytes(&key).expect("a valid key")
    }

    /// The answer of a method, or the error.
    pub async fn call(&self, method: &str, params: Value) -> Result<Value, (i32, String)> {
        call(&self.http, method, params).await
    }

    /// The answer of a method that must give one.
    pub async fn ok(&self, method: &str, params: Value) -> Value {
        let answer = self.call(method, params.clone()).await;
        answer.unwrap_or_else(|error| panic!("{method} {params}: {error:?}"))
    }

    /// The error of a method that must give one.
    pub async fn error(&self, method: &str, params: Value) -> (i32, String) {
        match self.call(method, params.clone()).await {
            Ok(answer) => panic!("{method} {params} answered {answer}"),
            Err(error) => error,
        }
    }

    /// A signed transfer of `value` wei.
    pub fn transfer(&self, from: usize, nonce: u64, to: Address, value: u64) -> TxEnvelope {
        sign(&self.signer(from), TransferFields { nonce, to: TxKind::Call(to), value, ..TransferFields::default() })
    }

    /// Sends raw bytes and returns the hash that the node answers.
    pub async fn send(&self, transaction: &TxEnvelope) -> B256 {
        let hash = self.ok("eth_sendRawTransaction", serde_json::json!([raw(transaction)])).await;
        serde_json::from_value(hash).expect("a hash")
    }

    /// The receipt of an included transaction.
    pub async fn receipt(&self, hash: B256) -> Value {
        self.ok("eth_getTransactionReceipt", serde_json::json!([hash])).await
    }
}

/// What a signed transaction of these tests says.
pub struct TransferFields {
    pub nonce: u64,
    pub to: TxKind,
    pub value: u64,
    pub input: Bytes,
    pub gas: u64,
    pub fee_cap: u128,
    pub tip_cap: u128,
    pub chain_id: u64,
}

impl Default for TransferFields {
    fn default() -> Self {
        Self {
            nonce: 0,
            to: TxKind::Call(Address::repeat_byte(0xee)),
            value: 0,
            input: Bytes::new(),
            gas: 21_000,
            fee_cap: 10_000_000_000,
            tip_cap: 1_000_000_000,
            chain_id: 31_337,
        }
    }
}

pub fn sign(signer: &PrivateKeySigner, fields: TransferFields) -> TxEnvelope {
    let transaction = TypedTransaction::Eip1559(TxEip1559 {
        chain_id: fields.chain_id,
        nonce: fields.nonce,
        gas_limit: fields.gas,
        max_fee_per_gas: fields.fee_cap,
        max_priority_fee_per_gas: fields.tip_cap,
        to: fields.to,
        value: U256::from(fields.value),
        input: fields.input,
        ..TxEip1559::default()
    });
    sign_transaction(signer, transaction).expect("signs")
}

pub fn raw(transaction: &TxEnvelope) -> String {
    hex::encode_prefixed(transaction.encoded_2718())
}

pub async fn call(http: &HttpClient, method: &str, params: Value) -> Result<Value, (i32, String)> {
    let mut array = ArrayParams::new();
    for param in params.as_array().expect("parameters are an array") {
        array.insert(param).expect("plain data");
    }
    http.request(method, array).await.map_err(|error| match error {
        ClientError::Call(error) => (error.code(), error.message().to_owned()),
        other => panic!("{method}: {other}"),
    })
}

/// The whole error of a method that must give one.
pub async fn error_object(http: &HttpClient, method: &str, params: Value) -> ErrorObjectOwned {
    let mut array = ArrayParams::new();
    for param in params.as_array().expect("parameters are an array") {
        array.insert(param).expect("plain data");
    }
    match http.request::<Value, _>(method, array).await {
        Err(ClientError::Call(error)) => error,
        other => panic!("{method}: {other:?}"),
    }
}

/// A quantity in an answer.
pub fn number(value: &Value) -> u64 {
    let quantity: U256 = serde_json::from_value(value.clone()).unwrap_or_else(|_| panic!("{value} is no quantity"));
    quantity.to()
}
