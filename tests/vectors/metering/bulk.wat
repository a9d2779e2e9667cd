;; expect: returned, fuel 1334200
;; Bulk operations, of constant length up to 1,024 bytes, above, and of a length only known at run time.
(module
  (memory (export "memory") 1)
  (data $d "0123456789abcdef")
  (func (export "call")
    (local $n i32)
    (local.set $n (i32.const 11))
    (memory.init $d (i32.const 0) (i32.const 0) (i32.const 16))
    (memory.init $d (i32.const 16) (i32.const 2) (local.get $n))
    (data.drop $d)
    (memory.copy (i32.const 4096) (i32.const 0) (i32.const 1024))
    (memory.copy (i32.const 8192) (i32.const 0) (i32.const 1025))
    (memory.fill (i32.const 100) (i32.const 9) (i32.mul (local.get $n) (i32.const 30)))))
