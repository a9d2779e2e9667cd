//! Modules that attack the compiler: each is refused, or pays for what compiling it takes before it is compiled.

mod everywhere;
#[allow(dead_code, reason = "how far a search may go matters to the search only")]
#[rustfmt::skip]
#[path = "../../../vm/examples/compile_search/shapes.rs"]
mod shapes;
#[path = "../../../runtime/tests/world/mod.rs"]
mod world;

use alloy_primitives::{Bytes, TxKind, U256};
use esker_runtime::Transaction;
use esker_runtime::exec::{ExecutionStatus, intrinsic_gas};
use esker_vm::abi::{FUEL_PER_GAS, Limits, MeterCosts};
use esker_vm::{EngineKind, Halt, Purpose, TierPolicy, envelope};
use everywhere::{engine, everywhere, execute};
use shapes::SHAPES;
use world::*;

/// Gas for every creation: the largest module of the highest complexity takes some 11 million.
const GAS: u64 = 20_000_000;

/// Most machine code that one accepted module may become, in bytes.
const CODE_BYTES_MAX: usize = 8 << 20;

/// Bombs that `shapes` does not start from: shape, numbers, whether it is accepted.
const MORE: &[(&str, &[u32], bool)] = &[
    ("indirect calls", &[4, 13_000, 8, 8], false),
    ("indirect calls", &[4, 11_000, 8, 8], false),
    ("calls", &[4, 32_000, 8, 8], false),
    ("fills", &[1, 6_903, 118], true),
    ("branch tables", &[2, 60, 1_000], true),
    ("functions in table", &[3_999, 32, 8], false),
    ("functions in table", &[3_999, 0, 0], false),
    ("functions", &[3_999, 32, 8], false),
    ("types", &[511, 32, 8], false),
    ("block types", &[511, 24, 8], false),
    ("locals", &[3_999, 500], false),
    ("loops", &[1, 990, 16], true),
];

struct Bomb {
    name: String,
    wasm: Vec<u8>,
    /// What the tests know beforehand: whether the validator accepts it.
    accepted: Option<bool>,
}

fn build(shape: &str, numbers: &[u32], accepted: Option<bool>) -> Bomb {
    let found = SHAPES.iter().find(|candidate| candidate.name == shape).expect("there is such a shape");
    Bomb { name: format!("{shape} {numbers:?}"), wasm: (found.build)(numbers), accepted }
}

fn bombs() -> Vec<Bomb> {
    let starts = SHAPES.iter().flat_map(|shape| shape.starts.iter().map(|numbers| build(shape.name, numbers, None)));
    let more = MORE.iter().map(|(shape, numbers, accepted)| build(shape, numbers, Some(*accepted)));
    starts.chain(more).collect()
}

/// What creating it costs: transaction, bytes and complexity. `None` if it is not acceptable.
fn price(wasm: &[u8], payload: &Bytes) -> Option<u64> {
    let facts = esker_vm::prepare_module(wasm, &Limits::V1, &MeterCosts::V1).ok()?.facts;
    assert!(facts.complexity <= Limits::V1.complexity_max, "the validator bounds complexity");
    let prices = esker_runtime::params::Prices::V1;
    let stream = (payload.len() - envelope::HEADER_BYTES).max(wasm.len()) as u64;
    let intrinsic = intrinsic_gas(TxKind::Create, payload, &Default::default()).base;
    let frame = esker_runtime::params::Prices::V1.frame;
    let work = stream * prices.deploy_byte + (facts.complexity * prices.complexity_unit_fuel).div_ceil(FUEL_PER_GAS);
    Some(intrinsic + frame + work)
}

/// A creation and a transfer behind it.
fn transactions(payload: &Bytes, gas: u64) -> [Transaction; 2] {
    let mut create = transaction(0, TxKind::Create, 0, payload.clone());
    create.gas_limit = gas;
    [signed(0, create), signed(1, transaction(0, TxKind::Call(signer(2)), 1, Bytes::new()))]
}

#[test]
fn every_bomb_is_refused_or_pays_for_its_compiling() {
    let mut refused = 0;
    for bomb in bombs() {
        let payload: Bytes = envelope::encode(&bomb.wasm).into();
        let price = price(&bomb.wasm, &payload);
        let built = everywhere(&bomb.name, &ledger(), &transactions(&payload, GAS));
        let result = &built.results[0];
        println!("{:40} {:10} {:?}", bomb.name, result.gas_used, result.status);
        match price {
            Some(price) => {
                assert_eq!((result.status, result.gas_used), (ExecutionStatus::Success, price), "{}", bomb.name);
            }
            None => {
                refused += 1;
                let end = ExecutionStatus::Halt(Halt::IllegalModule);
                assert_eq!((result.status, result.gas_used), (end, GAS), "{}", bomb.name);
            }
        }
        assert!(bomb.accepted.is_none_or(|accepted| accepted == price.is_some()), "{}", bomb.name);
        assert!(built.results[1].status.is_success(), "the block goes on after {}", bomb.name);
        assert_eq!(built.changes.accounts[&signer(2)].after.expect("it has coins").balance, FUNDS + U256::from(1));
    }
    assert!(refused > 0, "some bombs are over the limit");
}

/// The work is counted, not timed: what does not pay is not compiled, what pays is compiled once and stays small.
#[test]
fn nothing_is_compiled_before_it_is_paid_for() {
    let engine = engine(EngineKind::Cranelift, TierPolicy::Baseline);
    for bomb in bombs() {
        let payload: Bytes = envelope::encode(&bomb.wasm).into();
        let Some(price) = price(&bomb.wasm, &payload) else { continue };
        let before = engine.module_counts().compiled;
        let short = execute(&engine, &ledger(), &transactions(&payload, price - 1));
        let result = &short.results[0];
        assert_eq!(result.status, ExecutionStatus::Halt(Halt::OutOfGas), "{}", bomb.name);
        assert_eq!(result.gas_used, price - 1, "{}: all of it is paid", bomb.name);
        assert_eq!(engine.module_counts().compiled, before, "{} was compiled unpaid", bomb.name);

        let (_, held) = engine.cached(Purpose::Execution);
        let enough = execute(&engine, &ledger(), &transactions(&payload, price));
        assert_eq!(enough.results[0].status, ExecutionStatus::Success, "{}", bomb.name);
        assert_eq!(engine.module_counts().compiled, before + 1, "{}", bomb.name);
        let (_, holds) = engine.cached(Purpose::Execution);
        let code_bytes = holds.saturating_sub(held);
        assert!(code_bytes <= CODE_BYTES_MAX, "{} became {code_bytes} bytes of code", bomb.name);
    }
}
