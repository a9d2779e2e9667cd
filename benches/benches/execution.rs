//! What execution costs: ERC-20 transfers through the block builder on in-memory state, beside plain value transfers and
//! a keccak in the same run; ending a block; calls between contracts; the empty call.
//!
//! `cargo bench -p esker-benches --bench execution`; `HOLDERS` and `PER_BLOCK` change the size. Senders are taken for
//! granted and no root is computed: `throughput` measures the whole path. Times are the executing thread's own where the
//! system tells them, so that neighbours on the machine count for less.

use esker_benches::SplitMix;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use alloy_consensus::transaction::Recovered;
use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, hex, keccak256};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use esker_runtime::db::{Batch, MemoryStore};
use esker_runtime::genesis::GenesisAccount;
use esker_runtime::state::{StateDb, StateView};
use esker_runtime::{BlockBuilder, BlockEnv, ChainConfig, Genesis, Transaction};
use esker_vm::{Engine, EngineConfig, Session, TierPolicy, envelope};

const CHAIN_ID: u64 = 31_337;
const GAS_LIMIT: u64 = 10_000_000_000;
const TOKEN: Address = Address::repeat_byte(0x20);
const EMPTY: Address = Address::repeat_byte(0x21);
const WRITER: Address = Address::repeat_byte(0x22);

/// Calls that a calling contract makes in one transaction.
const CROSSINGS: u64 = 1_000;

/// What the engine asks of a bench: an instance of itself, and the stack on which blocks are executed.
mod engine {
    use super::*;

    pub fn start() -> Engine {
        let tiers = TierPolicy::Optimised;
        Engine::new(EngineConfig { tiers, ..EngineConfig::default() }).expect("the engine starts")
    }

    /// Runs `work` as block execution runs.
    pub fn execution<R: Send>(world: &World, work: impl FnOnce(&Session<'_>) -> R + Send) -> R {
        esker_vm::execution(&world.engine, work)
    }

    pub fn builder<'a>(session: &'a Session<'a>, world: &'a World, view: &'a StateView) -> BlockBuilder<'a> {
        BlockBuilder::new(session, view, &world.config, world.env.clone())
    }
}

/// Time that this thread has spent on a processor; on systems that do not tell, time itself.
fn busy(since: Instant) -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.as_deref().and_then(|text| text.split(' ').next()).and_then(|first| first.parse().ok());
    nanoseconds.map_or_else(|| since.elapsed(), Duration::from_nanos)
}

fn size(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn holder(index: usize) -> Address {
    Address::from_word(keccak256(format!("holder {index}")))
}

/// A committed state in memory with holders, token and calling contracts, and the block that is built on it.
struct World {
    engine: Engine,
    config: ChainConfig,
    view: StateView,
    env: BlockEnv,
    holders: usize,
}

impl World {
    fn new(holders: usize) -> Self {
        let engine = engine::start();
        let mut genesis = Genesis::new(CHAIN_ID, GAS_LIMIT, 0);
        let balance = U256::from(10).pow(U256::from(20));
        for index in 0..holders {
            genesis.alloc.insert(holder(index), GenesisAccount { balance, ..GenesisAccount::default() });
        }
        let config = ChainConfig { block_bytes_max: usize::MAX, ..genesis.chain_config() };
        let mut install = |address: Address, wat: &str| {
            let code = envelope::encode(&wat::parse_str(wat).expect("valid text"));
            genesis.alloc.insert(address, GenesisAccount { nonce: 1, code: code.into(), ..GenesisAccount::default() });
        };
        install(EMPTY, EMPTY_CONTRACT);
        install(WRITER, WRITING_CONTRACT);
        for crossing in CROSSING_KINDS {
            install(crossing.caller, &crossing.contract());
        }
        let db = StateDb::open(Arc::new(MemoryStore::new())).expect("an empty store opens");
        let built = genesis.build().expect("the genesis is valid");
        let update = db.prepare(&built.changes, 0).expect("the store works");
        let header = built.seal(update.root).header;
        db.commit(update, Batch::new()).expect("the store works");
        let env = BlockEnv::child_of(&header, header.timestamp + 1, Address::repeat_byte(0xcb), 0, &config);
        Self { view: db.snapshot(), engine, config, env, holders }.with_token(&db)
    }

    /// Deploys the committed ERC-20 and gives every holder tokens, as one block.
    fn with_token(self, db: &StateDb) -> Self {
        let artifact = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/artifacts/Erc20.json");
        let artifact = std::fs::read_to_string(artifact).expect("the committed artifact is there");
        let artifact: serde_json::Value = serde_json::from_str(&artifact).expect("the committed artifact is JSON");
        let code: Bytes = serde_json::from_value(artifact["bytecode"].clone()).expect("the artifact has bytecode");
        let number = |number: u64| U256::from(number).to_be_bytes::<32>();
        let arguments = [number(0x60), number(0x80), number(u64::MAX), number(0), number(0)].concat();
        let deploy = [code.as_ref(), &arguments].concat();
        let mut changes = engine::execution(&self, |session| {
            let mut builder = engine::builder(session, &self, &self.view);
            let created = self.transaction(0, 0, TxKind::Create, U256::ZERO, deploy.into(), 30_000_000);
            let result = builder.push(created).expect("the deploy fits");
            assert!(result.status.is_success(), "the deploy failed: {result:?}");
            let address = result.created.expect("a deploy has an address");
            let mut changes = builder.finish().expect("the node works").changes;
            let token = changes.accounts.remove(&address).expect("the deploy made an account");
            changes.accounts.insert(TOKEN, token);
            changes
        });
        let token = changes.accounts.get_mut(&TOKEN).expect("put there above");
        let slot =
            |owner: Address, base: u64| keccak256([owner.into_word().0, U256::from(base).to_be_bytes()].concat());
        let base = (0..64).find(|base| token.storage.contains_key(&slot(holder(0), *base)));
        let base = base.expect("the deployer's balance is in a Solidity mapping");
        for index in 0..self.holders {
            let change = token.storage.entry(slot(holder(index), base)).or_default();
            change.after = U256::from(1_000_000).into();
        }
        let update = db.prepare(&changes, 1).expect("the store works");
        db.commit(update, Batch::new()).expect("the store works");
        Self { view: db.snapshot(), ..self }
    }

    /// A transaction that nobody signed.
    fn transaction(
        &self,
        from: usize,
        nonce: u64,
        to: TxKind,
        value: U256,
        input: Bytes,
        gas_limit: u64,
    ) -> Transaction {
        let transaction = TxEip1559 {
            chain_id: CHAIN_ID,
            nonce,
            gas_limit,
            max_fee_per_gas: 2_000_000_000,
            max_priority_fee_per_gas: 1,
            to,
            value,
            access_list: alloy_eips::eip2930::AccessList::default(),
            input,
        };
        let signature = Signature::from_scalars_and_parity(B256::repeat_byte(1), B256::repeat_byte(2), false);
        let envelope = TxEnvelope::from(transaction.into_signed(signature));
        Transaction::from_recovered_unchecked(Recovered::new_unchecked(envelope, holder(from)))
    }

    /// Transactions between random pairs of holders, their nonces in order.
    fn between_holders(&self, count: usize, make: impl Fn(Address) -> (Address, U256, Bytes)) -> Vec<Transaction> {
        let mut random = SplitMix(1);
        // The first holder deployed the token.
        let mut nonces = vec![0; self.holders];
        nonces[0] = 1;
        (0..count)
            .map(|_| {
                let (from, to) = (random.below(self.holders), random.below(self.holders));
                let (target, value, input) = make(holder(to));
                nonces[from] += 1;
                self.transaction(from, nonces[from] - 1, TxKind::Call(target), value, input, 120_000)
            })
            .collect()
    }

    /// Executes `transactions` as one block, and lists how long the messages are that are hashed for its blooms and for the
    /// leaves of its two roots.
    fn hashed(&self, transactions: &[Transaction]) -> Vec<usize> {
        let block = engine::execution(self, |session| {
            let mut builder = engine::builder(session, self, &self.view);
            for transaction in transactions {
                builder.push(transaction.clone()).expect("the workload fits its block");
            }
            builder.finish().expect("the node works")
        });
        let mut lengths: Vec<usize> = transactions.iter().map(|transaction| transaction.encoded_len() + 6).collect();
        lengths.extend(block.receipts.iter().map(|receipt| receipt.encode_2718_len() + 6));
        let logs = block.results.iter().flat_map(|result| &result.logs);
        lengths.extend(logs.flat_map(|log| std::iter::once(20).chain(log.topics().iter().map(|_| 32))));
        lengths
    }

    /// Executes `transactions` as one block: the thread's time in `push` and in `finish`.
    fn block(&self, transactions: &[Transaction]) -> (Duration, Duration) {
        let transactions = transactions.to_vec();
        engine::execution(self, |session| {
            let mut builder = engine::builder(session, self, &self.view);
            let since = Instant::now();
            let begun = busy(since);
            for transaction in transactions {
                let result = builder.push(transaction).expect("the workload fits its block");
                assert!(result.status.is_success(), "a transaction failed: {:?}", result.status);
            }
            let pushed = busy(since);
            let block = black_box(builder.finish().expect("the node works"));
            let finished = busy(since);
            drop(block);
            (pushed.saturating_sub(begun), finished.saturating_sub(pushed))
        })
    }
}

const EMPTY_CONTRACT: &str = r#"(module (memory (export "memory") 1) (func (export "call")))"#;

/// Writes to every page of 4 KiB of its memory, all of which must be reset.
const WRITING_CONTRACT: &str = r#"(module
    (memory (export "memory") 2)
    (func (export "call") (local $at i32)
        (loop $again
            (i64.store (local.get $at) (i64.const 1))
            (local.set $at (i32.add (local.get $at) (i32.const 4096)))
            (br_if $again (i32.lt_u (local.get $at) (i32.const 131072))))))"#;

/// A contract that calls another [`CROSSINGS`] times.
struct Crossing {
    title: &'static str,
    name: &'static str,
    caller: Address,
    target: Address,
    import: &'static str,
    call: &'static str,
}

const CROSSING_KINDS: [Crossing; 4] = [
    Crossing {
        title: "call",
        name: "call",
        caller: Address::repeat_byte(0x31),
        target: EMPTY,
        import: "(param i64 i32 i32 i32 i32) (result i32)",
        call: "(i64.const 1000000) (i32.const 0) (i32.const 32) (i32.const 64) (i32.const 32)",
    },
    Crossing {
        title: "static_call",
        name: "static_call",
        caller: Address::repeat_byte(0x32),
        target: EMPTY,
        import: "(param i64 i32 i32 i32) (result i32)",
        call: "(i64.const 1000000) (i32.const 0) (i32.const 64) (i32.const 32)",
    },
    Crossing {
        title: "delegate_call",
        name: "delegate_call",
        caller: Address::repeat_byte(0x33),
        target: EMPTY,
        import: "(param i64 i32 i32 i32) (result i32)",
        call: "(i64.const 1000000) (i32.const 0) (i32.const 64) (i32.const 32)",
    },
    Crossing {
        title: "static_call, 128 KiB written",
        name: "static_call",
        caller: Address::repeat_byte(0x34),
        target: WRITER,
        import: "(param i64 i32 i32 i32) (result i32)",
        call: "(i64.const 1000000) (i32.const 0) (i32.const 64) (i32.const 32)",
    },
];

impl Crossing {
    fn contract(&self) -> String {
        let Self { name, target, import, call, .. } = self;
        let target: String = target.iter().map(|byte| format!("\\{byte:02x}")).collect();
        format!(
            r#"(module
                (import "esker_v1" "{name}" (func $cross {import}))
                (memory (export "memory") 1)
                (data (i32.const 0) "{target}")
                (func (export "call") (local $left i32)
                    (local.set $left (i32.const {CROSSINGS}))
                    (loop $again
                        (if (call $cross {call}) (then (unreachable)))
                        (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))))"#
        )
    }
}

fn transfers(criterion: &mut Criterion) {
    let per_block = size("PER_BLOCK", 5_000);
    let world = World::new(size("HOLDERS", 20_000));
    let one = U256::from(1);
    let transfer = |to: Address| {
        let input = [&hex!("a9059cbb")[..], &to.into_word().0, &one.to_be_bytes::<32>()].concat();
        (TOKEN, U256::ZERO, Bytes::from(input))
    };
    let kinds = [
        ("ERC-20 transfer", world.between_holders(per_block, transfer)),
        ("plain transfer", world.between_holders(per_block, |to| (to, one, Bytes::new()))),
        ("empty call", world.between_holders(per_block, |_| (EMPTY, U256::ZERO, Bytes::new()))),
    ];
    let mut group = criterion.benchmark_group(format!("{per_block} transactions"));
    group.sample_size(10).throughput(Throughput::Elements(per_block as u64));
    for (name, transactions) in &kinds {
        group.bench_function(format!("push, {name}"), |bencher| {
            bencher.iter_custom(|times| (0..times).map(|_| world.block(transactions).0).sum());
        });
        group.bench_function(format!("finish, {name}"), |bencher| {
            bencher.iter_custom(|times| (0..times).map(|_| world.block(transactions).1).sum());
        });
        // The floor of a `finish` that hashes one message after the other.
        let (lengths, message) = (world.hashed(transactions), vec![0x5a; 1 << 16]);
        group.bench_function(format!("keccak of what finish hashes, {name}"), |bencher| {
            bencher.iter_custom(|times| {
                let since = Instant::now();
                let begun = busy(since);
                for _ in 0..times {
                    for length in &lengths {
                        black_box(esker_vm::crypto::keccak256(black_box(&message[..*length])));
                    }
                }
                busy(since).saturating_sub(begun)
            });
        });
    }
    group.finish();

    let mut group = criterion.benchmark_group(format!("{CROSSINGS} crossings"));
    group.sample_size(10).throughput(Throughput::Elements(20 * CROSSINGS));
    for crossing in &CROSSING_KINDS {
        let to = TxKind::Call(crossing.caller);
        let transactions: Vec<_> =
            (1..=20).map(|nonce| world.transaction(0, nonce, to, U256::ZERO, Bytes::new(), 10_000_000)).collect();
        group.bench_function(format!("20 x {}", crossing.title), |bencher| {
            bencher.iter_custom(|times| (0..times).map(|_| world.block(&transactions).0).sum());
        });
    }
    group.finish();

    let mut group = criterion.benchmark_group("keccak256 of 64 bytes");
    group.sample_size(10).throughput(Throughput::Elements(per_block as u64));
    type Hash = fn(&[u8]) -> [u8; 32];
    let hashes: [(&str, Hash); 2] = [("guest's", esker_vm::crypto::keccak256), ("alloy's", |bytes| keccak256(bytes).0)];
    for (name, hash) in hashes {
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|times| {
                let since = Instant::now();
                let begun = busy(since);
                let mut message = [7; 64];
                for _ in 0..times * per_block as u64 {
                    let digest = hash(&message);
                    message[..32].copy_from_slice(&digest);
                }
                black_box(message);
                busy(since).saturating_sub(begun)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, transfers);
criterion_main!(benches);
