//! Deployments and loading from disk: what cannot be repeated inside one frame.
//!
//! A deployment's figure is the processor time of the whole transaction, which pays for more than compiling. Each repetition deploys
//! another module, since a module that was compiled once is kept.

use std::time::Duration;

use alloy_primitives::{Bytes, TxKind, U256};
use esker_vm::abi::FUEL_PER_GAS;
use esker_vm::{Engine, envelope};

use crate::engines::{self, Code, Tier, account};
use crate::report::Row;
use crate::world::World;

/// Gas of a deployment; no block is as large.
const GAS: u64 = 1 << 40;

/// A module and what its constructor is given.
struct Deployment {
    case: &'static str,
    wasm: Vec<u8>,
    arguments: Vec<u8>,
    /// The optimising compiler does not get it at all, or takes too long to wait for.
    baseline_only: bool,
}

fn artifact(name: &str) -> Vec<u8> {
    let path = format!("{}/../tests/vectors/artifacts/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("the committed artifact is there");
    let artifact: serde_json::Value = serde_json::from_str(&text).expect("the committed artifact is JSON");
    let payload: Bytes = serde_json::from_value(artifact["bytecode"].clone()).expect("the artifact has bytecode");
    envelope::decode_code(&payload, u32::MAX).expect("an envelope")
}

/// `abi.encode(string, string, uint256)`.
pub fn token_arguments(supply: u64) -> Vec<u8> {
    let number = |number: u64| U256::from(number).to_be_bytes::<32>();
    let text = |text: &str| {
        let mut padded = [0; 32];
        padded[..text.len()].copy_from_slice(text.as_bytes());
        padded
    };
    [number(0x60), number(0xa0), number(supply), number(4), text("Gold"), number(3), text("GLD")].concat()
}

/// `abi.encode(string, string)`.
pub fn names() -> Vec<u8> {
    let mut arguments = token_arguments(0);
    arguments.drain(64..96);
    (arguments[31], arguments[63]) = (0x40, 0x80);
    arguments
}

/// Processor time of all threads of this process: compiling uses more than one, and the machine may be busy.
pub fn processor_time() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").expect("a Linux system");
    let of = |task: std::fs::DirEntry| {
        let text = std::fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
        text.split(' ').next().and_then(|nanoseconds| nanoseconds.parse().ok()).unwrap_or(0)
    };
    Duration::from_nanos(tasks.filter_map(Result::ok).map(of).sum())
}

/// The token's deploy payload without arguments.
pub fn token_payload() -> Vec<u8> {
    envelope::encode(&artifact("Erc20"))
}

/// The collection's deploy payload without arguments.
pub fn nft_payload() -> Vec<u8> {
    envelope::encode(&artifact("Erc721"))
}

fn module(items: &str) -> Vec<u8> {
    wat::parse_str(format!(r#"(module (memory (export "memory") 1) (func (export "call")) {items})"#))
        .expect("valid text")
}

fn deployments() -> Vec<Deployment> {
    let ordinary = |case, wasm, arguments| Deployment { case, wasm, arguments, baseline_only: false };
    let hostile =
        |case, items: &str| Deployment { case, wasm: module(items), arguments: Vec::new(), baseline_only: true };
    let eight = format!("(param {}) (result {})", "i64 ".repeat(8), "i64 ".repeat(8));
    let given: String = (0..8).map(|index| format!("(local.get {index})")).collect();
    let in_four = |body: &str| format!("(func {eight} {given} {body})").repeat(4);
    let functions: String = (0..40)
        .map(|index| {
            let steps = "(local.set 1 (i64.xor (i64.rotl (local.get 1) (i64.const 13)) (i64.load (local.get 0))))
                (if (i64.eqz (local.get 1)) (then (i64.store offset=8 (local.get 0) (local.get 1))))"
                .repeat(24);
            format!("(func (param i32 i64) (result i64) {steps} (i64.add (local.get 1) (i64.const {index})))")
        })
        .collect();
    vec![
        ordinary("ERC-20", artifact("Erc20"), token_arguments(1_000_000)),
        ordinary("ERC-721", artifact("Erc721"), names()),
        ordinary("40 functions of arithmetic and branches", module(&functions), Vec::new()),
        hostile("3,990 empty functions", &"(func)".repeat(3_990)),
        hostile(
            "600 functions in the table",
            &format!(
                "{} (table 600 600 funcref) (elem (i32.const 0) {})",
                (0..600).map(|index| format!("(func $f{index} (result i64) (i64.const {index}))")).collect::<String>(),
                (0..600).map(|index| format!("$f{index} ")).collect::<String>()
            ),
        ),
        hostile(
            "4 functions of 2,800 call_indirect 8 to 8",
            &format!(
                "(type $t (func {eight})) (table 1 1 funcref) {}",
                in_four(&"(call_indirect (type $t) (i32.const 0)) ".repeat(2_800))
            ),
        ),
        hostile(
            "4 functions of 5,000 calls 8 to 8",
            &format!("(func $f {eight} {given}) {}", in_four(&"(call $f) ".repeat(5_000))),
        ),
        hostile(
            "2 functions of 6,000 memory.fill",
            &format!(
                "(func (param i32 i32 i32) {0}) (func (param i32 i32 i32) {0})",
                "(memory.fill (local.get 0) (i32.const 0) (local.get 1))".repeat(6_000)
            ),
        ),
    ]
}

/// The module with a custom section that makes it another one: nothing in it changes but its hash.
fn another(wasm: &[u8], number: u64) -> Vec<u8> {
    let mut section = vec![0, 10, 1, b'n'];
    section.extend_from_slice(&number.to_le_bytes());
    [wasm, &section].concat()
}

pub fn measure(tiers: &[Tier], repeats: u32, only: Option<&str>) -> Vec<Row> {
    let mut rows = Vec::new();
    let world = World::new(Vec::new(), 1, crate::world::GAS_LIMIT);
    let engines: Vec<Engine> = tiers.iter().map(|tier| tier.engine()).collect();
    let mut number = 0;
    for deployment in deployments().into_iter().filter(|deployment| crate::wanted(only, "deploy", deployment.case)) {
        let repeats = if deployment.baseline_only { repeats.min(3) } else { repeats };
        let mut row = Row { class: "deploy".into(), case: deployment.case.into(), fuel: 0.0, nanoseconds: Vec::new() };
        for (engine, tier) in engines.iter().zip(tiers) {
            if deployment.baseline_only && *tier != Tier::Baseline {
                continue;
            }
            let mut best = Duration::MAX;
            for _ in 0..repeats {
                number += 1;
                let payload =
                    [envelope::encode(&another(&deployment.wasm, number)), deployment.arguments.clone()].concat();
                let transaction = world.transaction(TxKind::Create, GAS, payload.into());
                let begun = processor_time();
                let (_, gas, success) = engines::push(engine, &world.view, &world.config, &world.env, transaction);
                let time = processor_time().saturating_sub(begun);
                assert!(success, "deploying {} failed", deployment.case);
                best = best.min(time);
                row.fuel = (gas * FUEL_PER_GAS) as f64;
            }
            row.nanoseconds.push((*tier, best.as_secs_f64() * 1e9));
        }
        eprintln!("{}", row.brief());
        rows.push(row);
    }
    if crate::wanted(only, "load", "from disk") {
        for (case, functions) in [
            ("a small contract", 1),
            ("a contract of 24 KiB that deflates well", 300),
            ("a contract of 240 KiB that deflates well", 3_000),
        ] {
            rows.push(loading(tiers, repeats, case, functions));
            eprintln!("{}", rows[rows.len() - 1].brief());
        }
    }
    rows
}

/// Contracts that are called once each, with a memory cache that holds none: what the calls of n more contracts add.
fn loading(tiers: &[Tier], repeats: u32, case: &str, functions: usize) -> Row {
    const CONTRACTS: u16 = 12;
    let body = "(local.set 0 (i64.xor (local.get 0) (i64.const 77))) ".repeat(10);
    let items = format!("(func (param i64) (result i64) {body} (local.get 0))").repeat(functions);
    let codes: Vec<Code> = (0..CONTRACTS).map(|number| Code::of(&another(&module(&items), number.into()))).collect();
    // Calls the contracts from the number in the input down to 1.
    let caller = format!(
        r#"(module (import "esker_v1" "input_copy" (func $input (param i32 i32 i32)))
            (import "esker_v1" "static_call" (func $call (param i64 i32 i32 i32) (result i32)))
            (memory (export "memory") 1)
            (data (i32.const 64) "{}")
            (func (export "call") (local $i i32)
                (call $input (i32.const 0) (i32.const 0) (i32.const 4))
                (local.set $i (i32.load (i32.const 0)))
                (loop $l (i32.store8 (i32.const 83) (local.get $i))
                    (drop (call $call (i64.const 1000000) (i32.const 64) (i32.const 0) (i32.const 0)))
                    (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))))"#,
        account(0).iter().map(|byte| format!("\\{byte:02x}")).collect::<String>()
    );
    let caller = Code::of(&wat::parse_str(&caller).expect("valid text"));
    let mut contracts = vec![(account(0x100), caller.envelope.clone())];
    contracts.extend(codes.iter().zip(1..).map(|(code, number)| (account(number), code.envelope.clone())));
    let world = World::new(contracts, 1, crate::world::GAS_LIMIT);
    let mut row = Row { class: "load".into(), case: case.into(), fuel: 0.0, nanoseconds: Vec::new() };
    for tier in tiers {
        let folder = tempfile::tempdir().expect("a folder");
        let engine = tier.forgetful(folder.path());
        codes.iter().chain([&caller]).for_each(|code| {
            engines::compile(&engine, code);
        });
        let counts = [CONTRACTS / 2, CONTRACTS];
        let (mut best, mut gas) = ([Duration::MAX; 2], [0; 2]);
        for _ in 0..repeats {
            for (index, count) in counts.into_iter().enumerate() {
                let input = u32::from(count).to_le_bytes().to_vec();
                let transaction = world.transaction(TxKind::Call(account(0x100)), GAS, input.into());
                let (time, used, success) = engines::push(&engine, &world.view, &world.config, &world.env, transaction);
                assert!(success, "{case}");
                best[index] = best[index].min(time);
                gas[index] = used;
            }
        }
        let more = f64::from(counts[1] - counts[0]);
        row.fuel = ((gas[1] - gas[0]) * FUEL_PER_GAS) as f64 / more;
        row.nanoseconds.push((*tier, best[1].saturating_sub(best[0]).as_secs_f64() * 1e9 / more));
    }
    row
}
