;; expect: stack overflow
;; Recursion without an end: frames of 128 + 8 x (1 parameter + 2 locals + 3 operands) + 4 values = 180 units; 364 of them
;; fit below `call`, whose own frame has 128 + 8 x 1 = 136.
(module
  (memory (export "memory") 1)
  (func $down (param $n i32)
    (local i32 i64)
    (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
    (call $down (i32.mul (i32.add (local.get $n) (i32.const 1)) (i32.const 3))))
  (func (export "call") (call $down (i32.const 0))))
