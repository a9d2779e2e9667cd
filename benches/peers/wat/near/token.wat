(module
  (import "env" "input" (func $input_register (param i64)))
  (import "env" "predecessor_account_id" (func $predecessor (param i64)))
  (import "env" "read_register" (func $read_register (param i64 i64)))
  (import "env" "register_len" (func $register_len (param i64) (result i64)))
  (import "env" "storage_read" (func $storage_read (param i64 i64 i64) (result i64)))
  (import "env" "storage_write" (func $storage_write (param i64 i64 i64 i64 i64) (result i64)))
  (import "env" "log_utf8" (func $log_utf8 (param i64 i64)))
  (import "env" "value_return" (func $value_return (param i64 i64)))
  (memory (export "memory") 2)
  {{hex}}
  {{kernel}}
  (func $input (param $dst i32)
    (call $input_register (i64.const 0))
    (if (i64.ne (call $register_len (i64.const 0)) (i64.const 68)) (then (unreachable)))
    (call $read_register (i64.const 0) (i64.extend_i32_u (local.get $dst))))
  ;; 0x and 40 digits: an account whose name is an Ethereum address.
  (func $caller (param $dst i32)
    (call $predecessor (i64.const 0))
    (if (i64.ne (call $register_len (i64.const 0)) (i64.const 42)) (then (unreachable)))
    (call $read_register (i64.const 0) (i64.const 1280))
    (call $from_hex (i32.const 1282) (i32.const 20) (local.get $dst)))
  ;; "balance" and the address, 27 bytes.
  (data (i32.const 1328) "balance")
  (func $key (param $address i32) (param $dst i32)
    (call $copy (local.get $dst) (i32.const 1328) (i32.const 8))
    (call $copy (i32.add (local.get $dst) (i32.const 7)) (local.get $address) (i32.const 20)))
  (func $load (param $key i32) (param $dst i32)
    (if (i64.eqz (call $storage_read (i64.const 27) (i64.extend_i32_u (local.get $key)) (i64.const 0)))
      (then
        (i64.store offset=0 (local.get $dst) (i64.const 0))
        (i64.store offset=8 (local.get $dst) (i64.const 0))
        (i64.store offset=16 (local.get $dst) (i64.const 0))
        (i64.store offset=24 (local.get $dst) (i64.const 0)))
      (else
        (call $read_register (i64.const 0) (i64.extend_i32_u (local.get $dst))))))
  (func $save (param $key i32) (param $src i32)
    (drop
      (call $storage_write
        (i64.const 27) (i64.extend_i32_u (local.get $key))
        (i64.const 32) (i64.extend_i32_u (local.get $src)) (i64.const 0))))
  ;; A log is text here: from, to and value, 144 digits.
  (func $transferred (param $from i32) (param $to i32) (param $value i32)
    (call $to_hex (local.get $from) (i32.const 20) (i32.const 1344))
    (call $to_hex (local.get $to) (i32.const 20) (i32.const 1384))
    (call $to_hex (local.get $value) (i32.const 32) (i32.const 1424))
    (call $log_utf8 (i64.const 144) (i64.const 1344)))
  (func (export "call")
    (call $kernel)
    (call $value_return (i64.const 32) (i64.const 32))))
