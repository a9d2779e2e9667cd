//! A compiled module, ready to be instantiated.

use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, OnceLock};

use esker_abi::{EXPORT_CALL, EXPORT_DEPLOY, EXPORT_MEMORY};
use wasmtime::{ExternType, InstancePre, Module, ModuleExport, Mutability, Val, ValType};

use crate::config::Level;
use crate::instance::FrameState;
use crate::instrument::global_export;
use crate::modules::Image;
use crate::tier::Tier;
use crate::trap::EXPORT_HALT;
use crate::{DataSegment, Fatal, ModuleFacts};

/// A compiled module with its imports resolved and its exports found.
pub(crate) struct CompiledModule {
    pub(crate) pre: InstancePre<FrameState>,
    pub(crate) call: ModuleExport,
    pub(crate) deploy: Option<ModuleExport>,
    pub(crate) memory: ModuleExport,
    pub(crate) halt: ModuleExport,
    /// All mutable globals; `None` if there is more that a reset would have to restore than they and memory.
    pub(crate) globals: Option<Box<[ModuleExport]>>,
    /// Their values before any guest code has run, once an instance was made.
    pub(crate) initial: OnceLock<Box<[Val]>>,
    pub(crate) facts: ModuleFacts,
    /// What goes into memory before a frame begins.
    pub(crate) data: Arc<[DataSegment]>,
    pub(crate) level: Level,
    /// Size of the code image, in bytes.
    pub(crate) image_bytes: usize,
    /// How much block execution has used it, as the optimiser counts.
    pub(crate) heat: AtomicU64,
    /// The optimiser was asked for it.
    pub(crate) asked: AtomicBool,
    /// The file that the code lies in, if it was loaded from one. Dropped last: everything above points into it.
    _image: Option<Image>,
}

impl CompiledModule {
    /// Resolves imports and exports. Fails if they are not those of an instrumented module.
    ///
    /// `image` is the mapping that `module` was loaded from; it stands before it, so that it is dropped after it.
    pub(crate) fn link(
        tier: &Tier,
        facts: ModuleFacts,
        data: Arc<[DataSegment]>,
        image: Option<Image>,
        module: Module,
    ) -> Result<Self, Fatal> {
        let pre = tier
            .linker
            .instantiate_pre(&module)
            .map_err(|error| Fatal::Engine(format!("an accepted module does not link: {error}")))?;
        let (call, deploy) = (entry(&module, EXPORT_CALL)?, entry(&module, EXPORT_DEPLOY)?);
        let memory = export(&module, EXPORT_MEMORY, |kind| matches!(kind, ExternType::Memory(_)))?;
        let halt = export(&module, EXPORT_HALT, |kind| {
            matches!(kind, ExternType::Global(global)
                if matches!(global.content(), ValType::I32) && global.mutability() == Mutability::Var)
        })?;
        let globals: Box<[ModuleExport]> = (0..)
            .map_while(|index| resettable_global(&module, &global_export(index)).transpose())
            .collect::<Result<_, _>>()?;
        let range = module.image_range();
        Ok(Self {
            pre,
            call: call.ok_or_else(|| missing(EXPORT_CALL))?,
            deploy,
            memory: memory.ok_or_else(|| missing(EXPORT_MEMORY))?,
            halt: halt.ok_or_else(|| missing(EXPORT_HALT))?,
            globals: (!globals.is_empty()).then_some(globals),
            initial: OnceLock::new(),
            facts,
            data,
            level: tier.level,
            image_bytes: range.end.addr() - range.start.addr(),
            heat: AtomicU64::new(0),
            asked: AtomicBool::new(false),
            _image: image,
        })
    }
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

/// A mutable global that a reset sets.
fn resettable_global(module: &Module, name: &str) -> Result<Option<ModuleExport>, Fatal> {
    export(module, name, |kind| {
        matches!(kind, ExternType::Global(global)
            if matches!(global.content(), ValType::I32 | ValType::I64) && global.mutability() == Mutability::Var)
    })
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
