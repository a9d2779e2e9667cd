//! Protocol versions: what a node does whose table is not the network's, or has what its program does not know.

use esker_runtime::block::protocol_version;
use esker_runtime::upgrades::UnknownRules;
use esker_runtime::{Upgrade, Upgrades};
use malachite::app::engine::host::SyncedValueOutcome;

use super::decided::{grown, served, take};
use super::*;

fn genesis_with(upgrades: &[(u32, u64)]) -> Genesis {
    let mut genesis = genesis();
    genesis.config.upgrades = Upgrades::new(upgrades.iter().copied().collect()).expect("it grows");
    genesis
}

/// A node on a new chain with this table.
fn told(index: u8, upgrades: &[(u32, u64)]) -> Node {
    Node::open_with(&genesis_with(upgrades), index, 0, memory_store(), new_folder()).expect("it opens")
}

fn invalid_blocks(node: &Node) -> usize {
    let files = std::fs::read_dir(node.folder.path()).expect("a folder").flatten();
    files.filter(|file| file.file_name().to_string_lossy().starts_with("invalid")).count()
}

/// Takes the decided block, which must be good.
fn follow(node: &mut Node, value: Bytes) {
    match take(node, value) {
        Ok(SyncedValueOutcome::Verdict(value)) if value.validity.is_valid() => node.decide(0, value.value.0),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_node_that_was_not_told_stops_before_the_first_block_of_the_version() {
    let mut network = grown(told(0, &[(2, 3)]), 4, |number| vec![transfer(0, number - 1, Data::new())]);
    let values = served(&mut network, 1, 4);
    let mut node = told(1, &[]);
    follow(&mut node, values[0].clone());
    follow(&mut node, values[1].clone());
    let failure = take(&mut node, values[2].clone()).expect_err("its table says version 1");
    let text = failure.to_string();
    let home = node.folder.path().parent().expect("a folder in another").display().to_string();
    let command = format!("Run `esker upgrade --home {home} --version 2 --height 3`");
    for words in ["under protocol version 2", "says version 1 for it", &command] {
        assert!(text.contains(words), "{text}");
    }
    assert!(matches!(failure, AppFailure::Upgraded { height: 3, found: 2, expected: 1, .. }), "{text}");
    assert_eq!((node.chain.head().block.header.number, invalid_blocks(&node)), (2, 0));
    assert!(node.app.prepared.is_empty(), "it was not executed");

    // Told, it goes on from there.
    let Node { app, chain, store, folder, .. } = node;
    drop((app, chain));
    crate::chain::adopt_upgrades(&store, &genesis_with(&[(2, 3)])).expect("it fits what is there");
    let mut node = Node::open_with(&genesis(), 1, 0, store, folder).expect("it opens");
    follow(&mut node, values[2].clone());
    follow(&mut node, values[3].clone());
    assert_eq!(node.chain.head().block.hash, network.chain.head().block.hash);
    assert_eq!(protocol_version(&node.chain.head().block.header.extra_data), Some(2));
}

#[test]
fn a_node_that_was_told_what_did_not_happen_stops_too() {
    let mut network = grown(told(0, &[]), 3, |_| Vec::new());
    let values = served(&mut network, 1, 3);
    let mut node = told(1, &[(2, 2)]);
    follow(&mut node, values[0].clone());
    let failure = take(&mut node, values[1].clone()).expect_err("its table says version 2");
    let text = failure.to_string();
    assert!(matches!(failure, AppFailure::NotUpgraded { height: 2, found: 1, expected: 2, .. }), "{text}");
    assert!(text.contains("the network has not upgraded") && text.contains("--version 2 --remove"), "{text}");
    assert_eq!((node.chain.head().block.header.number, invalid_blocks(&node)), (1, 0));
}

#[test]
fn a_decided_version_that_no_program_here_knows_asks_for_a_newer_one() {
    let mut network = grown(told(0, &[]), 1, |_| Vec::new());
    let value = served(&mut network, 1, 1).remove(0);
    let (_, block) = super::super::sync::decode_value(value).expect("our own value");
    let record = body::decode(&block, &genesis().chain_config()).expect("our own block");
    let header = Header { extra_data: [0, 0, 0, 7, 0, 0, 0, 0].into(), ..record.header };
    let certificate = certificate(Height(1), 0, header.hash_slow());
    let certificate = crate::consensus::certificate::encode(&certificate);
    let value = super::super::sync::encode_value(&certificate, &encode(&header, &[]));
    let text = take(&mut told(1, &[]), value).expect_err("version 7").to_string();
    assert!(text.contains("versions up to 2: install a newer one, then run `esker upgrade"), "{text}");
}

#[test]
fn a_program_that_is_too_old_stops_once_the_block_before_is_durable() {
    let mut network = grown(told(0, &[]), 2, |_| Vec::new());
    let values = served(&mut network, 1, 2);
    let mut node = told(1, &[(9, 3)]);
    follow(&mut node, values[0].clone());
    let taken = take(&mut node, values[1].clone()).expect("a block of version 1");
    let SyncedValueOutcome::Verdict(value) = taken else { panic!("{taken:?}") };
    let failure = node.app.decided(&certificate(Height(2), 0, value.value.0)).expect_err("nothing can follow");
    let unknown = UnknownRules(Upgrade { version: 9, height: 3 });
    assert!(matches!(failure, AppFailure::UnknownRules(found) if found == unknown), "{failure}");
    assert_eq!(node.chain.head().block.header.number, 2, "what was decided is kept");
    let Node { app, chain, store, folder, .. } = node;
    drop((app, chain));
    let again = Node::open_with(&genesis(), 1, 0, store, folder);
    assert!(matches!(again, Err(AppFailure::UnknownRules(found)) if found == unknown), "and it does not begin again");
}

#[test]
fn a_proposal_of_another_version_is_invalid_and_stops_nobody() {
    let mut node = told(1, &[(2, 1)]);
    node.start(0);
    let by = node.app.proposer(Round::new(0));
    let index = (0..VALIDATORS).find(|index| address(*index) == by).expect("one of the four");
    let mut old = told(index, &[]);
    old.start(0);
    let (_, part) = old.propose(0);
    assert_eq!(protocol_version(&decoded(&part).0.extra_data), Some(1));
    if index == 1 {
        // It cannot be told its own proposal by somebody else under another table: another node judges it.
        node = told(2, &[(2, 1)]);
        node.start(0);
    }
    assert_eq!(validity(node.receive(&part).as_ref()), Some(false));
    let mut new = told(index, &[(2, 1)]);
    new.start(0);
    let (_, part) = new.propose(0);
    assert_eq!(protocol_version(&decoded(&part).0.extra_data), Some(2));
    assert_eq!(validity(node.receive(&part).as_ref()), Some(true));
    assert_eq!((node.chain.head().block.header.number, invalid_blocks(&node)), (0, 0));
}
