//! The whole path of one node: decoding, signature recovery, execution, state root and durable commit of blocks of ERC-20
//! transfers between random pairs of holders, against what secp256k1 recovery alone allows on the same cores.
//!
//! `cargo bench -p esker-benches --bench throughput`; `HOLDERS`, `BLOCKS` and `PER_BLOCK` change the size, `ROW_CACHE_MB`
//! and `SLED_CACHE_MB` the memory.

use esker_benches::SplitMix;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, hex, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use esker_runtime::db::{Batch, MemoryStore, SledStore, Store};
use esker_runtime::genesis::GenesisAccount;
use esker_runtime::simulate::{CallRequest, SimulateOptions, simulate};
use esker_runtime::state::{StateDb, StateOptions, StateUpdate};
use esker_runtime::types::recover_senders;
use esker_runtime::{BlockBuilder, BlockEnv, ChainConfig, Genesis, SignedTransaction, Transaction};
use esker_vm::{Engine, EngineConfig, EngineKind, TierPolicy};

const CHAIN_ID: u64 = 31_337;
const GAS_LIMIT: u64 = 10_000_000_000;

fn size(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn word(address: Address) -> [u8; 32] {
    address.into_word().0
}

/// `abi.encode(string, string, uint256)` of ("Gold", "GLD", supply).
fn constructor_arguments(supply: u64) -> Vec<u8> {
    let number = |number: u64| U256::from(number).to_be_bytes::<32>();
    let text = |text: &str| {
        let mut padded = [0; 32];
        padded[..text.len()].copy_from_slice(text.as_bytes());
        padded
    };
    [number(0x60), number(0xa0), number(supply), number(4), text("Gold"), number(3), text("GLD")].concat()
}

/// The token as a genesis account in which every holder has `balance`.
fn token_account(envelope: &Bytes, holders: &[Address], balance: u64, engine: &Engine) -> GenesisAccount {
    let config = ChainConfig::new(CHAIN_ID);
    let empty = StateDb::open(Arc::new(MemoryStore::new())).expect("an empty store opens");
    let genesis = Genesis::new(CHAIN_ID, 30_000_000, 0).build().expect("an empty genesis is valid").header(B256::ZERO);
    let deployer = Address::repeat_byte(0xde);
    let supply = balance * holders.len() as u64;
    let request = CallRequest {
        from: deployer,
        kind: TxKind::Create,
        input: [envelope.as_ref(), &constructor_arguments(supply)].concat().into(),
        ..CallRequest::default()
    };
    let env = BlockEnv::child_of(&genesis, 1, Address::ZERO, 0, &config);
    let options = SimulateOptions::default();
    let deployed = esker_vm::simulation(engine, |session| simulate(session, &empty, &config, &env, &request, &options))
        .expect("the engine is ours alone")
        .expect("the deploy executes");
    assert!(deployed.status.is_success(), "the deploy failed: {:?}", deployed.status);
    let address = deployed.created.expect("a successful deploy has an address");
    let changed = &deployed.changes.accounts[&address].storage;
    let balance_slot = |owner: Address, base: u64| keccak256([word(owner), U256::from(base).to_be_bytes()].concat());
    let base = (0..64).find(|base| changed.contains_key(&balance_slot(deployer, *base)));
    let base = base.expect("the deployer's balance is in a Solidity mapping");
    let mut storage: BTreeMap<B256, B256> = changed.iter().map(|(slot, change)| (*slot, change.after)).collect();
    storage.remove(&balance_slot(deployer, base));
    for holder in holders {
        storage.insert(balance_slot(*holder, base), U256::from(balance).into());
    }
    GenesisAccount { balance: U256::ZERO, nonce: 1, code: envelope.clone(), storage }
}

struct Workload {
    genesis: Genesis,
    /// Raw transactions, block by block.
    blocks: Vec<Vec<Bytes>>,
}

fn workload(envelope: &Bytes, holders: usize, blocks: usize, per_block: usize, engine: &Engine) -> Workload {
    let token = Address::repeat_byte(0x20);
    let signer = |index: usize| {
        PrivateKeySigner::from_bytes(&keccak256(format!("holder {index}"))).expect("a hash is a valid key")
    };
    let signers: Vec<PrivateKeySigner> = (0..holders).map(signer).collect();
    let addresses: Vec<Address> = signers.iter().map(PrivateKeySigner::address).collect();
    let mut genesis = Genesis::new(CHAIN_ID, GAS_LIMIT, 0);
    let balance = U256::from(10).pow(U256::from(18));
    for address in &addresses {
        genesis.alloc.insert(*address, GenesisAccount { balance, ..GenesisAccount::default() });
    }
    genesis.alloc.insert(token, token_account(envelope, &addresses, 1_000_000, engine));
    let mut random = SplitMix(1);
    let mut nonces = vec![0; holders];
    let mut transfer = || {
        let (from, to) = (random.below(holders), random.below(holders));
        let input = [&hex!("a9059cbb")[..], &word(addresses[to]), &U256::from(1).to_be_bytes::<32>()].concat();
        let transaction = TxEip1559 {
            chain_id: CHAIN_ID,
            nonce: nonces[from],
            gas_limit: 120_000,
            max_fee_per_gas: 2_000_000_000,
            max_priority_fee_per_gas: 1,
            to: TxKind::Call(token),
            value: U256::ZERO,
            access_list: alloy_eips::eip2930::AccessList::default(),
            input: input.into(),
        };
        nonces[from] += 1;
        let signature = signers[from].sign_hash_sync(&transaction.signature_hash()).expect("a local key signs");
        Bytes::from(TxEnvelope::from(transaction.into_signed(signature)).encoded_2718())
    };
    let blocks = (0..blocks).map(|_| (0..per_block).map(|_| transfer()).collect()).collect();
    Workload { genesis, blocks }
}

fn recover(raw: &[Bytes], config: &ChainConfig, workers: usize) -> Vec<Transaction> {
    let decode = |raw: &Bytes| SignedTransaction::decode(raw, config).expect("the workload is valid");
    let signed = raw.iter().map(decode).collect();
    recover_senders(signed, workers).into_iter().map(|sender| sender.expect("the workload is signed")).collect()
}

#[derive(Default)]
struct Times {
    execute: Duration,
    root: Duration,
    commit: Duration,
    total: Duration,
}

/// Runs all blocks. While a block is committed, its successor is executed and its root computed; then the senders of the
/// one after that are recovered, on every core that committing leaves.
fn run(store: Arc<dyn Store>, workload: &Workload, engine: &Engine, workers: usize) -> Times {
    let config = ChainConfig { block_bytes_max: usize::MAX, ..workload.genesis.chain_config() };
    let options = StateOptions { row_cache_bytes: size("ROW_CACHE_MB", 512) << 20, ..StateOptions::default() };
    let db = StateDb::open_with(store, options).expect("the store opens");
    let built = workload.genesis.build().expect("the genesis is valid");
    let update = db.prepare(&built.changes, 0).expect("the store works");
    let mut header = built.seal(update.root).header;
    db.commit(update, Batch::new()).expect("the store works");
    let commit = |update: StateUpdate| {
        let begun = Instant::now();
        db.commit(update, Batch::new()).expect("the store works");
        begun.elapsed()
    };
    let mut times = Times::default();
    let mut view = db.snapshot();
    let mut parent = None;
    let started = Instant::now();
    let mut next = recover(&workload.blocks[0], &config, workers);
    for index in 0..workload.blocks.len() {
        let transactions = std::mem::take(&mut next);
        let update = std::thread::scope(|scope| {
            let committed = parent.take().map(|update| scope.spawn(|| commit(update)));
            let begun = Instant::now();
            let env = BlockEnv::child_of(&header, header.timestamp + 1, Address::repeat_byte(0xcb), 0, &config);
            let number = env.number;
            let built = esker_vm::execution(engine, |session| {
                let mut builder = BlockBuilder::new(session, &view, &config, env);
                for transaction in transactions {
                    let result = builder.push(transaction).expect("the workload fits its blocks");
                    assert!(result.status.is_success(), "a transfer failed: {:?}", result.status);
                }
                builder.finish().expect("the node works")
            });
            times.execute += begun.elapsed();
            let begun = Instant::now();
            let update = view.prepare(&built.changes, number).expect("the store works");
            header = built.seal(update.root).header;
            times.root += begun.elapsed();
            if let Some(upcoming) = workload.blocks.get(index + 1) {
                let busy = usize::from(committed.as_ref().is_some_and(|thread| !thread.is_finished()));
                next = recover(upcoming, &config, workers.saturating_sub(busy).max(1));
            }
            if let Some(committed) = committed {
                times.commit += committed.join().expect("committing does not panic");
            }
            update
        });
        view = update.view(header.hash_slow());
        parent = Some(update);
    }
    times.commit += parent.take().map_or(Duration::ZERO, commit);
    times.total = started.elapsed();
    times
}

fn report(name: &str, times: &Times, transactions: usize, floor: f64) {
    let rate = transactions as f64 / times.total.as_secs_f64();
    let share = |part: Duration| part.as_secs_f64() * 1e6 / transactions as f64;
    println!(
        "{name:8} {rate:8.0} transfers/s = {:5.1} % of recovery alone; per transfer: execute {:5.1} µs, root {:5.1} µs, \
         commit {:5.1} µs",
        rate / floor * 100.0,
        share(times.execute),
        share(times.root),
        share(times.commit),
    );
}

fn main() {
    let (holders, blocks, per_block) = (size("HOLDERS", 100_000), size("BLOCKS", 5), size("PER_BLOCK", 5_000));
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let artifact = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/artifacts/Erc20.json");
    let artifact = std::fs::read_to_string(artifact).expect("the committed artifact is there");
    let artifact: serde_json::Value = serde_json::from_str(&artifact).expect("the committed artifact is JSON");
    let envelope: Bytes = serde_json::from_value(artifact["bytecode"].clone()).expect("the artifact has bytecode");
    let engine =
        Engine::new(EngineConfig { tiers: TierPolicy::Optimised, ..EngineConfig::with_kind(EngineKind::Cranelift) })
            .expect("the engine starts");
    println!("{blocks} blocks of {per_block} transfers between random pairs of {holders} holders, {workers} cores");
    let workload = workload(&envelope, holders, blocks, per_block, &engine);
    let transactions = blocks * per_block;

    let config = workload.genesis.chain_config();
    let begun = Instant::now();
    for raw in &workload.blocks {
        assert_eq!(recover(raw, &config, workers).len(), per_block);
    }
    let floor = transactions as f64 / begun.elapsed().as_secs_f64();
    println!("recovery {floor:8.0} transfers/s, on all cores: the floor");

    report("memory", &run(Arc::new(MemoryStore::new()), &workload, &engine, workers), transactions, floor);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let sled = SledStore::open(folder.path(), (size("SLED_CACHE_MB", 512) as u64) << 20).expect("sled opens");
    report("sled", &run(Arc::new(sled), &workload, &engine, workers), transactions, floor);
}
