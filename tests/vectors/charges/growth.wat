;; expect: returned, fuel 210383150
;; seen: 31150 70144150 210257150 210370150
;; memory.grow adds nothing to its segment: base and pages are charged as it runs, and it is not a call.
(module
  (import "esker_v1" "gas_left" (func $gas_left (result i64)))
  (memory (export "memory") 1 4)
  (func (export "call")
    call $gas_left                  ;; 31,150
    drop
    i32.const 1
    memory.grow                     ;; within the free pages
    drop
    call $gas_left
    drop
    i32.const 2
    memory.grow                     ;; two pages beyond them
    drop
    call $gas_left
    drop
    i32.const 1
    memory.grow                     ;; beyond the maximum: −1, and no pages
    drop
    call $gas_left
    drop
    i32.const 0
    if
      i32.const 0
      memory.grow
      drop
      unreachable                   ;; still certain to trap
    end
  )
)
