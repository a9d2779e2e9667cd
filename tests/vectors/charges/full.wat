;; expect: returned, fuel 2129600
;; seen: 164400 976800 1469200 2121600
;; Rule 2. A segment that would pass its bound ends, and a new one begins at the instruction that does not fit.
(module
  (import "esker_v1" "gas_left" (func $gas_left (result i64)))
  (memory (export "memory") 1)
  (data $d "")
  (func (export "call")
    call $gas_left                  ;; 164,400
    drop
    data.drop $d
    data.drop $d                    ;; 160,000
    data.drop $d                    ;; 160,000
    data.drop $d                    ;; 160,000
    data.drop $d                    ;; 160,000
    data.drop $d                    ;; 164,400
    call $gas_left
    drop
    data.drop $d                    ;; 160,000
    data.drop $d                    ;; 160,000
    data.drop $d                    ;; 164,400
    call $gas_left
    drop
    data.drop $d                    ;; 160,000
    data.drop $d                    ;; 160,000
    data.drop $d                    ;; 160,000
    data.drop $d                    ;; 164,400
    call $gas_left
    drop
  )
)
