//! What the engine costs around the guest's own work: a warm empty call, compiling, loading from the disk cache.
//!
//! Run with `cargo bench -p esker-benches --bench engine`.

use std::collections::BTreeMap;
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use esker_vm::{
    BlockContext, CallRequest, CallResult, CreateRequest, CreateResult, Engine, EngineConfig, EngineKind, Entry, Frame,
    Host, HostError, Log, Machine, Meter, Outcome, TransactionContext, run_on_execution_stack,
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
    Engine::new(EngineConfig::with_kind(kind)).expect("the engine starts")
}

fn execute(engine: &Engine, hash: H256, wasm: &[u8], frame: &Frame, host: &mut Storage) -> Vec<u8> {
    let execution = engine.execute(hash, &mut || Some(wasm.to_vec()), Entry::Call, frame, host, FUEL);
    match execution.outcome {
        Outcome::Return(output) => output,
        other => panic!("{other:?}"),
    }
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
        for (name, text) in [("empty", EMPTY), ("echo 100 bytes", ECHO)] {
            let wasm = wat::parse_str(text).expect("valid text");
            let hash = H256::repeat_byte(name.len() as u8);
            let frame = Frame { input: vec![7; 100], ..Frame::default() };
            let mut host = Storage::default();
            criterion.bench_function(&format!("warm call, {name}, {kind}"), |bencher| {
                bencher.iter(|| black_box(execute(&engine, hash, &wasm, &frame, &mut host)));
            });
        }
        let wasm = wat::parse_str(REVERT).expect("valid text");
        let (frame, mut host) = (Frame::default(), Storage::default());
        criterion.bench_function(&format!("warm call, revert, {kind}"), |bencher| {
            bencher.iter(|| {
                let execution = engine.execute(
                    H256::repeat_byte(9),
                    &mut || Some(wasm.clone()),
                    Entry::Call,
                    &frame,
                    &mut host,
                    FUEL,
                );
                assert!(matches!(black_box(execution.outcome), Outcome::Revert(_)));
            });
        });
    }
    criterion.bench_function("execution stack, there and back", |bencher| {
        bencher.iter(|| run_on_execution_stack(|| black_box(1)));
    });
}

criterion_group!(benches, calls);
criterion_main!(benches);
