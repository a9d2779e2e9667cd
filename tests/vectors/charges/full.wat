;; expect: returned, fuel 2414600
;; seen: 185650 1104300 1662950 2401600
;; Rule 2. A segment that would pass its bound ends, and a new one begins at the instruction that does not fit.
(module
  (import "esker_v1" "gas_left" (func $gas_left (result i64)))
  (memory (export "memory") 1)
  (data $d "")
  (func (export "call")
    call $gas_left                  ;; 185,650
    drop
    data.drop $d
    data.drop $d                    ;; 180,000
    data.drop $d                    ;; 180,000
    data.drop $d                    ;; 180,000
    data.drop $d                    ;; 180,000
    data.drop $d                    ;; 185,650
    call $gas_left
    drop
    data.drop $d                    ;; 180,000
    data.drop $d                    ;; 180,000
    data.drop $d                    ;; 185,650
    call $gas_left
    drop
    data.drop $d                    ;; 180,000
    data.drop $d                    ;; 180,000
    data.drop $d                    ;; 180,000
    data.drop $d                    ;; 185,650
    call $gas_left
    drop
  )
)
