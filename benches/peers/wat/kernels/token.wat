;; ERC-20's transfer(address,uint256), around six functions that each machine's module defines over its own imports:
;;   $input (dst)                  the 68 bytes of the call's input
;;   $caller (dst)                 the 20-byte address of the caller
;;   $key (address, dst)           the storage key of an account's balance, at most 32 bytes
;;   $load (key, dst)              the balance, 32 bytes big-endian, zero if there is none
;;   $save (key, src)              writes a balance
;;   $transferred (from, to, value)  the Transfer event
;; Input at 1024: selector, then the address's word from 1028 (the address from 1040), then the value from 1060.
;; Caller at 1104, keys at 1152 and 1184, balance at 1216; the machine's functions work from 1280 on.
(func $copy (param $to i32) (param $from i32) (param $bytes i32)
  (local $i i32)
  (loop $words
    (i32.store (i32.add (local.get $to) (local.get $i)) (i32.load (i32.add (local.get $from) (local.get $i))))
    (br_if $words (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 4))) (local.get $bytes)))))
;; The 256-bit numbers at $a and $b, big-endian: a := a + b, giving the carry.
(func $add (param $a i32) (param $b i32) (result i64)
  (local $i i32) (local $x i64) (local $sum i64) (local $carry i64)
  (local.set $i (i32.const 24))
  (loop $limbs
    (local.set $x (call $swap_bytes (i64.load (i32.add (local.get $a) (local.get $i)))))
    (local.set $sum
      (i64.add (local.get $x) (call $swap_bytes (i64.load (i32.add (local.get $b) (local.get $i))))))
    (local.set $x (i64.extend_i32_u (i64.lt_u (local.get $sum) (local.get $x))))
    (local.set $sum (i64.add (local.get $sum) (local.get $carry)))
    (local.set $carry
      (i64.or (local.get $x) (i64.extend_i32_u (i64.lt_u (local.get $sum) (local.get $carry)))))
    (i64.store (i32.add (local.get $a) (local.get $i)) (call $swap_bytes (local.get $sum)))
    (br_if $limbs (i32.ge_s (local.tee $i (i32.sub (local.get $i) (i32.const 8))) (i32.const 0))))
  (local.get $carry))
;; a := a - b, giving the borrow.
(func $subtract (param $a i32) (param $b i32) (result i64)
  (local $i i32) (local $x i64) (local $y i64) (local $difference i64) (local $borrow i64)
  (local.set $i (i32.const 24))
  (loop $limbs
    (local.set $x (call $swap_bytes (i64.load (i32.add (local.get $a) (local.get $i)))))
    (local.set $y (call $swap_bytes (i64.load (i32.add (local.get $b) (local.get $i)))))
    (local.set $difference (i64.sub (local.get $x) (local.get $y)))
    (i64.store (i32.add (local.get $a) (local.get $i))
      (call $swap_bytes (i64.sub (local.get $difference) (local.get $borrow))))
    (local.set $borrow
      (i64.or
        (i64.extend_i32_u (i64.lt_u (local.get $x) (local.get $y)))
        (i64.extend_i32_u (i64.lt_u (local.get $difference) (local.get $borrow)))))
    (br_if $limbs (i32.ge_s (local.tee $i (i32.sub (local.get $i) (i32.const 8))) (i32.const 0))))
  (local.get $borrow))
(func $zero_address (param $a i32) (result i32)
  (i64.eqz
    (i64.or
      (i64.or (i64.load (local.get $a)) (i64.load offset=8 (local.get $a)))
      (i64.load32_u offset=16 (local.get $a)))))
(func $kernel
  (call $input (i32.const 1024))
  ;; The selector a9059cbb, and twelve zero bytes before the address.
  (if (i32.ne (i32.load (i32.const 1024)) (i32.const 0xbb9c05a9)) (then (unreachable)))
  (if (i64.ne (i64.or (i64.load (i32.const 1028)) (i64.load32_u (i32.const 1036))) (i64.const 0)) (then (unreachable)))
  (call $caller (i32.const 1104))
  (if (call $zero_address (i32.const 1104)) (then (unreachable)))
  (if (call $zero_address (i32.const 1040)) (then (unreachable)))
  (call $key (i32.const 1104) (i32.const 1152))
  (call $key (i32.const 1040) (i32.const 1184))
  (call $load (i32.const 1152) (i32.const 1216))
  (if (i64.ne (call $subtract (i32.const 1216) (i32.const 1060)) (i64.const 0)) (then (unreachable)))
  (call $save (i32.const 1152) (i32.const 1216))
  (call $load (i32.const 1184) (i32.const 1216))
  (if (i64.ne (call $add (i32.const 1216) (i32.const 1060)) (i64.const 0)) (then (unreachable)))
  (call $save (i32.const 1184) (i32.const 1216))
  (call $transferred (i32.const 1104) (i32.const 1040) (i32.const 1060))
  (call $result (i64.const 1)))
