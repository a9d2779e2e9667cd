//! Walks the table of host functions on instances whose import gets its fuel by hand, without instrumentation.

use std::sync::Arc;

use esker_abi::HostFunctionId;
use primitive_types::{H160, H256, U256};

use super::*;
use crate::compile::{CompiledModule, ModuleFacts, compile};
use crate::instance::{FrameRules, run};
use crate::{
    BlockContext, CallRequest, CallResult, CreateRequest, CreateResult, EngineConfig, EngineKind, Entry, Execution,
    Frame, Host, HostError, Log, Outcome, Prepared, TransactionContext,
};

/// Counts how often it is asked for anything that could be an effect.
#[derive(Default)]
struct Counter {
    transaction: TransactionContext,
    block: BlockContext,
    effects: u32,
}

impl Host for Counter {
    fn transaction(&self) -> &TransactionContext {
        &self.transaction
    }
    fn block(&self) -> &BlockContext {
        &self.block
    }
    fn block_hash(&mut self, _: u64) -> Result<H256, HostError> {
        self.effects += 1;
        Ok(H256::zero())
    }
    fn storage_load(&mut self, _: H256, _: &mut Meter) -> Result<H256, HostError> {
        self.effects += 1;
        Ok(H256::zero())
    }
    fn storage_store(&mut self, _: H256, _: H256, _: &mut Meter) -> Result<(), HostError> {
        self.effects += 1;
        Ok(())
    }
    fn transient_load(&mut self, _: H256, _: &mut Meter) -> Result<H256, HostError> {
        self.effects += 1;
        Ok(H256::zero())
    }
    fn transient_store(&mut self, _: H256, _: H256, _: &mut Meter) -> Result<(), HostError> {
        self.effects += 1;
        Ok(())
    }
    fn balance(&mut self, _: H160, _: &mut Meter) -> Result<U256, HostError> {
        self.effects += 1;
        Ok(U256::zero())
    }
    fn code_hash(&mut self, _: H160, _: &mut Meter) -> Result<H256, HostError> {
        self.effects += 1;
        Ok(H256::zero())
    }
    fn code_size(&mut self, _: H160, _: &mut Meter) -> Result<u32, HostError> {
        self.effects += 1;
        Ok(0)
    }
    fn log(&mut self, _: Log, _: &mut Meter) -> Result<(), HostError> {
        self.effects += 1;
        Ok(())
    }
    fn call(&mut self, _: CallRequest<'_>, _: &mut Meter) -> Result<CallResult, HostError> {
        self.effects += 1;
        Ok(CallResult::Success(vec![1, 2, 3]))
    }
    fn create(&mut self, _: CreateRequest<'_>, _: &mut Meter) -> Result<CreateResult, HostError> {
        self.effects += 1;
        Ok(CreateResult::Success(H160::repeat_byte(5)))
    }
}

struct Bench {
    engine: Engine,
    linker: Linker<FrameState>,
}

impl Bench {
    fn new(kind: EngineKind) -> Self {
        let config = EngineConfig { execution_slots: 2, simulation_slots: 0, ..EngineConfig::with_kind(kind) };
        let engine = Engine::new(&config.wasmtime().expect("valid configuration")).expect("the engine starts");
        let linker = link(&engine).expect("the table links");
        Self { engine, linker }
    }

    fn all() -> [Self; 2] {
        [EngineKind::Cranelift, EngineKind::Pulley].map(Self::new)
    }

    /// Calls `row` once with `args`. The module hands `fuel` over unlooked at, so it may be below zero.
    fn call(&self, row: &HostFunction, args: &[u64], fuel: i64, host: &mut Counter) -> Execution {
        let kind = |param: Param| if param == Param::I64 { "i64" } else { "i32" };
        let params: String = row.params.iter().map(|(_, param)| format!("{} ", kind(*param))).collect();
        let result = row.result.map_or("", kind);
        let values: String = row
            .params
            .iter()
            .zip(args)
            .map(|((_, param), value)| match *param {
                Param::I64 => format!("(i64.const {}) ", *value as i64),
                _ => format!("(i32.const {}) ", *value as u32 as i32),
            })
            .collect();
        let keep = if row.result.is_some() { "(local.set 0) (drop) (local.get 0)" } else { "" };
        let text = format!(
            r#"(module
                (import "esker_v1" "{}" (func $f (param {params} i64) (result {result} i64)))
                (memory (export "memory") 1 1)
                (global (export "esker_halt") (mut i32) (i32.const 0))
                (func (export "call") (param i64 i32) (result i64)
                    (call $f {values} (i64.const {fuel})) {keep}))"#,
            row.name
        );
        let wasm = wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let module = compile(&self.engine, &wasm).expect("valid wasm");
        let prepared = Prepared { complexity: 0, has_constructor: false, module_bytes: 0 };
        let facts = ModuleFacts { prepared, initial_pages: 1, table_entries: 0 };
        let module = Arc::new(CompiledModule::link(&self.linker, &module, facts).expect("links"));
        let rules = FrameRules { start_fuel: 0, stack_units: 1, output_bytes_max: 1 << 20 };
        let frame = Frame { input: vec![0; 64], ..Frame::default() };
        run(&self.engine, &module, rules, Entry::Call, &frame, host, 1)
    }
}

/// Arguments with which the row does its work: pointers to zeros inside the page, `length` as the length.
fn harmless(row: &HostFunction, length: u64) -> Vec<u64> {
    let value = |(name, kind): &(&str, Param)| match kind {
        Param::Ptr | Param::Mut => 1_024,
        Param::Len if *name == "offset" => 0,
        Param::Len => length,
        Param::I32 => 1,
        Param::I64 => 0,
    };
    row.params.iter().map(value).collect()
}

/// The same with every pointer outside memory.
fn wild(row: &HostFunction) -> Vec<u64> {
    let value = |(_, kind): &(&str, Param)| match kind {
        Param::Ptr | Param::Mut => u64::from(u32::MAX),
        Param::Len => 32,
        Param::I32 => 1,
        Param::I64 => 0,
    };
    row.params.iter().map(value).collect()
}

fn left(execution: &Execution) -> Option<u64> {
    match execution.outcome {
        Outcome::Return(_) | Outcome::Revert(_) => Some(execution.fuel_left),
        _ => None,
    }
}

#[test]
fn every_row_works_and_costs_exactly_its_base_and_bytes() {
    const FUEL: i64 = 1 << 50;
    for bench in Bench::all() {
        for row in HOST_FUNCTIONS {
            // There are no return data to copy yet in this frame.
            let lengths = if row.id == HostFunctionId::return_data_copy { [0, 0] } else { [0, 33] };
            for length in lengths {
                let execution = bench.call(row, &harmless(row, length), FUEL, &mut Counter::default());
                let len = if length_param(row).is_some() { length as u32 } else { 0 };
                let expected = FUEL as u64 - price(row, len);
                assert_eq!(left(&execution), Some(expected), "{} with {length} bytes: {execution:?}", row.name);
            }
        }
    }
}

#[test]
fn every_row_is_refused_without_effect_when_fuel_is_below_zero() {
    for bench in Bench::all() {
        for row in HOST_FUNCTIONS {
            for args in [harmless(row, 0), wild(row)] {
                for fuel in [-1, i64::MIN] {
                    let mut host = Counter::default();
                    let execution = bench.call(row, &args, fuel, &mut host);
                    assert_eq!(execution.outcome, Outcome::Halt(Halt::OutOfGas), "{}", row.name);
                    assert_eq!((execution.fuel_left, host.effects), (0, 0), "{}", row.name);
                }
            }
        }
    }
}

#[test]
fn every_row_charges_before_it_reads() {
    for bench in Bench::all() {
        for row in HOST_FUNCTIONS {
            let args = wild(row);
            let price = price(row, if length_param(row).is_some() { 32 } else { 0 }) as i64;
            let mut host = Counter::default();
            let short = bench.call(row, &args, price - 1, &mut host);
            assert_eq!(short.outcome, Outcome::Halt(Halt::OutOfGas), "{} one fuel short", row.name);
            let reads = row.params.iter().any(|(_, kind)| matches!(kind, Param::Ptr | Param::Mut));
            let enough = bench.call(row, &args, price, &mut host);
            if reads {
                assert_eq!(enough.outcome, Outcome::Halt(Halt::InvalidArgument), "{} with wild pointers", row.name);
                assert_eq!(host.effects, 0, "{}: arguments are checked before any effect", row.name);
            } else {
                assert_eq!(left(&enough), Some(0), "{}", row.name);
            }
        }
    }
}

#[test]
fn every_single_pointer_is_checked_on_its_own() {
    let bench = Bench::new(EngineKind::Cranelift);
    for row in HOST_FUNCTIONS {
        for (index, (name, kind)) in row.params.iter().enumerate() {
            if !matches!(kind, Param::Ptr | Param::Mut) {
                continue;
            }
            // Empty ranges and results that are not written are checked as well.
            let mut args = harmless(row, 0);
            args[index] = 65_537;
            let mut host = Counter::default();
            let execution = bench.call(row, &args, 1 << 50, &mut host);
            assert_eq!(execution.outcome, Outcome::Halt(Halt::InvalidArgument), "{}({name})", row.name);
        }
    }
}

#[test]
fn every_row_has_at_most_one_length_and_room_for_its_arguments() {
    for row in HOST_FUNCTIONS {
        let lengths = row.params.iter().filter(|(name, kind)| *kind == Param::Len && *name != "offset").count();
        assert!(lengths <= 1, "{}: which length would be charged?", row.name);
        assert!(row.params.len() <= PARAMS_MAX, "{}: too many parameters", row.name);
        assert_eq!(row.byte_fuel > 0, lengths == 1, "{}: bytes that cross must be charged", row.name);
        assert!(!row.diverges || row.result.is_none(), "{}: a result that never comes", row.name);
        assert!(row.base_fuel > 0, "{}: crossing is not free", row.name);
    }
}

#[test]
fn prices_cannot_wrap() {
    for row in HOST_FUNCTIONS {
        let most = price(row, u32::MAX);
        assert!(most < 1 << 62, "{}: {most}", row.name);
        assert_eq!(most, row.base_fuel + row.byte_fuel * u64::from(u32::MAX), "{}", row.name);
    }
}
