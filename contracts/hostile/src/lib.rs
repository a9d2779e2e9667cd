//! Contracts that attack the machine: what they do stands in `wat/`, or is written by [`generated`] where it is long.
//!
//! [`ATTACKS`] are called, each in a transaction of its own. The tests say how each ends, hold that all engines and tiers
//! agree to the gas, and that no more work is done than was paid for. Modules that are an attack by being deployed, and
//! payloads that are no modules, are in the tests of their own: `compile_bombs`, `native_stack`, `payloads`, `cold_contracts`.

pub mod generated;

use generated::Recursion;

/// A call that means harm.
#[derive(Clone, Copy, Debug)]
pub struct Attack {
    /// What it is called in tests and tables.
    pub name: &'static str,
    /// The contract, in WebAssembly's text format.
    pub text: fn() -> String,
    /// What it is called with.
    pub input: &'static [u8],
    /// The transaction's gas limit.
    pub gas: u64,
}

impl Attack {
    /// The contract's module.
    ///
    /// # Panics
    /// If its text is not sound.
    #[must_use]
    pub fn module(&self) -> Vec<u8> {
        module(&(self.text)())
    }
}

/// A module from its text.
///
/// # Panics
/// If the text is not sound.
#[must_use]
pub fn module(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|error| panic!("an attack's text is not sound: {error}"))
}

/// The text of a file in `wat/`.
macro_rules! file {
    ($name:literal) => {
        || include_str!(concat!("../wat/", $name, ".wat")).to_owned()
    };
}

/// Creates contracts from its input once it has burnt its gas; see the text.
pub const BURN_THEN_CREATE: fn() -> String = file!("burn_then_create");
/// Calls as many contracts as its input says.
pub const CALL_MANY: fn() -> String = file!("call_many");
/// Two bytes of data at both ends of memory.
pub const FAR_DATA: fn() -> String = file!("far_data");

/// Enough to see where an attack leads.
const SOME: u64 = 2_000_000;
/// Enough to come 256 frames deep, although each keeps a 64th of its gas.
const DEEP: u64 = 30_000_000;

const fn attack(name: &'static str, text: fn() -> String, input: &'static [u8], gas: u64) -> Attack {
    Attack { name, text, input, gas }
}

/// An endless loop of one bulk operation. Where its bytes lie beside memory that may not be touched, a system's own fill and
/// copy can take far longer, although they touch none of it.
fn bulk(operation: &str, at: u32, bytes: u32) -> String {
    format!(
        r#"(module (memory (export "memory") 1) (func (export "call")
          (loop $again
            (memory.{operation} (i32.const {at}) (i32.const 7) (i32.const {bytes}))
            (br $again))))"#
    )
}

const EDGES: fn() -> String = file!("edges");

/// A case of `wat/edges.wat`, by its place in the table there.
const fn edge(name: &'static str, case: &'static [u8; 1]) -> Attack {
    attack(name, EDGES, case, 1_000_000)
}

/// All calls that mean harm.
pub const ATTACKS: &[Attack] = &[
    // Time.
    attack("infinite loop of nothing", file!("spin"), &[], SOME),
    attack("infinite loop of the cheapest instruction", || generated::trivial_loop(60_000), &[], SOME),
    attack("infinite loop of one branch table", || generated::branch_table(200, 1_024), &[], SOME),
    attack("fill in a loop", file!("fill"), &[], SOME),
    attack("fill of nothing in a loop", || bulk("fill", 0, 0), &[], SOME),
    attack("fill of nothing beside the guard", || bulk("fill", 65_536, 0), &[], SOME),
    attack("fill of a byte beside the guard", || bulk("fill", 65_535, 1), &[], SOME),
    attack("copy of a byte in a loop", || bulk("copy", 0, 1), &[], SOME),
    attack("copy of nothing beside the guard", || bulk("copy", 65_536, 0), &[], SOME),
    attack("copy of a byte beside the guard", || bulk("copy", 65_535, 1), &[], SOME),
    attack("all fills of 55 locals in a loop", || generated::fill_pairs(1_485, Recursion::Never), &[], SOME),
    // Memory.
    attack("grow and touch every page", file!("grow"), &[], SOME),
    attack("frames with all memory", file!("large_frames"), &[], DEEP),
    // Stack.
    attack("indirect recursion", file!("recursion"), &[], SOME),
    attack("256 frames with narrow stacks", || generated::full_stack(0), &generated::NARROW_DEPTH, DEEP),
    attack("256 frames with wide stacks", || generated::full_stack(500), &generated::WIDE_DEPTH, DEEP),
    // Calls.
    attack("calls 256 deep", file!("depth"), &[1, 0], DEEP),
    attack("static calls 256 deep", file!("depth"), &[1, 1], DEEP),
    attack("delegate calls 256 deep", file!("depth"), &[1, 2], DEEP),
    attack("calls with too little gas for 256", file!("depth"), &[1, 0], 300_000),
    attack("two calls from each frame", file!("depth"), &[2, 0], SOME),
    attack("two hundred calls from each frame", file!("depth"), &[200, 2], SOME),
    // Data.
    attack("return data that nobody reads", file!("return_bomb"), &[0], SOME),
    attack("return data that is copied", file!("return_bomb"), &[1], SOME),
    attack("return data of as many frames as gas allows", file!("nested_returns"), &[], DEEP),
    attack("logs until nothing is left", file!("log_flood"), &[0, 0, 0, 0, 0], SOME),
    attack("logs without data", file!("log_flood"), &[1, 0, 0, 0, 0], SOME),
    attack("logs of 128 KiB", file!("log_flood"), &[1, 0, 0, 2, 0], DEEP),
    attack("data at both ends of memory", FAR_DATA, &[], SOME),
    // Pointers.
    edge("load at the end", &[0]),
    edge("load over the end", &[1]),
    edge("load beyond 4 GiB", &[2]),
    edge("store over the end", &[3]),
    edge("fill of nothing at the end", &[4]),
    edge("fill of nothing over the end", &[5]),
    edge("fill of 4 GiB", &[6]),
    edge("copy over the end", &[7]),
    edge("init over the segment", &[8]),
    edge("growth by four billion pages", &[9]),
    edge("output at the end", &[10]),
    edge("output too large", &[11]),
    edge("output over the end", &[12]),
    edge("host function at the end", &[13]),
    edge("host function over the end", &[14]),
    edge("hash of 4 GiB", &[15]),
    edge("hash over the end", &[16]),
    edge("log over the end", &[17]),
    edge("log with five topics", &[18]),
    edge("input over its end", &[19]),
    edge("return data without a call", &[20]),
    edge("table at its end", &[21]),
    edge("empty table entry", &[22]),
    edge("table entry of another type", &[23]),
    edge("topics that wrap around", &[24]),
    edge("storage key that wraps around", &[25]),
];
