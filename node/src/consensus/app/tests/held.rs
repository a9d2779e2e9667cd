//! What is on disk: proposals over a restart, evidence.

use malachite::app::types::MisbehaviorEvidence;
use malachite::app::types::core::SignedMessage;

use super::*;
use crate::consensus::evidence::{EVIDENCE, EVIDENCE_MAX, Evidence};

#[test]
fn what_was_proposed_before_a_restart_is_proposed_again() {
    let (mut maker, mut others) = split(network());
    maker.pay(0, 0);
    let (hash, part) = maker.propose(0);
    let mut maker = maker.reopened(1);
    // Another pool and another time: a block made now would be another one.
    maker.pay(1, 0);
    let values = maker.start(0);
    assert_eq!(values.len(), 1);
    assert_eq!((values[0].value, values[0].validity.is_valid()), (BlockHash(hash), true));
    let (again, same) = maker.propose(0);
    assert_eq!((again, &same), (hash, &part), "also the signature");
    maker.start(4);
    let (other, _) = maker.propose(4);
    assert_ne!(other, hash, "another round is another proposal");
    assert_eq!(validity(others[0].receive(&same).as_ref()), Some(true));
    maker.decide(0, hash);
    assert_eq!(maker.chain.head().block.hash, hash);
}

#[test]
fn a_block_that_was_judged_before_a_restart_is_committed_from_its_file() {
    let (mut maker, mut others) = split(network());
    maker.pay(0, 0);
    let (hash, part) = maker.propose(0);
    let mut node = others.remove(0);
    node.receive(&part).expect("told");
    let mut node = node.reopened(0);
    assert!(node.app.prepared.is_empty());
    // The engine replays its log, and may decide before any round begins.
    node.decide(0, hash);
    assert_eq!(node.chain.head().block.hash, hash);
    let node = node.reopened(0);
    assert_eq!((node.app.height, node.chain.head().block.hash), (Height(2), hash));
    let mut node = node;
    node.app.decided(&certificate(Height(1), 0, hash)).expect("told of it again, it does nothing");
    assert_eq!(node.app.height, Height(2));
}

#[test]
fn without_its_body_a_decided_block_stops_the_node() {
    let (mut maker, mut others) = split(network());
    let (hash, part) = maker.propose(0);
    let mut node = others.remove(0);
    node.receive(&part).expect("told");
    let folder = node.folder.path().join("undecided");
    for entry in std::fs::read_dir(&folder).expect("a folder") {
        std::fs::remove_file(entry.expect("an entry").path()).expect("deleted");
    }
    let mut node = node.reopened(0);
    let failure = node.app.decided(&certificate(Height(1), 0, hash)).expect_err("there is nothing to commit");
    assert!(matches!(&failure, AppFailure::MissingBody { height: 1, hash: missing, .. } if *missing == hash));
    let text = failure.to_string();
    assert!(text.contains(&folder.display().to_string()) && text.contains("start again"), "{text}");
    assert_eq!(node.chain.head().block.header.number, 0);
}

/// Two prevotes of one validator in one round.
fn double_vote(height: u64, index: u8, fill: u8) -> MisbehaviorEvidence<EskerContext> {
    let vote = |value: u8| {
        let vote = Vote {
            kind: VoteType::Prevote,
            height: Height(height),
            round: Round::new(0),
            value: NilOrVal::Val(BlockHash(B256::repeat_byte(value))),
            voter: address(index),
        };
        let signature = key(index).sign(&domain().vote(&vote));
        SignedMessage::new(vote, signature)
    };
    let mut seen = MisbehaviorEvidence { proposals: Default::default(), votes: Default::default() };
    seen.votes.add(vote(fill), vote(fill + 1));
    seen
}

#[test]
fn evidence_is_kept_once_for_each_validator_and_height_and_within_bounds() {
    let mut node = Node::new(0, 0);
    for seen in [double_vote(1, 2, 1), double_vote(1, 2, 5), double_vote(1, 3, 1), double_vote(2, 2, 1)] {
        node.app.finalized(&seen, Duration::ZERO).expect("kept");
    }
    let kept = node.app.evidence.all().expect("readable");
    let whose: Vec<_> = kept.iter().map(|one| (one.height, one.validator)).collect();
    assert_eq!(whose, [(1, address(2).0), (1, address(3).0), (2, address(2).0)]);
    assert_ne!(kept[0].first, kept[0].second);
    let again = Node::open(0, 0, node.store.clone(), node.folder);
    assert_eq!(again.app.evidence.all().expect("readable"), kept, "it outlives the node");

    let folder = again.folder.path().join(EVIDENCE);
    for number in kept.len()..EVIDENCE_MAX - 1 {
        std::fs::write(folder.join(format!("other-{number}")), b"").expect("written");
    }
    let mut again = again;
    for height in 10..15 {
        again.app.finalized(&double_vote(height, 1, 1), Duration::ZERO).expect("well");
    }
    assert_eq!(std::fs::read_dir(&folder).expect("a folder").count(), EVIDENCE_MAX);
}

#[test]
fn evidence_that_is_settled_gives_way_and_is_not_news_again() {
    let mut node = Node::new(0, 0);
    for height in 1..=3 {
        node.app.finalized(&double_vote(height, 2, 1), Duration::ZERO).expect("kept");
    }
    let kept = node.app.evidence.all().expect("readable");
    node.app.evidence.settle(&kept[0]).expect("writable");
    assert_eq!(node.app.evidence.all().expect("readable"), kept[1..]);
    node.app.finalized(&double_vote(1, 2, 7), Duration::ZERO).expect("well");
    assert_eq!(node.app.evidence.all().expect("readable"), kept[1..], "it was known");
    let folder = node.folder.path().join(EVIDENCE);
    for number in 3..EVIDENCE_MAX {
        std::fs::write(folder.join(format!("other-{number}")), b"").expect("written");
    }
    node.app.finalized(&double_vote(9, 2, 1), Duration::ZERO).expect("well");
    let heights: Vec<u64> = node.app.evidence.all().expect("readable").iter().map(|one| one.height).collect();
    assert_eq!(heights, [2, 3, 9], "the settled one has made room");
    node.app.finalized(&double_vote(10, 2, 1), Duration::ZERO).expect("well");
    assert_eq!(std::fs::read_dir(&folder).expect("a folder").count(), EVIDENCE_MAX);
}

fn pipe(path: &std::path::Path) {
    assert!(std::process::Command::new("mkfifo").arg(path).status().expect("a POSIX system").success());
}

#[test]
fn what_else_lies_in_the_folder_of_evidence_hinders_nothing() {
    let mut node = Node::new(0, 0);
    node.app.finalized(&double_vote(4, 2, 1), Duration::ZERO).expect("kept");
    let kept = node.app.evidence.all().expect("readable");
    let folder = node.folder.path().join(EVIDENCE);
    let only = std::fs::read_dir(&folder).expect("a folder").next().expect("one piece").expect("readable");
    let text = std::fs::read(only.path()).expect("readable");
    // A folder, another's name, a file that is none, one that is too long, a link to nothing.
    std::fs::create_dir(folder.join("7-00.json")).expect("made");
    std::fs::write(folder.join("9-0101010101010101010101010101010101010101.json"), &text).expect("written");
    std::fs::write(folder.join("8-00.json"), b"{").expect("written");
    std::fs::write(folder.join("6-00.json"), [text.as_slice(), &[b' '; 1 << 20]].concat()).expect("written");
    std::os::unix::fs::symlink("nowhere", folder.join("5-00.json")).expect("made");
    // What can be read for ever, or never: a link to a device, and a pipe that nobody writes into.
    std::os::unix::fs::symlink("/dev/zero", folder.join("3-00.json")).expect("made");
    pipe(&folder.join("2-00.json"));
    assert_eq!(node.app.evidence.all().expect("readable"), kept);
}

#[test]
fn a_folder_of_evidence_that_was_removed_is_made_again() {
    let mut node = Node::new(0, 0);
    node.app.finalized(&double_vote(4, 2, 1), Duration::ZERO).expect("kept");
    let folder = node.folder.path().join(EVIDENCE);
    let whose =
        |node: &Node| -> Vec<u64> { node.app.evidence.all().expect("readable").iter().map(|one| one.height).collect() };
    std::fs::remove_dir_all(&folder).expect("removed");
    node.app.finalized(&double_vote(5, 2, 1), Duration::ZERO).expect("the node goes on");
    assert_eq!(whose(&node), [5], "what comes is kept");
    std::fs::remove_dir_all(&folder).expect("removed");
    assert_eq!(whose(&node), [0; 0], "who only looks finds nothing, and no error");
    assert!(folder.is_dir());
    // A file in its place is nothing that the node may take away.
    std::fs::remove_dir(&folder).expect("empty");
    std::fs::write(&folder, b"").expect("written");
    let failure = node.app.finalized(&double_vote(6, 2, 1), Duration::ZERO).expect_err("it cannot be kept");
    assert!(failure.to_string().contains("evidence"), "{failure}");
}

#[test]
fn evidence_is_what_the_two_signed() {
    let mut node = Node::new(0, 0);
    node.app.finalized(&double_vote(4, 2, 1), Duration::ZERO).expect("kept");
    let kept = node.app.evidence.all().expect("readable");
    let [first, second] = kept[0].statements(&domain()).expect("two votes");
    assert_ne!(first.message, second.message);
    for statement in [first, second] {
        let signature = malachite_ed25519::Signature::from_bytes(statement.signature);
        key(2).public_key().verify(&statement.message, &signature).expect("a good signature");
    }
    let damaged = Evidence { second: kept[0].second.slice(1..), ..kept[0].clone() };
    assert_eq!(damaged.statements(&domain()), None);
    let anothers = Evidence { validator: address(3).0, ..kept[0].clone() };
    assert_eq!(anothers.statements(&domain()), None);
}

#[test]
fn a_node_whose_own_key_is_caught_stops_once() {
    let mut node = Node::new(0, 0);
    let failure = node.app.finalized(&double_vote(1, 0, 1), Duration::ZERO).expect_err("it runs elsewhere");
    assert!(matches!(failure, AppFailure::KeyElsewhere { validator, .. } if validator == address(0).0), "{failure}");
    assert_eq!(node.app.evidence.all().expect("readable").len(), 1, "the proof is kept");
    node.app.finalized(&double_vote(1, 0, 1), Duration::ZERO).expect("its operator knows");
}
