;; Burns gas until little more than a creation is left, then creates what its input says, however often that goes. The input:
;; gas to keep (eight bytes, little-endian), then a deploy payload.
(module
  (import "esker_v1" "input_size" (func $input_size (result i32)))
  (import "esker_v1" "input_copy" (func $input_copy (param i32 i32 i32)))
  (import "esker_v1" "gas_left" (func $gas_left (result i64)))
  (import "esker_v1" "create" (func $create (param i32 i32 i32 i32) (result i32)))
  (import "esker_v1" "set_output" (func $set_output (param i32 i32)))
  (memory (export "memory") 4)
  (func $attack
    (local $payload i32)
    (local.set $payload (i32.sub (call $input_size) (i32.const 8)))
    (call $input_copy (i32.const 100) (i32.const 0) (call $input_size))
    (block $burnt
      (loop $burn
        (br_if $burnt (i64.le_u (call $gas_left) (i64.load (i32.const 100))))
        (br $burn)))
    (i32.store (i32.const 64) (call $create (i32.const 0) (i32.const 108) (local.get $payload) (i32.const 32)))
    (call $set_output (i32.const 64) (i32.const 4)))
  (func (export "call") (call $attack))
  (func (export "deploy") (call $attack)))
