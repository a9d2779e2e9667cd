;; Lowercase hexadecimal, for machines whose accounts or logs are text.
(func $digit (param $n i32) (result i32)
  (i32.add (local.get $n) (select (i32.const 87) (i32.const 48) (i32.gt_u (local.get $n) (i32.const 9)))))
(func $to_hex (param $from i32) (param $bytes i32) (param $to i32)
  (local $i i32) (local $byte i32) (local $at i32)
  (loop $each
    (local.set $byte (i32.load8_u (i32.add (local.get $from) (local.get $i))))
    (local.set $at (i32.add (local.get $to) (i32.shl (local.get $i) (i32.const 1))))
    (i32.store8 (local.get $at) (call $digit (i32.shr_u (local.get $byte) (i32.const 4))))
    (i32.store8 offset=1 (local.get $at) (call $digit (i32.and (local.get $byte) (i32.const 15))))
    (br_if $each (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $bytes)))))
(func $value (param $digit i32) (result i32)
  (i32.add (i32.and (local.get $digit) (i32.const 15))
    (i32.mul (i32.shr_u (local.get $digit) (i32.const 6)) (i32.const 9))))
(func $from_hex (param $from i32) (param $bytes i32) (param $to i32)
  (local $i i32) (local $at i32)
  (loop $each
    (local.set $at (i32.add (local.get $from) (i32.shl (local.get $i) (i32.const 1))))
    (i32.store8 (i32.add (local.get $to) (local.get $i))
      (i32.or
        (i32.shl (call $value (i32.load8_u (local.get $at))) (i32.const 4))
        (call $value (i32.load8_u offset=1 (local.get $at)))))
    (br_if $each (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $bytes)))))
