//! Protocol versions by height: what a block must be of, and by which rules it is executed.

mod world;

use alloy_primitives::{Address, Bytes, TxKind, U256};
use esker_runtime::block::{HeaderFault, extra_data, protocol_version};
use esker_runtime::genesis::GenesisAccount;
use esker_runtime::params::Prices;
use esker_runtime::simulate::{CallRequest, SimulateOptions, estimate_gas, simulate};
use esker_runtime::{Block, BlockEnv, BlockError, Genesis, Rules, Upgrades};
use esker_vm::{Engine, EngineConfig, EngineKind, Fatal, Machine, envelope};
use world::chain::Chain;
use world::*;

/// The first block of version 2.
const HEIGHT: u64 = 3;
const TARGET: Address = Address::repeat_byte(0x71);
const PROXY: Address = Address::repeat_byte(0x72);

/// Hands its calldata on by delegation to [`TARGET`], with all gas, and returns the status.
const PROXY_WAT: &str = r#"(module
  (import "esker_v1" "delegate_call" (func $delegate_call (param i64 i32 i32 i32) (result i32)))
  (import "esker_v1" "finish" (func $finish (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\71\71\71\71\71\71\71\71\71\71\71\71\71\71\71\71\71\71\71\71")
  (func (export "call")
    (i32.store8 (i32.const 32) (call $delegate_call (i64.const -1) (i32.const 0) (i32.const 64) (i32.const 0)))
    (call $finish (i32.const 32) (i32.const 1))))"#;

/// Spends most on globals.
const TARGET_WAT: &str = r#"(module
  (memory (export "memory") 1)
  (global $g (mut i64) (i64.const 1))
  (func (export "call") (local i32)
    (loop
      (global.set $g (i64.add (global.get $g) (global.get $g)))
      (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 10000))))))"#;
/// What the schedules differ by in a call of it: three accesses a round, 500 fuel each.
const GLOBALS_GAS: u64 = 3 * 10_000 * 500 / 10_000;

fn code(text: &str) -> Bytes {
    envelope::encode(&wat::parse_str(text).expect("well-formed")).into()
}

fn genesis(upgrades: &[(u32, u64)]) -> Genesis {
    let mut genesis = Genesis::new(CHAIN_ID, 30_000_000, 1_000);
    genesis.base_fee_per_gas = 7;
    genesis.config.upgrades = Upgrades::new(upgrades.iter().copied().collect()).expect("it grows");
    for index in 0..2 {
        genesis.alloc.insert(signer(index), GenesisAccount { balance: FUNDS, ..GenesisAccount::default() });
    }
    for (address, text) in [(TARGET, TARGET_WAT), (PROXY, PROXY_WAT)] {
        let account = GenesisAccount { nonce: 1, code: code(text), ..GenesisAccount::default() };
        genesis.alloc.insert(address, account);
    }
    genesis
}

fn engine(kind: EngineKind) -> Engine {
    Engine::new(EngineConfig::with_kind(kind)).expect("the engine starts")
}

/// Gas of a call of `to` as the next block's only transaction.
fn gas_of_call(chain: &mut Chain, machine: &dyn Machine, nonce: u64, to: Address) -> u64 {
    let call = signed(0, transaction(nonce, TxKind::Call(to), 0, Bytes::new()));
    let proposed = chain.propose(machine, &[call]);
    let block = chain.commit(proposed);
    assert!(block.results[0].status.is_success(), "{:?}", block.results[0]);
    block.results[0].gas_used
}

/// What first use of that code costs more since version 2, in fuel.
fn more_for(text: &str) -> u64 {
    let raw = envelope::parse(&code(text)).expect("an envelope").raw_len;
    let bytes = u64::from(raw).max(code(text).len() as u64);
    Prices::V2.code_fuel(bytes) - Prices::V1.code_fuel(bytes)
}

#[test]
fn calls_pay_by_the_version_of_their_block_also_through_a_proxy() {
    for kind in [EngineKind::Cranelift, EngineKind::Pulley] {
        let machine = engine(kind);
        let mut chain = Chain::new(&genesis(&[(2, HEIGHT)]));
        let plain = gas_of_call(&mut chain, &machine, 0, TARGET);
        let proxied = gas_of_call(&mut chain, &machine, 1, PROXY);
        assert_eq!(chain.head.header().number, HEIGHT - 1);
        assert_eq!(protocol_version(&chain.head.header().extra_data), Some(1));
        let plain_after = gas_of_call(&mut chain, &machine, 2, TARGET);
        assert_eq!(protocol_version(&chain.head.header().extra_data), Some(2));
        let proxied_after = gas_of_call(&mut chain, &machine, 3, PROXY);
        // Fuel of the code is rounded up with the frame's.
        let expected = |before: u64, fuel: u64| before + fuel.div_ceil(10_000) - GLOBALS_GAS;
        let near = |found: u64, expected: u64| found.abs_diff(expected) <= 1;
        assert!(near(plain_after, expected(plain, more_for(TARGET_WAT))), "{kind}: {plain}, {plain_after}");
        let both = more_for(TARGET_WAT) + more_for(PROXY_WAT);
        assert!(near(proxied_after, expected(proxied, both)), "{kind}: {proxied}, {proxied_after}");
    }
}

#[test]
fn a_chain_that_begins_with_a_version_is_that_version_s_all_along() {
    let machine = engine(EngineKind::Cranelift);
    let mut chain = Chain::new(&genesis(&[(2, 0)]));
    assert_eq!(protocol_version(&chain.head.header().extra_data), Some(2));
    let begun = gas_of_call(&mut chain, &machine, 0, TARGET);
    let mut later = Chain::new(&genesis(&[(2, 1)]));
    assert_eq!(protocol_version(&later.head.header().extra_data), Some(1));
    assert_eq!(gas_of_call(&mut later, &machine, 0, TARGET), begun, "version 2 from the first block");
    let mut never = Chain::new(&genesis(&[(2, u64::MAX)]));
    assert_ne!(gas_of_call(&mut never, &machine, 0, TARGET), begun);
}

#[test]
fn a_block_of_another_version_than_its_height_s_is_invalid() {
    let machine = ScriptedMachine::default();
    let mut chain = Chain::new(&genesis(&[(2, HEIGHT)]));
    for number in 1..=HEIGHT + 1 {
        let block = chain.propose(&machine, &[]).block().block();
        let right = if number < HEIGHT { 1 } else { 2 };
        for wrong in [0, 3 - right, 3, u32::MAX] {
            let mut other = Block { header: block.header.clone(), ..block.clone() };
            other.header.extra_data = extra_data(wrong, 0);
            let fault = HeaderFault::Version { found: wrong, expected: right };
            assert_eq!(chain.validate(&machine, &other).err(), Some(BlockError::Header(fault)), "block {number}");
        }
        chain.validate_and_commit(&machine, &block);
    }
}

#[test]
fn nothing_is_proposed_or_accepted_by_rules_that_are_not_known() {
    let machine = ScriptedMachine::default();
    let unknown = Rules::LATEST.version + 1;
    let mut chain = Chain::new(&genesis(&[(unknown, 2)]));
    let first = chain.propose(&machine, &[]);
    chain.commit(first);
    let proposal = esker_runtime::Proposal { timestamp: 2_000, beneficiary: BENEFICIARY, round: 0 };
    let mut source = esker_runtime::block::InOrder::new(Vec::new());
    let proposed = esker_vm::execution(&machine, |session| {
        esker_runtime::propose_block(session, &chain.config, &chain.head, proposal, &mut source, &mut || true)
    });
    match proposed {
        Err(Fatal::Rules(words)) => {
            assert!(words.contains("begins at block 2") && words.contains("install"), "{words}")
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("a block by rules that nobody knows"),
    }
    let env = BlockEnv::child_of(chain.head.header(), 2_000, BENEFICIARY, 0, &chain.config);
    let header = esker_runtime::Genesis::new(CHAIN_ID, 30_000_000, 0).build().expect("valid");
    let header = esker_runtime::BuiltBlock { env, ..header }.header(chain.head.header().state_root);
    let block = Block { header, transactions: Vec::new() };
    let fault = BlockError::Header(HeaderFault::UnknownVersion(unknown));
    assert_eq!(chain.validate(&machine, &block).err(), Some(fault));
}

#[test]
fn a_simulation_pays_by_the_version_of_the_block_it_is_in() {
    let machine = engine(EngineKind::Cranelift);
    let genesis = genesis(&[(2, HEIGHT)]);
    let chain = Chain::new(&genesis);
    let request = CallRequest { from: signer(0), kind: TxKind::Call(TARGET), ..CallRequest::default() };
    let options = SimulateOptions { gas_cap: 30_000_000, ..SimulateOptions::default() };
    let gas = |number: u64| {
        let env = BlockEnv { number, ..env() };
        let state = chain.head.state();
        let simulated = esker_vm::simulation(&machine, |session| {
            let estimate = estimate_gas(session, state, &chain.config, &env, &request, &options).expect("enough");
            let ran = simulate(session, state, &chain.config, &env, &request, &options).expect("valid");
            assert!(ran.status.is_success() && estimate >= ran.gas_used);
            ran.gas_used
        });
        simulated.expect("a place")
    };
    let (before, after) = (gas(HEIGHT - 1), gas(HEIGHT));
    assert_ne!(before, after);
    assert_eq!((gas(0), gas(HEIGHT + 100)), (before, after));
    assert_eq!(chain.head.header().number, 0);
}

#[test]
fn upgrades_are_no_part_of_what_a_chain_begins_with() {
    let plain = genesis(&[]);
    let hash = |genesis: &Genesis| Chain::new(genesis).head.hash();
    for upgrades in [&[(2, 1)][..], &[(2, 5), (3, 6)], &[(3, u64::MAX)]] {
        let other = genesis(upgrades);
        assert_eq!(hash(&other), hash(&plain));
        assert!(other.is_same_chain(&plain) && plain.is_same_chain(&other) && other != plain);
    }
    let begun = genesis(&[(2, 0)]);
    assert_ne!(hash(&begun), hash(&plain), "block 0 names its version");
    assert!(!begun.is_same_chain(&plain));
    let mut richer = genesis(&[]);
    richer.alloc.insert(Address::ZERO, GenesisAccount { balance: U256::from(1), ..GenesisAccount::default() });
    assert!(!richer.is_same_chain(&plain));
    let text = serde_json::to_string(&plain).expect("text");
    assert!(!text.contains("upgrades"), "files of chains without one stay as they were");
}
