;; expect: out of gas
;; A loop without an end.
(module
  (memory (export "memory") 1)
  (func (export "call") (loop $again (br $again))))
