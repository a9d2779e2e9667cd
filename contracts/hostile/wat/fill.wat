;; Two pages, over and over, by a length that only the run knows.
(module
  (memory (export "memory") 2)
  (func (export "call")
    (loop $again
      (memory.fill (i32.const 0) (i32.const 7) (i32.mul (memory.size) (i32.const 65536)))
      (br $again))))
