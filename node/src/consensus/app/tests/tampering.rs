use std::io::Write;

use alloy_primitives::{B64, Bloom};
use parking_lot::Mutex;

use super::*;

/// What was logged while `work` ran.
fn logged<T>(work: impl FnOnce() -> T) -> (T, String) {
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);
    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let result = tracing::subscriber::with_default(subscriber, work);
    let bytes = log.0.lock().clone();
    (result, String::from_utf8(bytes).expect("text"))
}

type Tamper = fn(&mut Header);

const HEADERS: &[(&str, Tamper)] = &[
    ("the parent hash is not that of the block before", |header| header.parent_hash.0[0] ^= 1),
    ("the number does not follow", |header| header.number = 2),
    ("the number does not follow", |header| header.number = 0),
    ("the timestamp is below the parent's", |header| header.timestamp = 999),
    ("the gas limit differs", |header| header.gas_limit += 1),
    ("the base fee is not", |header| header.base_fee_per_gas = Some(1)),
    ("the base fee is not", |header| header.base_fee_per_gas = None),
    ("the mix hash is not", |header| header.mix_hash.0[31] ^= 1),
    ("the header names no round", |header| header.extra_data = Data::new()),
    ("the header names no round", |header| header.extra_data = [&header.extra_data[..], &[0]].concat().into()),
    ("the protocol version is 2, and that of the height is 1", |header| {
        header.extra_data = [0, 0, 0, 2, 0, 0, 0, 0].into()
    }),
    ("the beneficiary is", |header| header.extra_data = [0, 0, 0, 1, 0, 0, 0, 1].into()),
    ("the beneficiary is", |header| header.beneficiary = Address::repeat_byte(0x77)),
    ("names a round that comes later", |header| header.extra_data = [0, 0, 0, 1, 0, 0, 4, 0].into()),
    ("difficulty and nonce must be zero", |header| header.difficulty = U256::from(1)),
    ("difficulty and nonce must be zero", |header| header.nonce = B64::repeat_byte(1)),
    ("difficulty and nonce must be zero", |header| header.ommers_hash = B256::ZERO),
    ("a field is set", |header| header.withdrawals_root = Some(B256::ZERO)),
    ("the gas used is 42000, the header says 41999", |header| header.gas_used -= 1),
    ("the receipts root is", |header| header.receipts_root = B256::ZERO),
    ("bloom filter", |header| header.logs_bloom = Bloom::repeat_byte(1)),
    ("the state root is", |header| header.state_root.0[9] ^= 4),
];

type Change = fn(&mut Vec<Transaction>);

const LISTS: &[(&str, Change)] = &[
    ("the gas used is 21000, the header says 42000", |list| drop(list.pop())),
    ("the gas used is 63000, the header says 42000", |list| list.push(transfer(2, 0, Data::new()))),
    ("transaction 0 is invalid: nonce too high", |list| list.reverse()),
    ("transaction 2 is invalid: nonce too low", |list| list.push(list[0].clone())),
    ("passes the block's gas or byte limit", |list| {
        *list = (0..33).map(|nonce| transfer(0, nonce, vec![0; 130_000].into())).collect();
    }),
];

#[test]
fn every_change_of_a_block_is_found_and_logged() {
    let (mut maker, mut others) = split(network());
    maker.pay(0, 0);
    maker.pay(0, 1);
    let (_, part) = maker.propose(0);
    let (header, transactions) = decoded(&part);
    let headers = HEADERS.iter().map(|(reason, tamper)| {
        let mut header = header.clone();
        tamper(&mut header);
        (*reason, encode(&header, &transactions))
    });
    let lists = LISTS.iter().map(|(reason, change)| {
        let mut transactions = transactions.clone();
        change(&mut transactions);
        let header = Header { transactions_root: transactions_root(&transactions), ..header.clone() };
        (*reason, encode(&header, &transactions))
    });
    // What is no transaction at all, under a header that names it.
    let junk = vec![0x04; 70];
    let root = ordered_root(1, |_, out| out.extend_from_slice(&junk));
    let empty = encode(&Header { transactions_root: root, ..header.clone() }, &[]);
    let with_junk = ("the block's RLP", with_list(&empty, &junk));
    let node = &mut others[0];
    let mut round = 0;
    for (reason, block) in headers.chain(lists).chain([with_junk]) {
        round += 1;
        node.start(round);
        let part = signed_part(node, Height(1), round, block);
        let (value, log) = logged(|| node.receive(&part));
        assert_eq!(validity(value.as_ref()), Some(false), "{reason}: {log}");
        assert!(log.contains("a proposed block is invalid") && log.contains(reason), "{reason}: {log}");
        assert_eq!(node.app.prepared.len(), 0, "{reason}");
    }
    assert_eq!(std::fs::read_dir(node.folder.path().join("undecided")).expect("a folder").count(), 0);
    round += 1;
    node.start(round);
    let part = signed_part(node, Height(1), round, part.block);
    assert_eq!(validity(node.receive(&part).as_ref()), Some(true), "as it was made");
}

/// A block whose list of transactions is `item` instead of none.
fn with_list(empty: &Bytes, item: &[u8]) -> Bytes {
    let mut rest = &empty[..];
    let fields = alloy_rlp::Header::decode_bytes(&mut rest, true).expect("a list");
    let header = &fields[..fields.len() - 2];
    let mut list = Vec::new();
    alloy_rlp::Header { list: false, payload_length: item.len() }.encode(&mut list);
    list.extend_from_slice(item);
    let mut all = header.to_vec();
    alloy_rlp::Header { list: true, payload_length: list.len() }.encode(&mut all);
    all.extend(list);
    all.push(alloy_rlp::EMPTY_LIST_CODE);
    let mut out = Vec::new();
    alloy_rlp::Header { list: true, payload_length: all.len() }.encode(&mut out);
    out.extend(all);
    out.into()
}

#[test]
fn a_header_with_other_transactions_does_not_spoil_the_block_that_has_it() {
    let (mut maker, others) = split(network());
    maker.pay(0, 0);
    let (hash, part) = maker.propose(0);
    let (header, transactions) = decoded(&part);
    let longer = Bytes::from([&part.block[..], &[0]].concat());
    let cut = part.block.slice(..part.block.len() - 1);
    let mut uncles = part.block.to_vec();
    *uncles.last_mut().expect("not empty") = 0x80;
    let cases = [
        ("fewer transactions", encode(&header, &[])),
        ("more transactions", encode(&header, &[&transactions[..], &transactions[..]].concat())),
        ("a transaction that is too short", with_list(&encode(&header, &[]), b"short")),
        ("bytes behind it", longer),
        ("cut off", cut),
        ("something else for uncles", uncles.into()),
        ("nothing", Bytes::new()),
    ];
    for (name, block) in cases {
        let mut node = Node::new(others[0].index, 0);
        node.start(0);
        let bad = signed_part(&node, Height(1), 0, block);
        let (value, log) = logged(|| node.receive(&bad));
        assert_eq!(value, None, "{name}");
        assert!(log.contains("a proposal without a block"), "{name}: {log}");
        assert_eq!(validity(node.receive(&part).as_ref()), Some(true), "{name}");
        node.decide(0, hash);
    }
}
