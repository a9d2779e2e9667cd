//! The chain that the vectors are about: its genesis, its validators, and the set in the state.

use std::sync::{Arc, OnceLock};

use alloy_primitives::{Address, B256, KECCAK256_EMPTY, U256, keccak256};
use alloy_trie::TrieAccount;
use alloy_trie::root::{state_root_unhashed, storage_root_unhashed};
use esker::chain::{Chain, genesis_hash, memory_store};
use esker::consensus::domain::Domain;
use esker_runtime::genesis::GenesisAccount;
use esker_runtime::state::StateReader;
use esker_runtime::validators::VALIDATORS_ADDRESS;
use esker_runtime::{Genesis, Validator, validator_set};
use esker_tests::golden::hold;
use esker_tests::script::Wallets;
use esker_vm::{Engine, EngineConfig, Machine};
use serde_json::json;

use crate::second;

pub const CHAIN_ID: u64 = 31_337;

/// Seed of the key of validator `index`.
pub fn seed(index: u8) -> [u8; 32] {
    [index + 1; 32]
}

pub fn set() -> Vec<second::Validator> {
    let validator = |(index, power): (u8, u64)| second::Validator {
        address: Address::repeat_byte(0xa0 + index),
        public_key: second::public_key(seed(index)),
        power,
    };
    (0u8..).zip([10, 20, 30, 30]).map(validator).collect()
}

/// The account that pays in the vectors' blocks.
pub fn payer() -> Address {
    Wallets::default().address(1)
}

pub fn genesis() -> Genesis {
    let mut genesis = Genesis::new(CHAIN_ID, 30_000_000, 1_700_000_000);
    let entry = |one: &second::Validator| Validator {
        address: one.address,
        public_key: one.public_key.into(),
        power: one.power,
    };
    genesis.validators = set().iter().map(entry).collect();
    let account = GenesisAccount { balance: U256::from(10).pow(U256::from(20)), ..GenesisAccount::default() };
    genesis.alloc.insert(payer(), account);
    genesis
}

pub fn domain() -> (Domain, second::Domain) {
    let genesis = genesis_hash(&genesis()).expect("a good genesis");
    (Domain { chain_id: CHAIN_ID, genesis }, second::Domain { chain_id: CHAIN_ID, genesis })
}

pub fn fresh() -> Arc<Chain> {
    static MACHINE: OnceLock<Arc<Engine>> = OnceLock::new();
    let engine = MACHINE.get_or_init(|| Arc::new(Engine::new(EngineConfig::default()).expect("the engine starts")));
    let machine: Arc<dyn Machine> = engine.clone();
    Arc::new(Chain::open(memory_store(), &genesis(), machine).expect("a new chain"))
}

#[test]
fn the_state_of_block_0_holds_the_set() {
    let chain = fresh();
    let head = chain.head();
    let slots = second::slots(&set());
    let padding: Vec<B256> = (0..20u64).map(|slot| U256::from(slot).into()).collect();
    for slot in padding {
        let expected = slots.get(&slot).copied().unwrap_or_default();
        assert_eq!(head.state.storage(VALIDATORS_ADDRESS, slot).expect("readable"), expected, "slot {slot}");
    }
    assert_eq!(validator_set(&head.state).expect("a good set"), genesis().validators);

    let storage_root = storage_root_unhashed(slots.iter().map(|(slot, value)| (*slot, U256::from_be_bytes(value.0))));
    let system = TrieAccount { nonce: 1, balance: U256::ZERO, storage_root, code_hash: KECCAK256_EMPTY };
    let rich = TrieAccount { balance: genesis().alloc[&payer()].balance, ..TrieAccount::default() };
    let header = &head.block.header;
    assert_eq!(header.state_root, state_root_unhashed([(VALIDATORS_ADDRESS, system), (payer(), rich)]));
    assert_eq!(keccak256(alloy_rlp::encode(header)), head.block.hash);
    let made = json!({
        "about": "a genesis with validators: what the account of the set holds, and block 0",
        "genesis": genesis(),
        "account": VALIDATORS_ADDRESS,
        "nonce": 1,
        "storage": slots,
        "storageRoot": storage_root,
        "header": header,
        "hash": head.block.hash,
    });
    hold("consensus/genesis.json", &made);
}
