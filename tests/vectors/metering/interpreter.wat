;; expect: out of gas
;; An interpreter of a small stack machine that runs a counting loop of 20,000 rounds.
;; Opcodes: 0 push byte, 1 add, 2 load slot, 3 store slot, 4 jump back if not zero, 5 xor, 6 halt, 7 decrement.
(module
  (memory (export "memory") 1)
  ;; slot 0 counts down, slot 1 accumulates: acc = (acc + count) xor 85
  (data (i32.const 256) "\02\01\02\00\01\00\55\05\03\01\02\00\07\03\00\02\00\04\12\06")
  (func $run (result i64)
    (local $pc i32) (local $sp i32) (local $operand i64)
    (local.set $pc (i32.const 256))
    (local.set $sp (i32.const 1024))
    (loop $next
      (block $halt
        (block $decrement
          (block $xor
            (block $jump
              (block $store
                (block $load
                  (block $add
                    (block $push
                      (br_table $push $add $load $store $jump $xor $halt $decrement $halt
                        (i32.load8_u (local.get $pc))))
                    (i64.store (local.get $sp) (i64.load8_u offset=1 (local.get $pc)))
                    (local.set $sp (i32.add (local.get $sp) (i32.const 8)))
                    (local.set $pc (i32.add (local.get $pc) (i32.const 2)))
                    (br $next))
                  (local.set $sp (i32.sub (local.get $sp) (i32.const 8)))
                  (i64.store (i32.sub (local.get $sp) (i32.const 8))
                    (i64.add (i64.load (i32.sub (local.get $sp) (i32.const 8))) (i64.load (local.get $sp))))
                  (local.set $pc (i32.add (local.get $pc) (i32.const 1)))
                  (br $next))
                (i64.store (local.get $sp)
                  (i64.load (i32.shl (i32.load8_u offset=1 (local.get $pc)) (i32.const 3))))
                (local.set $sp (i32.add (local.get $sp) (i32.const 8)))
                (local.set $pc (i32.add (local.get $pc) (i32.const 2)))
                (br $next))
              (local.set $sp (i32.sub (local.get $sp) (i32.const 8)))
              (i64.store (i32.shl (i32.load8_u offset=1 (local.get $pc)) (i32.const 3)) (i64.load (local.get $sp)))
              (local.set $pc (i32.add (local.get $pc) (i32.const 2)))
              (br $next))
            (local.set $sp (i32.sub (local.get $sp) (i32.const 8)))
            (if (i64.ne (i64.load (local.get $sp)) (i64.const 0))
              (then
                (local.set $pc (i32.add (i32.sub (local.get $pc) (i32.load8_u offset=1 (local.get $pc))) (i32.const 1))))
              (else (local.set $pc (i32.add (local.get $pc) (i32.const 2)))))
            (br $next))
          (local.set $sp (i32.sub (local.get $sp) (i32.const 8)))
          (i64.store (i32.sub (local.get $sp) (i32.const 8))
            (i64.xor (i64.load (i32.sub (local.get $sp) (i32.const 8))) (i64.load (local.get $sp))))
          (local.set $pc (i32.add (local.get $pc) (i32.const 1)))
          (br $next))
        (i64.store (i32.sub (local.get $sp) (i32.const 8))
          (i64.sub (i64.load (i32.sub (local.get $sp) (i32.const 8))) (i64.const 1)))
        (local.set $pc (i32.add (local.get $pc) (i32.const 1)))
        (br $next)))
    (i64.load (i32.const 8)))
  (func (export "call")
    (i64.store (i32.const 0) (i64.const 20000))
    (i64.store (i32.const 16) (call $run))))
