//! The chain is followed, in small steps and in large ones, and what is proven is what the node has.

use std::collections::BTreeMap;

use alloy_consensus::Header as EthereumHeader;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_trie::proof::verify_proof;
use alloy_trie::{Nibbles, TrieAccount};
use esker_light::{AccountProof, Header, LightBlock, TrustedState, verify_account, verify_storage};
use esker_runtime::staking::STAKING_ADDRESS;
use esker_runtime::validator_set;
use esker_runtime::validators::{VALIDATORS_ADDRESS, Validator, slots};
use esker_tests::golden::hold;
use serde_json::{Value, json};

use crate::chain::{BLOCKS, EPOCH, NOW, PERIOD, anchor, clock, following, identity, light, played, trusting};

fn header(number: u64) -> EthereumHeader {
    played().header(number).expect("readable").expect("there")
}

fn set_after(number: u64) -> Vec<Validator> {
    validator_set(&played().recent_state(number).expect("all are kept").state).expect("the set is sound")
}

fn proof(number: u64, address: Address, slots: &[B256]) -> AccountProof {
    let recent = played().recent_state(number).expect("all are kept");
    recent.state.proof(address, slots).expect("memory does not fail")
}

/// Follows one block, and compares what is trusted then with what the node has.
fn step(trusted: &mut TrustedState, number: u64) -> bool {
    let before = trusted.set().validators().to_vec();
    let accepted = trusted.advance(&light(number), clock()).unwrap_or_else(|error| panic!("block {number}: {error}"));
    assert!(3 * accepted.signed_power > 2 * accepted.total_power);
    assert_eq!(accepted.total_power, before.iter().map(|one| one.power).sum::<u64>());
    assert_eq!(accepted.set_changed, before != set_after(number));
    assert_eq!(trusted.set().validators(), set_after(number));
    let (found, expected) = (trusted.header(), header(number));
    assert_eq!((found.hash, found.number, found.timestamp), (expected.hash_slow(), number, expected.timestamp));
    assert_eq!((found.parent_hash, found.beneficiary), (expected.parent_hash, expected.beneficiary));
    let roots = (expected.state_root, expected.transactions_root, expected.receipts_root);
    assert_eq!((found.state_root, found.transactions_root, found.receipts_root), roots);
    accepted.set_changed
}

#[test]
fn the_chain_is_followed_epoch_by_epoch_and_block_by_block() {
    let mut by_blocks = trusting(0);
    let changes: Vec<u64> = (1..=BLOCKS).filter(|number| step(&mut by_blocks, *number)).collect();
    assert_eq!(changes, [4, 8, 16], "several changes, and ends of epochs without one");
    let mut by_epochs = trusting(0);
    let ends: Vec<u64> = (1..=BLOCKS / EPOCH).map(|epoch| epoch * EPOCH).collect();
    for number in &ends {
        step(&mut by_epochs, *number);
    }
    step(&mut by_epochs, BLOCKS);
    assert_eq!(by_epochs.header(), by_blocks.header());
    let unchanged = light(12).set_proof.expect("an epoch ends");
    assert!(unchanged.storage.is_empty(), "a set that has not changed is not proven again");

    let last_end = *ends.last().expect("several");
    let words: Vec<B256> = [0u64, 1, 999].iter().map(|slot| U256::from(*slot).into()).collect();
    let state = |number: u64| {
        let header = header(number);
        json!({"number": number, "hash": header.hash_slow(), "stateRoot": header.state_root,
            "timestamp": header.timestamp, "validators": set_after(number)})
    };
    let vector = json!({
        "about": "A chain with epochs of four blocks as a light client follows it. The set changes after blocks 4, 8 and 16.",
        "chain": identity(played()),
        "now": NOW,
        "trustPeriod": PERIOD,
        "anchor": anchor(0),
        "epochEnds": ends.iter().map(|number| light(*number)).collect::<Vec<_>>(),
        "last": light(BLOCKS),
        "accountProof": proof(last_end, VALIDATORS_ADDRESS, &words),
        "trusted": (0..=BLOCKS).map(state).collect::<Vec<Value>>(),
    });
    hold("light/chain.json", &vector);
}

#[test]
fn any_block_with_its_set_is_a_beginning() {
    for number in 0..=BLOCKS {
        let mut trusted = trusting(number);
        assert_eq!(trusted.set().validators(), set_after(number), "block {number}");
        let end = trusted.epoch_end().min(BLOCKS);
        step(&mut trusted, end);
    }
}

#[test]
fn what_is_trusted_survives_a_restart() {
    for number in 0..=BLOCKS {
        let trusted = following(number);
        let json = serde_json::to_string(&trusted).expect("it is JSON");
        let mut again: TrustedState = serde_json::from_str(&json).expect("it was written so");
        assert_eq!((again.header(), again.chain()), (trusted.header(), trusted.chain()));
        assert_eq!(serde_json::to_string(&again).expect("it is JSON"), json);
        let end = again.epoch_end().min(BLOCKS);
        step(&mut again, end);
        let mut other: Value = serde_json::from_str(&json).expect("it is JSON");
        other["version"] = json!(2);
        let refused = serde_json::from_value::<TrustedState>(other).expect_err("another version");
        assert!(refused.to_string().contains("version 2"), "{refused}");
    }
}

#[test]
fn the_block_that_is_trusted_already_is_accepted_again() {
    for number in 0..=BLOCKS {
        for mut trusted in [following(number), trusting(number)] {
            let accepted = trusted.advance(&light(number), clock());
            let accepted = accepted.unwrap_or_else(|error| panic!("block {number}: {error}"));
            assert!(!accepted.set_changed);
        }
    }
}

/// What alloy's verifier says that `key` holds.
fn alloy_finds(root: B256, key: B256, value: Option<Vec<u8>>, nodes: &[Bytes]) -> bool {
    verify_proof(root, Nibbles::unpack(key), value, nodes).is_ok()
}

#[test]
fn proofs_are_judged_as_by_another_verifier() {
    let words: Vec<B256> = slots(6).collect();
    for number in 0..=BLOCKS {
        let root = header(number).state_root;
        for address in [VALIDATORS_ADDRESS, STAKING_ADDRESS, Address::repeat_byte(0xe0), Address::repeat_byte(0x77)] {
            let proof = proof(number, address, &words);
            proof.verify(root).expect("it is the node's");
            let account = verify_account(root, address, &proof.account_proof).expect("it holds");
            let value = account.map(|account| {
                alloy_rlp::encode(TrieAccount {
                    nonce: account.nonce,
                    balance: account.balance,
                    storage_root: account.storage_root,
                    code_hash: account.code_hash,
                })
            });
            assert!(alloy_finds(root, keccak256(address), value, &proof.account_proof), "{address}");
            for slot in &proof.storage_proof {
                let value = verify_storage(proof.storage_hash, slot.key, &slot.proof).expect("it holds");
                assert_eq!(value, slot.value);
                let leaf = (!value.is_zero()).then(|| alloy_rlp::encode(value));
                // Of an empty trie the two list different nodes.
                let empty = slot.proof.is_empty();
                assert!(empty || alloy_finds(proof.storage_hash, keccak256(slot.key), leaf, &slot.proof));
            }
        }
    }
}

#[test]
fn headers_are_read_as_by_another_decoder() {
    let mut seen = BTreeMap::new();
    for number in 0..=BLOCKS {
        let block: LightBlock = light(number);
        let ours = Header::decode(&block.header).expect("it is the node's");
        let theirs: EthereumHeader = alloy_rlp::decode_exact(&block.header).expect("it is the node's");
        assert_eq!((ours.hash, ours.number), (theirs.hash_slow(), theirs.number));
        assert!(seen.insert(ours.hash, number).is_none());
        // Whatever else is taken for a header is one to the other decoder too, of the same hash.
        for bit in 0..block.header.len() * 8 {
            let mut bytes = block.header.to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            if let Ok(ours) = Header::decode(&bytes) {
                let theirs: EthereumHeader = alloy_rlp::decode_exact(&bytes).expect("bit {bit}");
                assert_eq!(theirs.hash_slow(), ours.hash, "bit {bit}");
            }
        }
    }
}
