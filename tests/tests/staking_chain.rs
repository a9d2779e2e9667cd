//! A chain with proof of stake from its genesis on: stake moves, a validator joins, one is punished by evidence, and the set
//! follows at the end of each epoch. Both engines must come to the roots and sets of `tests/vectors/chain/staking.json`.

use std::sync::Arc;

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use esker::consensus::context::{BlockHash, Height, ValidatorAddress, Vote};
use esker::consensus::domain::Domain;
use esker_runtime::block::InOrder;
use esker_runtime::db::{Batch, MemoryStore};
use esker_runtime::staking::STAKING_ADDRESS;
use esker_runtime::state::StateDb;
use esker_runtime::{
    ExecutionStatus, PreparedBlock, Proposal, Transaction, propose_block, validate_block, validator_set,
};
use esker_tests::script::{CHAIN_ID, CommittedArtifact, Wallets};
use esker_tests::staked::{COIN, EPOCH, GENESIS_TIME, genesis, key, operator, proof_of_the_fourth, public_key};
use esker_tests::{golden, staked};
use esker_vm::{Engine, EngineConfig, EngineKind};
use malachite::app::types::core::{NilOrVal, Round, VoteType};
use serde_json::{Value, json};

/// Blocks of the chain.
const BLOCKS: u64 = 20;
/// Two prevotes of validator 1 at height 6.
fn evidence(domain: Domain) -> Vec<DynSolValue> {
    let vote = |value: u8| {
        let vote = Vote {
            kind: VoteType::Prevote,
            height: Height(6),
            round: Round::new(0),
            value: NilOrVal::Val(BlockHash(B256::repeat_byte(value))),
            voter: ValidatorAddress(operator(1)),
        };
        let bytes = domain.vote(&vote);
        let signature = key(1).sign(&bytes).to_bytes().to_vec();
        [DynSolValue::Bytes(bytes), DynSolValue::Bytes(signature)]
    };
    let somebody = vec![DynSolValue::Address(operator(0))];
    [vote(1).to_vec(), vote(2).to_vec(), somebody].concat()
}

/// What is sent in block `number`.
fn transactions(number: u64, wallets: &mut Wallets, staking: &CommittedArtifact, domain: Domain) -> Vec<Bytes> {
    let address = |address: Address| DynSolValue::Address(address);
    let coins = |coins: u64| DynSolValue::Uint(U256::from(coins) * U256::from(COIN), 256);
    let (from, value, method, arguments) = match number {
        1 => (0, 9, "delegate", vec![address(operator(2))]),
        2 => {
            let proof = DynSolValue::Bytes(proof_of_the_fourth());
            let arguments = vec![
                DynSolValue::FixedBytes(public_key(3), 32),
                proof,
                DynSolValue::Uint(U256::from(500), 16),
                DynSolValue::String("the fourth".to_owned()),
            ];
            (1, 17, "createValidator", arguments)
        }
        6 => (0, 0, "redelegate", vec![address(operator(2)), address(wallets.address(1)), coins(4)]),
        7 => (2, 0, "submitEvidence", evidence(domain)),
        // The same again is refused.
        8 => (2, 0, "submitEvidence", evidence(domain)),
        10 => (0, 0, "claimRewards", vec![address(operator(2))]),
        13 => (0, 0, "undelegate", vec![address(operator(2)), coins(5)]),
        _ => return Vec::new(),
    };
    let input = staking.call(method, &arguments);
    vec![wallets.send(from, TxKind::Call(STAKING_ADDRESS), value * COIN, input, 3_000_000)]
}

fn play(kind: EngineKind) -> Value {
    let engine = Engine::new(EngineConfig::with_kind(kind)).expect("the engine starts");
    let mut wallets = Wallets::default();
    let (genesis, staking) = (genesis([100, 80, 60], 2), staked::contract());
    let config = genesis.chain_config();
    let db = StateDb::open(Arc::new(MemoryStore::new())).expect("an empty store opens");
    let first = PreparedBlock::genesis(&db, genesis.build().expect("sound")).expect("memory does not fail");
    let domain = Domain { chain_id: CHAIN_ID, genesis: first.block().hash };
    let mut parent = first.commit(&db, Batch::new()).expect("memory does not fail").as_parent;
    let mut blocks = Vec::new();
    for number in 1..=BLOCKS {
        let raw = transactions(number, &mut wallets, &staking, domain);
        let decode = |raw: &Bytes| Transaction::decode(raw, &config).expect("the transactions are valid");
        let mut source = InOrder::new(raw.iter().map(decode).collect());
        // Every fifth block comes in a later round; validator 0 proposes all of them, in the place of whoever it was.
        let round = if number % 5 == 0 { 2 } else { 0 };
        let proposal = Proposal { timestamp: GENESIS_TIME + number, beneficiary: operator(0), round };
        let proposed = esker_vm::execution(&engine, |session| {
            propose_block(session, &config, &parent, proposal, &mut source, &mut || true)
        })
        .expect("the node does not fail");
        assert!(proposed.refused.is_empty(), "{:?}", proposed.refused);
        let block = proposed.block.block().block();
        let validated = esker_vm::execution(&engine, |session| validate_block(session, &config, &parent, &block));
        let committed = validated.expect("valid").commit(&db, Batch::new()).expect("memory does not fail");
        parent = committed.as_parent;
        let results = committed.block.results.iter();
        blocks.push(json!({
            "number": number,
            "round": round,
            "transactions": raw,
            "succeeded": results.clone().map(|result| result.status == ExecutionStatus::Success).collect::<Vec<_>>(),
            "gasUsed": results.map(|result| result.gas_used).collect::<Vec<_>>(),
            "stateRoot": committed.block.header.state_root,
            "hash": committed.block.hash,
            "validators": validator_set(&db).expect("the set is sound"),
        }));
    }
    engine.settle();
    json!({
        "about": "Proof of stake: delegations, a validator that joins, one that is tombstoned by evidence, epochs of four blocks.",
        "genesis": genesis,
        "blocks": blocks,
    })
}

#[test]
fn both_engines_come_to_the_sets_and_roots_of_the_vector() {
    let expected = golden::committed("chain/staking.json", || play(EngineKind::Cranelift));
    for kind in [EngineKind::Cranelift, EngineKind::Pulley] {
        let played = play(kind);
        for (played, expected) in
            played["blocks"].as_array().into_iter().flatten().zip(expected["blocks"].as_array().into_iter().flatten())
        {
            assert_eq!(played, expected, "{kind}");
        }
        assert_eq!(played, expected, "{kind}");
    }
}

#[test]
fn the_set_follows_the_stake_and_the_offender_leaves_it() {
    let played = play(EngineKind::Cranelift);
    let set = |number: u64| -> Vec<(Address, u64)> {
        let validators = &played["blocks"][usize::try_from(number - 1).expect("small")]["validators"];
        let entry = |entry: &Value| {
            let address = serde_json::from_value(entry["address"].clone()).expect("an address");
            (address, entry["power"].as_u64().expect("a number"))
        };
        validators.as_array().expect("a list").iter().map(entry).collect()
    };
    let joined = operator(3);
    let first = vec![(operator(0), 100), (operator(1), 80), (operator(2), 60)];
    assert_eq!((set(1), set(EPOCH - 1)), (first.clone(), first), "nothing changes within an epoch");
    assert_eq!(set(EPOCH), [(operator(0), 100), (operator(1), 80), (operator(2), 69), (joined, 17)]);
    // Validator 1 signed twice at height 6, which was told in block 7; four coins went from the third to the fourth.
    assert_eq!(set(2 * EPOCH), [(operator(0), 100), (operator(2), 65), (joined, 21)]);
    let succeeded = |number: usize| played["blocks"][number - 1]["succeeded"][0].as_bool();
    assert_eq!([1, 2, 6, 7, 8, 10, 13].map(succeeded), [true, true, true, true, false, false, true].map(Some));
    assert_eq!(set(4 * EPOCH), [(operator(0), 100), (operator(2), 60), (joined, 21)]);
}
