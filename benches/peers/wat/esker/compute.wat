(module
  (import "esker_v1" "set_output" (func $set_output (param i32 i32)))
  (memory (export "memory") 2)
  {{kernel}}
  (func (export "call")
    (call $kernel)
    (call $set_output (i32.const 32) (i32.const 32))))
