//! Transactions from peers meet the same pool as those from clients, and what waits survives a restart.

mod support;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use alloy_consensus::TxEnvelope;
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, TxKind, U256};
use alloy_signer_local::PrivateKeySigner;
use bytes::Bytes;
use esker::chain::{Chain, memory_store};
use esker::gossip::{Gossip, GossipConfig, PoolSink, TransactionSink, Verdict};
use esker::mempool::journal::{Journal, Restored};
use esker::mempool::{Limits, Pool, Status};
use esker_runtime::Genesis;
use esker_runtime::block::InOrder;
use esker_runtime::genesis::GenesisAccount;
use esker_runtime::{Proposal, Transaction};
use esker_vm::{Engine, EngineConfig, Machine};
use libp2p::identity::Keypair;
use support::{TransferFields, sign};
use tokio::time::timeout;

const CHAIN_ID: u64 = 31_337;

/// A chain with a pool on it, and a peer's way into it.
struct World {
    chain: Arc<Chain>,
    pool: Arc<Pool>,
    sink: Arc<PoolSink>,
}

fn signer(index: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(index)).expect("a key")
}

impl World {
    /// Signers 1 to 9 have coins.
    fn new() -> Self {
        let mut genesis = Genesis::new(CHAIN_ID, 30_000_000, 1_000);
        let balance = U256::from(10u64).pow(U256::from(24));
        for index in 1..10 {
            genesis.alloc.insert(signer(index).address(), GenesisAccount { balance, ..GenesisAccount::default() });
        }
        let machine: Arc<dyn Machine> = Arc::new(Engine::new(EngineConfig::default()).expect("the engine starts"));
        let chain = Arc::new(Chain::open(memory_store(), &genesis, machine).expect("a new chain begins"));
        let pool = Arc::new(Pool::new(Limits::default()));
        chain.follow(pool.clone());
        let sink = Arc::new(PoolSink { chain: chain.clone(), pool: pool.clone() });
        Self { chain, pool, sink }
    }

    fn admit(&self, transactions: &[&TxEnvelope]) -> Vec<Verdict> {
        self.sink.admit(transactions.iter().map(|transaction| encoded(transaction)).collect())
    }

    /// Commits a block with what is best in the pool.
    fn commit(&self) {
        let parent = self.chain.head().as_parent().expect("block and state belong together");
        let proposal = Proposal { timestamp: 2_000, beneficiary: Address::ZERO, round: 0 };
        let waiting: Vec<Transaction> = self.pool.in_order().iter().map(|one| (**one).clone()).collect();
        let mut source = InOrder::new(waiting);
        let proposed = self.chain.propose(&parent, proposal, &mut source, &mut || true).expect("the node is well");
        self.chain.commit(proposed.block).expect("the store is well");
    }
}

fn transfer(from: u8, nonce: u64) -> TxEnvelope {
    with(from, TransferFields { nonce, ..TransferFields::default() })
}

fn with(from: u8, fields: TransferFields) -> TxEnvelope {
    sign(&signer(from), fields)
}

fn encoded(transaction: &TxEnvelope) -> Bytes {
    transaction.encoded_2718().into()
}

#[test]
fn peers_are_blamed_for_what_no_block_could_carry_and_for_nothing_else() {
    let world = World::new();
    let fields = TransferFields::default;
    let bad = [
        ("another chain", with(1, TransferFields { chain_id: 1, ..fields() })),
        ("less than intrinsic gas", with(1, TransferFields { gas: 20_999, ..fields() })),
        ("less than the floor", with(1, TransferFields { gas: 30_000, input: vec![1u8; 500].into(), ..fields() })),
        ("a tip above the cap", with(1, TransferFields { fee_cap: 1_000, tip_cap: 1_001, ..fields() })),
        (
            "no deploy payload",
            with(1, TransferFields { to: TxKind::Create, input: vec![1u8; 9].into(), gas: 99_999, ..fields() }),
        ),
        ("the last nonce", with(1, TransferFields { nonce: u64::MAX, ..fields() })),
    ];
    for (what, transaction) in &bad {
        assert_eq!(world.admit(&[transaction]), [Verdict::Reject], "{what}");
    }
    let useless = [
        ("no coins", transfer(20, 0)),
        ("below the least fee", with(1, TransferFields { fee_cap: 6, tip_cap: 6, ..fields() })),
        ("more than a block's gas", with(1, TransferFields { gas: 30_000_001, ..fields() })),
    ];
    for (what, transaction) in &useless {
        assert_eq!(world.admit(&[transaction]), [Verdict::Ignore], "{what}");
    }
    assert_eq!(world.pool.status(), Status::default());

    let mut damaged = encoded(&transfer(1, 0)).to_vec();
    *damaged.last_mut().expect("bytes") ^= 1;
    let raw = [vec![], vec![0x7f], vec![2, 0xc0], vec![0; 200_000]].map(Bytes::from);
    assert_eq!(world.sink.admit(raw.to_vec()), [Verdict::Reject; 4]);
    // A signature that was tampered with names somebody else, who has no coins, or nobody.
    assert_ne!(world.sink.admit(vec![damaged.into()]), [Verdict::Accept]);
}

#[test]
fn good_ones_are_taken_once_whatever_they_come_with() {
    let world = World::new();
    let all: Vec<TxEnvelope> = (0..60).map(|nonce| transfer(1, nonce)).collect();
    let bad = with(1, TransferFields { chain_id: 1, ..TransferFields::default() });
    let mut offered: Vec<&TxEnvelope> = all.iter().collect();
    offered.insert(30, &bad);
    let verdicts = world.admit(&offered);
    assert_eq!(verdicts[30], Verdict::Reject);
    assert_eq!(verdicts.iter().filter(|verdict| **verdict == Verdict::Accept).count(), 60);
    assert_eq!(world.pool.status(), Status { pending: 60, queued: 0 });
    assert_eq!(world.admit(&[&all[0], &all[59]]), [Verdict::Ignore; 2], "known");

    let beyond_a_gap = transfer(2, 1);
    assert_eq!(world.admit(&[&beyond_a_gap]), [Verdict::Accept], "what is before it may be under way");
    assert_eq!(world.sink.waiting(Duration::ZERO, usize::MAX).len(), 60, "no block could carry the one beyond the gap");
    assert_eq!(world.sink.waiting(Duration::from_secs(3_600), usize::MAX), Vec::<Bytes>::new());
    let size = encoded(&all[0]).len() + encoded(&all[1]).len();
    assert_eq!(world.sink.waiting(Duration::ZERO, size), [encoded(&all[0]), encoded(&all[1])]);

    world.commit();
    assert_eq!(world.pool.status(), Status { pending: 0, queued: 1 });
    assert_eq!(world.admit(&[&all[0]]), [Verdict::Ignore], "a block has it");
    assert_eq!(world.admit(&[&with(1, TransferFields { value: 9, ..TransferFields::default() })]), [Verdict::Ignore]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_travels_from_pool_to_pool() {
    let worlds = [World::new(), World::new()];
    let config = || {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        GossipConfig::new(listen, "test".to_owned(), Keypair::generate_ed25519())
    };
    let there = Gossip::start(config(), worlds[1].sink.clone()).await.expect("it listens");
    // This one waited before anybody was there.
    assert_eq!(worlds[0].admit(&[&transfer(1, 0)]), [Verdict::Accept]);
    let peers = vec![there.address()];
    let here = Gossip::start(GossipConfig { peers, ..config() }, worlds[0].sink.clone()).await.expect("it listens");
    let mut arrivals = worlds[1].pool.watch();
    let within = Duration::from_secs(60);
    timeout(within, arrivals.wait_for(|count| *count == 1)).await.expect("it arrives").expect("the pool is there");
    let second = transfer(2, 0);
    assert_eq!(worlds[0].admit(&[&second]), [Verdict::Accept]);
    here.publish(encoded(&second));
    timeout(within, arrivals.wait_for(|count| *count == 2)).await.expect("it arrives").expect("the pool is there");
    assert_eq!(worlds[1].pool.status(), worlds[0].pool.status());
    here.stop().await;
    there.stop().await;
}

#[test]
fn what_waits_survives_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = Journal::open(folder.path().join("waiting")).expect("it can be written");
    let before = World::new();
    assert_eq!(journal.restore(&before.chain, &before.pool), Restored::default(), "no file, nothing waits");
    let waiting: Vec<TxEnvelope> = [(1, 0), (2, 0), (1, 1), (3, 5)].map(|(from, nonce)| transfer(from, nonce)).into();
    before.admit(&waiting.iter().collect::<Vec<_>>());
    assert_eq!(journal.write(&before.pool).expect("written"), 4);

    let after = World::new();
    let restored = journal.restore(&after.chain, &after.pool);
    assert_eq!(restored.admitted, waiting.iter().map(encoded).map(alloy_primitives::Bytes).collect::<Vec<_>>());
    assert_eq!((restored.dropped, after.pool.status()), (0, before.pool.status()));

    // Blocks have some of them by now.
    let later = World::new();
    later.admit(&[&waiting[0], &waiting[1]]);
    later.commit();
    let restored = journal.restore(&later.chain, &later.pool);
    assert_eq!((restored.admitted.len(), restored.dropped), (2, 2));
    assert_eq!(later.pool.status(), Status { pending: 1, queued: 1 });
    assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 1, "no draft is left");
}

#[test]
fn a_damaged_journal_is_skipped_and_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("waiting");
    let journal = Journal::open(&path).expect("it can be written");
    let world = World::new();
    world.admit(&[&transfer(1, 0), &transfer(1, 1)]);
    journal.write(&world.pool).expect("written");
    let whole = std::fs::read(&path).expect("it is there");
    let fresh = World::new();
    let restored = || journal.restore(&fresh.chain, &fresh.pool).admitted.len();
    for len in (0..whole.len()).step_by(7).chain([whole.len() - 1]) {
        std::fs::write(&path, &whole[..len]).expect("written");
        assert_eq!(restored(), 0, "cut off at {len}");
    }
    for at in (0..whole.len()).step_by(11) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        std::fs::write(&path, damaged).expect("written");
        assert_eq!(restored(), 0, "damaged at {at}");
    }
    std::fs::write(&path, [&whole[..], &[0]].concat()).expect("written");
    assert_eq!(restored(), 0, "something behind it");
    journal.write(&world.pool).expect("written");
    assert_eq!(std::fs::read(&path).expect("it is there"), whole, "replaced by a good one");
    assert_eq!(restored(), 2);
}

#[test]
fn a_journal_is_kept_while_the_node_runs_and_once_more_at_the_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("waiting");
    let world = World::new();
    let journal = Journal::open(&path).expect("it can be written");
    let keeper = journal.clone().keep(world.pool.clone(), Duration::from_secs(3_600)).expect("a thread");
    world.admit(&[&transfer(1, 0)]);
    drop(keeper);
    let fresh = World::new();
    assert_eq!(journal.restore(&fresh.chain, &fresh.pool).admitted.len(), 1);

    let error = Journal::open(folder.path().join("missing").join("waiting")).expect_err("no such folder").to_string();
    assert!(
        error.starts_with("cannot write the waiting transactions to ") && error.contains("Check the disk"),
        "{error}"
    );
}
