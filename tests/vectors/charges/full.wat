;; expect: returned, fuel 205600
;; seen: 173600 181600 189600 197600
;; Rule 2. A segment that would pass its bound ends, and a new one begins at the instruction that does not fit.
(module
  (import "esker_v1" "gas_left" (func $gas_left (result i64)))
  (memory (export "memory") 1)
  (data $d "")
  (func (export "call")
    call $gas_left                  ;; 173,600
    drop
    data.drop $d
    data.drop $d
    data.drop $d
    data.drop $d
    data.drop $d
    data.drop $d
    call $gas_left
    drop
    data.drop $d
    data.drop $d
    data.drop $d
    call $gas_left
    drop
    data.drop $d
    data.drop $d
    data.drop $d
    data.drop $d
    call $gas_left
    drop
  )
)
