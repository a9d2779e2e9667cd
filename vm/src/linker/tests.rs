//! Walks the table of host functions on instances whose import gets its fuel by hand, without instrumentation.

mod bench;
mod edges;

use bench::{Bench, Call, arguments, before, wild};
use esker_abi::HostFunctionId;

use super::*;
use crate::config::Level;
use crate::{EngineKind, Outcome};

#[test]
fn every_row_works_and_costs_exactly_its_base_and_bytes() {
    const FUEL: i64 = 1 << 50;
    for bench in Bench::all() {
        for row in HOST_FUNCTIONS {
            for length in [0, 33] {
                let ended = bench.call(&Call { row, args: &arguments(row, length), fuel: FUEL, before: &before(row) });
                let len = if length_param(row).is_some() { length as u32 } else { 0 };
                let expected = FUEL as u64 - price(row, len);
                assert_eq!(ended.fuel_left(), Some(expected), "{} with {length} bytes: {ended:?}", row.name);
            }
        }
    }
}

/// Whatever touches memory through a wild pointer halts with an invalid argument instead, and addresses come from nowhere
/// but the arguments: running out of gas shows that nothing was read or written.
fn assert_refused_untouched(bench: &Bench, row: &'static HostFunction, fuel: i64) {
    for args in [wild(row, 32), wild(row, 0), arguments(row, 0)] {
        let ended = bench.call(&Call { row, args: &args, fuel, before: "" });
        assert_eq!(ended.outcome, Outcome::Halt(Halt::OutOfGas), "{} with {fuel} fuel and {args:?}", row.name);
        assert_eq!((ended.fuel_left, &ended.asked[..]), (0, &[][..]), "{} with {fuel} fuel and {args:?}", row.name);
    }
}

#[test]
fn every_row_is_refused_untouched_when_fuel_is_below_zero() {
    for bench in Bench::all() {
        for row in HOST_FUNCTIONS {
            for fuel in [-1, i64::MIN] {
                assert_refused_untouched(&bench, row, fuel);
            }
        }
    }
}

#[test]
fn every_row_is_refused_untouched_when_fuel_is_below_its_base_price() {
    for bench in Bench::all() {
        for row in HOST_FUNCTIONS {
            for fuel in [0, row.base_fuel as i64 - 1] {
                assert_refused_untouched(&bench, row, fuel);
            }
        }
    }
}

#[test]
fn every_row_charges_for_its_bytes_before_it_reads() {
    for bench in Bench::all() {
        for row in HOST_FUNCTIONS {
            let args = wild(row, 32);
            let price = price(row, if length_param(row).is_some() { 32 } else { 0 }) as i64;
            let short = bench.call(&Call { row, args: &args, fuel: price - 1, before: "" });
            assert_eq!(short.outcome, Outcome::Halt(Halt::OutOfGas), "{} one fuel short", row.name);
            assert_eq!(short.asked, [""; 0], "{} one fuel short", row.name);
            let enough = bench.call(&Call { row, args: &args, fuel: price, before: "" });
            if row.params.iter().any(|(_, kind)| matches!(kind, Param::Ptr | Param::Mut)) {
                assert_eq!(enough.outcome, Outcome::Halt(Halt::InvalidArgument), "{} with wild pointers", row.name);
                assert_eq!(enough.effects(), 0, "{}: arguments are checked before any effect", row.name);
            } else {
                assert_eq!(enough.fuel_left(), Some(0), "{}", row.name);
            }
        }
    }
}

#[test]
fn numbers_of_64_bits_cross_whole() {
    for bench in Bench::all() {
        let row = HostFunctionId::block_hash.row();
        let ended = bench.call(&Call { row, args: &[u64::MAX - 1, 1_024], fuel: 1 << 50, before: "" });
        assert_eq!(ended.asked, [format!("block_hash {}", u64::MAX - 1)]);
    }
}

#[test]
fn a_log_has_at_most_as_many_topics_as_the_limits_allow() {
    let bench = Bench::new(EngineKind::Cranelift, Level::Optimised);
    let most = u64::from(esker_abi::Limits::V1.log_topics_max);
    for count in [0, most, most + 1, u64::from(u32::MAX)] {
        let args = [1_024, count, 2_048, 8];
        let row = HostFunctionId::log.row();
        let ended = bench.call(&Call { row, args: &args, fuel: 1 << 50, before: "" });
        let accepted = count <= most;
        assert_eq!(ended.fuel_left().is_some(), accepted, "{count} topics: {:?}", ended.outcome);
        assert_eq!(ended.outcome == Outcome::Halt(Halt::InvalidArgument), !accepted, "{count} topics");
        assert_eq!(ended.effects(), usize::from(accepted), "{count} topics");
    }
}

#[test]
fn slots_that_are_not_the_rows_are_the_nodes_fault() {
    use super::arguments::{Arguments as _, caller};
    assert!(matches!(caller::decode(&[]), Err(Exit::Fatal(Fatal::Engine(_)))));
    assert!(matches!(caller::decode(&[ValRaw::u32(0), ValRaw::u32(0)]), Err(Exit::Fatal(Fatal::Engine(_)))));
    assert!(caller::decode(&[ValRaw::u32(0)]).is_ok());
}

#[test]
fn every_row_has_at_most_one_length() {
    for row in HOST_FUNCTIONS {
        let lengths = row.params.iter().filter(|(_, kind)| *kind == Param::Len).count();
        assert!(lengths <= 1, "{}: which length would be charged?", row.name);
        assert_eq!(row.byte_fuel > 0, lengths == 1, "{}: bytes that cross must be charged", row.name);
        for (name, kind) in row.params {
            assert_eq!(*kind == Param::Len, name.ends_with("len"), "{}: the specification goes by the name", row.name);
        }
        assert!(!row.diverges || row.result.is_none(), "{}: a result that never comes", row.name);
        assert!(row.base_fuel > 0, "{}: crossing is not free", row.name);
    }
}

#[test]
fn prices_cannot_wrap() {
    for row in HOST_FUNCTIONS {
        let most = price(row, u32::MAX);
        assert!(most < 1 << 62, "{}: {most}", row.name);
        assert_eq!(most, row.base_fuel + row.byte_fuel * u64::from(u32::MAX), "{}", row.name);
    }
}
