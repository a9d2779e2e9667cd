;; expect: returned, fuel 171100
;; seen: 30800 56400 69400 108200 139450 158100
;; A loop's body is charged each time around. $first asks at the end, $last at the beginning: there the header forks before
;; any call, and its charge is written behind the fork on both ways (see the fork of loop headers). Nobody can see it.
(module
  (import "esker_v1" "gas_left" (func $gas_left (result i64)))
  (memory (export "memory") 1)
  (func (export "call")
    i32.const 2                     ;; 11,300
    call $last
    i32.const 2
    call $first
  )
  (func $last (param $n i32)
    loop $again                     ;; 6,900
      call $gas_left                ;; 12,600 the header's, each time around
      drop
      local.get $n
      i32.const 1
      i32.sub
      local.tee $n
      br_if $again
    end
    call $gas_left
    drop
  )
  (func $first (param $n i32)
    block $done                     ;; 7,550
      loop $again
        local.get $n
        i32.eqz
        br_if $done
        call $gas_left              ;; 18,250
        drop
        local.get $n
        i32.const 1
        i32.sub
        local.set $n
        br $again
      end
      unreachable                   ;; unreached
    end
    call $gas_left                  ;; 5,650
    drop
  )
)
