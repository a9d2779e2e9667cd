;; expect: returned, fuel 108200
;; seen: 30950 43950 72900 85900
;; Rule 7. An arm that is certain to trap charges nothing and agrees with any charge of the other. An arm that calls first
;; charges: what it calls sees its fuel.
(module
  (import "esker_v1" "gas_left" (func $gas_left (result i64)))
  (memory (export "memory") 1)
  (func (export "call")
    call $silent                    ;; 15,000
    call $calling
    call $nested
  )
  (func $silent
    call $gas_left                  ;; 15,950
    drop
    i32.const 0
    if
      i32.const 1
      i32.const 2
      i32.div_u
      drop
      unreachable                   ;; the arm charges nothing
    else
      call $gas_left                ;; all of it has moved: the other arm counts as unlimited
      drop
    end
  )
  (func $calling
    call $gas_left                  ;; 15,950
    drop
    i32.const 0
    if
      call $gas_left                ;; 1,300 a call comes before the trap: the arm keeps its charge, less the other's
      drop
      i32.const 5
      drop
      unreachable
    else
      call $gas_left
      drop
    end
  )
  (func $nested
    i32.const 0                     ;; 9,300
    if
      i32.const 3                   ;; 7,600 the arm's segment goes on behind the block, in which a call was seen: it is no trap for rule 7
      drop
      block
        call $gas_left
        drop
      end
      unreachable
    end
    i32.const 0
    if
      block                         ;; 6,600
        i32.const 0
        br_if 0
        call $gas_left              ;; 5,650 rule 4
        drop
      end
      i32.const 4                   ;; the block was escaped by nothing inside it, so this belongs to the arm's first segment
      drop
      unreachable
    end
  )
)
