;; expect: returned, fuel 43100
;; seen: 17100 30100
;; One segment: what stands behind a host call is paid before it. The locals' charge comes first.
(module
  (import "esker_v1" "gas_left" (func $gas_left (result i64)))
  (memory (export "memory") 1)
  (func (export "call") (local $x i64) (local $y i64)
    call $gas_left                  ;; 17,100 the two locals and every instruction of the function
    local.set $x
    local.get $x
    i64.const 3
    i64.mul
    local.set $y
    call $gas_left
    local.get $y
    i64.add
    drop
  )
)
