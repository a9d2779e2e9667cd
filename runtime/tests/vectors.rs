//! Block sequences with everything that must come out of them, run on the real machine: `tests/vectors/transactions/`.
//!
//! The files are the specification's examples, for a second implementation to check itself against. `ESKER_BLESS=1`
//! writes them anew from [`scenarios`].

mod world;

use std::collections::BTreeMap;
use std::path::PathBuf;

use alloy_consensus::Header;
use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use alloy_trie::TrieAccount;
use alloy_trie::root::{state_root_unhashed, storage_root_unhashed};
use esker_runtime::exec::{ExecutionStatus, TransactionResult, create_address};
use esker_runtime::genesis::{Genesis, GenesisAccount};
use esker_runtime::{BlockEnv, Transaction, execute_block};
use esker_vm::{Engine, EngineConfig, EngineKind, envelope, execution};
use serde::{Deserialize, Serialize};
use world::*;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vector {
    about: String,
    genesis: Genesis,
    genesis_header: Header,
    blocks: Vec<VectorBlock>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct VectorBlock {
    transactions: Vec<Bytes>,
    header: Header,
    hash: B256,
    results: Vec<VectorResult>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct VectorResult {
    /// `success`, `revert` or `halt`: why it halted is not consensus data.
    status: String,
    gas_used: u64,
    output: Bytes,
    created: Option<Address>,
    logs: Vec<alloy_primitives::Log>,
}

impl From<&TransactionResult> for VectorResult {
    fn from(result: &TransactionResult) -> Self {
        let status = match result.status {
            ExecutionStatus::Success => "success",
            ExecutionStatus::Revert => "revert",
            ExecutionStatus::Halt(_) => "halt",
        };
        Self {
            status: status.to_owned(),
            gas_used: result.gas_used,
            output: result.output.clone(),
            created: result.created,
            logs: result.logs.clone(),
        }
    }
}

/// A contract for all cases. Its constructor stores its 32-byte argument in slot 0. The first byte of a call says what to
/// do: 0 adds one to slot 0, logs and returns it; 1 reverts with the input; 2 traps; 3 never ends; 4 calls the address in
/// bytes 1 to 20 with bytes 21 on, all the gas and half the value, and returns the status; 5 does so without value and
/// statically; 6 by delegation; 7 clears slot 0; 8 creates from what follows and returns the address; 9 returns whether it
/// is reentrant, the gas price, the base fee and the block's number.
const CONTRACT_WAT: &str = r#"(module
  (import "esker_v1" "input_size" (func $input_size (result i32)))
  (import "esker_v1" "input_copy" (func $input_copy (param i32 i32 i32)))
  (import "esker_v1" "finish" (func $finish (param i32 i32)))
  (import "esker_v1" "revert" (func $revert (param i32 i32)))
  (import "esker_v1" "storage_load" (func $load (param i32 i32)))
  (import "esker_v1" "storage_store" (func $store (param i32 i32)))
  (import "esker_v1" "call_value" (func $value (param i32)))
  (import "esker_v1" "log" (func $log (param i32 i32 i32 i32)))
  (import "esker_v1" "call" (func $call (param i64 i32 i32 i32 i32) (result i32)))
  (import "esker_v1" "static_call" (func $static_call (param i64 i32 i32 i32) (result i32)))
  (import "esker_v1" "delegate_call" (func $delegate_call (param i64 i32 i32 i32) (result i32)))
  (import "esker_v1" "create" (func $create (param i32 i32 i32 i32) (result i32)))
  (import "esker_v1" "is_reentrant" (func $is_reentrant (result i32)))
  (import "esker_v1" "gas_price" (func $gas_price (param i32)))
  (import "esker_v1" "base_fee" (func $base_fee (param i32)))
  (import "esker_v1" "block_number" (func $block_number (result i64)))
  (memory (export "memory") 2)
  ;; 0..32 a zero key, 32..64 a word, 64..96 a value, 96..128 an address, 1024.. the input
  (func (export "deploy")
    (call $input_copy (i32.const 32) (i32.const 0) (i32.const 32))
    (call $store (i32.const 0) (i32.const 32)))
  (func (export "call") (local $size i32) (local $what i32)
    (local.set $size (call $input_size))
    (call $input_copy (i32.const 1024) (i32.const 0) (local.get $size))
    (local.set $what (i32.load8_u (i32.const 1024)))
    (if (i32.eqz (local.get $what)) (then
      (call $load (i32.const 0) (i32.const 32))
      (i32.store8 (i32.const 63) (i32.add (i32.load8_u (i32.const 63)) (i32.const 1)))
      (call $store (i32.const 0) (i32.const 32))
      (call $log (i32.const 32) (i32.const 1) (i32.const 1024) (local.get $size))
      (call $finish (i32.const 32) (i32.const 32))))
    (if (i32.eq (local.get $what) (i32.const 1)) (then (call $revert (i32.const 1024) (local.get $size))))
    (if (i32.eq (local.get $what) (i32.const 2)) (then (unreachable)))
    (if (i32.eq (local.get $what) (i32.const 3)) (then (loop $forever (br $forever))))
    (if (i32.eq (local.get $what) (i32.const 4)) (then
      (call $value (i32.const 64))
      (i32.store8 (i32.const 95) (i32.shr_u (i32.load8_u (i32.const 95)) (i32.const 1)))
      (i32.store8 (i32.const 63) (call $call (i64.const -1) (i32.const 1025) (i32.const 64)
        (i32.const 1045) (i32.sub (local.get $size) (i32.const 21))))
      (call $finish (i32.const 32) (i32.const 32))))
    (if (i32.eq (local.get $what) (i32.const 5)) (then
      (i32.store8 (i32.const 63) (call $static_call (i64.const -1) (i32.const 1025)
        (i32.const 1045) (i32.sub (local.get $size) (i32.const 21))))
      (call $finish (i32.const 32) (i32.const 32))))
    (if (i32.eq (local.get $what) (i32.const 6)) (then
      (i32.store8 (i32.const 63) (call $delegate_call (i64.const -1) (i32.const 1025)
        (i32.const 1045) (i32.sub (local.get $size) (i32.const 21))))
      (call $finish (i32.const 32) (i32.const 32))))
    (if (i32.eq (local.get $what) (i32.const 7)) (then (call $store (i32.const 0) (i32.const 0))))
    (if (i32.eq (local.get $what) (i32.const 8)) (then
      (i32.store8 (i32.const 63) (call $create (i32.const 0) (i32.const 1025)
        (i32.sub (local.get $size) (i32.const 1)) (i32.const 96)))
      (call $finish (i32.const 32) (i32.const 96))))
    (if (i32.eq (local.get $what) (i32.const 9)) (then
      (i32.store8 (i32.const 63) (call $is_reentrant))
      (call $gas_price (i32.const 64))
      (call $base_fee (i32.const 96))
      (i64.store (i32.const 128) (call $block_number))
      (call $finish (i32.const 32) (i32.const 104))))))"#;

fn contract() -> Vec<u8> {
    envelope::encode(&wat::parse_str(CONTRACT_WAT).expect("the contract is well-formed"))
}

/// The contract in a stream that is longer than its module: one stored block.
fn stored_contract() -> Vec<u8> {
    let wasm = wat::parse_str(CONTRACT_WAT).expect("the contract is well-formed");
    let length = u16::try_from(wasm.len()).expect("it fits one block");
    let mut envelope = [&envelope::MAGIC[..], &[envelope::VERSION]].concat();
    envelope.extend_from_slice(&u32::from(length).to_be_bytes());
    envelope.extend_from_slice(&(u32::from(length) + 5).to_be_bytes());
    envelope.push(1);
    envelope.extend_from_slice(&length.to_le_bytes());
    envelope.extend_from_slice(&(!length).to_le_bytes());
    envelope.extend_from_slice(&wasm);
    envelope
}

fn payload() -> Vec<u8> {
    [contract(), word(41).to_vec()].concat()
}

fn engine(kind: EngineKind) -> Engine {
    Engine::new(EngineConfig { kind, ..EngineConfig::default() }).expect("an engine starts")
}

fn genesis() -> Genesis {
    let mut genesis = Genesis::new(CHAIN_ID, 30_000_000, 1_700_000_000);
    for index in 0..3 {
        let account = GenesisAccount { balance: U256::from(10).pow(U256::from(22)), ..GenesisAccount::default() };
        genesis.alloc.insert(signer(index), account);
    }
    let deployed = GenesisAccount { nonce: 1, code: contract().into(), ..GenesisAccount::default() };
    genesis.alloc.insert(CONTRACT, deployed);
    genesis
}

/// The scenarios by name: what each is about, and its blocks.
fn scenarios() -> BTreeMap<&'static str, (&'static str, Vec<Vec<Transaction>>)> {
    let other = Address::repeat_byte(0x77);
    let call = |nonce, value, input: Vec<u8>| priced(0, nonce, TxKind::Call(CONTRACT), value, input);
    let nested = |what: u8, target: Address, inner: &[u8]| [&[what], target.as_slice(), inner].concat();
    let (first, precompile) = (create_address(signer(0), 0), Address::with_last_byte(2));
    let warm = AccessList(vec![AccessListItem { address: CONTRACT, storage_keys: vec![B256::ZERO] }]);
    BTreeMap::from([
        (
            "transfers",
            (
                "Transfers to new, existing and own accounts; the calldata floor; an access list.",
                vec![
                    vec![
                        priced(0, 0, TxKind::Call(other), 1_000, vec![]),
                        priced(1, 0, TxKind::Call(other), 0, vec![1; 300]),
                        priced(1, 1, TxKind::Call(signer(1)), 5, vec![0; 10]),
                        with_list(2, 0, CONTRACT, &[7], warm.clone()),
                    ],
                    vec![priced(0, 1, TxKind::Call(Address::repeat_byte(0x78)), 0, vec![])],
                ],
            ),
        ),
        (
            "calls",
            (
                "Storing, refunding, reverting, trapping, running out of gas, and what the guest sees.",
                vec![
                    vec![
                        call(0, 0, vec![0, 5, 6]),
                        call(1, 0, vec![0]),
                        call(2, 0, vec![1, 2, 3]),
                        call(3, 9, vec![2]),
                        call(4, 0, vec![3]),
                        call(5, 0, vec![7]),
                        call(6, 0, vec![9]),
                    ],
                    vec![],
                    vec![call(7, 3, vec![0])],
                ],
            ),
        ),
        (
            "creations",
            (
                "Deploying with an argument, calling what was deployed, a stream longer than its module, and payloads that \
                 halt.",
                vec![
                    vec![
                        priced(0, 0, TxKind::Create, 0, payload()),
                        priced(0, 1, TxKind::Call(first), 0, vec![0]),
                        priced(0, 2, TxKind::Create, 0, vec![0x60, 0x80]),
                        priced(0, 3, TxKind::Create, 7, contract()),
                        call(4, 0, [&[8][..], &payload()].concat()),
                        call(5, 0, vec![8, 1, 2, 3]),
                    ],
                    vec![
                        priced(0, 6, TxKind::Call(create_address(CONTRACT, 1)), 0, vec![0]),
                        priced(0, 7, TxKind::Create, 0, [stored_contract(), word(41).to_vec()].concat()),
                    ],
                ],
            ),
        ),
        (
            "frames",
            (
                "Calls with value, static and delegate calls, re-entry, precompiled contracts.",
                vec![vec![
                    call(0, 20, nested(4, other, &[])),
                    call(1, 20, nested(4, other, &[])),
                    call(2, 0, nested(4, CONTRACT, &[9])),
                    call(3, 0, nested(5, CONTRACT, &[0])),
                    call(4, 0, nested(6, CONTRACT, &[0])),
                    call(5, 0, nested(4, CONTRACT, &[3])),
                    call(6, 0, nested(4, CONTRACT, &[1])),
                    call(7, 0, nested(5, precompile, b"abc")),
                    call(8, 1, nested(4, other, &[])),
                ]],
            ),
        ),
    ])
}

fn priced(index: u8, nonce: u64, to: TxKind, value: u64, input: Vec<u8>) -> Transaction {
    let mut unsigned = transaction(nonce, to, value, input);
    (unsigned.max_fee_per_gas, unsigned.max_priority_fee_per_gas) = (3_000_000_000, 1_000_000_000);
    unsigned.gas_limit = 3_000_000;
    signed(index, unsigned)
}

fn with_list(index: u8, nonce: u64, to: Address, input: &[u8], access_list: AccessList) -> Transaction {
    let mut unsigned = transaction(nonce, TxKind::Call(to), 0, input.to_vec());
    (unsigned.max_fee_per_gas, unsigned.gas_limit) = (3_000_000_000, 200_000);
    unsigned.access_list = access_list;
    signed(index, unsigned)
}

/// The state's root, from scratch and by another's code.
fn root_of(ledger: &Ledger) -> B256 {
    state_root_unhashed(ledger.accounts.iter().map(|(address, account)| {
        let slots = ledger.storage.range((*address, B256::ZERO)..=(*address, B256::repeat_byte(0xff)));
        let slots = slots.filter(|(_, value)| !value.is_zero());
        let storage = slots.map(|((_, slot), value)| (*slot, U256::from_be_bytes(value.0)));
        let account = TrieAccount {
            nonce: account.nonce,
            balance: account.balance,
            storage_root: storage_root_unhashed(storage),
            code_hash: account.code_hash,
        };
        (*address, account)
    }))
}

/// Runs a vector's blocks anew from their raw transactions, at its times and for its beneficiaries.
fn replay(vector: &Vector, machine: &Engine) -> Vector {
    let blocks: Vec<_> = vector
        .blocks
        .iter()
        .map(|block| (block.header.timestamp, block.header.beneficiary, block.transactions.clone()))
        .collect();
    run_at(&vector.about, &vector.genesis, &blocks, machine)
}

/// Runs blocks from their raw transactions, twelve seconds apart.
fn run(about: &str, genesis: &Genesis, blocks: &[Vec<Bytes>], machine: &Engine) -> Vector {
    let timed = blocks.iter().zip(1..).map(|(raw, number)| (genesis.timestamp + 12 * number, BENEFICIARY, raw.clone()));
    run_at(about, genesis, &timed.collect::<Vec<_>>(), machine)
}

/// Runs blocks from time, beneficiary and raw transactions, and says all that came out.
fn run_at(about: &str, genesis: &Genesis, blocks: &[(u64, Address, Vec<Bytes>)], machine: &Engine) -> Vector {
    let config = genesis.chain_config();
    let mut ledger = Ledger::default();
    let block = genesis.build().expect("the genesis is valid");
    ledger.apply(&block.changes);
    let genesis_header = block.header(root_of(&ledger));
    let mut parent = genesis_header.clone();
    let mut done = Vec::new();
    for (timestamp, beneficiary, raw) in blocks {
        let transactions: Vec<_> =
            raw.iter().map(|raw| Transaction::decode(raw, &config).expect("well-formed")).collect();
        let env = BlockEnv::child_of(&parent, *timestamp, *beneficiary, 0, &config);
        ledger.hashes.insert(parent.number, parent.hash_slow());
        let block =
            execution(machine, |session| execute_block(session, &ledger, &config, env, &transactions)).expect("valid");
        ledger.apply(&block.changes);
        let block = block.seal(root_of(&ledger));
        parent = block.header.clone();
        done.push(VectorBlock {
            transactions: raw.clone(),
            header: block.header,
            hash: block.hash,
            results: block.results.iter().map(VectorResult::from).collect(),
        });
    }
    Vector { about: about.to_owned(), genesis: genesis.clone(), genesis_header, blocks: done }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/transactions")
}

fn bless() {
    let machine = engine(EngineKind::Cranelift);
    for (name, (about, blocks)) in scenarios() {
        let raw: Vec<Vec<Bytes>> = blocks
            .iter()
            .map(|block| block.iter().map(|transaction| Bytes::from(transaction.encoded())).collect())
            .collect();
        let vector = run(about, &genesis(), &raw, &machine);
        let text = serde_json::to_string_pretty(&vector).expect("vectors are JSON") + "\n";
        std::fs::create_dir_all(folder()).expect("the folder can be made");
        std::fs::write(folder().join(format!("{name}.json")), text).expect("the file can be written");
    }
}

#[test]
fn every_vector_comes_out_as_written_on_every_engine() {
    if std::env::var_os("ESKER_BLESS").is_some() {
        bless();
    }
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder()).expect("the vectors are part of the project") {
        let path = entry.expect("the folder is readable").path();
        let text = std::fs::read(&path).expect("the file is readable");
        let vector: Vector = serde_json::from_slice(&text).expect("vectors are JSON of this shape");
        let raw: Vec<_> = vector.blocks.iter().map(|block| block.transactions.clone()).collect();
        for kind in [EngineKind::Cranelift, EngineKind::Pulley] {
            let machine = engine(kind);
            let found = run(&vector.about, &vector.genesis, &raw, &machine);
            for (index, (found, expected)) in found.blocks.iter().zip(&vector.blocks).enumerate() {
                assert_eq!(found, expected, "block {index} of {} on {kind}", path.display());
            }
            assert_eq!(found, vector, "{} on {kind}", path.display());
        }
        names.push(path.file_stem().expect("it has a name").to_string_lossy().into_owned());
    }
    names.sort();
    assert_eq!(names, scenarios().into_keys().collect::<Vec<_>>());
}

/// The script of the determinism tests stands in the same shape: it is run from its raw transactions alone.
#[test]
fn the_chains_vectors_come_out_as_written() {
    for name in ["script", "upgrade"] {
        chain_comes_out_as_written(name);
    }
}

fn chain_comes_out_as_written(name: &str) {
    if std::env::var_os("ESKER_BLESS").is_some() {
        // Those tests write it, and they may not have run yet.
        return;
    }
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../tests/vectors/chain/{name}.json"));
    let text = std::fs::read(&path).expect("the vectors are part of the project");
    let vector: Vector = serde_json::from_slice(&text).expect("vectors are JSON of this shape");
    let raw: Vec<_> = vector.blocks.iter().map(|block| block.transactions.clone()).collect();
    assert!(raw.iter().map(Vec::len).sum::<usize>() > 40, "the script has its transactions");
    let config = vector.genesis.chain_config();
    for (block, number) in vector.blocks.iter().zip(1..) {
        assert_eq!(block.header.number, number);
        assert_eq!(block.header.hash_slow(), block.hash, "block {number}");
        for raw in &block.transactions {
            Transaction::decode(raw, &config).expect("well-formed");
        }
    }
    let machine = engine(EngineKind::Cranelift);
    let found = replay(&vector, &machine);
    assert_eq!(found, vector);
}

/// What the vectors are meant to show, so that a wrong blessing does not pass for a rule.
#[test]
fn the_scenarios_show_what_they_are_about() {
    let machine = engine(EngineKind::Cranelift);
    let outcome = |name: &str| {
        let (about, blocks) = scenarios().remove(name).expect("a scenario");
        let raw: Vec<Vec<Bytes>> =
            blocks.iter().map(|block| block.iter().map(|tx| Bytes::from(tx.encoded())).collect()).collect();
        let vector = run(about, &genesis(), &raw, &machine);
        vector.blocks.into_iter().flat_map(|block| block.results).collect::<Vec<_>>()
    };
    let statuses = |results: &[VectorResult]| results.iter().map(|result| result.status.clone()).collect::<Vec<_>>();

    let transfers = outcome("transfers");
    assert_eq!(transfers[0].gas_used, 21_000);
    assert_eq!(transfers[1].gas_used, 21_000 + 300 * 40);
    assert_eq!(transfers[2].gas_used, 21_000 + 10 * 10);

    let calls = outcome("calls");
    let expected = ["success", "success", "revert", "halt", "halt", "success", "success", "success"];
    assert_eq!(statuses(&calls), expected);
    assert_eq!(calls[1].output, word(2).to_vec());
    assert_eq!(calls[0].logs[0].topics(), [word(1)]);
    assert_eq!(calls[2].output.to_vec(), [1, 2, 3]);
    assert_eq!((calls[3].gas_used, calls[4].gas_used), (3_000_000, 3_000_000));
    assert_eq!(calls[7].output, word(1).to_vec(), "cleared, then counted again");

    let creations = outcome("creations");
    let expected = ["success", "success", "halt", "halt", "success", "success", "success", "success"];
    assert_eq!(statuses(&creations), expected);
    // The same module twice: what differs is the calldata, and the five bytes by which a stream is longer than a module.
    let calldata = |payload: &[u8]| payload.iter().map(|byte| if *byte == 0 { 4 } else { 16 }).sum::<u64>();
    let stored = calldata(&[stored_contract(), word(41).to_vec()].concat()) - calldata(&payload()) + 5 * 20;
    assert_eq!(creations[7].gas_used, creations[0].gas_used + stored);
    assert_eq!(creations[1].output, word(42).to_vec());
    assert_eq!(creations[6].output, word(42).to_vec());
    assert_eq!(creations[5].output[31], 2, "creating from rubbish halts inside");

    let frames = outcome("frames");
    assert!(frames.iter().all(|result| result.status == "success"));
    let inner: Vec<_> = frames.iter().map(|result| result.output[31]).collect();
    assert_eq!(inner, [0, 0, 0, 2, 0, 2, 1, 0, 0]);
    assert!(frames[0].gas_used > frames[1].gas_used + 24_000, "a new account");
    assert_eq!(frames[4].logs[0].address, CONTRACT);
}
