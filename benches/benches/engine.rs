//! What the engine costs around the guest's own work: a warm empty call, compiling, loading from the disk cache.
//!
//! Run with `cargo bench -p esker-benches --bench engine`.

use esker_benches as _;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use esker_vm::abi::MeterVersion;
use esker_vm::{
    BlockContext, CallRequest, CallResult, Code, CreateRequest, CreateResult, Engine, EngineConfig, EngineKind, Entry,
    Frame, Host, HostError, Log, Meter, Outcome, TierPolicy, TransactionContext, envelope, execution,
};
use primitive_types::{H160, H256, U256};

/// A world with storage and nothing else: state access is not what is measured here.
#[derive(Default)]
struct Storage {
    transaction: TransactionContext,
    block: BlockContext,
    slots: BTreeMap<H256, H256>,
}

impl Host for Storage {
    fn transaction(&self) -> &TransactionContext {
        &self.transaction
    }
    fn block(&self) -> &BlockContext {
        &self.block
    }
    fn block_hash(&mut self, _: u64) -> Result<H256, HostError> {
        Ok(H256::zero())
    }
    fn storage_load(&mut self, key: H256, _: &mut Meter) -> Result<H256, HostError> {
        Ok(self.slots.get(&key).copied().unwrap_or_default())
    }
    fn storage_store(&mut self, key: H256, value: H256, _: &mut Meter) -> Result<(), HostError> {
        self.slots.insert(key, value);
        Ok(())
    }
    fn transient_load(&mut self, _: H256, _: &mut Meter) -> Result<H256, HostError> {
        Ok(H256::zero())
    }
    fn transient_store(&mut self, _: H256, _: H256, _: &mut Meter) -> Result<(), HostError> {
        Ok(())
    }
    fn balance(&mut self, _: H160, _: &mut Meter) -> Result<U256, HostError> {
        Ok(U256::zero())
    }
    fn code_hash(&mut self, _: H160, _: &mut Meter) -> Result<H256, HostError> {
        Ok(H256::zero())
    }
    fn code_size(&mut self, _: H160, _: &mut Meter) -> Result<u32, HostError> {
        Ok(0)
    }
    fn log(&mut self, _: Log, _: &mut Meter) -> Result<(), HostError> {
        Ok(())
    }
    fn call(&mut self, _: CallRequest<'_>, _: &mut Meter) -> Result<CallResult, HostError> {
        Ok(CallResult::Halt)
    }
    fn create(&mut self, _: CreateRequest<'_>, _: &mut Meter) -> Result<CreateResult, HostError> {
        Ok(CreateResult::Halt)
    }
}

const FUEL: u64 = 1 << 40;

fn engine(kind: EngineKind) -> Engine {
    let tiers = TierPolicy::Optimised;
    Engine::new(EngineConfig { tiers, ..EngineConfig::with_kind(kind) }).expect("the engine starts")
}

/// Time that so many calls take in one session.
fn calls_take(engine: &Engine, code: Code<'_>, frame: &Frame, calls: u64) -> Duration {
    let mut host = Storage::default();
    execution(engine, |session| {
        let begun = Instant::now();
        for _ in 0..calls {
            let ended = session.execute(code, Entry::Call, frame, &mut host, FUEL);
            assert!(matches!(black_box(ended.outcome), Outcome::Return(_) | Outcome::Revert(_)));
        }
        begun.elapsed()
    })
}

/// A method that does nothing, and one that reads its input, hashes it and returns.
const EMPTY: &str = r#"(module (memory (export "memory") 1) (func (export "call")))"#;
const ECHO: &str = r#"(module
    (import "esker_v1" "input_size" (func $size (result i32)))
    (import "esker_v1" "input_copy" (func $copy (param i32 i32 i32)))
    (import "esker_v1" "set_output" (func $output (param i32 i32)))
    (memory (export "memory") 2)
    (data (i32.const 1024) "some constant data, as every contract has")
    (func (export "call")
        (call $copy (i32.const 0) (i32.const 0) (call $size))
        (call $output (i32.const 0) (call $size))))"#;
const REVERT: &str = r#"(module
    (import "esker_v1" "revert" (func $revert (param i32 i32)))
    (memory (export "memory") 1)
    (func (export "call") (call $revert (i32.const 0) (i32.const 4))))"#;

fn calls(criterion: &mut Criterion) {
    for kind in [EngineKind::Cranelift, EngineKind::Pulley] {
        let engine = engine(kind);
        for (byte, (name, text)) in (1..).zip([("empty", EMPTY), ("echo 100 bytes", ECHO), ("revert", REVERT)]) {
            let envelope = envelope::encode(&wat::parse_str(text).expect("valid text"));
            let code = Code { hash: H256::repeat_byte(byte), envelope: &envelope, meter: MeterVersion::V1 };
            let frame = Frame { input: vec![7; 100], ..Frame::default() };
            criterion.bench_function(&format!("warm call, {name}, {kind}"), |bencher| {
                bencher.iter_custom(|calls| calls_take(&engine, code, &frame, calls));
            });
        }
    }
    let engine = engine(EngineKind::Cranelift);
    criterion.bench_function("a session, opened and closed", |bencher| {
        bencher.iter(|| execution(&engine, |_| black_box(1)));
    });
}

/// A module of about `bytes` bytes: functions of the size and shape that contract code has, which call each other.
fn contract(bytes: usize) -> Vec<u8> {
    let function = |index: usize| {
        let callee = index.saturating_sub(1);
        let steps: String = (0..8)
            .map(|step| {
                format!(
                    "(local.set 2 (i64.add (i64.mul (local.get 2) (i64.const {})) (i64.load offset={} (local.get 0))))
                     (if (i64.gt_u (local.get 2) (local.get 1))
                        (then (i64.store offset={} (local.get 0) (i64.rotl (local.get 2) (i64.const {step}))))
                        (else (local.set 1 (i64.xor (local.get 1) (local.get 2)))))",
                    index * 1_000_003 + step,
                    8 * step,
                    512 + 8 * step,
                )
            })
            .collect();
        let call =
            if index == 0 { String::new() } else { format!("(drop (call $f{callee} (local.get 0) (local.get 2)))") };
        format!(
            "(func $f{index} (param i32 i64) (result i64) (local i64)
                (loop {steps} (br_if 0 (i64.lt_u (local.get 1) (i64.const 3)))) {call} (local.get 2))"
        )
    };
    let module = |functions: usize| {
        let body: String = (0..functions).map(function).collect();
        wat::parse_str(format!(
            r#"(module (memory (export "memory") 2) (data (i32.const 65536) "constants") {body}
                (func (export "call") (drop (call $f0 (i32.const 0) (i64.const 9)))))"#
        ))
        .expect("valid text")
    };
    let each = (module(20).len() - module(10).len()) / 10;
    module(bytes / each)
}

/// A name for a module.
fn named(number: u64) -> H256 {
    let mut hash = H256::zero();
    hash.0[..8].copy_from_slice(&number.to_be_bytes());
    hash
}

/// Makes `wasm` ready under so many names, each new to the engine.
fn preparations_take(engine: &Engine, envelope: &[u8], names: impl Iterator<Item = H256> + Send) -> Duration {
    execution(engine, |session| {
        let begun = Instant::now();
        for hash in names {
            session.prepare(Code { hash, envelope, meter: MeterVersion::V1 }, u64::MAX).expect("acceptable");
        }
        begun.elapsed()
    })
}

fn compiling(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("compile");
    group.sample_size(10);
    for kind in [EngineKind::Cranelift, EngineKind::Pulley] {
        for tiers in [TierPolicy::Baseline, TierPolicy::Optimised] {
            let wasm = contract(24 * 1024);
            let envelope = envelope::encode(&wasm);
            let config = EngineConfig { tiers, ..EngineConfig::with_kind(kind) };
            let engine = Engine::new(config).expect("the engine starts");
            let mut number = 0u64;
            group.bench_function(format!("{} KiB, {kind}, {tiers:?}", wasm.len() / 1024), |bencher| {
                bencher.iter_custom(|modules| {
                    let first = number;
                    number += modules;
                    preparations_take(&engine, &envelope, (first..number).map(named))
                });
            });
        }
    }
    group.finish();
}

/// Two modules take turns in a memory cache that has room for one, so every call loads from disk a file whose hash was
/// checked before.
fn loading(criterion: &mut Criterion) {
    for kib in [24, 250] {
        let folder = tempfile::tempdir().expect("a folder");
        let cache_dir = Some(folder.path().to_owned());
        let tiers = TierPolicy::Optimised;
        let engine = Engine::new(EngineConfig { cache_dir, cache_bytes: 1, tiers, ..EngineConfig::default() })
            .expect("the engine starts");
        let wasm = contract(kib * 1024);
        let envelope = envelope::encode(&wasm);
        let turns = |count| (0..count).map(|turn| named(turn % 2));
        preparations_take(&engine, &envelope, turns(2));
        engine.settle();
        criterion.bench_function(&format!("load {} KiB from the disk cache", wasm.len() / 1024), |bencher| {
            bencher.iter_custom(|loads| preparations_take(&engine, &[], turns(loads)));
        });
    }
}

criterion_group!(benches, calls, compiling, loading);
criterion_main!(benches);
