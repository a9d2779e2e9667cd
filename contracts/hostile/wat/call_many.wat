;; Calls many contracts once each. The input: how many (four bytes, little-endian), how much gas each is given (eight bytes),
;; and how often each is called (four bytes). Their addresses: sixteen bytes d0, then their number in four bytes, little-endian.
(module
  (import "esker_v1" "input_copy" (func $input_copy (param i32 i32 i32)))
  (import "esker_v1" "call" (func $call (param i64 i32 i32 i32 i32) (result i32)))
  (import "esker_v1" "set_output" (func $set_output (param i32 i32)))
  (memory (export "memory") 1)
  (func (export "call")
    (local $number i32) (local $times i32) (local $succeeded i32)
    (call $input_copy (i32.const 0) (i32.const 0) (i32.const 16))
    (memory.fill (i32.const 32) (i32.const 0xd0) (i32.const 16))
    (loop $next
      (i32.store (i32.const 48) (local.get $number))
      (local.set $times (i32.load (i32.const 12)))
      (loop $again
        (if (i32.eqz
              (call $call (i64.load (i32.const 4)) (i32.const 32) (i32.const 64) (i32.const 0) (i32.const 0)))
          (then (local.set $succeeded (i32.add (local.get $succeeded) (i32.const 1)))))
        (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))
      (local.set $number (i32.add (local.get $number) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $number) (i32.load (i32.const 0)))))
    (i32.store (i32.const 0) (local.get $succeeded))
    (call $set_output (i32.const 0) (i32.const 4))))
