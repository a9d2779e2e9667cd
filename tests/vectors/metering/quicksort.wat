;; expect: returned, fuel 2362506600
;; Quicksort of 4,096 pseudo-random i32 numbers.
(module
  (memory (export "memory") 1)
  ;; Sorts the words from $low to $high, addresses of the first and the last.
  (func $sort (param $low i32) (param $high i32)
    (local $i i32) (local $j i32) (local $pivot i32) (local $a i32) (local $b i32)
    (if (i32.ge_s (local.get $low) (local.get $high)) (then (return)))
    (local.set $pivot
      (i32.load (i32.and (i32.shr_u (i32.add (local.get $low) (local.get $high)) (i32.const 1)) (i32.const -4))))
    (local.set $i (local.get $low))
    (local.set $j (local.get $high))
    (block $done
      (loop $partition
        (loop $up
          (if (i32.lt_u (local.tee $a (i32.load (local.get $i))) (local.get $pivot))
            (then
              (local.set $i (i32.add (local.get $i) (i32.const 4)))
              (br $up))))
        (loop $down
          (if (i32.gt_u (local.tee $b (i32.load (local.get $j))) (local.get $pivot))
            (then
              (local.set $j (i32.sub (local.get $j) (i32.const 4)))
              (br $down))))
        (br_if $done (i32.gt_s (local.get $i) (local.get $j)))
        (i32.store (local.get $i) (local.get $b))
        (i32.store (local.get $j) (local.get $a))
        (local.set $i (i32.add (local.get $i) (i32.const 4)))
        (local.set $j (i32.sub (local.get $j) (i32.const 4)))
        (br_if $partition (i32.le_s (local.get $i) (local.get $j)))))
    (call $sort (local.get $low) (local.get $j))
    (call $sort (local.get $i) (local.get $high)))
  (func (export "call")
    (local $address i32) (local $x i32)
    (local.set $address (i32.const 1024))
    (local.set $x (i32.const 12345))
    (loop $fill
      (local.set $x (i32.add (i32.mul (local.get $x) (i32.const 1664525)) (i32.const 1013904223)))
      (i32.store (local.get $address) (local.get $x))
      (br_if $fill
        (i32.lt_u (local.tee $address (i32.add (local.get $address) (i32.const 4))) (i32.const 17408))))
    (call $sort (i32.const 1024) (i32.const 17404))))
