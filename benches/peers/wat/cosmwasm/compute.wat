(module
  (memory (export "memory") 2)
  {{regions}}
  {{kernel}}
  (func (export "execute") (param i32 i32 i32) (result i32)
    (call $kernel)
    (call $region (i32.const 16) (i32.const 32) (i32.const 32))
    (i32.const 16)))
