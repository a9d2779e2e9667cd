//! wasmi.

use esker_abi::{IMPORT_MODULE, find};
use wasmi::{Config, Extern, ExternType, Func, Linker, Memory, Module, Store, TrapCode, Val};

use super::host::Host;
use super::{End, OBSERVED, Stop};
use crate::rewriters::selects;

/// A translated module with its host functions.
pub struct Code {
    module: Module,
    linker: Linker<Host>,
}

impl Code {
    pub fn new(wasm: &[u8]) -> Self {
        let mut config = Config::default();
        config.set_max_recursion_depth(20_000);
        config.set_max_stack_height(32 << 20);
        // An engine keeps what it translated for as long as it lives.
        let engine = wasmi::Engine::new(&config);
        let module = Module::new(&engine, selects::kept_apart(wasm)).expect("an accepted module translates");
        let mut linker: Linker<Host> = Linker::new(&engine);
        for import in module.imports() {
            let function = find(import.name()).expect("tests import rows of the table");
            let ExternType::Func(function_type) = import.ty().clone() else { panic!("only functions are imported") };
            linker
                .func_new(IMPORT_MODULE, import.name(), function_type, move |mut caller, params, results| {
                    let arguments: Vec<u64> = params.iter().map(unsigned).collect();
                    let memory = caller.get_export("memory").and_then(Extern::into_memory).expect("it is exported");
                    let (memory, host) = memory.data_and_store_mut(&mut caller);
                    let served = host.serve(function, &arguments, memory).map_err(wasmi::Error::host)?;
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
        Self { module, linker }
    }

    pub fn instantiate(&self, host: Host) -> Instance {
        let mut store = Store::new(self.module.engine(), host);
        let instance =
            self.linker.instantiate_and_start(&mut store, &self.module).expect("an accepted module instantiates");
        let call = instance.get_func(&store, "call").expect("`call` is exported");
        let memory = instance.get_memory(&store, "memory").expect("`memory` is exported");
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
    instance: wasmi::Instance,
    call: Func,
    memory: Memory,
}

impl Instance {
    pub fn call(&mut self, metered: Option<(i64, i32)>) -> (Result<(), Stop>, Option<i64>) {
        let mut results = vec![Val::I64(0); usize::from(metered.is_some())];
        let arguments: Vec<Val> = metered.map_or(Vec::new(), |(fuel, stack)| vec![Val::I64(fuel), Val::I32(stack)]);
        let outcome = self.call.call(&mut self.store, &arguments, &mut results).map_err(|error| {
            match (error.downcast_ref::<End>(), error.as_trap_code()) {
                (Some(end), _) => Stop::Host(end.clone()),
                (None, Some(code)) => Stop::Trap(name(code)),
                (None, None) => panic!("unexpected error {error:?}"),
            }
        });
        let gas_left = results.first().and_then(|value| value.i64()).filter(|_| outcome.is_ok());
        (outcome, gas_left)
    }

    pub fn memory(&self) -> Vec<u8> {
        self.memory.data(&self.store).to_vec()
    }

    pub fn global(&self, name: &str) -> Option<i64> {
        Some(signed(&self.instance.get_global(&self.store, name)?.get(&self.store)))
    }

    pub fn set_global(&mut self, name: &str, value: i64) {
        let global = self.instance.get_global(&self.store, name).expect("the global is exported");
        let value = match global.get(&self.store) {
            Val::I32(_) => Val::I32(value as i32),
            _ => Val::I64(value),
        };
        global.set(&mut self.store, value).expect("the global is mutable");
    }

    pub fn globals(&self) -> Vec<(String, i64)> {
        self.instance
            .exports(&self.store)
            .filter(|export| export.name().starts_with(OBSERVED))
            .filter_map(|export| {
                let name = export.name().to_owned();
                Some((name, signed(&export.into_global()?.get(&self.store))))
            })
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

fn name(code: TrapCode) -> &'static str {
    match code {
        TrapCode::UnreachableCodeReached => "unreachable",
        TrapCode::MemoryOutOfBounds => "memory",
        TrapCode::TableOutOfBounds => "table",
        TrapCode::IndirectCallToNull => "null",
        TrapCode::BadSignature => "signature",
        TrapCode::IntegerOverflow => "overflow",
        TrapCode::IntegerDivisionByZero => "division",
        TrapCode::StackOverflow => "native stack",
        other => panic!("unexpected trap {other:?}"),
    }
}
