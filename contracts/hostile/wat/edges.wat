;; Pointers at and beyond the edge. The first byte of the input says which.
(module
  (import "esker_v1" "input_copy" (func $input_copy (param i32 i32 i32)))
  (import "esker_v1" "caller" (func $caller (param i32)))
  (import "esker_v1" "keccak256" (func $keccak256 (param i32 i32 i32)))
  (import "esker_v1" "log" (func $log (param i32 i32 i32 i32)))
  (import "esker_v1" "finish" (func $finish (param i32 i32)))
  (import "esker_v1" "storage_store" (func $storage_store (param i32 i32)))
  (import "esker_v1" "return_data_copy" (func $return_data_copy (param i32 i32 i32)))
  (type $case (func))
  (type $other (func (param i32)))
  (memory (export "memory") 3 3)
  (data $bytes "four")
  (table 32 funcref)
  (elem (i32.const 0)
    $load_at_the_end $load_over_the_end $load_beyond_4_gib $store_over_the_end
    $fill_nothing_at_the_end $fill_nothing_over_the_end $fill_4_gib $copy_over_the_end $init_over_the_segment
    $grow_by_4_billion $output_at_the_end $output_too_large $output_over_the_end
    $host_at_the_end $host_over_the_end $hash_4_gib $hash_over_the_end $log_over_the_end $log_five_topics
    $input_over_its_end $no_return_data $table_at_the_end $table_empty $table_other_type
    $topics_wrap $key_wraps)
  (func (export "call")
    (call $input_copy (i32.const 0) (i32.const 0) (i32.const 1))
    (call_indirect (type $case) (i32.load8_u (i32.const 0))))

  (func $load_at_the_end (drop (i64.load (i32.const 196600))))
  (func $load_over_the_end (drop (i64.load (i32.const 196601))))
  (func $load_beyond_4_gib (drop (i64.load offset=4294967295 (i32.const -1))))
  (func $store_over_the_end (i32.store16 (i32.const 196607) (i32.const 1)))
  (func $fill_nothing_at_the_end (memory.fill (i32.const 196608) (i32.const 0) (i32.const 0)))
  (func $fill_nothing_over_the_end (memory.fill (i32.const 196609) (i32.const 0) (i32.const 0)))
  ;; The length is paid for before the range is looked at.
  (func $fill_4_gib (memory.fill (i32.const -1) (i32.const 0) (i32.const -1)))
  (func $copy_over_the_end (memory.copy (i32.const 0) (i32.const 196600) (i32.const 9)))
  (func $init_over_the_segment (memory.init $bytes (i32.const 0) (i32.const 2) (i32.const 3)))
  (func $grow_by_4_billion
    (if (i32.ne (memory.grow (i32.const -1)) (i32.const -1)) (then unreachable))
    (if (i32.ne (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable)))
  (func $output_at_the_end (call $finish (i32.const 65536) (i32.const 131072)))
  (func $output_too_large (call $finish (i32.const 0) (i32.const 131073)))
  (func $output_over_the_end (call $finish (i32.const 196608) (i32.const 1)))
  (func $host_at_the_end (call $caller (i32.const 196588)))
  (func $host_over_the_end (call $caller (i32.const 196589)))
  (func $hash_4_gib (call $keccak256 (i32.const 0) (i32.const -1) (i32.const 0)))
  (func $hash_over_the_end (call $keccak256 (i32.const 196608) (i32.const 1) (i32.const 0)))
  (func $log_over_the_end (call $log (i32.const 0) (i32.const 0) (i32.const 196600) (i32.const 9)))
  (func $log_five_topics (call $log (i32.const 0) (i32.const 5) (i32.const 0) (i32.const 0)))
  (func $input_over_its_end (call $input_copy (i32.const 0) (i32.const 1) (i32.const 1)))
  (func $no_return_data (call $return_data_copy (i32.const 0) (i32.const 0) (i32.const 1)))
  (func $table_at_the_end (call_indirect (type $case) (i32.const 32)))
  (func $table_empty (call_indirect (type $case) (i32.const 31)))
  (func $table_other_type (call_indirect (type $other) (i32.const 7) (i32.const 0)))
  (func $topics_wrap (call $log (i32.const -32) (i32.const 4) (i32.const 0) (i32.const 0)))
  (func $key_wraps (call $storage_store (i32.const -16) (i32.const 0))))
