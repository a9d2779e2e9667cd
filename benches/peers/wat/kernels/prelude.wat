;; What every kernel shares. The result is the 32-byte big-endian word at address 32.
(func $swap_bytes (param $x i64) (result i64)
  (local.set $x
    (i64.or
      (i64.shl (i64.and (local.get $x) (i64.const 0x00ff00ff00ff00ff)) (i64.const 8))
      (i64.and (i64.shr_u (local.get $x) (i64.const 8)) (i64.const 0x00ff00ff00ff00ff))))
  (local.set $x
    (i64.or
      (i64.shl (i64.and (local.get $x) (i64.const 0x0000ffff0000ffff)) (i64.const 16))
      (i64.and (i64.shr_u (local.get $x) (i64.const 16)) (i64.const 0x0000ffff0000ffff))))
  (i64.rotl (local.get $x) (i64.const 32)))
(func $result (param $x i64)
  (i64.store (i32.const 56) (call $swap_bytes (local.get $x))))
