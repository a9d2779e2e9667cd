;; Logs in a loop. The input: whether to stop in time (one byte), and the bytes of data of a log (four, little-endian).
(module
  (import "esker_v1" "input_copy" (func $input_copy (param i32 i32 i32)))
  (import "esker_v1" "gas_left" (func $gas_left (result i64)))
  (import "esker_v1" "log" (func $log (param i32 i32 i32 i32)))
  (memory (export "memory") 2)
  (func (export "call")
    (local $bytes i32) (local $before i64) (local $price i64)
    (call $input_copy (i32.const 0) (i32.const 0) (i32.const 5))
    (local.set $bytes (i32.load offset=1 (i32.const 0)))
    (loop $again
      (local.set $before (call $gas_left))
      (call $log (i32.const 0) (i32.const 4) (i32.const 0) (local.get $bytes))
      (local.set $price (i64.sub (local.get $before) (call $gas_left)))
      (br_if $again (i32.eqz (i32.load8_u (i32.const 0))))
      (br_if $again (i64.gt_u (call $gas_left) (i64.mul (local.get $price) (i64.const 2)))))))
