;; expect: returned, fuel 143950
;; seen: 33150 57100 70100 104950 117950 130950
;; Rules 3 and 8. Both arms cost something, so the smaller charge moves to the segment in which the `if` stands, and one
;; arm is left with the difference. Nothing leaves the `if` otherwise, so that segment goes on behind its end.
(module
  (import "esker_v1" "gas_left" (func $gas_left (result i64)))
  (memory (export "memory") 1)
  (func (export "call")
    i32.const 1                     ;; 11,300
    call $arms
    i32.const 0
    call $arms
  )
  (func $arms (param $which i32)
    call $gas_left                  ;; 21,850 all outside the arms, and the cheaper arm
    drop
    local.get $which
    if
      call $gas_left                ;; 10,950 what this arm costs more
      drop
      i64.const 7
      i64.const 3
      i64.div_u
      drop
    else
      call $gas_left
      drop
    end
    call $gas_left
    drop
  )
)
