//! Runs of a module, original or rewritten, on wasmtime's Cranelift, on Pulley and on wasmi, with one deterministic host.

use std::fmt;
use std::sync::LazyLock;

use esker_abi::{HostFunctionId, IMPORT_MODULE, find};
use esker_vm::instrument::{EXPORT_HALT, HALT_OUT_OF_GAS, HALT_STACK_OVERFLOW};

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
    /// The contract trapped by itself.
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
    /// Values of the exported globals whose names begin with `test_`.
    pub globals: Vec<(String, i64)>,
}

/// The engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Cranelift,
    Pulley,
    Wasmi,
}

pub const ALL: [Engine; 3] = [Engine::Cranelift, Engine::Pulley, Engine::Wasmi];

/// Stack units that tests hand to a frame.
pub const STACK_UNITS: i32 = 64 * 1024;

/// Runs `call` of an original module.
pub fn run_original(engine: Engine, wasm: &[u8]) -> Run {
    run(engine, wasm, None)
}

/// Runs `call` of a rewritten module with `fuel`.
pub fn run_metered(engine: Engine, wasm: &[u8], fuel: i64) -> Run {
    run(engine, wasm, Some((fuel, STACK_UNITS)))
}

pub fn run(engine: Engine, wasm: &[u8], metered: Option<(i64, i32)>) -> Run {
    match engine {
        Engine::Cranelift => on_wasmtime(false, wasm, metered),
        Engine::Pulley => on_wasmtime(true, wasm, metered),
        Engine::Wasmi => on_wasmi(wasm, metered),
    }
}

static CRANELIFT: LazyLock<wasmtime::Engine> = LazyLock::new(|| wasmtime_engine(None));
static PULLEY: LazyLock<wasmtime::Engine> = LazyLock::new(|| wasmtime_engine(Some("pulley64")));

fn wasmtime_engine(target: Option<&str>) -> wasmtime::Engine {
    let mut config = wasmtime::Config::new();
    if let Some(target) = target {
        config.target(target).expect("the target is known");
    }
    // Sixteen times what the logical stack allows.
    config.max_wasm_stack(1 << 20);
    wasmtime::Engine::new(&config).expect("the configuration is sound")
}

#[derive(Default)]
struct State {
    trace: Vec<(HostFunctionId, Vec<u64>)>,
    gas_seen: Vec<i64>,
    host_fuel: u64,
}

impl State {
    /// Serves a host call: `arguments` as they come, the fuel last in a rewritten module. Gives the results.
    fn serve(&mut self, name: &str, arguments: &[u64], metered: bool) -> Result<Vec<u64>, End> {
        let function = find(name).expect("tests import rows of the table");
        let mut arguments = arguments.to_vec();
        let mut gas = 0;
        if metered {
            gas = arguments.pop().expect("fuel is the last argument").cast_signed();
            if gas < 0 {
                return Err(End::OutOfGas);
            }
            self.gas_seen.push(gas);
            gas -= function.base_fuel.cast_signed();
            if gas < 0 {
                return Err(End::OutOfGas);
            }
        }
        self.host_fuel += function.base_fuel;
        let mut mixed = 0x9e37_79b9_7f4a_7c15_u64 ^ self.trace.len() as u64;
        for argument in &arguments {
            mixed = (mixed ^ argument).wrapping_mul(0xff51_afd7_ed55_8ccd).rotate_left(29);
        }
        self.trace.push((function.id, arguments));
        if function.diverges {
            return Err(End::Finished(function.id));
        }
        let mut results = Vec::new();
        if function.result.is_some() {
            results.push(mixed);
        }
        if metered {
            results.push(gas.cast_unsigned());
        }
        Ok(results)
    }
}

fn end_of_halt(halt: i32, trap: &'static str) -> End {
    match halt {
        HALT_OUT_OF_GAS => End::OutOfGas,
        HALT_STACK_OVERFLOW => End::StackOverflow,
        _ => End::Trap(trap),
    }
}

fn on_wasmtime(pulley: bool, wasm: &[u8], metered: Option<(i64, i32)>) -> Run {
    use wasmtime::{Extern, ExternType, Linker, Module, Store, Trap, Val};
    let engine = if pulley { &*PULLEY } else { &*CRANELIFT };
    let module = Module::new(engine, wasm).expect("an accepted module compiles");
    let mut linker: Linker<State> = Linker::new(engine);
    for import in module.imports() {
        let name = import.name().to_owned();
        let ExternType::Func(function_type) = import.ty() else { panic!("only functions are imported") };
        let result_types: Vec<_> = function_type.results().collect();
        linker
            .func_new(IMPORT_MODULE, import.name(), function_type, move |mut caller, params, results| {
                let arguments: Vec<u64> = params
                    .iter()
                    .map(|value| match value {
                        Val::I32(value) => u64::from(value.cast_unsigned()),
                        Val::I64(value) => value.cast_unsigned(),
                        other => panic!("unexpected argument {other:?}"),
                    })
                    .collect();
                let served = caller.data_mut().serve(&name, &arguments, metered.is_some());
                let served = served.map_err(wasmtime::Error::from)?;
                for ((slot, value), result_type) in results.iter_mut().zip(served).zip(&result_types) {
                    *slot = if result_type.is_i32() { Val::I32(value as i32) } else { Val::I64(value.cast_signed()) };
                }
                Ok(())
            })
            .expect("imports have different names");
    }
    let mut store = Store::new(engine, State::default());
    let instance = linker.instantiate(&mut store, &module).expect("an accepted module instantiates");
    let call = instance.get_func(&mut store, "call").expect("`call` is exported");
    let mut results = vec![Val::I64(0); usize::from(metered.is_some())];
    let arguments: Vec<Val> = metered.map_or(Vec::new(), |(fuel, stack)| vec![Val::I64(fuel), Val::I32(stack)]);
    let outcome = call.call(&mut store, &arguments, &mut results);
    let gas_left = results.first().and_then(Val::i64);
    let halt =
        instance.get_global(&mut store, EXPORT_HALT).and_then(|global| global.get(&mut store).i32()).unwrap_or(0);
    let end = match &outcome {
        Ok(()) if gas_left.is_some_and(|gas| gas < 0) => End::OutOfGas,
        Ok(()) => End::Returned,
        Err(error) => match (error.downcast_ref::<End>(), error.downcast_ref::<Trap>()) {
            (Some(end), _) => end.clone(),
            (None, Some(trap)) => {
                let name = match trap {
                    Trap::UnreachableCodeReached => "unreachable",
                    Trap::MemoryOutOfBounds => "memory",
                    Trap::TableOutOfBounds => "table",
                    Trap::IndirectCallToNull => "null",
                    Trap::BadSignature => "signature",
                    Trap::IntegerOverflow => "overflow",
                    Trap::IntegerDivisionByZero => "division",
                    Trap::StackOverflow => "native stack",
                    other => panic!("unexpected trap {other:?}"),
                };
                end_of_halt(halt, name)
            }
            (None, None) => panic!("unexpected error {error:?}"),
        },
    };
    let memory = instance.get_memory(&mut store, "memory").expect("`memory` is exported").data(&store).to_vec();
    let mut globals: Vec<(String, i64)> = Vec::new();
    let exports: Vec<(String, Extern)> =
        instance.exports(&mut store).map(|export| (export.name().to_owned(), export.into_extern())).collect();
    for (name, export) in exports {
        if name.starts_with("test_")
            && let Extern::Global(global) = export
        {
            globals.push((name, global.get(&mut store).i64().expect("test globals are i64")));
        }
    }
    let gas_left = gas_left.filter(|_| outcome.is_ok());
    let State { trace, gas_seen, host_fuel } = store.into_data();
    Run { end, gas_left, trace, gas_seen, host_fuel, memory, globals }
}

fn on_wasmi(wasm: &[u8], metered: Option<(i64, i32)>) -> Run {
    use wasmi::{Config, ExternType, Linker, Module, Store, TrapCode, Val, ValType};
    let mut config = Config::default();
    config.set_max_recursion_depth(20_000);
    config.set_max_stack_height(32 << 20);
    let engine = wasmi::Engine::new(&config);
    let module = Module::new(&engine, wasm).expect("an accepted module translates");
    let mut linker: Linker<State> = Linker::new(&engine);
    for import in module.imports() {
        let name = import.name().to_owned();
        let ExternType::Func(function_type) = import.ty().clone() else { panic!("only functions are imported") };
        let result_types = function_type.results().to_vec();
        linker
            .func_new(IMPORT_MODULE, import.name(), function_type, move |mut caller, params, results| {
                let arguments: Vec<u64> = params
                    .iter()
                    .map(|value| match value {
                        Val::I32(value) => u64::from(value.cast_unsigned()),
                        Val::I64(value) => value.cast_unsigned(),
                        other => panic!("unexpected argument {other:?}"),
                    })
                    .collect();
                let served = caller.data_mut().serve(&name, &arguments, metered.is_some());
                let served = served.map_err(wasmi::Error::host)?;
                for ((slot, value), result_type) in results.iter_mut().zip(served).zip(&result_types) {
                    *slot = match result_type {
                        ValType::I32 => Val::I32(value as i32),
                        _ => Val::I64(value.cast_signed()),
                    };
                }
                Ok(())
            })
            .expect("imports have different names");
    }
    let mut store = Store::new(&engine, State::default());
    let instance = linker.instantiate_and_start(&mut store, &module).expect("an accepted module instantiates");
    let call = instance.get_func(&store, "call").expect("`call` is exported");
    let mut results = vec![Val::I64(0); usize::from(metered.is_some())];
    let arguments: Vec<Val> = metered.map_or(Vec::new(), |(fuel, stack)| vec![Val::I64(fuel), Val::I32(stack)]);
    let outcome = call.call(&mut store, &arguments, &mut results);
    let gas_left = results.first().and_then(|value| value.i64());
    let halt = instance.get_global(&store, EXPORT_HALT).and_then(|global| global.get(&store).i32()).unwrap_or(0);
    let end = match &outcome {
        Ok(()) if gas_left.is_some_and(|gas| gas < 0) => End::OutOfGas,
        Ok(()) => End::Returned,
        Err(error) => match (error.downcast_ref::<End>(), error.as_trap_code()) {
            (Some(end), _) => end.clone(),
            (None, Some(code)) => {
                let name = match code {
                    TrapCode::UnreachableCodeReached => "unreachable",
                    TrapCode::MemoryOutOfBounds => "memory",
                    TrapCode::TableOutOfBounds => "table",
                    TrapCode::IndirectCallToNull => "null",
                    TrapCode::BadSignature => "signature",
                    TrapCode::IntegerOverflow => "overflow",
                    TrapCode::IntegerDivisionByZero => "division",
                    TrapCode::StackOverflow => "native stack",
                    other => panic!("unexpected trap {other:?}"),
                };
                end_of_halt(halt, name)
            }
            (None, None) => panic!("unexpected error {error:?}"),
        },
    };
    let memory = instance.get_memory(&store, "memory").expect("`memory` is exported").data(&store).to_vec();
    let globals = instance
        .exports(&store)
        .filter(|export| export.name().starts_with("test_"))
        .filter_map(|export| {
            let name = export.name().to_owned();
            Some((name, export.into_global()?.get(&store).i64()?))
        })
        .collect();
    let gas_left = gas_left.filter(|_| outcome.is_ok());
    let State { trace, gas_seen, host_fuel } = store.into_data();
    Run { end, gas_left, trace, gas_seen, host_fuel, memory, globals }
}
