;; What every CosmWasm module exports besides its entry point. Memory is given from 114,688 on and never taken back: the
;; instance lives for one call.
(global $heap (mut i32) (i32.const 114688))
(func (export "interface_version_8"))
(func $region (param $at i32) (param $offset i32) (param $bytes i32)
  (i32.store offset=0 (local.get $at) (local.get $offset))
  (i32.store offset=4 (local.get $at) (local.get $bytes))
  (i32.store offset=8 (local.get $at) (local.get $bytes)))
(func (export "allocate") (param $bytes i32) (result i32)
  (local $at i32)
  (local.set $at (global.get $heap))
  (global.set $heap
    (i32.add (local.get $at) (i32.and (i32.add (local.get $bytes) (i32.const 19)) (i32.const -8))))
  (i32.store offset=0 (local.get $at) (i32.add (local.get $at) (i32.const 12)))
  (i32.store offset=4 (local.get $at) (local.get $bytes))
  (local.get $at))
(func (export "deallocate") (param i32))
