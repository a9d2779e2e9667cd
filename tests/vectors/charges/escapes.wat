;; expect: returned, fuel 273350
;; seen: 45750 64400 83050 96050 126550 139550 175700 188700 220850 233850 260350
;; Rules 4, 5 and 6. A branch out of $outer escapes $inner, not $outer: behind the end of $inner a new segment begins,
;; behind the end of $outer the function's goes on. So the br_table, whose farthest target is $a, escapes $b and $c.
(module
  (import "esker_v1" "gas_left" (func $gas_left (result i64)))
  (memory (export "memory") 1)
  (func (export "call")
    i32.const 0                     ;; 28,250
    call $branches
    i32.const 1
    call $branches
    i32.const 0
    call $switch
    i32.const 1
    call $switch
    i32.const 2
    call $switch
  )
  (func $branches (param $out i32)
    block $outer                    ;; 17,500
      block $inner
        call $gas_left              ;; the function's segment, which $outer and $inner remember
        drop
        local.get $out
        br_if $outer
        call $gas_left              ;; 5,650 rule 4
        drop
      end
      call $gas_left                ;; 5,650 rule 6: $inner was escaped
      drop
    end
    call $gas_left
    drop
  )
  (func $switch (param $case i32)
    block $a                        ;; 13,500
      block $b
        block $c
          local.get $case
          br_table $c $b $a
        end
        call $gas_left              ;; 9,650 $c was escaped
        drop
        br $a
      end
      call $gas_left                ;; 5,650 $b was escaped
      drop
    end
    call $gas_left                  ;; the function's segment again
    drop
  )
)
