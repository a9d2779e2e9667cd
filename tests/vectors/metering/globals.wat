;; expect: returned, fuel 1597850
;; A counter in a global, and two that change places: what the schedules differ in.
(module
  (memory (export "memory") 1)
  (global $count (mut i64) (i64.const 0))
  (global $left (mut i64) (i64.const 1))
  (global $right (mut i64) (i64.const 2))
  (func (export "call") (local $i i32)
    (loop $again
      (global.set $count (i64.add (global.get $count) (global.get $left)))
      (global.get $left)
      (global.set $left (global.get $right))
      (global.set $right)
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 100)))
    )
    (if (i64.ne (global.get $count) (i64.const 150)) (then unreachable))
  )
)
