;; expect: finished
;; seen: 35100 53750 77950 96600 131000
;; A host function that does not come back escapes every construct but the function, as `return` does. What nothing
;; reaches is not charged and not there.
(module
  (import "esker_v1" "gas_left" (func $gas_left (result i64)))
  (import "esker_v1" "finish" (func $finish (param i32 i32)))
  (memory (export "memory") 1)
  (func (export "call")
    i32.const 0                     ;; 23,900
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
    block                           ;; 5,550
      local.get $end
      if
        i32.const 0                 ;; 6,300
        i32.const 0
        call $finish
        i32.const 1                 ;; unreached
        drop                        ;; unreached
      end
      call $gas_left                ;; 5,650 the `if` was escaped
      drop
    end
    call $gas_left                  ;; 5,650 and so was the block
    drop
  )
  (func $back (param $early i32)
    block                           ;; 5,550
      local.get $early
      if
        return                      ;; 4,000
        i32.const 1                 ;; unreached
        drop                        ;; unreached
      end
      call $gas_left                ;; 5,650
      drop
    end
    call $gas_left                  ;; 5,650
    drop
  )
)
