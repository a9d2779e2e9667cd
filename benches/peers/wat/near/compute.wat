(module
  (import "env" "value_return" (func $value_return (param i64 i64)))
  (memory (export "memory") 2)
  {{kernel}}
  (func (export "call")
    (call $kernel)
    (call $value_return (i64.const 32) (i64.const 32))))
