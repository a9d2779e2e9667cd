;; expect: finished
;; seen: 25750 38150 53500 65900 86600
;; A host function that does not come back escapes every construct but the function, as `return` does. What nothing
;; reaches is not charged and not there.
(module
  (import "esker_v1" "gas_left" (func $gas_left (result i64)))
  (import "esker_v1" "finish" (func $finish (param i32 i32)))
  (memory (export "memory") 1)
  (func (export "call")
    i32.const 0                     ;; 18,400
    call $maybe
    i32.const 0
    call $back
    i32.const 1
    call $back
    i32.const 1
    call $maybe
    i32.const 9
    drop
  )
  (func $maybe (param $end i32)
    block                           ;; 2,950
      local.get $end
      if
        i32.const 0                 ;; 4,800
        i32.const 0
        call $finish
        i32.const 1                 ;; unreached
        drop                        ;; unreached
      end
      call $gas_left                ;; 4,400 the `if` was escaped
      drop
    end
    call $gas_left                  ;; 4,400 and so was the block
    drop
  )
  (func $back (param $early i32)
    block                           ;; 2,950
      local.get $early
      if
        return                      ;; 2,000
        i32.const 1                 ;; unreached
        drop                        ;; unreached
      end
      call $gas_left                ;; 4,400
      drop
    end
    call $gas_left                  ;; 4,400
    drop
  )
)
