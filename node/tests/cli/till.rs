//! A small contract with an ABI, and its artifact: it takes payments, counts them, refuses and traps when asked to.

use std::path::Path;

use alloy_primitives::{hex, keccak256};
use serde_json::{Value, json};

/// What the contract offers, as signatures and as they stand in the artifact.
const ABI: &str = r#"[
  {"type": "function", "name": "pay", "inputs": [{"name": "to", "type": "address"}, {"name": "amount", "type": "uint256"}], "outputs": [], "stateMutability": "payable"},
  {"type": "function", "name": "total", "inputs": [], "outputs": [{"name": "", "type": "uint256"}], "stateMutability": "view"},
  {"type": "function", "name": "fail", "inputs": [{"name": "code", "type": "uint256"}], "outputs": [], "stateMutability": "nonpayable"},
  {"type": "function", "name": "trap", "inputs": [], "outputs": [], "stateMutability": "nonpayable"},
  {"type": "event", "name": "Paid", "inputs": [{"name": "to", "type": "address", "indexed": true}, {"name": "amount", "type": "uint256", "indexed": false}], "anonymous": false},
  {"type": "error", "name": "Broke", "inputs": [{"name": "code", "type": "uint256"}]}
]"#;

/// The module. The input lies at 1052, so that its first word stands at 1056, its second at 1088.
const WAT: &str = r#"
(module
  (import "esker_v1" "input_size" (func $input_size (result i32)))
  (import "esker_v1" "input_copy" (func $input_copy (param i32 i32 i32)))
  (import "esker_v1" "finish" (func $finish (param i32 i32)))
  (import "esker_v1" "revert" (func $revert (param i32 i32)))
  (import "esker_v1" "storage_load" (func $storage_load (param i32 i32)))
  (import "esker_v1" "storage_store" (func $storage_store (param i32 i32)))
  (import "esker_v1" "log" (func $log (param i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "PAID")
  (data (i32.const 60) "BROKE")
  (func (export "call") (local $method i32)
    (call $input_copy (i32.const 1052) (i32.const 0) (call $input_size))
    (local.set $method (i32.load (i32.const 1052)))
    (if (i32.eq (local.get $method) (i32.const PAY))
      (then
        (memory.copy (i32.const 1024) (i32.const 0) (i32.const 32))
        (call $storage_store (i32.const 512) (i32.const 1088))
        (call $log (i32.const 1024) (i32.const 2) (i32.const 1088) (i32.const 32))
        (call $finish (i32.const 0) (i32.const 0))))
    (if (i32.eq (local.get $method) (i32.const TOTAL))
      (then
        (call $storage_load (i32.const 512) (i32.const 2048))
        (call $finish (i32.const 2048) (i32.const 32))))
    (if (i32.eq (local.get $method) (i32.const FAIL))
      (then
        (memory.copy (i32.const 64) (i32.const 1056) (i32.const 32))
        (call $revert (i32.const 60) (i32.const 36))))
    (unreachable)))
"#;

/// The first four bytes of a signature's hash, as a load of them gives them.
fn selector(signature: &str) -> String {
    let hash = keccak256(signature);
    u32::from_le_bytes([hash[0], hash[1], hash[2], hash[3]]).to_string()
}

fn escaped(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\{byte:02x}")).collect()
}

/// Writes `artifacts/Till.json` into the folder.
pub fn write_artifact(folder: &Path) {
    let wat = WAT
        .replace("PAID", &escaped(keccak256("Paid(address,uint256)").as_slice()))
        .replace("BROKE", &escaped(&keccak256("Broke(uint256)")[..4]))
        .replace("PAY", &selector("pay(address,uint256)"))
        .replace("TOTAL", &selector("total()"))
        .replace("FAIL", &selector("fail(uint256)"));
    let wasm = wat::parse_str(wat).expect("the text is a module");
    let payload = esker_vm::envelope::encode(&wasm);
    let abi: Value = serde_json::from_str(ABI).expect("the text is JSON");
    let artifact = json!({"contractName": "Till", "abi": abi, "bytecode": hex::encode_prefixed(payload)});
    std::fs::create_dir_all(folder.join("artifacts")).expect("the folder is writable");
    std::fs::write(folder.join("artifacts/Till.json"), artifact.to_string()).expect("the folder is writable");
}
