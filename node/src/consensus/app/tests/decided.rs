//! What was decided before: served and taken.

use esker_runtime::Proposal;
use esker_runtime::block::InOrder;
use malachite::app::engine::host::SyncedValueOutcome;

use super::super::sync::{ANSWER_BYTES_MAX, Serving, decode_value, encode_value};
use super::*;
use crate::consensus::certificate;
use crate::consensus::codec::SYNC_BLOCKS_MAX;

/// One node's chain, `blocks` long, each block with these transactions.
fn chain_of(blocks: u64, transactions: impl FnMut(u64) -> Vec<Transaction>) -> Node {
    grown(Node::new(0, 0), blocks, transactions)
}

/// The node, its chain grown by so many blocks.
pub(super) fn grown(node: Node, blocks: u64, mut transactions: impl FnMut(u64) -> Vec<Transaction>) -> Node {
    for number in 1..=blocks {
        let height = Height(number);
        let by = *EskerContext.select_proposer(&node.app.voters, height, Round::new(0)).address();
        let parent = node.chain.head().as_parent().expect("a head");
        let proposal = Proposal { timestamp: 1_000 + number, beneficiary: by.0, round: 0 };
        let mut source = InOrder::new(transactions(number));
        let proposed = node.chain.propose(&parent, proposal, &mut source, &mut || true).expect("well");
        let hash = proposed.block.block().hash;
        let certificate = certificate::encode(&super::certificate(height, 0, hash));
        node.chain.commit_with(proposed.block, Some(&certificate)).expect("committed");
    }
    node
}

pub(super) fn served(node: &mut Node, from: u64, to: u64) -> Vec<Bytes> {
    // However slow this machine is, the time for those who are behind is not over.
    node.app.serving = Serving::default();
    let values = node.app.decided_values(Height(from)..=Height(to)).expect("readable");
    values.into_iter().map(|value| value.value_bytes).collect()
}

pub(super) fn take(node: &mut Node, bytes: Bytes) -> Result<SyncedValueOutcome<EskerContext>, AppFailure> {
    let height = node.app.height;
    node.app.synced(height, Round::new(0), node.app.proposer(Round::new(0)), bytes)
}

#[test]
fn an_answer_is_bounded_and_whoever_asks_gets_there_with_it() {
    let mut node = chain_of(70, |_| Vec::new());
    let values = served(&mut node, 1, u64::MAX);
    assert_eq!(values.len(), SYNC_BLOCKS_MAX);
    assert_eq!(served(&mut node, 69, 1_000).len(), 2);
    assert_eq!(served(&mut node, 71, 1_000).len(), 0);
    assert_eq!(served(&mut node, 0, 5).len(), 0, "nobody decided block 0");
    assert_eq!(node.app.history_min().expect("readable"), Height(1));
    let mut other = Node::new(1, 0);
    for (height, value) in (1..).zip(values.into_iter().take(5)) {
        let outcome = take(&mut other, value).expect("well");
        let SyncedValueOutcome::Verdict(value) = outcome else { panic!("height {height}: {outcome:?}") };
        assert!(value.validity.is_valid());
        assert_eq!(value.height, Height(height));
        other.decide(0, value.value.0);
    }
    let block = |node: &Node| node.chain.block(5).expect("readable").expect("there").hash;
    assert_eq!(block(&other), block(&node));
}

#[test]
fn an_answer_is_bounded_in_bytes() {
    let mut node = chain_of(5, |number| {
        (0..10).map(|index| transfer(0, (number - 1) * 10 + index, vec![0; 120_000].into())).collect()
    });
    let values = served(&mut node, 1, 5);
    assert_eq!(values.len(), 3);
    assert!(values.iter().map(Bytes::len).sum::<usize>() <= ANSWER_BYTES_MAX);
}

#[test]
fn nothing_is_executed_that_the_validators_did_not_decide() {
    let mut node = chain_of(2, |number| vec![transfer(0, number - 1, Data::new())]);
    let good = served(&mut node, 1, 1).remove(0);
    let (decided, block) = decode_value(good.clone()).expect("our own value");
    let with = |change: &dyn Fn(&mut Certificate)| {
        let mut certificate = decided.clone();
        change(&mut certificate);
        encode_value(&certificate::encode(&certificate), &block)
    };
    let empty = {
        let mut rest = &block[..];
        let fields = alloy_rlp::Header::decode_bytes(&mut rest, true).expect("a list");
        encode(&<Header as alloy_rlp::Decodable>::decode(&mut &fields[..]).expect("a header"), &[])
    };
    let certified = |block: &[u8]| encode_value(&certificate::encode(&decided), block);
    let cases = [
        ("two of four signed", with(&|certificate| certificate.commit_signatures.truncate(2))),
        (
            "one signed twice",
            with(&|certificate| {
                let first = certificate.commit_signatures[0].clone();
                certificate.commit_signatures[1] = first;
            }),
        ),
        ("a stranger signed", with(&|certificate| certificate.commit_signatures[3].address = address(9))),
        ("of another round", with(&|certificate| certificate.round = Round::new(1))),
        ("of another height", with(&|certificate| certificate.height = Height(2))),
        ("of another block", with(&|certificate| certificate.value_id.0.0[0] ^= 1)),
        ("of the next block", served(&mut node, 2, 2).remove(0)),
        ("no certificate", encode_value(b"", &block)),
        ("a length beyond the end", Bytes::from_static(&[0xff; 8])),
        ("nothing", Bytes::new()),
        ("a header with other transactions", certified(&empty)),
        ("something behind the block", certified(&[&block[..], &[0]].concat())),
        ("half a block", certified(&block[..block.len() / 2])),
    ];
    let mut other = Node::new(1, 0);
    for (name, bytes) in cases {
        let outcome = take(&mut other, bytes).expect("the node goes on");
        assert!(matches!(outcome, SyncedValueOutcome::PeerFault), "{name}: {outcome:?}");
        assert!(other.app.prepared.is_empty() && other.app.verdicts.is_empty(), "{name}");
        assert_eq!(std::fs::read_dir(other.folder.path().join("undecided")).expect("a folder").count(), 0, "{name}");
    }
    let early = other.app.synced(Height(2), Round::new(0), address(0), good.clone()).expect("well");
    assert!(matches!(early, SyncedValueOutcome::LocalTransientError), "{early:?}");
    assert!(matches!(take(&mut other, good), Ok(SyncedValueOutcome::Verdict(value)) if value.validity.is_valid()));
}

#[test]
fn a_decided_block_that_is_invalid_here_stops_the_node_and_is_written_down() {
    let mut node = chain_of(1, |_| vec![transfer(0, 0, Data::new())]);
    let (_, block) = decode_value(served(&mut node, 1, 1).remove(0)).expect("our own value");
    let record = body::decode(&block, &genesis().chain_config()).expect("our own block");
    let by_later = Header { extra_data: [0, 0, 0, 1, 0, 0, 0, 4].into(), ..record.header.clone() };
    let changed = [
        ("the state root is", Header { state_root: B256::ZERO, ..record.header.clone() }),
        ("the timestamp is below", Header { timestamp: 1, ..record.header.clone() }),
        ("a round after the one in which", by_later),
    ];
    for (reason, header) in changed {
        let hash = header.hash_slow();
        let block = encode(&header, &record.transactions);
        let certificate = super::certificate(Height(1), 0, hash);
        let mut other = Node::new(1, 0);
        let failure = take(&mut other, encode_value(&certificate::encode(&certificate), &block)).expect_err(reason);
        let text = failure.to_string();
        assert!(text.contains(reason) && text.contains("esker state verify"), "{text}");
        let AppFailure::InvalidDecision { height: 1, hash: named, dump, .. } = failure else { panic!("{text}") };
        assert_eq!(named, hash);
        assert_eq!(std::fs::read(dump).expect("written"), block.to_vec());
        assert_eq!(other.chain.head().block.header.number, 0);
    }
}
