//! A contract that does what its input says: the first byte chooses, the rest is data.

use alloy_primitives::{Bytes, TxKind, hex};
use serde_json::{Value, json};

use super::{TestNode, TransferFields, sign};

/// Returns the input behind the first byte.
pub const ECHO: u8 = 0;
/// Reverts with the input behind the first byte.
pub const REVERT: u8 = 1;
/// Traps.
pub const TRAP: u8 = 2;
/// Logs: one topic of 32 bytes, the rest as data.
pub const LOG: u8 = 3;
/// Stores: 32 bytes of key, 32 bytes of value.
pub const STORE: u8 = 4;
/// Loops until its gas is gone.
pub const LOOP: u8 = 5;

const WAT: &str = r#"
(module
  (import "esker_v1" "input_size" (func $input_size (result i32)))
  (import "esker_v1" "input_copy" (func $input_copy (param i32 i32 i32)))
  (import "esker_v1" "finish" (func $finish (param i32 i32)))
  (import "esker_v1" "revert" (func $revert (param i32 i32)))
  (import "esker_v1" "storage_store" (func $storage_store (param i32 i32)))
  (import "esker_v1" "log" (func $log (param i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (func (export "call") (local $size i32) (local $what i32)
    (local.set $size (call $input_size))
    (call $input_copy (i32.const 0) (i32.const 0) (local.get $size))
    (local.set $what (i32.load8_u (i32.const 0)))
    (if (i32.eq (local.get $what) (i32.const 1))
      (then (call $revert (i32.const 1) (i32.sub (local.get $size) (i32.const 1)))))
    (if (i32.eq (local.get $what) (i32.const 2)) (then (unreachable)))
    (if (i32.eq (local.get $what) (i32.const 3))
      (then
        (call $log (i32.const 1) (i32.const 1) (i32.const 33) (i32.sub (local.get $size) (i32.const 33)))
        (call $finish (i32.const 0) (i32.const 0))))
    (if (i32.eq (local.get $what) (i32.const 4))
      (then
        (call $storage_store (i32.const 1) (i32.const 33))
        (call $finish (i32.const 0) (i32.const 0))))
    (if (i32.eq (local.get $what) (i32.const 5)) (then (loop $forever (br $forever))))
    (call $finish (i32.const 1) (i32.sub (local.get $size) (i32.const 1)))))
"#;

/// The deploy payload.
pub fn payload() -> Bytes {
    let wasm = wat::parse_str(WAT).expect("the text is a module");
    let (limits, costs) = (esker_vm::abi::Limits::V1, esker_vm::abi::MeterCosts::V1);
    let accepted = esker_vm::instrument::prepare_module(&wasm, &limits, &costs);
    accepted.unwrap_or_else(|reason| panic!("the chain refuses the probe: {reason}"));
    esker_vm::envelope::encode(&wasm).into()
}

/// Input that makes the contract do `what`.
pub fn input(what: u8, rest: &[u8]) -> String {
    hex::encode_prefixed([&[what], rest].concat())
}

/// Deploys the contract from the first account, whose nonce is `nonce`, and returns its address.
pub async fn deploy(node: &TestNode, nonce: u64) -> Value {
    let fields =
        TransferFields { nonce, to: TxKind::Create, input: payload(), gas: 5_000_000, ..TransferFields::default() };
    let hash = node.send(&sign(&node.signer(0), fields)).await;
    let receipt = node.receipt(hash).await;
    assert_eq!(receipt["status"], json!("0x1"), "{receipt:#}");
    receipt["contractAddress"].clone()
}
