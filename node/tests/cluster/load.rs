//! Signed transactions sent all the time, over all nodes in turn, and the receipts that came back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use alloy_consensus::{TxEip1559, TypedTransaction};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, hex, keccak256};
use alloy_signer_local::PrivateKeySigner;
use esker::accounts::{Accounts, DEFAULT_MNEMONIC, sign_transaction};
use jsonrpsee::core::ClientError;
use jsonrpsee::core::client::ClientT;
use jsonrpsee::http_client::HttpClient;
use jsonrpsee::rpc_params;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::network::Network;
use crate::node::number;
use crate::scenario::PATIENCE;

/// Accounts that the genesis funds.
pub const ACCOUNTS: usize = 10;
/// How often receipts are asked for.
const POLL: Duration = Duration::from_millis(100);
/// After so long without a receipt a transaction is sent again: the node that had it may be gone.
const AGAIN_AFTER: Duration = Duration::from_secs(2);

/// A transaction that some node gave a receipt for.
#[derive(Clone, Debug)]
pub struct Ack {
    /// The transaction.
    pub hash: B256,
    /// The block that the receipt names.
    pub block: B256,
    /// Its number.
    pub number: u64,
    /// From the first sending to the receipt.
    pub latency: Duration,
    /// Whether it did what it should.
    pub succeeded: bool,
    /// The contract that it made.
    pub contract: Option<Address>,
}

/// What a transaction of a load does.
#[derive(Clone, Debug)]
pub struct Action {
    /// Whom it calls; nobody: it deploys.
    pub to: TxKind,
    /// Wei.
    pub value: u128,
    /// Input.
    pub input: Bytes,
    /// Gas limit.
    pub gas: u64,
}

impl Action {
    /// Moves some wei.
    pub fn transfer(to: Address, value: u64) -> Self {
        Self { to: TxKind::Call(to), value: value.into(), input: Bytes::new(), gas: 21_000 }
    }
}

/// The account with this number, of the well-known mnemonic.
pub fn signer(account: usize) -> PrivateKeySigner {
    let accounts = Accounts::from_mnemonic(DEFAULT_MNEMONIC, ACCOUNTS as u32).expect("the well-known words");
    let key = accounts.private_key(accounts.addresses()[account]).expect("it is derived");
    PrivateKeySigner::from_bytes(&key).expect("a key")
}

/// A signed transaction, as nodes take it, with fees that suffice in any of these networks.
pub fn signed(signer: &PrivateKeySigner, nonce: u64, action: Action) -> Vec<u8> {
    priced(signer, nonce, action, 50_000_000_000, 1_000_000_000)
}

/// A signed transaction that offers these fees.
pub fn priced(signer: &PrivateKeySigner, nonce: u64, action: Action, fee_cap: u128, tip_cap: u128) -> Vec<u8> {
    let transaction = TypedTransaction::Eip1559(TxEip1559 {
        chain_id: 31_337,
        nonce,
        gas_limit: action.gas,
        max_fee_per_gas: fee_cap,
        max_priority_fee_per_gas: tip_cap,
        to: action.to,
        value: U256::from(action.value),
        input: action.input,
        ..TxEip1559::default()
    });
    sign_transaction(signer, transaction).expect("signs").encoded_2718()
}

/// Gives the next action of an account: its number, and how many it has sent.
pub type Actions = Arc<dyn Fn(usize, u64) -> Action + Send + Sync>;

/// Sends transactions of some accounts.
struct Sender {
    account: usize,
    signer: PrivateKeySigner,
    nodes: Vec<HttpClient>,
    turn: usize,
    acks: Arc<Mutex<Vec<Ack>>>,
    stop: watch::Receiver<bool>,
}

impl Sender {
    fn next(&mut self) -> HttpClient {
        self.turn += 1;
        self.nodes[self.turn % self.nodes.len()].clone()
    }

    /// Asks one node after the other until one answers.
    async fn nonce(&mut self) -> u64 {
        loop {
            let params = rpc_params![self.signer.address(), "latest"];
            let answer: Result<Value, _> = self.next().request("eth_getTransactionCount", params).await;
            if let Some(nonce) = answer.ok().as_ref().and_then(number) {
                return nonce;
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Sends `depth` transactions, waits for their receipts, and does so again until it is told to stop.
    async fn run(mut self, depth: u64, actions: Actions) {
        let mut nonce = self.nonce().await;
        let mut count = 0;
        while !*self.stop.borrow() {
            let mut sent = Vec::new();
            for _ in 0..depth {
                let raw = signed(&self.signer, nonce, actions(self.account, count));
                (nonce, count) = (nonce + 1, count + 1);
                self.send(&raw).await;
                sent.push((raw, Instant::now()));
            }
            for (raw, at) in sent {
                let ack = self.receipt(&raw, at).await;
                self.acks.lock().push(ack);
            }
        }
    }

    /// Sends it to the next node that takes requests. A refusal is no matter: it is sent again if no receipt comes.
    async fn send(&mut self, raw: &[u8]) {
        for _ in 0..self.nodes.len() {
            let params = rpc_params![hex::encode_prefixed(raw)];
            let answer = self.next().request::<Value, _>("eth_sendRawTransaction", params).await;
            if matches!(answer, Ok(_) | Err(ClientError::Call(_))) {
                return;
            }
        }
    }

    async fn receipt(&mut self, raw: &[u8], sent: Instant) -> Ack {
        let hash = keccak256(raw);
        let mut again = sent + AGAIN_AFTER;
        loop {
            let answer: Result<Value, _> = self.next().request("eth_getTransactionReceipt", rpc_params![hash]).await;
            if let Ok(receipt @ Value::Object(_)) = answer {
                return ack(hash, &receipt, sent.elapsed());
            }
            let now = Instant::now();
            if now >= again {
                self.send(raw).await;
                again = now + AGAIN_AFTER;
            }
            assert!(sent.elapsed() < 2 * PATIENCE, "transaction {hash} of account {} has no receipt", self.account);
            tokio::time::sleep(POLL).await;
        }
    }
}

fn ack(hash: B256, receipt: &Value, latency: Duration) -> Ack {
    Ack {
        hash,
        block: serde_json::from_value(receipt["blockHash"].clone()).expect("a hash"),
        number: number(&receipt["blockNumber"]).expect("a number"),
        latency,
        succeeded: receipt["status"] == "0x1",
        contract: serde_json::from_value(receipt["contractAddress"].clone()).expect("an address or none"),
    }
}

/// A load that goes on until it is stopped.
pub struct Load {
    acks: Arc<Mutex<Vec<Ack>>>,
    stop: watch::Sender<bool>,
    senders: Vec<JoinHandle<()>>,
}

impl Load {
    /// Transfers of these accounts, up to two of each under way.
    pub fn transfers(network: &Network, accounts: &[usize]) -> Self {
        let to = |count: u64| Address::from_word(keccak256(count.to_be_bytes()));
        Self::start(network, accounts, 2, Arc::new(move |_, count| Action::transfer(to(count % 50), 1 + count)))
    }

    /// The actions of these accounts, up to `depth` of each under way.
    pub fn start(network: &Network, accounts: &[usize], depth: u64, actions: Actions) -> Self {
        let (stop, stopped) = watch::channel(false);
        let acks = Arc::new(Mutex::new(Vec::new()));
        let nodes: Vec<HttpClient> = network.nodes.iter().map(|node| node.http.clone()).collect();
        let sender = |account: &usize| {
            let (signer, acks, stop) = (signer(*account), acks.clone(), stopped.clone());
            let sender = Sender { account: *account, signer, nodes: nodes.clone(), turn: *account, acks, stop };
            tokio::spawn(sender.run(depth, actions.clone()))
        };
        let senders = accounts.iter().map(sender).collect();
        Self { acks, stop, senders }
    }

    /// How many receipts came.
    pub fn count(&self) -> usize {
        self.acks.lock().len()
    }

    /// Sends nothing new, and returns all receipts when the last one has come.
    pub async fn stop(self) -> Vec<Ack> {
        self.stop.send_replace(true);
        for sender in self.senders {
            sender.await.expect("each transaction gets a receipt");
        }
        std::mem::take(&mut *self.acks.lock())
    }
}

/// Middle and longest time to a receipt, and how many there are, in words.
pub fn summary(acks: &[Ack]) -> String {
    let mut latencies: Vec<Duration> = acks.iter().map(|ack| ack.latency).collect();
    latencies.sort_unstable();
    let at = |index: usize| latencies.get(index).copied().unwrap_or_default().as_secs_f64();
    let (middle, last) = (at(latencies.len() / 2), at(latencies.len().saturating_sub(1)));
    format!("{} receipts, median {middle:.2} s, longest {last:.2} s", acks.len())
}
