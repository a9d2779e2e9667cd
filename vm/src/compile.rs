//! From instrumented wasm to a module ready to be instantiated.

use esker_abi::{EXPORT_CALL, EXPORT_DEPLOY, EXPORT_MEMORY};
use wasmtime::{ExternType, InstancePre, Linker, Module, ModuleExport, Mutability, ValType};

use crate::instance::FrameState;
use crate::trap::EXPORT_HALT;
use crate::{Fatal, Prepared};

/// What is known about a module beyond its code: kept beside it in every cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ModuleFacts {
    pub(crate) prepared: Prepared,
    /// Pages of linear memory at the start of a frame.
    pub(crate) initial_pages: u32,
    /// Entries of the table; 0 if there is none.
    pub(crate) table_entries: u32,
}

/// A compiled module with its imports resolved and its exports found.
pub(crate) struct CompiledModule {
    pub(crate) pre: InstancePre<FrameState>,
    pub(crate) call: ModuleExport,
    pub(crate) deploy: Option<ModuleExport>,
    pub(crate) memory: ModuleExport,
    pub(crate) halt: ModuleExport,
    pub(crate) facts: ModuleFacts,
    /// Size of the code image, in bytes.
    pub(crate) image_bytes: usize,
}

impl CompiledModule {
    /// Resolves imports and exports. Fails if they are not those of an instrumented module.
    pub(crate) fn link(linker: &Linker<FrameState>, module: &Module, facts: ModuleFacts) -> Result<Self, Fatal> {
        let pre = linker
            .instantiate_pre(module)
            .map_err(|error| Fatal::Engine(format!("an accepted module does not link: {error}")))?;
        let (call, deploy) = (entry(module, EXPORT_CALL)?, entry(module, EXPORT_DEPLOY)?);
        let memory = export(module, EXPORT_MEMORY, |kind| matches!(kind, ExternType::Memory(_)))?;
        let halt = export(module, EXPORT_HALT, |kind| {
            matches!(kind, ExternType::Global(global)
                if matches!(global.content(), ValType::I32) && global.mutability() == Mutability::Var)
        })?;
        let image = module.image_range();
        Ok(Self {
            pre,
            call: call.ok_or_else(|| missing(EXPORT_CALL))?,
            deploy,
            memory: memory.ok_or_else(|| missing(EXPORT_MEMORY))?,
            halt: halt.ok_or_else(|| missing(EXPORT_HALT))?,
            facts,
            image_bytes: image.end.addr() - image.start.addr(),
        })
    }
}

/// Compiles what the validator accepted; a failure is therefore ours.
pub(crate) fn compile(engine: &wasmtime::Engine, instrumented: &[u8]) -> Result<Module, Fatal> {
    Module::from_binary(engine, instrumented)
        .map_err(|error| Fatal::Engine(format!("an accepted module does not compile: {error:#}")))
}

fn missing(name: &str) -> Fatal {
    Fatal::Engine(format!("the instrumented module does not export {name}"))
}

/// The export `name`, if there is one; an error if it is of another type.
fn export(module: &Module, name: &str, right: impl Fn(&ExternType) -> bool) -> Result<Option<ModuleExport>, Fatal> {
    match module.get_export(name) {
        None => Ok(None),
        Some(kind) if right(&kind) => Ok(module.get_export_index(name)),
        Some(_) => Err(Fatal::Engine(format!("the instrumented module exports {name} with another type"))),
    }
}

/// An entry point: (fuel: i64, stack units: i32) -> fuel: i64. The frame's run relies on this check.
fn entry(module: &Module, name: &str) -> Result<Option<ModuleExport>, Fatal> {
    export(module, name, |kind| {
        let ExternType::Func(function) = kind else { return false };
        let mut params = function.params();
        let mut results = function.results();
        matches!((params.next(), params.next(), params.next()), (Some(ValType::I64), Some(ValType::I32), None))
            && matches!((results.next(), results.next()), (Some(ValType::I64), None))
    })
}
