//! Pointers, lengths and offsets at the edges of what they point into: a call works exactly or is refused whole.

use esker_abi::{HOST_FUNCTIONS, HostFunction, Param};

use super::bench::{Bench, Call, Ended, MEMORY, OUTPUT_BYTES_MAX, arguments, before};
use crate::config::Level;
use crate::linker::{length_param, price};
use crate::{EngineKind, Halt, Outcome};

/// Enough for any call here, the longest length included.
const FUEL: i64 = 1 << 62;

/// How many bytes lie behind the pointer at `index`, by the specification and not by the implementation.
fn extent(row: &HostFunction, index: usize, args: &[u64]) -> u64 {
    let (param, _) = row.params[index];
    if let Some((_, Param::Len)) = row.params.get(index + 1) {
        return args[index + 1];
    }
    match (row.name, param) {
        ("input_copy" | "return_data_copy", "dst") => args[2],
        ("log", "topics") => 32 * args[1],
        (_, "account") => 20,
        (_, "signature") | ("p256_verify", "public_key") => 64,
        ("bn254_add", "input") => 128,
        ("bn254_mul", "input") => 96,
        ("bls12_381_g1_add", "input") => 256,
        ("bls12_381_g2_add", "input") => 512,
        ("bls12_381_map_fp_to_g1", "input") => 64,
        ("bls12_381_map_fp2_to_g2", "input") => 128,
        ("caller" | "origin" | "address" | "coinbase" | "create" | "create2" | "ecrecover" | "ripemd160", "dst") => 20,
        ("bn254_add" | "bn254_mul", "dst") => 64,
        ("bls12_381_g1_add" | "bls12_381_g1_msm" | "bls12_381_map_fp_to_g1", "dst") => 128,
        ("bls12_381_g2_add" | "bls12_381_g2_msm" | "bls12_381_map_fp2_to_g2", "dst") => 256,
        _ => 32,
    }
}

/// What came of the call, with the `len` bytes at `at` taken out of the returned memory.
fn taken_apart(ended: &Ended, at: u64, len: u64) -> (Vec<u8>, Vec<u8>) {
    let (Outcome::Return(bytes) | Outcome::Revert(bytes)) = &ended.outcome else {
        panic!("the call was not served: {ended:?}");
    };
    let mut rest = bytes.clone();
    if bytes.len() as u64 != MEMORY {
        // The frame's own output.
        return (rest, Vec::new());
    }
    let (at, len) = (at as usize, len as usize);
    let taken = rest[at..at + len].to_vec();
    rest[at..at + len].fill(0);
    (rest, taken)
}

/// Puts the pointer at `index` on both sides of the last place where its bytes fit.
fn check_pointer(bench: &Bench, row: &'static HostFunction, index: usize, args: &[u64], byte: u8) {
    let (param, _) = row.params[index];
    let len = extent(row, index, args);
    let call = |at: u64, fill: bool| {
        let mut args = args.to_vec();
        args[index] = at;
        let mut before = before(row);
        if fill {
            before += &format!("(memory.fill (i32.const {at}) (i32.const {byte}) (i32.const {len}))");
        }
        bench.call(&Call { row, args: &args, fuel: FUEL, before: &before })
    };
    let (inside, last) = (args[index], MEMORY - len);
    let (usual, edge) = (call(inside, true), call(last, true));
    let what = format!("{}({param}) with {args:?} and {byte:#x}", row.name);
    assert_eq!(taken_apart(&edge, last, len), taken_apart(&usual, inside, len), "{what}: other bytes at the edge");
    assert_eq!(std::mem::discriminant(&edge.outcome), std::mem::discriminant(&usual.outcome), "{what}");
    assert_eq!((edge.fuel_left, &edge.asked), (usual.fuel_left, &usual.asked), "{what}");

    let made_before = usize::from(!before(row).is_empty());
    for at in [last + 1, MEMORY, MEMORY + 1, u64::from(u32::MAX)] {
        if at + len > MEMORY {
            let refused = call(at, false);
            assert_eq!(refused.outcome, Outcome::Halt(Halt::InvalidArgument), "{what} at {at}");
            assert_eq!((refused.fuel_left, refused.effects()), (0, made_before), "{what} at {at}");
        }
    }
}

#[test]
fn every_pointer_works_up_to_the_end_of_memory_and_is_refused_behind_it() {
    let bench = Bench::new(EngineKind::Cranelift, Level::Optimised);
    for row in HOST_FUNCTIONS {
        let lengths: &[u64] = if length_param(row).is_some() { &[0, 33] } else { &[0] };
        for (index, (_, kind)) in row.params.iter().enumerate() {
            if !matches!(kind, Param::Ptr | Param::Mut) {
                continue;
            }
            for length in lengths {
                for byte in [0, 0x5a] {
                    check_pointer(&bench, row, index, &arguments(row, *length), byte);
                }
            }
        }
    }
}

#[test]
fn every_pointer_is_checked_alike_by_the_portable_engine() {
    let bench = Bench::new(EngineKind::Pulley, Level::Baseline);
    for row in HOST_FUNCTIONS {
        let length = if length_param(row).is_some() { 33 } else { 0 };
        for (index, (_, kind)) in row.params.iter().enumerate() {
            if matches!(kind, Param::Ptr | Param::Mut) {
                check_pointer(&bench, row, index, &arguments(row, length), 0x5a);
            }
        }
    }
}

#[test]
fn every_length_beyond_memory_is_refused() {
    let bench = Bench::new(EngineKind::Cranelift, Level::Optimised);
    for row in HOST_FUNCTIONS.iter().filter(|row| length_param(row).is_some()) {
        for length in [MEMORY + 1, u64::from(u32::MAX)] {
            assert!(price(row, length as u32) < FUEL as u64, "{}: the call is paid for", row.name);
            let args = arguments(row, length);
            let ended = bench.call(&Call { row, args: &args, fuel: FUEL, before: "" });
            let is_output = matches!(row.name, "set_output" | "finish" | "revert");
            let halt = if is_output && length > u64::from(OUTPUT_BYTES_MAX) {
                Halt::OutputTooLarge
            } else {
                Halt::InvalidArgument
            };
            assert_eq!(ended.outcome, Outcome::Halt(halt), "{} with {length} bytes", row.name);
            assert_eq!(ended.effects(), 0, "{} with {length} bytes", row.name);
        }
    }
}

#[test]
fn every_copy_ends_where_its_source_ends() {
    // Both sources, input and return data, are 64 bytes long here.
    let bench = Bench::new(EngineKind::Cranelift, Level::Optimised);
    let mut copies = 0;
    for row in HOST_FUNCTIONS {
        let Some(index) = row.params.iter().position(|(_, kind)| *kind == Param::Offset) else { continue };
        copies += 1;
        for (offset, length, fits) in [
            (0, 64, true),
            (0, 65, false),
            (31, 33, true),
            (32, 33, false),
            (64, 0, true),
            (65, 0, false),
            (u64::from(u32::MAX), 1, false),
            (u64::from(u32::MAX), 0, false),
        ] {
            let mut args = arguments(row, length);
            args[index] = offset;
            let ended = bench.call(&Call { row, args: &args, fuel: FUEL, before: &before(row) });
            let what = format!("{} of {length} bytes from {offset}", row.name);
            if fits {
                let (_, copied) = taken_apart(&ended, args[0], length + 1);
                let (last, copied) = copied.split_last().expect("one byte more than was copied");
                assert!(copied.iter().all(|byte| *byte != 0) && *last == 0, "{what}: {copied:?} then {last}");
            } else {
                assert_eq!(ended.outcome, Outcome::Halt(Halt::InvalidArgument), "{what}");
            }
        }
    }
    assert_eq!(copies, 2, "input and return data");
}
