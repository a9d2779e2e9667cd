//! What follows the chain hears of every block, whoever made it; what is in the pool is tried, whoever brought it; and what a
//! development node does on request, no other node offers.

mod support;

use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::{Address, B256, U256};
use alloy_signer_local::PrivateKeySigner;
use esker::chain::{Chain, Clock, Committed, Follower, memory_store};
use esker::mempool::{Admission, Limits, Pool};
use esker::rpc::{self, Api};
use esker_runtime::block::InOrder;
use esker_runtime::db::StoreError;
use esker_runtime::genesis::GenesisAccount;
use esker_runtime::state::StateReader;
use esker_runtime::{Genesis, Parent, PreparedBlock, Proposal, SignedTransaction, Transaction};
use esker_vm::{Engine, EngineConfig, Machine};
use parking_lot::Mutex;
use serde_json::json;
use support::{TestNode, TransferFields, number, raw, sign};

const CHAIN_ID: u64 = 31_337;

struct World {
    chain: Chain,
    machine: Arc<dyn Machine>,
    signer: PrivateKeySigner,
}

impl World {
    fn new() -> Self {
        let signer = PrivateKeySigner::from_bytes(&B256::repeat_byte(7)).expect("a key");
        let mut genesis = Genesis::new(CHAIN_ID, 30_000_000, 1_000);
        let balance = U256::from(10u64).pow(U256::from(24));
        genesis.alloc.insert(signer.address(), GenesisAccount { balance, ..GenesisAccount::default() });
        let machine: Arc<dyn Machine> = Arc::new(Engine::new(EngineConfig::default()).expect("the engine starts"));
        let chain = Chain::open(memory_store(), &genesis, machine.clone()).expect("a new chain begins");
        Self { chain, machine, signer }
    }

    fn transfer(&self, nonce: u64) -> Transaction {
        let fields = TransferFields { nonce, value: 1, ..TransferFields::default() };
        let signed = SignedTransaction::from_envelope(sign(&self.signer, fields), self.chain.config());
        signed.and_then(SignedTransaction::recover).expect("well-formed")
    }

    fn parent(&self) -> Parent {
        self.chain.head().as_parent().expect("block and state belong together")
    }

    fn propose(&self, parent: &Parent, transactions: Vec<Transaction>) -> PreparedBlock {
        let proposal = Proposal { timestamp: 2_000, beneficiary: Address::ZERO, round: 0 };
        let (count, mut source) = (transactions.len(), InOrder::new(transactions));
        let proposed = self.chain.propose(parent, proposal, &mut source, &mut || true).expect("the node is well");
        assert_eq!(proposed.block.block().transactions.len(), count, "{:?}", proposed.refused);
        proposed.block
    }
}

/// Keeps what it was told.
#[derive(Default)]
struct Heard(Mutex<Vec<(u64, B256)>>);

impl Follower for Heard {
    fn committed(&self, committed: &Committed) {
        self.0.lock().push((committed.block.header.number, committed.block.hash));
    }
}

#[test]
fn a_block_that_came_from_elsewhere_reaches_the_pool_and_every_follower() {
    let (here, elsewhere) = (World::new(), World::new());
    let (pool, heard) = (Arc::new(Pool::new(Limits::default())), Arc::new(Heard::default()));
    here.chain.follow(pool.clone());
    here.chain.follow(heard.clone());
    let account = here.chain.head().state.account(here.signer.address()).expect("reads").expect("has coins");
    for nonce in 0..3 {
        let admission = Admission { limits: here.machine.limits(), account, block_gas_limit: 30_000_000 };
        pool.add(here.transfer(nonce), &admission).expect("it may wait");
    }
    // Two blocks made elsewhere, validated here before either is committed.
    let one = elsewhere.propose(&elsewhere.parent(), vec![elsewhere.transfer(0)]);
    let two = elsewhere.propose(&one.as_parent(), vec![elsewhere.transfer(1)]);
    let first = here.chain.validate(&here.parent(), &one.block().block()).expect("valid");
    let second = here.chain.validate(&first.as_parent(), &two.block().block()).expect("valid");
    let (hash_one, hash_two) = (first.block().hash, second.block().hash);
    assert_eq!((hash_one, hash_two), (one.block().hash, two.block().hash));
    assert_eq!(heard.0.lock().len(), 0, "nothing is said of blocks that are not committed");
    here.chain.commit(first).expect("it is the next one");
    assert!(pool.get(here.transfer(0).hash()).is_none() && pool.get(here.transfer(1).hash()).is_some());
    here.chain.commit(second).expect("it is the next one");
    assert!(pool.get(here.transfer(1).hash()).is_none() && pool.get(here.transfer(2).hash()).is_some());
    assert_eq!(*heard.0.lock(), [(1, hash_one), (2, hash_two)]);
}

#[test]
fn a_block_whose_sibling_was_committed_is_refused_and_nobody_hears_of_it() {
    let world = World::new();
    let heard = Arc::new(Heard::default());
    world.chain.follow(heard.clone());
    let parent = world.parent();
    let (one, other) = (world.propose(&parent, vec![world.transfer(0)]), world.propose(&parent, Vec::new()));
    let hash = one.block().hash;
    world.chain.commit(one).expect("the first");
    assert!(matches!(world.chain.commit(other), Err(StoreError::Mismatch(_))));
    assert_eq!(*heard.0.lock(), [(1, hash)]);
    let next = world.propose(&world.parent(), vec![world.transfer(1)]);
    world.chain.commit(next).expect("the chain goes on");
    assert_eq!(world.chain.head().block.header.number, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_is_mined_though_its_client_hangs_up_at_once() {
    let node = TestNode::start().await;
    let address = node.node.address;
    for nonce in 0..9 {
        let transfer = node.transfer(0, nonce, Address::repeat_byte(9), 1);
        let hash = json!([transfer.tx_hash()]);
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "eth_sendRawTransaction", "params": [raw(&transfer)]});
        let body = body.to_string();
        let request = format!(
            "POST / HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        // The server may notice that the client is gone before it has read the request: then nothing came in, and the
        // client comes again. Once the pool has it, nobody else has to come.
        while node.ok("eth_getTransactionByHash", hash.clone()).await.is_null() {
            let mut stream = TcpStream::connect(address).expect("it listens");
            stream.write_all(request.as_bytes()).expect("it reads");
            drop(stream);
            let soon = tokio::time::Instant::now() + Duration::from_millis(100);
            while tokio::time::Instant::now() < soon
                && node.ok("eth_getTransactionByHash", hash.clone()).await.is_null()
            {
                tokio::task::yield_now().await;
            }
        }
        let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
        while node.ok("eth_getTransactionReceipt", hash.clone()).await.is_null() {
            assert!(tokio::time::Instant::now() < deadline, "transfer {nonce} was never mined");
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(number(&node.ok("eth_getTransactionCount", json!([node.address(0), "latest"])).await), 9);
    node.node.stop().await;
}

#[test]
fn what_makes_blocks_or_signs_is_served_by_development_nodes_alone() {
    let world = World::new();
    let (pool, clock) = (Arc::new(Pool::new(Limits::default())), Arc::new(Clock::new()));
    let api = Api::new(Arc::new(world.chain), pool, clock, world.machine, Address::ZERO, "test".into());
    let names: Vec<&str> = rpc::module(Arc::new(api)).expect("methods differ").method_names().collect();
    assert!(names.contains(&"eth_call") && names.contains(&"eth_getLogs") && names.contains(&"eth_subscribe"));
    let others = |name: &&&str| {
        ["evm_", "anvil_", "hardhat_", "personal_"].iter().any(|prefix| name.starts_with(prefix))
            || name.starts_with("eth_s") && **name != "eth_subscribe" && **name != "eth_syncing"
            || **name == "eth_accounts"
    };
    assert_eq!(names.iter().find(others), None);
}
