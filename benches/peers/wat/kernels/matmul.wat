;; Product of two 64 x 64 matrices of i64, folded into one number. The matrices stand at 1024, 8 bytes a number.
(func $kernel
  (local $i i32) (local $j i32) (local $k i32) (local $sum i64) (local $a i32) (local $b i32) (local $folded i64)
  (loop $fill
    (i64.store offset=1024 (local.get $i)
      (i64.mul (i64.extend_i32_u (local.get $i)) (i64.const 0x9e3779b97f4a7c15)))
    (br_if $fill (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 8))) (i32.const 65536))))
  (local.set $i (i32.const 0))
  (loop $rows
    (local.set $j (i32.const 0))
    (loop $columns
      (local.set $sum (i64.const 0))
      (local.set $k (i32.const 0))
      (local.set $a (i32.shl (local.get $i) (i32.const 9)))
      (local.set $b (i32.add (i32.const 32768) (i32.shl (local.get $j) (i32.const 3))))
      (loop $inner
        (local.set $sum
          (i64.add (local.get $sum)
            (i64.mul (i64.load offset=1024 (local.get $a)) (i64.load offset=1024 (local.get $b)))))
        (local.set $a (i32.add (local.get $a) (i32.const 8)))
        (local.set $b (i32.add (local.get $b) (i32.const 512)))
        (br_if $inner (i32.lt_u (local.tee $k (i32.add (local.get $k) (i32.const 1))) (i32.const 64))))
      (local.set $folded (i64.add (i64.mul (local.get $folded) (i64.const 31)) (local.get $sum)))
      (br_if $columns (i32.lt_u (local.tee $j (i32.add (local.get $j) (i32.const 1))) (i32.const 64))))
    (br_if $rows (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 64))))
  (call $result (local.get $folded)))
