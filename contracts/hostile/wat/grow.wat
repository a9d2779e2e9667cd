;; Grows by a page while that goes, asks for more than there can be when it does not, and touches every page of 4 KiB.
(module
  (memory (export "memory") 1)
  (func (export "call")
    (local $at i32)
    (loop $again
      (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1))
        (then (drop (memory.grow (i32.const -1)))))
      (local.set $at (i32.const 0))
      (loop $touch
        (i32.store (local.get $at) (local.get $at))
        (local.set $at (i32.add (local.get $at) (i32.const 4096)))
        (br_if $touch (i32.lt_u (local.get $at) (i32.mul (memory.size) (i32.const 65536)))))
      (br $again))))
