//! Modules that say what they find on their instance, and leave it dirty.

use crate::world::wasm;

/// Reports everything that it can see, then dirties what its input names, then ends as its first byte says.
///
/// Input: the end, then places (u32, little-endian) that get a byte from the guest, or, with bit 31, four from the host.
/// The report: folds of the whole memory before anything was written, of all globals, the memory's size, what indirect
/// calls and a passive segment give.
pub fn probe(mutable_globals: usize, more: &str) -> Vec<u8> {
    let globals: String = (0..mutable_globals)
        .map(|i| match i % 2 {
            0 => format!("(global $g{i} (mut i32) (i32.const {}))", 1_000 + i),
            _ => format!("(global $g{i} (mut i64) (i64.const {}))", -7_000_000_000_000 - i as i64),
        })
        .collect();
    let fold_globals: String = (0..mutable_globals)
        .map(|i| {
            let value = format!("(global.get $g{i})");
            let value = if i % 2 == 0 { format!("(i64.extend_i32_u {value})") } else { value };
            format!("(local.set $fold (i64.add (i64.rotl (local.get $fold) (i64.const 9)) {value}))")
        })
        .collect();
    let dirty_globals: String = (0..mutable_globals)
        .map(|i| match i % 2 {
            0 => format!("(global.set $g{i} (i32.add (global.get $g{i}) (i32.const {})))", i + 1),
            _ => format!("(global.set $g{i} (i64.const -{}))", i + 1),
        })
        .collect();
    let dirty_segments = if more.contains("data.drop") { "(call $drops)" } else { "" };
    wasm(&format!(
        r#"(module
        (import "esker_v1" "input_size" (func $input_size (result i32)))
        (import "esker_v1" "input_copy" (func $input_copy (param i32 i32 i32)))
        (import "esker_v1" "set_output" (func $set_output (param i32 i32)))
        (import "esker_v1" "finish" (func $finish (param i32 i32)))
        (import "esker_v1" "revert" (func $revert (param i32 i32)))
        (memory (export "memory") 2 8)
        (global $constant i32 (i32.const 3))
        {globals}
        (table 4 4 funcref) (elem (i32.const 1) $one $two)
        (type $number (func (result i32)))
        (data (i32.const 8) "at the beginning")
        (data $passive "passive")
        (data (i32.const 65530) "across two pages")
        (data (i32.const 131070) "\01\02")
        {more}
        (func $one (result i32) (i32.const 1))
        (func $two (result i32) (i32.const 2))
        (func $deep (param i64) (result i64) (i64.add (call $deep (local.get 0)) (i64.const 1)))
        (func (export "call") (local $i i32) (local $fold i64) (local $seen i64) (local $place i32) (local $end i32)
            (loop $again
                (local.set $seen (i64.xor (i64.rotl (local.get $seen) (i64.const 5)) (i64.load (local.get $i))))
                (local.set $i (i32.add (local.get $i) (i32.const 8)))
                (br_if $again (i32.lt_u (local.get $i) (i32.const 131072))))
            {fold_globals}
            (i64.store (i32.const 2048) (local.get $seen))
            (i64.store (i32.const 2056) (local.get $fold))
            (i32.store (i32.const 2064) (memory.size))
            (i32.store (i32.const 2068) (call_indirect (type $number) (i32.const 1)))
            (i32.store (i32.const 2072) (call_indirect (type $number) (i32.const 2)))
            (memory.init $passive (i32.const 2076) (i32.const 0) (i32.const 7))
            (call $set_output (i32.const 2048) (i32.const 36))
            {dirty_globals}
            {dirty_segments}
            (call $input_copy (i32.const 2100) (i32.const 0) (i32.const 1))
            (local.set $end (i32.load8_u (i32.const 2100)))
            (local.set $i (i32.const 1))
            (block $done (loop $next
                (br_if $done (i32.ge_u (local.get $i) (call $input_size)))
                (call $input_copy (i32.const 2104) (local.get $i) (i32.const 4))
                (local.set $place (i32.load (i32.const 2104)))
                (if (i32.lt_s (local.get $place) (i32.const 0))
                    (then (call $input_copy
                        (i32.and (local.get $place) (i32.const 0x7fffffff)) (i32.const 1) (i32.const 4)))
                    (else (i32.store8 (local.get $place) (i32.const 0xa5))))
                (local.set $i (i32.add (local.get $i) (i32.const 4)))
                (br $next)))
            (if (i32.eq (local.get $end) (i32.const 1)) (then (call $finish (i32.const 2048) (i32.const 36))))
            (if (i32.eq (local.get $end) (i32.const 2)) (then (call $revert (i32.const 2048) (i32.const 36))))
            (if (i32.eq (local.get $end) (i32.const 3)) (then (unreachable)))
            (if (i32.eq (local.get $end) (i32.const 4)) (then (loop $for_ever (br $for_ever))))
            (if (i32.eq (local.get $end) (i32.const 5)) (then (drop (call $deep (i64.const 0)))))
            (if (i32.eq (local.get $end) (i32.const 6)) (then (drop (i32.div_u (i32.const 1) (i32.const 0)))))
            (if (i32.eq (local.get $end) (i32.const 7)) (then (i32.store8 (i32.const 131072) (i32.const 1))))
            (if (i32.eq (local.get $end) (i32.const 8)) (then (call $finish (i32.const 131072) (i32.const 1))))
            (if (i32.eq (local.get $end) (i32.const 9)) (then (drop (memory.grow (i32.const 1)))
                (i32.store8 (i32.const 196607) (i32.const 0xa5))))
            (if (i32.eq (local.get $end) (i32.const 10))
                (then (memory.fill (i32.const 0) (i32.const 0xa5) (i32.const 131072))))))"#
    ))
}

/// The ways in which the probe ends, and whether its instance is then kept.
pub const ENDS: [(u8, bool); 11] = [
    (0, true),
    (1, true),
    (2, true),
    (3, false),
    (4, false),
    (5, false),
    (6, false),
    (7, false),
    (8, false),
    (9, false),
    (10, true),
];

pub fn input(end: u8, places: &[u32]) -> Vec<u8> {
    [end].into_iter().chain(places.iter().flat_map(|place| place.to_le_bytes())).collect()
}

/// Calls itself as deep as it can, and dirties its memory and a global on the way down and up.
pub fn recursive() -> String {
    let address = "\\01".repeat(20);
    format!(
        r#"(module
            (import "esker_v1" "call" (func $call (param i64 i32 i32 i32 i32) (result i32)))
            (import "esker_v1" "return_data_copy" (func $copy (param i32 i32 i32)))
            (import "esker_v1" "set_output" (func $set_output (param i32 i32)))
            (memory (export "memory") 1)
            (global $mine (mut i32) (i32.const 41))
            (data (i32.const 64) "{address}")
            (func (export "call")
                (if (i32.ne (global.get $mine) (i32.const 41)) (then (unreachable)))
                (if (i32.ne (i32.load (i32.const 4000)) (i32.const 0)) (then (unreachable)))
                (global.set $mine (i32.const 7))
                (i32.store (i32.const 4000) (i32.const 9))
                (if (i32.eqz (call $call (i64.const -1) (i32.const 64) (i32.const 128) (i32.const 0) (i32.const 0)))
                    (then (call $copy (i32.const 0) (i32.const 0) (i32.const 4))))
                (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
                (if (i32.ne (global.get $mine) (i32.const 7)) (then (unreachable)))
                (if (i32.ne (i32.load (i32.const 4000)) (i32.const 9)) (then (unreachable)))
                (call $set_output (i32.const 0) (i32.const 4))))"#
    )
}

/// Folds all it can see into its output, then does what its input says, eight bytes a step: writes, grows, changes its
/// global, calls account 1 or 2 with the steps behind, finishes, reverts, traps.
pub fn scripted(pages: usize) -> Vec<u8> {
    let addresses = ["\\01".repeat(20), "\\02".repeat(20)];
    wasm(&format!(
        r#"(module
        (import "esker_v1" "input_size" (func $input_size (result i32)))
        (import "esker_v1" "input_copy" (func $input_copy (param i32 i32 i32)))
        (import "esker_v1" "return_data_size" (func $returned (result i32)))
        (import "esker_v1" "call" (func $call (param i64 i32 i32 i32 i32) (result i32)))
        (import "esker_v1" "set_output" (func $set_output (param i32 i32)))
        (import "esker_v1" "finish" (func $finish (param i32 i32)))
        (import "esker_v1" "revert" (func $revert (param i32 i32)))
        (memory (export "memory") {pages} 8)
        (global $g (mut i64) (i64.const 11))
        (data (i32.const 1024) "{}") (data (i32.const 1044) "{}")
        (func (export "call") (local $i i32) (local $seen i64) (local $left i32) (local $kind i32) (local $x i32)
            (loop $again
                (local.set $seen (i64.xor (i64.rotl (local.get $seen) (i64.const 5)) (i64.load (local.get $i))))
                (local.set $i (i32.add (local.get $i) (i32.const 8)))
                (br_if $again (i32.lt_u (local.get $i) (i32.shl (memory.size) (i32.const 16)))))
            (local.set $seen (i64.add (i64.rotl (local.get $seen) (i64.const 9)) (global.get $g)))
            (local.set $seen (i64.add (i64.rotl (local.get $seen) (i64.const 9)) (i64.extend_i32_u (memory.size))))
            (local.set $seen (i64.add (i64.rotl (local.get $seen) (i64.const 9)) (i64.extend_i32_u (call $returned))))
            (local.set $left (call $input_size))
            (local.set $i (i32.const 0))
            (block $done (loop $next
                (i64.store (i32.const 2048) (local.get $seen))
                (i64.store (i32.const 2056) (global.get $g))
                (call $set_output (i32.const 2048) (i32.const 16))
                (br_if $done (i32.lt_u (local.get $left) (i32.const 8)))
                (call $input_copy (i32.const 2064) (local.get $i) (i32.const 8))
                (local.set $i (i32.add (local.get $i) (i32.const 8)))
                (local.set $left (i32.sub (local.get $left) (i32.const 8)))
                (local.set $kind (i32.load (i32.const 2064)))
                (local.set $x (i32.load (i32.const 2068)))
                (block $call (block $trap (block $revert (block $finish (block $global (block $grow (block $write
                    (br_table $write $grow $global $finish $revert $trap $call $write (local.get $kind)))
                    (i32.store8 (i32.rem_u (local.get $x) (i32.shl (memory.size) (i32.const 16))) (i32.const 0xa5))
                    (br $next))
                    (local.set $seen (i64.add (i64.rotl (local.get $seen) (i64.const 9))
                        (i64.extend_i32_s (memory.grow (i32.rem_u (local.get $x) (i32.const 9))))))
                    (br $next))
                    (global.set $g (i64.add (global.get $g) (i64.extend_i32_u (local.get $x))))
                    (br $next))
                    (call $finish (i32.const 2048) (i32.const 16)))
                    (call $revert (i32.const 2048) (i32.const 16)))
                    (unreachable))
                (call $input_copy (i32.const 2080) (local.get $i) (local.get $left))
                (local.set $x (call $call (i64.const -1)
                    (i32.add (i32.const 1024) (i32.mul (i32.const 20) (i32.and (local.get $x) (i32.const 1))))
                    (i32.const 4096) (i32.const 2080) (local.get $left)))
                (local.set $seen (i64.add (i64.rotl (local.get $seen) (i64.const 9))
                    (i64.extend_i32_u (i32.add (local.get $x) (call $returned)))))
                (br $next)))))"#,
        addresses[0], addresses[1]
    ))
}
