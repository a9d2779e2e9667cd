use std::sync::Arc;
use std::time::Duration;

use alloy_consensus::{Header, TxEnvelope};
use alloy_primitives::{Address, B256, Bytes, keccak256};
use alloy_rlp::Decodable;
use esker::chain::{BlockRecord, Clock};
use esker::consensus::app::{AppFailure, Application, Parts};
use esker::consensus::context::{Height, ValidatorAddress};
use esker::consensus::status::Status;
use esker::consensus::timing::Timing;
use esker::mempool::{Limits, Pool};
use esker_runtime::block::InOrder;
use esker_runtime::{Proposal, SignedTransaction};
use esker_tests::golden::hold;
use esker_tests::script::Wallets;
use malachite::app::engine::host::SyncedValueOutcome;
use malachite::app::types::core::Round;
use serde_json::{Value, json};

use crate::certificates;
use crate::chain::{domain, fresh, genesis, seed, set};
use crate::second::{self, Certificate, Vote};

/// Block 1 with one transfer, first built in round 0.
fn block() -> BlockRecord {
    let chain = fresh();
    let turns = second::turns(&set().iter().map(|one| one.power).collect::<Vec<_>>(), 1);
    let beneficiary = set()[turns[0]].address;
    let raw = Wallets::default().send_legacy(1, Address::repeat_byte(0xee), 5);
    let signed = SignedTransaction::decode(&raw, chain.config()).expect("well formed");
    let mut source = InOrder::new(vec![signed.recover().expect("signed")]);
    let proposal = Proposal { timestamp: 1_700_000_002, beneficiary, round: 0 };
    let parent = chain.head().as_parent().expect("a head");
    let proposed = chain.propose(&parent, proposal, &mut source, &mut || true).expect("the machine is well");
    assert_eq!(proposed.block.block().transactions.len(), 1);
    BlockRecord::from(proposed.block.block())
}

/// A certificate of three for `hash` at height 1.
fn certified(hash: B256, round: u32) -> Bytes {
    let by = |index: u8| {
        let voter = Address::repeat_byte(0xa0 + index);
        let vote = Vote { is_precommit: true, height: 1, round, hash: Some(hash), voter };
        (voter, second::sign(seed(index), &domain().1.vote(&vote).concat()))
    };
    certificates::encode(1, round, hash, &[by(1), by(2), by(3)])
}

fn value(certificate: &[u8], block: &[u8]) -> Bytes {
    let length = u32::try_from(certificate.len()).expect("short").to_be_bytes();
    [&length, certificate, block].concat().into()
}

/// What a node at the beginning of its chain makes of the value.
fn outcome(bytes: &Bytes) -> &'static str {
    let folder = tempfile::tempdir().expect("a folder");
    let chain = fresh();
    let parts = Parts {
        chain: chain.clone(),
        pool: Arc::new(Pool::new(Limits::default())),
        clock: Arc::new(Clock::new()),
        signer: None,
        timing: Timing {
            block_time: Duration::from_secs(1),
            idle_block_time: Duration::from_secs(1),
            execution: Duration::from_secs(1),
        },
        status: Status::default(),
    };
    let mut app = Application::open(parts, domain().0, folder.path()).expect("it opens");
    let nobody = ValidatorAddress(Address::ZERO);
    let taken = match app.synced(Height(1), Round::new(0), nobody, bytes.clone().into()) {
        Ok(SyncedValueOutcome::Verdict(value)) => {
            assert!(value.validity.is_valid());
            "taken"
        }
        Ok(SyncedValueOutcome::PeerFault) => "peer at fault",
        Err(AppFailure::InvalidDecision { .. }) => "stops",
        other => panic!("{other:?}"),
    };
    assert_eq!(chain.head().block.header.number, 0, "the engine decides when it is committed");
    taken
}

/// What the page says of it, as far as that needs no execution: whether these bytes are a certified block.
fn is_certified(bytes: &Bytes) -> bool {
    let Some((length, rest)) = bytes.split_first_chunk::<4>() else { return false };
    let length = u32::from_be_bytes(*length) as usize;
    let Some((certificate, block)) = rest.split_at_checked(length) else { return false };
    let Some(certificate) = Certificate::read(certificate) else { return false };
    let mut rest = block;
    let Ok(mut fields) = alloy_rlp::Header::decode_bytes(&mut rest, true) else { return false };
    let Ok(header) = Header::decode(&mut fields) else { return false };
    let Ok(transactions) = Vec::<TxEnvelope>::decode(&mut fields) else { return false };
    let root = alloy_consensus::proofs::calculate_transaction_root(&transactions);
    rest.is_empty()
        && fields == [0xc0]
        && root == header.transactions_root
        && certificate.height == 1
        && certificate.hash == keccak256(alloy_rlp::encode(&header))
        && certificate.fault(domain().1, &set()).is_none()
}

#[test]
fn values_of_sync_are_taken_refused_or_fatal_as_the_page_says() {
    let record = block();
    let encoded = record.encoded();
    let certificate = certified(record.hash, 0);
    let changed = |change: &dyn Fn(&mut BlockRecord)| {
        let mut other = record.clone();
        change(&mut other);
        other
    };
    let invalid = |round: u32, change: &dyn Fn(&mut BlockRecord)| {
        let other = changed(change);
        value(&certified(other.header.hash_slow(), round), &other.encoded())
    };
    let first_round_4: &[u8] = &[0, 0, 0, 1, 0, 0, 0, 4];
    let two_of_three = {
        let mut short = certificate.to_vec();
        short.truncate(52 + 2 * 84);
        short[51] = 2;
        short
    };
    let cases = [
        ("a decided block", value(&certificate, &encoded), "taken"),
        ("decided in a later round than first built", value(&certified(record.hash, 3), &encoded), "taken"),
        ("too little power", value(&two_of_three, &encoded), "peer at fault"),
        ("another block's certificate", value(&certified(B256::ZERO, 0), &encoded), "peer at fault"),
        ("no certificate", value(&[], &encoded), "peer at fault"),
        ("no block", value(&certificate, &[]), "peer at fault"),
        ("bytes behind the block", value(&certificate, &[&encoded[..], &[0xc0]].concat()), "peer at fault"),
        (
            "the header without its transaction",
            value(&certificate, &changed(&|record| record.transactions.clear()).encoded()),
            "peer at fault",
        ),
        ("certified, with another state root", invalid(0, &|record| record.header.state_root.0[0] ^= 1), "stops"),
        (
            "certified, for another beneficiary",
            invalid(0, &|record| record.header.beneficiary = Address::ZERO),
            "stops",
        ),
        (
            "certified, first built after it was decided",
            invalid(0, &|record| record.header.extra_data = first_round_4.to_vec().into()),
            "stops",
        ),
    ];
    let vector = |(name, bytes, expected): &(&str, Bytes, &str)| -> Value {
        assert_eq!(outcome(bytes), *expected, "{name}");
        assert_eq!(is_certified(bytes), *expected != "peer at fault", "{name}: the page");
        json!({"name": name, "value": bytes, "outcome": expected})
    };
    let made = json!({
        "genesis": genesis(),
        "header": record.header,
        "hash": record.hash,
        "vectors": cases.iter().map(vector).collect::<Vec<_>>(),
    });
    hold("consensus/sync.json", &made);
}
