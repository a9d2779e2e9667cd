;; Nothing, for ever.
(module
  (memory (export "memory") 1)
  (func (export "call")
    (loop $again (br $again))))
