(module
  (memory (export "memory") 2)
  {{regions}}
  ;; A region of no bytes.
  (func (export "execute") (param i32 i32 i32) (result i32)
    (i32.store (i32.const 16) (i32.const 32))
    (i32.const 16)))
