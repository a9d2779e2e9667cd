//! Runs of a module, original or rewritten, on every engine there is, with one deterministic host: wasmtime's optimising
//! compiler, the same without optimisation, its baseline compiler, its interpreter, and wasmi, which shares no code with
//! the others.

#![allow(dead_code, reason = "each test binary uses a part of it")]

pub mod host;
mod on_wasmi;
mod on_wasmtime;

use std::fmt;

use esker_abi::HostFunctionId;
use esker_vm::instrument::{EXPORT_HALT, HALT_OUT_OF_GAS, HALT_STACK_OVERFLOW};

use self::host::Host;

/// Exported globals with names that begin so are observed: tests add them.
pub const OBSERVED: &str = "test_";

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The entry point came back.
    Returned,
    /// A host function that does not come back was called.
    Finished(HostFunctionId),
    /// An injected test struck, or the host refused negative fuel, or negative fuel came back.
    OutOfGas,
    StackOverflow,
    /// The contract trapped by itself, or gave a host function a bad range.
    Trap(&'static str),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for End {}
impl wasmi::errors::HostError for End {}

/// Everything observable of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub end: End,
    /// Fuel that came back, in a rewritten module whose entry point returned.
    pub gas_left: Option<i64>,
    /// Host functions called, with their arguments (the fuel not among them).
    pub trace: Vec<(HostFunctionId, Vec<u64>)>,
    /// Fuel handed to each host call, in a rewritten module.
    pub gas_seen: Vec<i64>,
    /// Fuel that the host charged.
    pub host_fuel: u64,
    pub memory: Vec<u8>,
    /// Values of the exported globals whose names begin with [`OBSERVED`].
    pub globals: Vec<(String, i64)>,
}

/// The engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Cranelift, optimising for speed.
    Cranelift,
    /// Cranelift without optimisation.
    Unoptimised,
    /// The baseline compiler.
    Winch,
    Pulley,
    Wasmi,
}

pub const ALL: [Engine; 5] = [Engine::Cranelift, Engine::Unoptimised, Engine::Winch, Engine::Pulley, Engine::Wasmi];

/// Stack units that tests hand to a frame.
pub const STACK_UNITS: i32 = 64 * 1024;

/// A module, compiled by one engine.
pub enum Code {
    Wasmtime(on_wasmtime::Code),
    Wasmi(on_wasmi::Code),
}

impl Code {
    /// Compiles a module within the protocol's limits, original or rewritten.
    ///
    /// # Panics
    /// If the engine refuses it: whatever the validator accepts must compile.
    pub fn new(engine: Engine, wasm: &[u8]) -> Self {
        Self::compiled(engine, wasm, true)
    }

    /// Compiles a module that may be larger than the protocol allows, or have many instances.
    ///
    /// # Panics
    /// If the engine refuses it.
    pub fn large(engine: Engine, wasm: &[u8]) -> Self {
        Self::compiled(engine, wasm, false)
    }

    fn compiled(engine: Engine, wasm: &[u8], pooled: bool) -> Self {
        match engine {
            Engine::Wasmi => Self::Wasmi(on_wasmi::Code::new(wasm)),
            engine => Self::Wasmtime(on_wasmtime::Code::new(engine, wasm, pooled)),
        }
    }

    /// A fresh instance that `host` serves. Every test comes by its instances here, so whatever has to be done to an
    /// instance before its first call belongs here.
    pub fn instantiate(&self, host: Host) -> Instance {
        match self {
            Self::Wasmtime(code) => Instance::Wasmtime(code.instantiate(host)),
            Self::Wasmi(code) => Instance::Wasmi(Box::new(code.instantiate(host))),
        }
    }

    /// Runs `call` on a fresh instance; of a rewritten module with fuel and stack units.
    pub fn run(&self, host: Host, metered: Option<(i64, i32)>) -> Run {
        let mut instance = self.instantiate(Host { metered: metered.is_some(), ..host });
        let (end, gas_left) = instance.call(metered);
        let (memory, mut globals) = (instance.memory(), instance.globals());
        // Engines list exports in orders of their own.
        globals.sort();
        let host = instance.into_host();
        Run { end, gas_left, trace: host.trace, gas_seen: host.gas_seen, host_fuel: host.charged, memory, globals }
    }
}

/// An instance that lives on after a call.
pub enum Instance {
    Wasmtime(on_wasmtime::Instance),
    Wasmi(Box<on_wasmi::Instance>),
}

impl Instance {
    /// Calls `call`, of a rewritten module with fuel and stack units: how that ended, and the fuel that came back.
    pub fn call(&mut self, metered: Option<(i64, i32)>) -> (End, Option<i64>) {
        let (outcome, gas_left) = match self {
            Self::Wasmtime(instance) => instance.call(metered),
            Self::Wasmi(instance) => instance.call(metered),
        };
        let end = match outcome {
            Ok(()) if gas_left.is_some_and(|gas| gas < 0) => End::OutOfGas,
            Ok(()) => End::Returned,
            Err(Stop::Host(end)) => end,
            Err(Stop::Trap(name)) => match self.global(EXPORT_HALT).unwrap_or(0) as i32 {
                HALT_OUT_OF_GAS => End::OutOfGas,
                HALT_STACK_OVERFLOW => End::StackOverflow,
                _ => End::Trap(name),
            },
        };
        (end, gas_left)
    }

    /// The exported memory.
    pub fn memory(&mut self) -> Vec<u8> {
        match self {
            Self::Wasmtime(instance) => instance.memory(),
            Self::Wasmi(instance) => instance.memory(),
        }
    }

    /// The value of an exported global.
    pub fn global(&mut self, name: &str) -> Option<i64> {
        match self {
            Self::Wasmtime(instance) => instance.global(name),
            Self::Wasmi(instance) => instance.global(name),
        }
    }

    /// Sets an exported global, cut to 32 bits if it has so many.
    pub fn set_global(&mut self, name: &str, value: i64) {
        match self {
            Self::Wasmtime(instance) => instance.set_global(name, value),
            Self::Wasmi(instance) => instance.set_global(name, value),
        }
    }

    /// How far below zero fuel was when the host refused a call for it.
    pub fn shortage(&self) -> Option<i64> {
        match self {
            Self::Wasmtime(instance) => instance.host().shortage,
            Self::Wasmi(instance) => instance.host().shortage,
        }
    }

    fn globals(&mut self) -> Vec<(String, i64)> {
        match self {
            Self::Wasmtime(instance) => instance.globals(),
            Self::Wasmi(instance) => instance.globals(),
        }
    }

    fn into_host(self) -> Host {
        match self {
            Self::Wasmtime(instance) => instance.into_host(),
            Self::Wasmi(instance) => instance.into_host(),
        }
    }
}

/// Why an entry point did not come back.
pub enum Stop {
    Host(End),
    Trap(&'static str),
}

/// Runs `call` of an original module.
pub fn run_original(engine: Engine, wasm: &[u8]) -> Run {
    run(engine, wasm, None)
}

/// Runs `call` of a rewritten module with `fuel`.
pub fn run_metered(engine: Engine, wasm: &[u8], fuel: i64) -> Run {
    run(engine, wasm, Some((fuel, STACK_UNITS)))
}

pub fn run(engine: Engine, wasm: &[u8], metered: Option<(i64, i32)>) -> Run {
    Code::new(engine, wasm).run(Host::default(), metered)
}
