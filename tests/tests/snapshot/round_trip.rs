//! What is exported comes back, and the chain goes on from it as from the original.

use std::path::Path;
use std::sync::Arc;

use alloy_consensus::transaction::Recovered;
use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope, TxReceipt};
use alloy_primitives::{Address, Bytes, Signature, TxKind, U256};
use esker::chain::{Chain, ChainError, adopt_upgrades, open_state_dir, verify_chain};
use esker::snapshot::{Snapshot, SnapshotError, export, import_into};
use esker_runtime::db::OpenError;
use esker_runtime::state::{Rebuild, StateDb, StateReader};
use esker_runtime::{Block, Transaction, Upgrades};
use esker_tests::script::CHAIN_ID;
use esker_tests::seeded;
use proptest::prelude::*;

use crate::format::{GENESIS, Parts};
use crate::world::{HASHER, World, block, exported, genesis, import, imported, machine, refused};

const CACHE: u64 = 1 << 20;

#[test]
fn a_chain_that_began_with_a_snapshot_goes_on_as_the_original_does() {
    let mut world = World::new();
    world.mine_tokens(20);
    world.mine_empty(300);
    let transfer = world.wallets.send(3, TxKind::Call(Address::repeat_byte(0xdd)), 5, Bytes::new(), 21_000);
    world.mine(&[transfer]);
    let (head, file) = (world.chain.head(), world.export());
    let number = head.block.header.number;
    let (store, chain) = imported(&file, head.block.hash);

    let copy = chain.head();
    assert_eq!((copy.block.hash, copy.state.root()), (head.block.hash, head.state.root()));
    assert_eq!(copy.block.transactions[0].sender(), head.block.transactions[0].sender());
    assert_eq!(copy.block.receipts, head.block.receipts);
    assert_eq!(chain.genesis(), &genesis());
    assert_eq!(chain.history_min().expect("memory"), number);
    assert_eq!(chain.number_of(head.block.hash).expect("memory"), Some(number));
    let sent = head.block.transactions[0].hash();
    assert_eq!(chain.location(sent).expect("memory"), world.chain.location(sent).expect("memory"));
    assert!(chain.block(number).expect("memory").is_some());
    for older in [0, 1, number - 300, number - 256, number - 1] {
        assert!(chain.block(older).expect("memory").is_none(), "block {older}");
        let hash = world.chain.block(older).expect("memory").expect("there").hash;
        assert_eq!(chain.number_of(hash).expect("memory"), None, "block {older}");
    }
    for older in 0..=number {
        let expected = if older + 256 >= number { head.state.block_hash(older) } else { Ok(None) };
        assert_eq!(copy.state.block_hash(older), expected, "hash of block {older}");
    }
    sound(&StateDb::open(store.clone()).expect("whole"), 257, 1);

    // The next block asks for the hashes at both ends of the window, and behind it.
    let asked = [number, number - 1, number - 255, number - 256];
    let raw: Vec<Bytes> = (1..).zip(asked).map(|(from, number)| world.ask(from, number)).collect();
    let next = world.propose(&raw);
    let foreign = block(&next);
    let validated = chain.validate(&copy.as_parent().expect("its own state"), &foreign).expect("valid there too");
    chain.commit(validated).expect("memory");
    world.chain.commit(next).expect("memory");
    assert_eq!(chain.head().block.hash, world.hash());
    assert!(chain.head().block.receipts.iter().all(TxReceipt::status), "all succeeded");
    for older in asked {
        let mut slot = alloy_primitives::B256::ZERO;
        slot[..8].copy_from_slice(&older.to_le_bytes());
        let stored = chain.head().state.storage(HASHER, slot).expect("memory");
        let expected = if older == number - 256 { None } else { head.state.block_hash(older).expect("memory") };
        assert_eq!(stored, expected.unwrap_or_default(), "hash of block {older}, as a contract sees it");
    }
    assert_eq!(chain.history_min().expect("memory"), number);
    assert!(chain.block(number + 1).expect("memory").is_some());

    // Its own proposals are valid for the original, and its own snapshots are the original's.
    let other = World { chain, store, wallets: Default::default() };
    let proposed = other.propose(&[]);
    let parent = world.chain.head().as_parent().expect("its own state");
    world.chain.validate(&parent, &block(&proposed)).expect("valid there too");
    assert_eq!(other.export(), world.export());
    sound(&StateDb::open(other.store.clone()).expect("whole"), 258, 2);
}

/// Verifies state and chain.
fn sound(db: &StateDb, headers: u64, blocks: u64) {
    db.verify().expect("the state is sound");
    let report = verify_chain(db, &mut |_| {}).expect("memory").expect("a chain");
    assert_eq!((report.faults.as_slice(), report.headers, report.blocks), (&[][..], headers, blocks));
}

#[test]
fn short_chains_come_back_with_all_their_ancestors_and_a_proven_genesis() {
    let mut world = World::new();
    for number in [0, 1, 2, 255, 256, 257] {
        world.mine_empty(number - world.number());
        let file = world.export();
        let snapshot = Snapshot::read(file.as_slice(), world.hash()).expect("sound");
        assert_eq!(snapshot.is_genesis_proven(), number <= 256, "block {number}");
        assert_eq!(snapshot.origin().ancestors.len() as u64, number.min(256), "block {number}");
        let (_, chain) = imported(&file, world.hash());
        assert_eq!(chain.head().block.hash, world.hash());
        let next = world.propose(&[]);
        let parent = chain.head().as_parent().expect("its own state");
        let validated = chain.validate(&parent, &block(&next)).expect("valid there too");
        assert_eq!(validated.block().hash, next.block().hash, "after block {number}");
    }
}

/// What a random chain does in a block.
#[derive(Clone, Debug)]
enum Act {
    Pay(usize, u8, u64),
    Ask(usize, u64),
    Pause(u8),
}

fn acts() -> impl Strategy<Value = Vec<Vec<Act>>> {
    let act = prop_oneof![
        (0..6usize, any::<u8>(), 1..1_000_000u64).prop_map(|(from, to, value)| Act::Pay(from, to, value)),
        (0..6usize, 0..20u64).prop_map(|(from, number)| Act::Ask(from, number)),
        (1..5u8).prop_map(Act::Pause),
    ];
    prop::collection::vec(prop::collection::vec(act, 0..8), 1..8)
}

#[test]
fn random_chains_come_back() {
    seeded::run(b"esker: random chains' snapshots.", 12, acts(), |blocks| {
        let mut world = World::new();
        for block in blocks {
            let mut raw = Vec::new();
            for act in block {
                match act {
                    Act::Pay(from, to, value) => {
                        let to = TxKind::Call(Address::repeat_byte(to | 0x80));
                        raw.push(world.wallets.send(from, to, value, Bytes::new(), 21_000));
                    }
                    Act::Ask(from, number) => raw.push(world.ask(from, number)),
                    Act::Pause(blocks) => {
                        world.mine(&std::mem::take(&mut raw));
                        world.mine_empty(u64::from(blocks));
                    }
                }
            }
            world.mine(&raw);
        }
        let (store, chain) = imported(&world.export(), world.hash());
        let db = StateDb::open(store).expect("whole");
        let original = StateDb::open(world.store.clone()).expect("whole");
        assert_eq!(db.verify().expect("sound"), original.verify().expect("sound"));
        assert_eq!(exported(&db), exported(&original));
        let raw = [world.ask(1, world.number())];
        let next = world.propose(&raw);
        let parent = chain.head().as_parent().expect("its own state");
        let validated = chain.validate(&parent, &block(&next)).expect("valid there too");
        assert_eq!(validated.block().hash, next.block().hash);
    });
}

/// Snapshots from before, at and after the height at which the gas schedule changes: the chain goes on from each.
#[test]
fn a_snapshot_goes_across_an_upgrade() {
    let mut genesis = genesis();
    genesis.config.upgrades = Upgrades::none().with(2, Some(4)).expect("one upgrade");
    let mut world = World::with(&genesis);
    let mut taken = Vec::new();
    for round in 0..6 {
        if round == 0 {
            world.mine_tokens(1);
        } else {
            let raw = [world.ask(1, world.number())];
            world.mine(&raw);
        }
        taken.push((world.number(), world.hash(), world.export()));
    }
    assert_eq!(taken.iter().map(|(number, ..)| *number).collect::<Vec<_>>(), [2, 3, 4, 5, 6, 7]);
    for (number, hash, file) in &taken {
        let (store, chain) = imported(file, *hash);
        assert_eq!(chain.config().upgrades, genesis.config.upgrades);
        for next in number + 1..=world.number() {
            let recorded = world.chain.block(next).expect("memory").expect("there");
            let transactions = recorded.transactions.iter().map(|sent| Transaction::clone(sent)).collect();
            let next = Block { header: recorded.header.clone(), transactions };
            let parent = chain.head().as_parent().expect("its own state");
            chain.commit(chain.validate(&parent, &next).expect("valid there too")).expect("the store works");
        }
        assert_eq!(chain.head().block.hash, world.hash(), "from block {number}");
        drop(chain);
        // The home's own table counts, as far as the blocks allow it.
        let mut other = genesis.clone();
        other.config.upgrades = Upgrades::none().with(2, Some(9)).expect("one upgrade");
        let adopted = adopt_upgrades(&store, &other);
        assert!(matches!(adopted, Err(ChainError::Upgrades(_))), "{adopted:?}");
    }
    let (number, hash, file) = &taken[3];
    let mut parts = Parts::read(file);
    let text = String::from_utf8(parts.payload(GENESIS).clone()).expect("JSON");
    for table in ["{\"2\":6}", "{\"3\":5}"] {
        *parts.payload(GENESIS) = text.replace("{\"2\":4}", table).into_bytes();
        let reason = refused(&parts.write(), *hash, table);
        assert!(reason.contains(&format!("block {number} is of protocol version")), "{reason}");
    }
}

fn import_folder(file: &[u8], world: &World, folder: &Path) -> Result<(), SnapshotError> {
    let snapshot = Snapshot::read(file, world.hash())?;
    import_into(snapshot, folder, CACHE, &mut |_| {}).map(drop)
}

#[test]
fn a_folder_is_whole_or_empty_or_says_that_it_is_incomplete() {
    let mut world = World::new();
    world.mine_tokens(3);
    let file = world.export();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let state = folder.path().join("chain/db");
    let open = || {
        let store = open_state_dir(&state, CACHE)?;
        Chain::open_existing(store, "chain", machine())
    };

    // Killed in the middle.
    let unfinished = Rebuild::begin(open_state_dir(&state, CACHE).expect("a new folder"), 1).expect("empty");
    drop(unfinished);
    assert!(matches!(open(), Err(ChainError::Open(OpenError::Unfinished))));

    // A file that is cut off is refused and leaves nothing; then the whole one is imported over what was left.
    let error = import_folder(&file[..file.len() - 1], &world, &state).expect_err("cut off");
    assert!(matches!(error, SnapshotError::Truncated(_)), "{error}");
    assert!(!state.exists() && !state.with_extension("discarded").exists());
    drop(Rebuild::begin(open_state_dir(&state, CACHE).expect("a new folder"), 1).expect("empty"));
    import_folder(&file, &world, &state).expect("sound");
    let chain = open().expect("whole");
    assert_eq!(chain.head().block.hash, world.hash());
    let next = world.propose(&[]);
    let parent = chain.head().as_parent().expect("its own state");
    chain.commit(chain.validate(&parent, &block(&next)).expect("valid")).expect("the store works");
    drop((chain, parent));
    let chain = open().expect("whole");
    assert_eq!(chain.head().block.hash, next.block().hash);
    drop(chain);

    // A chain is never imported over.
    let error = import_folder(&file, &world, &state).expect_err("there is a chain");
    assert!(matches!(error, SnapshotError::NotEmpty), "{error}");
    let store = open_state_dir(&state, CACHE).expect("opens");
    sound(&StateDb::open(store).expect("whole"), world.number() + 2, 2);
    let left: Vec<_> = std::fs::read_dir(folder.path().join("chain")).expect("there").flatten().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn a_folder_with_something_else_is_left_as_it_is() {
    let world = World::new();
    let file = world.export();
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("notes"), b"notes").expect("writes");
    let error = import_folder(&file, &world, folder.path()).expect_err("not empty");
    assert!(matches!(error, SnapshotError::Open(OpenError::Corrupt { .. })), "{error}");
    assert_eq!(std::fs::read(folder.path().join("notes")).expect("there"), b"notes");
}

#[test]
fn a_block_that_nobody_can_check_is_not_exported() {
    let world = World::new();
    let to = TxKind::Call(Address::repeat_byte(0xdd));
    let transaction = TxEip1559 {
        chain_id: CHAIN_ID,
        gas_limit: 21_000,
        max_fee_per_gas: 10_000_000_000,
        to,
        ..TxEip1559::default()
    };
    let signature = Signature::new(U256::from(1), U256::from(1), false);
    let envelope = TxEnvelope::from(transaction.into_signed(signature));
    let sender = world.wallets.address(2);
    let unchecked = Transaction::from_recovered_unchecked(Recovered::new_unchecked(envelope, sender));
    let prepared = world.propose_decoded(vec![unchecked]);
    world.chain.commit(prepared).expect("memory");
    let db = StateDb::open(world.store.clone()).expect("whole");
    let error = export(&db, Vec::new(), &mut |_| {}).expect_err("nobody could check it");
    assert!(matches!(error, SnapshotError::Impersonated(_)), "{error}");
}

#[test]
fn a_store_without_a_chain_is_not_exported() {
    let db = StateDb::open(Arc::new(esker_runtime::db::MemoryStore::new())).expect("opens");
    assert!(matches!(export(&db, Vec::new(), &mut |_| {}), Err(SnapshotError::NoChain)));
}

#[test]
fn the_certificate_comes_back_as_it_was() {
    use crate::format::{CERTIFICATE, Parts};
    let mut world = World::new();
    world.mine_empty(2);
    let mut parts = Parts::read(&world.export());
    parts.chunks.insert(2, (CERTIFICATE, b"votes".to_vec()));
    let file = parts.write();
    let snapshot = Snapshot::read(file.as_slice(), world.hash()).expect("sound");
    assert_eq!(snapshot.origin().certificate.as_deref(), Some(&b"votes"[..]));
    let (store, imported) = import(&file, world.hash());
    imported.expect("sound");
    assert_eq!(exported(&StateDb::open(store).expect("whole")), file);
}
