;; What keccak.wat computes, with the machine's own hash function: 1,000 times keccak-256 of the 1 KiB at 1024, its first
;; 32 bytes replaced by each hash. $hash (from, bytes, to) is defined by the machine's module.
(func $kernel
  (local $i i32)
  ;; 32 words, the numbers 1 to 32.
  (loop $fill
    (i32.store8 offset=1055 (i32.shl (local.get $i) (i32.const 5)) (i32.add (local.get $i) (i32.const 1)))
    (br_if $fill (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 32))))
  (local.set $i (i32.const 0))
  (loop $again
    (call $hash (i32.const 1024) (i32.const 1024) (i32.const 1024))
    (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1000))))
  (i64.store (i32.const 32) (i64.load (i32.const 1024)))
  (i64.store (i32.const 40) (i64.load (i32.const 1032)))
  (i64.store (i32.const 48) (i64.load (i32.const 1040)))
  (i64.store (i32.const 56) (i64.load (i32.const 1048))))
