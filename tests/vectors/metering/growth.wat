;; expect: returned, fuel 280589350
;; memory.grow: nothing, within the free pages, beyond them, beyond the maximum, by a huge amount.
(module
  (memory (export "memory") 1 6)
  (func (export "call")
    (i32.store (i32.const 0) (memory.grow (i32.const 0)))
    (i32.store (i32.const 4) (memory.grow (i32.const 1)))
    (i32.store (i32.const 8) (memory.grow (i32.const 3)))
    (i32.store (i32.const 12) (memory.grow (i32.const 2)))
    (i32.store (i32.const 16) (memory.grow (i32.const -1)))
    (i32.store (i32.const 20) (memory.size))))
