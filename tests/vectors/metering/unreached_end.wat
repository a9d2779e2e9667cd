;; expect: returned, fuel 7193300
;; The frame formula: an end that nothing reaches leaves no operands, so the highest stack of $deep is two values, not eight.
;; The deepest that fits: 427 frames of 153 units and one of 136.
(module
  (memory (export "memory") 1)
  (func $deep (param $n i32)
    (if (local.get $n) (then (call $deep (i32.sub (local.get $n) (i32.const 1)))))
    (if (i32.const 0) (then
      (block (result i64 i64 i64 i64 i64 i64 i64 i64) (unreachable))
      (unreachable))))
  (func (export "call") (call $deep (i32.const 426))))
