//! A chain whose gas schedule changes at a height: its table, and the modules that are made ahead.

mod support;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use alloy_signer_local::PrivateKeySigner;
use esker::chain::{
    AheadCompiler, Chain, ChainError, Recompiling, TableError, adopt_upgrades, check_change, memory_store,
};
use esker_runtime::block::{InOrder, protocol_version};
use esker_runtime::db::Store;
use esker_runtime::genesis::GenesisAccount;
use esker_runtime::state::StateDb;
use esker_runtime::{Genesis, Proposal, SignedTransaction, Upgrade, Upgrades};
use esker_vm::{Engine, EngineConfig, EngineKind, Machine, envelope};
use support::{TransferFields, sign};

fn signer() -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(7)).expect("a key")
}

/// A contract that is another for each `index`.
fn code(index: u32) -> Bytes {
    let text = format!(
        "(module (memory (export \"memory\") 1) (global $g (mut i32) (i32.const {index}))
           (func (export \"call\") (global.set $g (i32.add (global.get $g) (i32.const {index})))))"
    );
    envelope::encode(&wat::parse_str(text).expect("well-formed")).into()
}

fn contract(index: u32) -> Address {
    Address::left_padding_from(&(0x10_000 + index).to_be_bytes())
}

fn table(entries: &[(u32, u64)]) -> Upgrades {
    Upgrades::new(entries.iter().copied().collect()).expect("it grows")
}

/// A genesis with so many contracts.
fn genesis(contracts: u32, upgrades: &[(u32, u64)]) -> Genesis {
    let mut genesis = Genesis::new(31_337, 30_000_000, 1_000);
    let balance = U256::from(10u64).pow(U256::from(24));
    genesis.alloc.insert(signer().address(), GenesisAccount { balance, ..GenesisAccount::default() });
    for index in 0..contracts {
        let account = GenesisAccount { nonce: 1, code: code(index), ..GenesisAccount::default() };
        genesis.alloc.insert(contract(index), account);
    }
    genesis.config.upgrades = table(upgrades);
    genesis
}

fn engine(folder: &Path, kind: EngineKind) -> Engine {
    Engine::new(EngineConfig { cache_dir: Some(folder.to_owned()), ..EngineConfig::with_kind(kind) })
        .expect("it starts")
}

/// Adds a block with these calls and creations of the signer; gives the gas that each used.
fn grow(chain: &Chain, sent: &[(TxKind, Bytes)]) -> Vec<u64> {
    let head = chain.head();
    let mut nonce = esker_runtime::state::StateReader::account(&head.state, signer().address());
    let mut nonce = nonce.as_mut().expect("readable").map_or(0, |account| account.nonce);
    let transactions = sent.iter().map(|(to, input)| {
        let fields =
            TransferFields { nonce, to: *to, input: input.clone(), gas: 5_000_000, ..TransferFields::default() };
        nonce += 1;
        let signed = SignedTransaction::from_envelope(sign(&signer(), fields), chain.config());
        signed.and_then(SignedTransaction::recover).expect("well-formed")
    });
    let mut source = InOrder::new(transactions.collect());
    let proposal = Proposal { timestamp: 2_000, beneficiary: Address::ZERO, round: 0 };
    let parent = head.as_parent().expect("a head");
    let proposed = chain.propose(&parent, proposal, &mut source, &mut || true).expect("the node is well");
    let gas: Vec<u64> = proposed.block.block().results.iter().map(|result| result.gas_used).collect();
    assert_eq!(gas.len(), sent.len(), "{:?}", proposed.refused);
    assert!(proposed.block.block().results.iter().all(|result| result.status.is_success()));
    chain.commit(proposed.block).expect("committed");
    gas
}

fn call(index: u32) -> (TxKind, Bytes) {
    (TxKind::Call(contract(index)), Bytes::new())
}

/// Waits for the thread that compiles ahead to say so.
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(120), "it did not happen: {what}");
        std::thread::yield_now();
    }
}

fn ready(chain: &Chain, modules: usize) -> bool {
    chain.recompiling().is_some_and(|now| now.modules == modules && now.ready == modules)
}

#[test]
fn nothing_is_compiled_at_the_height_that_could_be_before() {
    for kind in [EngineKind::Cranelift, EngineKind::Pulley] {
        let folder = tempfile::tempdir().expect("a folder");
        let engine = engine(folder.path(), kind);
        let machine: Arc<dyn Machine> = Arc::new(engine.clone());
        let chain = Arc::new(Chain::open(memory_store(), &genesis(12, &[(2, 5)]), machine).expect("a chain"));
        let before = grow(&chain, &[call(0), call(1)]);
        let ahead = AheadCompiler::start(&chain).expect("a thread").expect("there is something to do");
        wait_until("all twelve are ready", || ready(&chain, 12));
        let upgrade = Upgrade { version: 2, height: 5 };
        assert_eq!(chain.recompiling(), Some(Recompiling { upgrade, modules: 12, ready: 12 }));

        // Contracts that come meanwhile, one of them in the last block before the height.
        grow(&chain, &[(TxKind::Create, code(100))]);
        wait_until("the thirteenth is ready", || ready(&chain, 13));
        grow(&chain, &[call(0)]);
        grow(&chain, &[(TxKind::Create, code(101))]);
        wait_until("the last one is ready", || ready(&chain, 14));
        engine.settle();
        let counts = engine.module_counts();
        assert_eq!(counts.ahead, 14);

        let created: Vec<(TxKind, Bytes)> =
            [2, 4].map(|nonce| (TxKind::Call(signer().address().create(nonce)), Bytes::new())).into();
        let after = grow(&chain, &[&[call(0), call(1), call(11)], &created[..]].concat());
        assert_eq!(protocol_version(&chain.head().block.header.extra_data), Some(2));
        assert_eq!(engine.module_counts().compiled, counts.compiled, "{kind}: everything was there");
        assert!(after[0] > before[0] + 390 && after[1] > before[1] + 390, "{before:?} {after:?}");
        drop(ahead);
    }
}

/// The folder of compiled modules goes at the height, or the thread had no time: the same blocks come of it.
#[test]
fn what_is_not_ready_at_the_height_changes_no_block() {
    let (folder, other) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let run = |folder: &Path, is_lost: bool| {
        let engine = engine(&folder.join("code"), EngineKind::Cranelift);
        let machine: Arc<dyn Machine> = Arc::new(engine.clone());
        let chain = Arc::new(Chain::open(memory_store(), &genesis(6, &[(2, 3)]), machine).expect("a chain"));
        grow(&chain, &[call(0), call(1)]);
        let ahead = AheadCompiler::start(&chain).expect("a thread");
        if is_lost {
            // It ends with the module under way, wherever it is.
            drop(ahead);
            // The engine's own thread may still be writing there.
            wait_until("the folder is gone", || {
                std::fs::remove_dir_all(folder.join("code")).is_ok() || !folder.join("code").exists()
            });
        } else {
            wait_until("all are ready", || ready(&chain, 6));
        }
        grow(&chain, &[call(2)]);
        grow(&chain, &[call(0), call(3), (TxKind::Create, code(50))]);
        grow(&chain, &[call(5)]);
        chain.head().block.hash
    };
    assert_eq!(run(folder.path(), true), run(other.path(), false));
}

/// A node that is killed while it compiles ahead goes on where it was, and what it needs no more goes with the next start.
#[tokio::test(flavor = "multi_thread")]
async fn a_restart_goes_on_and_keeps_what_both_versions_need() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = memory_store();
    let open = || {
        let engine = engine(folder.path(), EngineKind::Cranelift);
        let machine: Arc<dyn Machine> = Arc::new(engine.clone());
        (Arc::new(Chain::open(store.clone(), &genesis(8, &[(2, 3)]), machine).expect("a chain")), engine)
    };
    let files = || {
        let entries = std::fs::read_dir(folder.path()).expect("a folder").flatten();
        entries.filter(|entry| entry.path().is_file() && entry.file_name() != "key").count()
    };
    {
        let (chain, _) = open();
        assert_eq!(Chain::compile_before_serving(&chain).await.expect("readable"), 8);
        let ahead = AheadCompiler::start(&chain).expect("a thread");
        wait_until("some are ready", || chain.recompiling().is_some_and(|now| now.ready >= 2));
        drop(ahead);
    }
    let begun = files();
    assert!((10..=16).contains(&begun), "{begun}");
    {
        let (chain, engine) = open();
        assert_eq!(Chain::compile_before_serving(&chain).await.expect("readable"), 0);
        assert_eq!(files(), begun, "a start before the height keeps both");
        let ahead = AheadCompiler::start(&chain).expect("a thread");
        wait_until("all are ready", || ready(&chain, 8));
        assert_eq!(engine.module_counts().ahead as usize, 16 - begun, "only what was missing");
        drop(ahead);
        for _ in 0..2 {
            grow(&chain, &[]);
        }
    }
    {
        // The next block is the first of version 2: version 1 is still that of the head, which calls are answered for.
        let (chain, engine) = open();
        assert_eq!(Chain::compile_before_serving(&chain).await.expect("readable"), 0);
        assert!(AheadCompiler::start(&chain).expect("nothing fails").is_none());
        assert_eq!(files(), 16);
        grow(&chain, &[call(3)]);
        assert_eq!(engine.module_counts().compiled, 0);
    }
    let (chain, _) = open();
    assert_eq!(Chain::compile_before_serving(&chain).await.expect("readable"), 0);
    assert_eq!(files(), 8, "what is past goes");
}

fn conflict(result: Result<(), ChainError>) -> String {
    match result {
        Err(ChainError::Upgrades(conflict)) => conflict.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_table_must_fit_the_blocks_that_are_there() {
    let machine: Arc<dyn Machine> = Arc::new(Engine::new(EngineConfig::default()).expect("it starts"));
    let store = memory_store();
    let open =
        |store: &Arc<dyn Store>| Chain::open(store.clone(), &genesis(1, &[(2, 4)]), machine.clone()).expect("a chain");
    adopt_upgrades(&store, &genesis(1, &[(2, 4)])).expect("an empty store takes any");
    let chain = open(&store);
    for _ in 0..2 {
        grow(&chain, &[]);
    }
    drop(chain);
    // Before the height all is open.
    for entries in [&[][..], &[(2, 3)], &[(2, u64::MAX)], &[(3, 4)], &[(2, 4)]] {
        adopt_upgrades(&store, &genesis(1, entries)).expect("nothing of it is past");
        assert_eq!(open(&store).config().upgrades, table(entries));
    }
    for (entries, words) in
        [(&[(2, 1)][..], "version 1, and the upgrades in genesis.json say version 2"), (&[(2, 2)], "block 2 of")]
    {
        let text = conflict(adopt_upgrades(&store, &genesis(1, entries)));
        assert!(text.contains(words) && text.contains("--remove"), "{text}");
        assert_eq!(open(&store).config().upgrades, table(&[(2, 4)]), "nothing was written");
    }
    let chain = open(&store);
    for _ in 0..4 {
        grow(&chain, &[]);
    }
    assert_eq!(protocol_version(&chain.head().block.header.extra_data), Some(2));
    drop(chain);
    // Edited after the height.
    for (entries, words) in [
        (&[][..], "as is block 4 as the first"),
        (&[(2, 5)], "--version 2 --height 4"),
        (&[(2, 3)], "block 3 of this chain is of protocol version 1"),
        (&[(2, u64::MAX)], "--version 2 --height 4"),
        (&[(3, 4)], "block 4 of this chain is of protocol version 2"),
        (&[(2, 4), (3, 6)], "block 6 of"),
    ] {
        let text = conflict(adopt_upgrades(&store, &genesis(1, entries)));
        assert!(text.contains(words), "{entries:?}: {text}");
    }
    adopt_upgrades(&store, &genesis(1, &[(2, 4), (3, 7)])).expect("the next block may be another's");
    let db = StateDb::open(store.clone()).expect("it opens");
    let change = |before: &[(u32, u64)], after: &[(u32, u64)]| check_change(&db, &table(before), &table(after));
    change(&[(2, 4)], &[(2, 4), (9, 7)]).expect("what is to come");
    change(&[(2, 5)], &[(2, 4)]).expect("a wrong table is put right");
    change(&[], &[(2, 4)]).expect("likewise");
    for after in [&[(2, 6)][..], &[], &[(2, 9)]] {
        let text = conflict(change(&[(2, 4)], after));
        assert!(text.contains("version 2 began at block 4") && text.contains("cannot change"), "{text}");
    }
    assert!(change(&[(2, 4)], &[(2, 4), (3, 6)]).is_err(), "what is past has no room for more");
    drop(db);
    // Another chain's genesis is not this function's business, and changes nothing.
    adopt_upgrades(&store, &genesis(2, &[])).expect("said elsewhere");
    assert_eq!(open(&store).config().upgrades, table(&[(2, 4), (3, 7)]));
}

#[test]
fn a_replay_goes_across_the_height_on_both_engines() {
    let machine: Arc<dyn Machine> = Arc::new(Engine::new(EngineConfig::default()).expect("it starts"));
    let chain = Chain::open(memory_store(), &genesis(3, &[(2, 3)]), machine).expect("a chain");
    for _ in 0..5 {
        grow(&chain, &[call(0), call(1), (TxKind::Create, code(7))]);
    }
    for kind in [EngineKind::Cranelift, EngineKind::Pulley] {
        let other = Engine::new(EngineConfig::with_kind(kind)).expect("it starts");
        let replayed = chain
            .replay(memory_store(), &other, 1..=chain.head().block.header.number, &mut |_| ())
            .expect("every block agrees");
        assert_eq!((replayed.blocks, replayed.head), (5, chain.head().block.hash), "{kind}");
    }
}

#[test]
fn a_conflict_is_told_with_what_can_be_done() {
    let text = TableError::Past { version: 2, height: 4, head: 9 }.to_string();
    assert!(text.contains("began at block 4") && text.contains("cannot change"), "{text}");
    let since = TableError::Missing { number: 900, found: 2, since: 744, is_first: false, expected: 1 }.to_string();
    assert!(since.contains("as is block 744, and") && since.contains("--height 744"), "{since}");
}
