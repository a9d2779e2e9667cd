;; expect: returned, fuel 4648950
;; Leaves that nothing tests, called in a row and through the table: the caller tests for them.
(module
  (memory (export "memory") 1)
  (type $leaf (func (param i64) (result i64)))
  (table funcref (elem $square $halve))
  (func $square (type $leaf) (i64.mul (local.get 0) (local.get 0)))
  (func $halve (type $leaf) (i64.add (i64.div_u (local.get 0) (i64.const 2)) (i64.const 1)))
  (func (export "call")
    (local $x i64) (local $i i32)
    (local.set $x (i64.const 3))
    (loop $next
      (local.set $x (call $halve (call $square (call $halve (call $square (local.get $x))))))
      (local.set $x (call_indirect (type $leaf) (local.get $x) (i32.and (local.get $i) (i32.const 1))))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 50))))
    (i64.store (i32.const 0) (local.get $x))))
