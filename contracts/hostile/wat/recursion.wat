;; Calls itself through the table, with something left to do for each frame.
(module
  (type $step (func (param i32) (result i32)))
  (memory (export "memory") 1)
  (table funcref (elem $again))
  (func $again (type $step)
    (i32.add (call_indirect (type $step) (local.get 0) (i32.const 0)) (local.get 0)))
  (func (export "call")
    (drop (call $again (i32.const 7)))))
