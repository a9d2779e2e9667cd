//! One host call from a guest made for it, and a host that writes down what it is asked.

use std::cell::RefCell;
use std::sync::Arc;

use esker_abi::{HostFunction, HostFunctionId, Param};
use primitive_types::{H160, H256, U256};

use crate::compile::CompiledModule;
use crate::config::Level;
use crate::instance::{FrameRules, run};
use crate::tier::Tier;
use crate::{
    BlockContext, CallRequest, CallResult, CreateRequest, CreateResult, EngineConfig, EngineKind, Entry, Frame, Host,
    HostError, Log, Meter, ModuleFacts, Outcome, TransactionContext,
};

/// The guest's memory: one page.
pub(super) const MEMORY: u64 = 65_536;
/// Most bytes of output that the rules of these frames allow.
pub(super) const OUTPUT_BYTES_MAX: u32 = 1 << 20;
/// Where the guest stores the call's result.
const RESULT: u64 = 0;

/// Writes down everything that it is asked for, with its arguments.
struct Recorder {
    transaction: TransactionContext,
    block: BlockContext,
    asked: RefCell<Vec<String>>,
}

impl Recorder {
    fn new() -> Self {
        let transaction =
            TransactionContext { origin: H160::repeat_byte(0x11), gas_price: U256::from_big_endian(&[0x12; 32]) };
        let block = BlockContext {
            number: 0x21,
            timestamp: 0x22,
            gas_limit: 0x23,
            base_fee: U256::from_big_endian(&[0x24; 32]),
            coinbase: H160::repeat_byte(0x25),
            prevrandao: H256::repeat_byte(0x26),
            chain_id: 0x27,
        };
        Self { transaction, block, asked: RefCell::default() }
    }

    fn note(&self, question: String) {
        self.asked.borrow_mut().push(question);
    }
}

impl Host for Recorder {
    fn transaction(&self) -> &TransactionContext {
        self.note("context transaction".to_owned());
        &self.transaction
    }
    fn block(&self) -> &BlockContext {
        self.note("context block".to_owned());
        &self.block
    }
    fn block_hash(&mut self, number: u64) -> Result<H256, HostError> {
        self.note(format!("block_hash {number}"));
        Ok(H256::repeat_byte(0x31))
    }
    fn storage_load(&mut self, key: H256, _: &mut Meter) -> Result<H256, HostError> {
        self.note(format!("storage_load {key:?}"));
        Ok(H256::repeat_byte(0x32))
    }
    fn storage_store(&mut self, key: H256, value: H256, _: &mut Meter) -> Result<(), HostError> {
        self.note(format!("storage_store {key:?} {value:?}"));
        Ok(())
    }
    fn transient_load(&mut self, key: H256, _: &mut Meter) -> Result<H256, HostError> {
        self.note(format!("transient_load {key:?}"));
        Ok(H256::repeat_byte(0x33))
    }
    fn transient_store(&mut self, key: H256, value: H256, _: &mut Meter) -> Result<(), HostError> {
        self.note(format!("transient_store {key:?} {value:?}"));
        Ok(())
    }
    fn balance(&mut self, account: H160, _: &mut Meter) -> Result<U256, HostError> {
        self.note(format!("balance {account:?}"));
        Ok(U256::from_big_endian(&[0x34; 32]))
    }
    fn code_hash(&mut self, account: H160, _: &mut Meter) -> Result<H256, HostError> {
        self.note(format!("code_hash {account:?}"));
        Ok(H256::repeat_byte(0x35))
    }
    fn code_size(&mut self, account: H160, _: &mut Meter) -> Result<u32, HostError> {
        self.note(format!("code_size {account:?}"));
        Ok(0x36)
    }
    fn log(&mut self, log: Log, _: &mut Meter) -> Result<(), HostError> {
        self.note(format!("{log:?}"));
        Ok(())
    }
    fn call(&mut self, request: CallRequest<'_>, _: &mut Meter) -> Result<CallResult, HostError> {
        self.note(format!("{request:?}"));
        Ok(CallResult::Success(vec![0x37; 64]))
    }
    fn create(&mut self, request: CreateRequest<'_>, _: &mut Meter) -> Result<CreateResult, HostError> {
        self.note(format!("{request:?}"));
        Ok(CreateResult::Success(H160::repeat_byte(0x38)))
    }
}

/// One call of a row.
pub(super) struct Call<'a> {
    pub(super) row: &'static HostFunction,
    pub(super) args: &'a [u64],
    /// Handed over unlooked at, so it may be below zero.
    pub(super) fuel: i64,
    /// What the guest does before, in wat.
    pub(super) before: &'a str,
}

/// How the frame that made the call ended.
pub(super) struct Ended {
    /// If the call came back: the whole memory as the guest's output, except after `set_output`.
    pub(super) outcome: Outcome,
    pub(super) fuel_left: u64,
    /// What the host was asked for, in order.
    pub(super) asked: Vec<String>,
}

impl std::fmt::Debug for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = |bytes: &[u8]| format!("{} bytes", bytes.len());
        match &self.outcome {
            Outcome::Return(output) => write!(f, "Return({})", bytes(output)),
            Outcome::Revert(output) => write!(f, "Revert({})", bytes(output)),
            other => write!(f, "{other:?}"),
        }?;
        write!(f, ", {} fuel left, asked for {:?}", self.fuel_left, self.asked)
    }
}

impl Ended {
    /// The fuel that the call left, if it was served.
    pub(super) fn fuel_left(&self) -> Option<u64> {
        matches!(self.outcome, Outcome::Return(_) | Outcome::Revert(_)).then_some(self.fuel_left)
    }

    /// How often the host was asked for more than what it holds ready for the whole transaction.
    pub(super) fn effects(&self) -> usize {
        self.asked.iter().filter(|question| !question.starts_with("context")).count()
    }
}

/// A compiler with the table linked.
pub(super) struct Bench {
    tier: Tier,
}

impl Bench {
    pub(super) fn new(kind: EngineKind, level: Level) -> Self {
        let (execution_sessions, simulation_sessions) = (1, 0);
        let config = EngineConfig { execution_sessions, simulation_sessions, ..EngineConfig::with_kind(kind) };
        Self { tier: Tier::new(&config, level).expect("the engine starts") }
    }

    pub(super) fn all() -> Vec<Self> {
        [EngineKind::Cranelift, EngineKind::Pulley]
            .into_iter()
            .flat_map(|kind| [Level::Baseline, Level::Optimised].map(|level| Self::new(kind, level)))
            .collect()
    }

    pub(super) fn call(&self, call: &Call<'_>) -> Ended {
        let module = self.tier.compile(&guest(call)).expect("valid wasm");
        let facts = ModuleFacts {
            module_bytes: 0,
            complexity: 0,
            has_constructor: false,
            initial_pages: 1,
            maximum_pages: 1,
            table_entries: 0,
            data_segments: 0,
            data_bytes: 0,
            optimizable: true,
        };
        let module = CompiledModule::link(&self.tier, facts, [].into(), None, module).map(Arc::new).expect("links");
        let rules = FrameRules {
            start_fuel: 0,
            stack_units: 1,
            output_bytes_max: OUTPUT_BYTES_MAX,
            log_topics_max: esker_abi::Limits::V1.log_topics_max,
        };
        let frame = Frame {
            address: H160::repeat_byte(0x41),
            caller: H160::repeat_byte(0x42),
            value: U256::from_big_endian(&[0x43; 32]),
            input: vec![0x44; 64],
            ..Frame::default()
        };
        let mut host = Recorder::new();
        let execution = run(&module, None, rules, Entry::Call, &frame, &mut host, 1);
        Ended { outcome: execution.outcome, fuel_left: execution.fuel_left, asked: host.asked.into_inner() }
    }
}

/// A module that makes the call, keeps its result at [`RESULT`], returns its memory and the fuel that the call left.
fn guest(call: &Call<'_>) -> Vec<u8> {
    let Call { row, args, fuel, before } = call;
    let kind = |param: Param| if param == Param::I64 { "i64" } else { "i32" };
    let params: String = row.params.iter().map(|(_, param)| format!("{} ", kind(*param))).collect();
    let result = row.result.map_or("", kind);
    let constant = |((_, param), value): (&(&str, Param), &u64)| match *param {
        Param::I64 => format!("(i64.const {}) ", *value as i64),
        _ => format!("(i32.const {}) ", *value as u32 as i32),
    };
    let values: String = row.params.iter().zip(*args).map(constant).collect();
    let keep = match row.result {
        Some(result) => {
            let kind = kind(result);
            format!("(local.set $result) ({kind}.store (i32.const {RESULT}) (local.get $result))")
        }
        None => String::new(),
    };
    let show = if row.id == HostFunctionId::set_output {
        String::new()
    } else {
        format!("(drop (call $set_output (i32.const 0) (i32.const {MEMORY}) (i64.const {})))", 1u64 << 50)
    };
    let text = format!(
        r#"(module
            (import "esker_v1" "{}" (func $f (param {params} i64) (result {result} i64)))
            (import "esker_v1" "set_output" (func $set_output (param i32 i32 i64) (result i64)))
            (import "esker_v1" "static_call" (func $static_call (param i64 i32 i32 i32 i64) (result i32 i64)))
            (memory (export "memory") 1 1)
            (global (export "esker_halt") (mut i32) (i32.const 0))
            (func (export "call") (param i64 i32) (result i64) (local $left i64) (local $result {})
                {before}
                (call $f {values} (i64.const {fuel}))
                (local.set $left) {keep} {show}
                (local.get $left)))"#,
        row.name,
        if result.is_empty() { "i32" } else { result },
    );
    wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// What must happen before `row` can be served: return data are there to copy only after a call.
pub(super) fn before(row: &HostFunction) -> String {
    if row.id != HostFunctionId::return_data_copy {
        return String::new();
    }
    let zeros = "(i32.const 0) ".repeat(3);
    format!("(call $static_call (i64.const 0) {zeros} (i64.const {})) (drop) (drop)", 1u64 << 50)
}

/// Arguments with which the row does its work: pointers 1 KiB apart to zeros inside the page, `length` as the length.
pub(super) fn arguments(row: &HostFunction, length: u64) -> Vec<u64> {
    let value = |(place, (_, kind)): (u64, &(&str, Param))| match kind {
        Param::Ptr | Param::Mut => 1_024 * place,
        Param::Offset | Param::I64 => 0,
        Param::Len => length,
        Param::I32 => 1,
    };
    (1..).zip(row.params).map(value).collect()
}

/// The same with every pointer far outside memory.
pub(super) fn wild(row: &HostFunction, length: u64) -> Vec<u64> {
    let mut args = arguments(row, length);
    for (value, (_, kind)) in args.iter_mut().zip(row.params) {
        if matches!(kind, Param::Ptr | Param::Mut) {
            *value = u64::from(u32::MAX);
        }
    }
    args
}
