;; Calls itself as deep as it goes; on the way back each frame copies what it was given and hands out as much as it can,
;; the number of frames first.
(module
  (import "esker_v1" "address" (func $address (param i32)))
  (import "esker_v1" "call" (func $call (param i64 i32 i32 i32 i32) (result i32)))
  (import "esker_v1" "return_data_size" (func $return_data_size (result i32)))
  (import "esker_v1" "return_data_copy" (func $return_data_copy (param i32 i32 i32)))
  (import "esker_v1" "finish" (func $finish (param i32 i32)))
  (memory (export "memory") 2)
  (func (export "call")
    (call $address (i32.const 100))
    (drop (call $call (i64.const -1) (i32.const 100) (i32.const 64) (i32.const 0) (i32.const 0)))
    (call $return_data_copy (i32.const 0) (i32.const 0) (call $return_data_size))
    (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
    (call $finish (i32.const 0) (i32.const 131072))))
