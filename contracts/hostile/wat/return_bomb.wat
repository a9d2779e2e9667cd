;; Calls itself again and again for as much return data as there can be. The input's first byte is its role: 0 calls 2, which
;; returns them, and leaves them alone; 1 calls 3, which reverts with them, and copies them.
(module
  (import "esker_v1" "input_copy" (func $input_copy (param i32 i32 i32)))
  (import "esker_v1" "address" (func $address (param i32)))
  (import "esker_v1" "call" (func $call (param i64 i32 i32 i32 i32) (result i32)))
  (import "esker_v1" "return_data_copy" (func $return_data_copy (param i32 i32 i32)))
  (import "esker_v1" "finish" (func $finish (param i32 i32)))
  (import "esker_v1" "revert" (func $revert (param i32 i32)))
  (memory (export "memory") 2)
  (func (export "call")
    (local $role i32)
    (call $input_copy (i32.const 0) (i32.const 0) (i32.const 1))
    (local.set $role (i32.load8_u (i32.const 0)))
    (if (i32.eq (local.get $role) (i32.const 2)) (then (call $finish (i32.const 0) (i32.const 131072))))
    (if (i32.eq (local.get $role) (i32.const 3)) (then (call $revert (i32.const 0) (i32.const 131072))))
    (loop $again
      (memory.fill (i32.const 0) (i32.const 0) (i32.const 200))
      (call $address (i32.const 0))
      (i32.store8 (i32.const 100) (i32.add (local.get $role) (i32.const 2)))
      (drop (call $call (i64.const -1) (i32.const 0) (i32.const 64) (i32.const 100) (i32.const 1)))
      (if (local.get $role) (then (call $return_data_copy (i32.const 0) (i32.const 0) (i32.const 131072))))
      (br $again))))
