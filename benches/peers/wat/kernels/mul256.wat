;; 2,000 times x := x * y + x modulo 2^256, four 64-bit limbs each, least first: x at 64, y at 96. No function has more
;; than one result, which CosmWasm does not accept.
;; The high half of a 64 x 64-bit product.
(func $high (param $a i64) (param $b i64) (result i64)
  (local $al i64) (local $ah i64) (local $bl i64) (local $bh i64) (local $mid i64) (local $mid2 i64)
  (local.set $al (i64.and (local.get $a) (i64.const 0xffffffff)))
  (local.set $ah (i64.shr_u (local.get $a) (i64.const 32)))
  (local.set $bl (i64.and (local.get $b) (i64.const 0xffffffff)))
  (local.set $bh (i64.shr_u (local.get $b) (i64.const 32)))
  (local.set $mid
    (i64.add (i64.mul (local.get $ah) (local.get $bl))
      (i64.shr_u (i64.mul (local.get $al) (local.get $bl)) (i64.const 32))))
  (local.set $mid2
    (i64.add (i64.mul (local.get $al) (local.get $bh)) (i64.and (local.get $mid) (i64.const 0xffffffff))))
  (i64.add (i64.mul (local.get $ah) (local.get $bh))
    (i64.add (i64.shr_u (local.get $mid) (i64.const 32)) (i64.shr_u (local.get $mid2) (i64.const 32)))))
;; x := x * y + x, rows of the schoolbook product with the carry of each in a local.
(func $step
  (local $x0 i64)
  (local $x1 i64)
  (local $x2 i64)
  (local $x3 i64)
  (local $y0 i64)
  (local $y1 i64)
  (local $y2 i64)
  (local $y3 i64)
  (local $r0 i64)
  (local $r1 i64)
  (local $r2 i64)
  (local $r3 i64)
  (local $carry i64)
  (local $low i64)
  (local $sum i64)
  (local.set $x0 (i64.load (i32.const 64)))
  (local.set $x1 (i64.load (i32.const 72)))
  (local.set $x2 (i64.load (i32.const 80)))
  (local.set $x3 (i64.load (i32.const 88)))
  (local.set $y0 (i64.load (i32.const 96)))
  (local.set $y1 (i64.load (i32.const 104)))
  (local.set $y2 (i64.load (i32.const 112)))
  (local.set $y3 (i64.load (i32.const 120)))
  (local.set $r0 (local.get $x0))
  (local.set $r1 (local.get $x1))
  (local.set $r2 (local.get $x2))
  (local.set $r3 (local.get $x3))
  (local.set $carry (i64.const 0))
  ;; r0 += x0 * y0 + carry
  (local.set $low (i64.mul (local.get $x0) (local.get $y0)))
  (local.set $sum (i64.add (local.get $r0) (local.get $low)))
  (local.set $low (i64.extend_i32_u (i64.lt_u (local.get $sum) (local.get $low))))
  (local.set $r0 (i64.add (local.get $sum) (local.get $carry)))
  (local.set $carry
    (i64.add (i64.add (call $high (local.get $x0) (local.get $y0)) (local.get $low))
      (i64.extend_i32_u (i64.lt_u (local.get $r0) (local.get $sum)))))
  ;; r1 += x0 * y1 + carry
  (local.set $low (i64.mul (local.get $x0) (local.get $y1)))
  (local.set $sum (i64.add (local.get $r1) (local.get $low)))
  (local.set $low (i64.extend_i32_u (i64.lt_u (local.get $sum) (local.get $low))))
  (local.set $r1 (i64.add (local.get $sum) (local.get $carry)))
  (local.set $carry
    (i64.add (i64.add (call $high (local.get $x0) (local.get $y1)) (local.get $low))
      (i64.extend_i32_u (i64.lt_u (local.get $r1) (local.get $sum)))))
  ;; r2 += x0 * y2 + carry
  (local.set $low (i64.mul (local.get $x0) (local.get $y2)))
  (local.set $sum (i64.add (local.get $r2) (local.get $low)))
  (local.set $low (i64.extend_i32_u (i64.lt_u (local.get $sum) (local.get $low))))
  (local.set $r2 (i64.add (local.get $sum) (local.get $carry)))
  (local.set $carry
    (i64.add (i64.add (call $high (local.get $x0) (local.get $y2)) (local.get $low))
      (i64.extend_i32_u (i64.lt_u (local.get $r2) (local.get $sum)))))
  ;; r3 += x0 * y3 + carry
  (local.set $r3 (i64.add (i64.add (local.get $r3) (local.get $carry)) (i64.mul (local.get $x0) (local.get $y3))))
  (local.set $carry (i64.const 0))
  ;; r1 += x1 * y0 + carry
  (local.set $low (i64.mul (local.get $x1) (local.get $y0)))
  (local.set $sum (i64.add (local.get $r1) (local.get $low)))
  (local.set $low (i64.extend_i32_u (i64.lt_u (local.get $sum) (local.get $low))))
  (local.set $r1 (i64.add (local.get $sum) (local.get $carry)))
  (local.set $carry
    (i64.add (i64.add (call $high (local.get $x1) (local.get $y0)) (local.get $low))
      (i64.extend_i32_u (i64.lt_u (local.get $r1) (local.get $sum)))))
  ;; r2 += x1 * y1 + carry
  (local.set $low (i64.mul (local.get $x1) (local.get $y1)))
  (local.set $sum (i64.add (local.get $r2) (local.get $low)))
  (local.set $low (i64.extend_i32_u (i64.lt_u (local.get $sum) (local.get $low))))
  (local.set $r2 (i64.add (local.get $sum) (local.get $carry)))
  (local.set $carry
    (i64.add (i64.add (call $high (local.get $x1) (local.get $y1)) (local.get $low))
      (i64.extend_i32_u (i64.lt_u (local.get $r2) (local.get $sum)))))
  ;; r3 += x1 * y2 + carry
  (local.set $r3 (i64.add (i64.add (local.get $r3) (local.get $carry)) (i64.mul (local.get $x1) (local.get $y2))))
  (local.set $carry (i64.const 0))
  ;; r2 += x2 * y0 + carry
  (local.set $low (i64.mul (local.get $x2) (local.get $y0)))
  (local.set $sum (i64.add (local.get $r2) (local.get $low)))
  (local.set $low (i64.extend_i32_u (i64.lt_u (local.get $sum) (local.get $low))))
  (local.set $r2 (i64.add (local.get $sum) (local.get $carry)))
  (local.set $carry
    (i64.add (i64.add (call $high (local.get $x2) (local.get $y0)) (local.get $low))
      (i64.extend_i32_u (i64.lt_u (local.get $r2) (local.get $sum)))))
  ;; r3 += x2 * y1 + carry
  (local.set $r3 (i64.add (i64.add (local.get $r3) (local.get $carry)) (i64.mul (local.get $x2) (local.get $y1))))
  (local.set $carry (i64.const 0))
  ;; r3 += x3 * y0 + carry
  (local.set $r3 (i64.add (i64.add (local.get $r3) (local.get $carry)) (i64.mul (local.get $x3) (local.get $y0))))
  (i64.store (i32.const 64) (local.get $r0))
  (i64.store (i32.const 72) (local.get $r1))
  (i64.store (i32.const 80) (local.get $r2))
  (i64.store (i32.const 88) (local.get $r3)))
(func $kernel
  (local $i i32)
  (i64.store (i32.const 64) (i64.const 0x8796a5b4c3d2e1f1))
  (i64.store (i32.const 72) (i64.const 0x0f1e2d3c4b5a6978))
  (i64.store (i32.const 80) (i64.const 0xfedcba9876543210))
  (i64.store (i32.const 88) (i64.const 0x0123456789abcdef))
  (i64.store (i32.const 96) (i64.const 0x0fedcba987654320))
  (i64.store (i32.const 104) (i64.const 0x99aabbccddeeff01))
  (i64.store (i32.const 112) (i64.const 0x1122334455667788))
  (i64.store (i32.const 120) (i64.const 0xf0debc9a78563412))
  (loop $again
    (call $step)
    (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 2000))))
  (i64.store (i32.const 56) (call $swap_bytes (i64.load (i32.const 64))))
  (i64.store (i32.const 48) (call $swap_bytes (i64.load (i32.const 72))))
  (i64.store (i32.const 40) (call $swap_bytes (i64.load (i32.const 80))))
  (i64.store (i32.const 32) (call $swap_bytes (i64.load (i32.const 88)))))
