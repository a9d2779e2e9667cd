;; Two bytes of data as far from each other as they can be.
(module
  (import "esker_v1" "finish" (func $finish (param i32 i32)))
  (memory (export "memory") 8)
  (data (i32.const 0) "a")
  (data (i32.const 524287) "z")
  (func (export "call")
    (i32.store8 (i32.const 1) (i32.load8_u (i32.const 524287)))
    (call $finish (i32.const 0) (i32.const 2))))
