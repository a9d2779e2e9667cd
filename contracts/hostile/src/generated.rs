//! Attacks whose text is long.

use std::fmt::Write;

/// Recursions that use up the stack of a frame of [`full_stack`] without locals, as its input.
pub const NARROW_DEPTH: [u8; 4] = 426_u32.to_le_bytes();
/// The same for one with 500 locals.
pub const WIDE_DEPTH: [u8; 4] = 11_u32.to_le_bytes();

fn repeated(count: u32, text: impl Fn(u32) -> String) -> String {
    (0..count).fold(String::new(), |mut all, number| {
        all.push_str(&text(number));
        all.push('\n');
        all
    })
}

/// An endless loop over that many `nop`s.
#[must_use]
pub fn trivial_loop(count: u32) -> String {
    let nops = repeated(count, |_| "nop".to_owned());
    format!(r#"(module (memory (export "memory") 1) (func (export "call") (loop $again {nops} (br $again))))"#)
}

/// An endless loop of a `br_table` over `blocks` blocks, another target each time.
#[must_use]
pub fn branch_table(blocks: u32, targets: u32) -> String {
    let (open, close) = ("block\n".repeat(blocks as usize), "end\n".repeat(blocks as usize));
    let targets = repeated(targets, |target| (target % blocks).to_string());
    format!(
        r#"(module
          (memory (export "memory") 1)
          (func (export "call") (local $case i32)
            loop $again
              local.get $case
              i32.const 1
              i32.add
              i32.const 2047
              i32.and
              local.set $case
              {open} local.get $case br_table {targets} 0 {close}
              br $again
            end))"#
    )
}

/// Where a function of [`fill_pairs`] calls itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recursion {
    /// Nowhere.
    Never,
    /// Before the fills, so that none is ever executed, nor paid for.
    First,
    /// After them.
    Last,
}

/// `fills` operations `memory.fill(a, _, b)`, each of another pair of 55 locals, in a loop, and with them perhaps a call of
/// the same function. An optimising compiler computes where each fill ends before the loop, and keeps all of it
/// on the native stack across the call, although no wasm value stands for it.
///
/// No fill has any length: the locals are loaded from memory that is zero, each from another place.
///
/// # Panics
/// If there are more fills than pairs.
#[must_use]
pub fn fill_pairs(fills: usize, recursion: Recursion) -> String {
    const LOCALS: usize = 55;
    let pairs = (0..LOCALS).flat_map(|one| (one + 1..LOCALS).map(move |other| (one, other)));
    let all: Vec<_> = pairs.collect();
    assert!(fills <= all.len(), "55 locals make {} pairs", all.len());
    let mut text = String::new();
    for (one, other) in &all[..fills] {
        let _ = writeln!(text, "(memory.fill (local.get {one}) (i32.const 0) (local.get {other}))");
    }
    let call = |at: Recursion| if recursion == at { "(call $again)" } else { "" };
    let (first, last) = (call(Recursion::First), call(Recursion::Last));
    let loads =
        repeated(LOCALS as u32, |local| format!("(local.set {local} (i32.load offset={} (i32.const 0)))", local * 4));
    let locals = "i32 ".repeat(LOCALS);
    format!(
        r#"(module
          (memory (export "memory") 1)
          (func $again (local {locals})
            {loads}
            (loop $more {first} {text} {last} (br $more)))
          (func (export "call") (call $again)))"#
    )
}

/// Recurses as often as the input says (four bytes, little-endian), at the bottom of that calls itself, and hands out how
/// many frames that made. Each frame of a function keeps that many numbers from memory until its callee comes back.
#[must_use]
pub fn full_stack(numbers: u32) -> String {
    let locals = "i64 ".repeat(numbers as usize);
    // The first 64 bytes are the input, the contract's address and the count.
    // Each number follows from the one before by a product, so that none is cheaper made again than kept.
    let makes = repeated(numbers, |number| match number {
        0 => "(local.set 1 (i64.load (i32.const 64)))".to_owned(),
        _ => format!("(local.set {} (i64.mul (local.get {number}) (i64.const {})))", number + 1, number * 2 + 3),
    });
    let uses = repeated(numbers, |number| format!("local.get {} i64.xor", number + 1));
    format!(
        r#"(module
          (import "esker_v1" "input_copy" (func $input_copy (param i32 i32 i32)))
          (import "esker_v1" "address" (func $address (param i32)))
          (import "esker_v1" "call" (func $call (param i64 i32 i32 i32 i32) (result i32)))
          (import "esker_v1" "return_data_copy" (func $return_data_copy (param i32 i32 i32)))
          (import "esker_v1" "set_output" (func $set_output (param i32 i32)))
          (memory (export "memory") 1)
          (func $next
            (if (i32.eqz (call $call (i64.const -1) (i32.const 4) (i32.const 65504) (i32.const 0) (i32.const 4)))
              (then (call $return_data_copy (i32.const 24) (i32.const 0) (i32.const 4)))))
          (func $deeper (param $left i32) (local {locals})
            {makes}
            (if (local.get $left)
              (then (call $deeper (i32.sub (local.get $left) (i32.const 1))))
              (else (call $next)))
            (i64.store (i32.const 64) (i64.const 0) {uses}))
          (func (export "call")
            (call $input_copy (i32.const 0) (i32.const 0) (i32.const 4))
            (call $address (i32.const 4))
            (call $deeper (i32.load (i32.const 0)))
            (i32.store (i32.const 24) (i32.add (i32.load (i32.const 24)) (i32.const 1)))
            (call $set_output (i32.const 24) (i32.const 4))))"#
    )
}
