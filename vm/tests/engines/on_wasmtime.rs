//! wasmtime's engines.

use std::sync::LazyLock;

use esker_abi::{IMPORT_MODULE, Limits, find};
use wasmtime::{
    Config, Extern, ExternType, Func, InstanceAllocationStrategy, InstancePre, Linker, Memory, Module, OptLevel,
    PoolingAllocationConfig, Store, Strategy, Trap, Val,
};

use super::host::Host;
use super::{End, Engine, OBSERVED, Stop};

/// One of wasmtime's compilers, with instances out of a pool for modules within the protocol's limits, which makes them
/// several times cheaper, and without for larger ones.
struct Compiler {
    pooled: wasmtime::Engine,
    unpooled: wasmtime::Engine,
}

static CRANELIFT: LazyLock<Compiler> = LazyLock::new(|| Compiler::new(|_| {}));
static UNOPTIMISED: LazyLock<Compiler> = LazyLock::new(|| {
    Compiler::new(|config| {
        config.cranelift_opt_level(OptLevel::None);
    })
});
static WINCH: LazyLock<Compiler> = LazyLock::new(|| {
    Compiler::new(|config| {
        config.strategy(Strategy::Winch);
    })
});
static PULLEY: LazyLock<Compiler> = LazyLock::new(|| {
    Compiler::new(|config| {
        let target = if cfg!(target_endian = "big") { "pulley64be" } else { "pulley64" };
        config.target(target).expect("the target is known");
    })
});

/// Instances that tests on several threads have alive at once in a pool. An emulator of another CPU cannot reserve address
/// space for so many: `ESKER_SLOTS` says how many it gets.
#[allow(clippy::disallowed_methods, reason = "a test's switch, no consensus code")]
fn slot_count() -> u32 {
    std::env::var("ESKER_SLOTS").ok().and_then(|slots| slots.parse().ok()).unwrap_or(16)
}

impl Compiler {
    fn new(special: impl Fn(&mut Config)) -> Self {
        let engine = |pool: bool| {
            let mut config = Config::new();
            config.strategy(Strategy::Cranelift);
            config.cranelift_opt_level(OptLevel::Speed);
            // Sixteen times what the logical stack allows.
            config.max_wasm_stack(1 << 20);
            // Modules are small and many: nothing is spent on threads, or on what no test looks at.
            config.wasm_backtrace_max_frames(None);
            config.native_unwind_info(false);
            config.generate_address_map(false);
            special(&mut config);
            if pool {
                config.allocation_strategy(InstanceAllocationStrategy::Pooling(slots()));
            }
            wasmtime::Engine::new(&config).expect("the configuration is sound")
        };
        Self { pooled: engine(true), unpooled: engine(false) }
    }

    fn compile(&self, wasm: &[u8], pooled: bool) -> Module {
        let engine = if pooled { &self.pooled } else { &self.unpooled };
        Module::new(engine, wasm).unwrap_or_else(|error| panic!("an accepted module compiles: {error:?}"))
    }
}

fn slots() -> PoolingAllocationConfig {
    let (mut pool, count) = (PoolingAllocationConfig::new(), slot_count());
    pool.total_core_instances(count).total_memories(count).total_tables(count);
    pool.max_memory_size(Limits::V1.memory_pages_max as usize * 65_536);
    pool.table_elements(Limits::V1.table_entries_max as usize);
    pool.linear_memory_keep_resident(4 * 65_536).table_keep_resident(4_096).decommit_batch_size(1);
    pool
}

/// A compiled module with its imports resolved.
pub struct Code {
    pre: InstancePre<Host>,
}

impl Code {
    pub fn new(engine: Engine, wasm: &[u8], pooled: bool) -> Self {
        let compiler = match engine {
            Engine::Cranelift => &*CRANELIFT,
            Engine::Unoptimised => &*UNOPTIMISED,
            Engine::Winch => &*WINCH,
            Engine::Pulley => &*PULLEY,
            Engine::Wasmi => unreachable!("not one of wasmtime's"),
        };
        let module = compiler.compile(wasm, pooled);
        let mut linker: Linker<Host> = Linker::new(module.engine());
        for import in module.imports() {
            let function = find(import.name()).expect("tests import rows of the table");
            let ExternType::Func(function_type) = import.ty() else { panic!("only functions are imported") };
            linker
                .func_new(IMPORT_MODULE, import.name(), function_type, move |mut caller, params, results| {
                    let arguments: Vec<u64> = params.iter().map(unsigned).collect();
                    let memory = caller.get_export("memory").and_then(Extern::into_memory).expect("it is exported");
                    let (memory, host) = memory.data_and_store_mut(&mut caller);
                    let served = host.serve(function, &arguments, memory).map_err(wasmtime::Error::from)?;
                    let gas = served.gas.map(Val::I64);
                    let result = served.result.map(|value| match function.result {
                        Some(esker_abi::Param::I64) => Val::I64(value.cast_signed()),
                        _ => Val::I32(value as i32),
                    });
                    for (slot, value) in results.iter_mut().zip(result.into_iter().chain(gas)) {
                        *slot = value;
                    }
                    Ok(())
                })
                .expect("imports have different names");
        }
        Self { pre: linker.instantiate_pre(&module).expect("an accepted module links") }
    }

    pub fn instantiate(&self, host: Host) -> Instance {
        let mut store = Store::new(self.pre.module().engine(), host);
        let instance = self.pre.instantiate(&mut store).expect("an accepted module instantiates");
        let call = instance.get_func(&mut store, "call").expect("`call` is exported");
        let memory = instance.get_memory(&mut store, "memory").expect("`memory` is exported");
        Instance { store, instance, call, memory }
    }
}

fn unsigned(value: &Val) -> u64 {
    match value {
        Val::I32(value) => u64::from(value.cast_unsigned()),
        Val::I64(value) => value.cast_unsigned(),
        other => panic!("not an integer: {other:?}"),
    }
}

/// An instance and its host.
pub struct Instance {
    store: Store<Host>,
    instance: wasmtime::Instance,
    call: Func,
    memory: Memory,
}

impl Instance {
    pub fn call(&mut self, metered: Option<(i64, i32)>) -> (Result<(), Stop>, Option<i64>) {
        let mut results = vec![Val::I64(0); usize::from(metered.is_some())];
        let arguments: Vec<Val> = metered.map_or(Vec::new(), |(fuel, stack)| vec![Val::I64(fuel), Val::I32(stack)]);
        let outcome = self.call.call(&mut self.store, &arguments, &mut results).map_err(|error| {
            match (error.downcast_ref::<End>(), error.downcast_ref::<Trap>()) {
                (Some(end), _) => Stop::Host(end.clone()),
                (None, Some(trap)) => Stop::Trap(name(*trap)),
                (None, None) => panic!("unexpected error {error:?}"),
            }
        });
        let gas_left = results.first().and_then(Val::i64).filter(|_| outcome.is_ok());
        (outcome, gas_left)
    }

    pub fn memory(&self) -> Vec<u8> {
        self.memory.data(&self.store).to_vec()
    }

    pub fn global(&mut self, name: &str) -> Option<i64> {
        let global = self.instance.get_global(&mut self.store, name)?;
        Some(signed(&global.get(&mut self.store)))
    }

    pub fn set_global(&mut self, name: &str, value: i64) {
        let global = self.instance.get_global(&mut self.store, name).expect("the global is exported");
        let value = if global.ty(&self.store).content().is_i32() { Val::I32(value as i32) } else { Val::I64(value) };
        global.set(&mut self.store, value).expect("the global is mutable");
    }

    pub fn globals(&mut self) -> Vec<(String, i64)> {
        let exports: Vec<(String, Extern)> = self
            .instance
            .exports(&mut self.store)
            .map(|export| (export.name().to_owned(), export.into_extern()))
            .collect();
        let observed = exports.into_iter().filter(|(name, _)| name.starts_with(OBSERVED));
        observed
            .filter_map(|(name, export)| Some((name, signed(&export.into_global()?.get(&mut self.store)))))
            .collect()
    }

    pub fn host(&self) -> &Host {
        self.store.data()
    }

    pub fn into_host(self) -> Host {
        self.store.into_data()
    }
}

fn signed(value: &Val) -> i64 {
    match value {
        Val::I32(value) => i64::from(*value),
        Val::I64(value) => *value,
        other => panic!("not an integer: {other:?}"),
    }
}

fn name(trap: Trap) -> &'static str {
    match trap {
        Trap::UnreachableCodeReached => "unreachable",
        Trap::MemoryOutOfBounds => "memory",
        Trap::TableOutOfBounds => "table",
        Trap::IndirectCallToNull => "null",
        Trap::BadSignature => "signature",
        Trap::IntegerOverflow => "overflow",
        Trap::IntegerDivisionByZero => "division",
        Trap::StackOverflow => "native stack",
        other => panic!("unexpected trap {other:?}"),
    }
}
