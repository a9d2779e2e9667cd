;; expect: returned, fuel 1166450
;; seen: 205200 218200 521950 747450 950450 1153450
;; A length is known only if `i32.const` of at most 1,024 is the very instruction before. `block`, `loop` and `end` are
;; instructions: behind them the bytes are charged when the operation runs.
(module
  (import "esker_v1" "gas_left" (func $gas_left (result i64)))
  (memory (export "memory") 1)
  (func (export "call")
    call $gas_left                  ;; 205,200 the bytes of the first operation are in it
    drop
    i32.const 0
    i32.const 0
    i32.const 100
    memory.fill
    call $gas_left
    drop
    i32.const 0
    i32.const 0
    i32.const 1025
    memory.fill                     ;; 188,250 the bytes as it runs: they are more than 1,024
    call $gas_left
    drop
    i32.const 0
    i32.const 0
    block (result i32)
      i32.const 100
    end
    memory.fill                     ;; 202,500 the bytes as it runs: `end` stands before it
    call $gas_left
    drop
    i32.const 0
    i32.const 0
    i32.const 100
    block (param i32 i32 i32)
      memory.fill                   ;; 180,000 the same behind `block`
    end
    call $gas_left
    drop
    i32.const 0
    i32.const 0
    i32.const 100
    loop (param i32 i32 i32)
      memory.fill                   ;; 180,000 the same behind `loop`
    end
    call $gas_left
    drop
  )
)
