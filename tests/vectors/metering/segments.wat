;; expect: returned, fuel 932200
;; Blocks that merge, an if whose arms share a part, an escape, a br_table, a trap that is not taken.
(module
  (memory (export "memory") 1)
  (func $mixed (param $n i32) (result i32)
    (local $r i32)
    (block $out
      (block $in
        (br_if $in (i32.eqz (local.get $n)))
        (local.set $r (i32.mul (local.get $n) (i32.const 3))))
      (if (i32.and (local.get $n) (i32.const 1))
        (then (local.set $r (i32.add (local.get $r) (i32.const 1))))
        (else (local.set $r (i32.rem_u (local.get $r) (i32.const 7)))))
      (br_if $out (i32.gt_u (local.get $r) (i32.const 20)))
      (if (i32.gt_u (local.get $r) (i32.const 1000)) (then (unreachable)))
      (block $a (block $b (block $c (br_table $a $b $c (local.get $n))) (nop)) (nop) (nop))
      (return (i32.xor (local.get $r) (i32.const 5))))
    (i32.sub (local.get $r) (i32.const 2)))
  (func (export "call")
    (local $i i32)
    (loop $next
      (i32.store (i32.shl (local.get $i) (i32.const 2)) (call $mixed (local.get $i)))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 12))))))
