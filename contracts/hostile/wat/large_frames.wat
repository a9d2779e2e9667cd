;; Calls itself as deep as gas allows, each frame with as much memory as a frame can have, all of it touched. Hands out how
;; many frames that made.
(module
  (import "esker_v1" "address" (func $address (param i32)))
  (import "esker_v1" "call" (func $call (param i64 i32 i32 i32 i32) (result i32)))
  (import "esker_v1" "return_data_copy" (func $return_data_copy (param i32 i32 i32)))
  (import "esker_v1" "set_output" (func $set_output (param i32 i32)))
  (memory (export "memory") 8)
  (func (export "call")
    (local $at i32)
    (loop $touch
      (i32.store offset=128 (local.get $at) (i32.const 1))
      (local.set $at (i32.add (local.get $at) (i32.const 4096)))
      (br_if $touch (i32.lt_u (local.get $at) (i32.const 524288))))
    (call $address (i32.const 0))
    (if (i32.eqz (call $call (i64.const -1) (i32.const 0) (i32.const 64) (i32.const 0) (i32.const 0)))
      (then (call $return_data_copy (i32.const 96) (i32.const 0) (i32.const 4))))
    (i32.store (i32.const 96) (i32.add (i32.load (i32.const 96)) (i32.const 1)))
    (call $set_output (i32.const 96) (i32.const 4))))
