;; Bulk operations of no bytes, whose length is known: what a crossing costs without the bytes.
(module
  (memory (export "memory") 1)
  (func (export "call")
    (loop $again
      (memory.fill (i32.const 65536) (i32.const 7) (i32.const 0))
      (memory.copy (i32.const 65536) (i32.const 0) (i32.const 0))
      (br $again))))
