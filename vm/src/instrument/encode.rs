//! The rewritten module, section by section.

use std::collections::{BTreeMap, BTreeSet};

use esker_abi::{EXPORT_CALL, EXPORT_DEPLOY, EXPORT_MEMORY, IMPORT_MODULE, MeterCosts};
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, DataCountSection, DataSection, ElementSection, Elements, EntityType, ExportKind,
    ExportSection, FunctionSection, GlobalSection, GlobalType, ImportSection, MemorySection, MemoryType, RefType,
    TableSection, TableType, TypeSection, ValType,
};

use super::function::{Injected, Plan, encoded, grow, host_wrapper, rewrite};
use super::{EXPORT_HALT, RESET_GLOBALS_MAX, checks, frame, global_export, segments};
use crate::validate::{Class, Constant, FunctionType, Instruction, Kind, Module};

/// Rewrites an accepted module.
pub(super) fn encode(module: &Module<'_>, costs: &MeterCosts) -> Vec<u8> {
    let layout = Layout::new(module);
    let code = code(module, costs, &layout);
    let mut out = wasm_encoder::Module::new();
    out.section(&layout.types);
    if !module.imports.is_empty() {
        out.section(&imports(module, &layout));
    }
    out.section(&layout.functions);
    if let Some(entries) = module.table_entries {
        let mut tables = TableSection::new();
        tables.table(TableType {
            element_type: RefType::FUNCREF,
            table64: false,
            minimum: u64::from(entries),
            maximum: Some(u64::from(entries)),
            shared: false,
        });
        out.section(&tables);
    }
    let mut memories = MemorySection::new();
    memories.memory(MemoryType {
        minimum: u64::from(module.memory.initial),
        maximum: Some(u64::from(module.memory.maximum)),
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    out.section(&memories);
    out.section(&globals(module));
    out.section(&exports(module, &layout));
    if !module.elements.is_empty() {
        out.section(&elements(module, &layout));
    }
    if !module.data.is_empty() {
        out.section(&DataCountSection { count: count(module.data.len()) });
    }
    out.section(&code);
    if !module.data.is_empty() {
        let mut data = DataSection::new();
        for segment in &module.data {
            // An active segment is copied by the engine, and is dropped, hence empty, once an instance has begun.
            let bytes = if segment.offset.is_some() { &[] } else { segment.bytes };
            data.passive(bytes.iter().copied());
        }
        out.section(&data);
    }
    out.finish()
}

/// A number of things in the module, all of which are bounded.
fn count(length: usize) -> u32 {
    u32::try_from(length).expect("the validator bounds every section far below 2^32 entries")
}

/// Types and function indices of the rewritten module.
struct Layout {
    types: TypeSection,
    functions: FunctionSection,
    injected: Injected,
    has_grow: bool,
    /// Type of each import, in order.
    import_types: Vec<u32>,
    /// Type of the block around each function's body, by the function's type, where it takes a type of its own.
    body_types: BTreeMap<u32, u32>,
    /// Wrappers of the host functions that stand in the table, by import.
    wrappers: BTreeMap<u32, u32>,
}

impl Layout {
    fn new(module: &Module<'_>) -> Self {
        let mut types = Types { section: TypeSection::new(), length: 0 };
        let used = UsedTypes::of(module);
        // Every type that is there costs a compiler something, so one that nothing names is left empty in its place.
        for (index, found) in (0..).zip(&module.types) {
            match used.by_blocks.contains(&index) {
                true => types.add(found, &[], &[]),
                false => types.add(&FunctionType::default(), &[], &[]),
            };
        }
        let first_internal_type = types.length;
        for (index, found) in (0..).zip(&module.types) {
            match used.by_functions.contains(&index) {
                true => types.add(found, &[ValType::I64, ValType::I32], &[ValType::I64]),
                false => types.add(&FunctionType::default(), &[], &[]),
            };
        }
        let import_types = module
            .imports
            .iter()
            .map(|import| types.add(&module.types[import.type_index as usize], &[ValType::I64], &[ValType::I64]))
            .collect();
        let mut body_types = BTreeMap::new();
        for function in &module.functions {
            let found = &module.types[function.type_index as usize];
            if found.results.len() > 1 && !body_types.contains_key(&function.type_index) {
                let body = FunctionType { params: Vec::new(), results: found.results.clone() };
                body_types.insert(function.type_index, types.add(&body, &[], &[]));
            }
        }

        let mut functions = FunctionSection::new();
        for function in &module.functions {
            functions.function(first_internal_type + function.type_index);
        }
        let mut next = count(module.imports.len() + module.functions.len());
        let has_grow = module
            .functions
            .iter()
            .any(|function| function.code.iter().any(|instruction| matches!(instruction.kind, Kind::MemoryGrow)));
        let grow_function = next;
        if has_grow {
            let grow_type =
                types.add(&FunctionType::default(), &[ValType::I32, ValType::I64], &[ValType::I32, ValType::I64]);
            functions.function(grow_type);
            next += 1;
        }
        let in_table: BTreeSet<u32> = module
            .elements
            .iter()
            .flat_map(|element| element.functions.iter().copied())
            .filter(|function| module.defined(*function).is_none())
            .collect();
        let mut wrappers = BTreeMap::new();
        for import in in_table {
            functions.function(first_internal_type + module.function_type_index(import));
            wrappers.insert(import, next);
            next += 1;
        }
        let halt_global = count(module.globals.len());
        let injected = Injected { halt_global, grow_function, first_internal_type };
        Self { types: types.section, functions, injected, has_grow, import_types, body_types, wrappers }
    }

    fn body_type(&self, type_index: u32, found: &FunctionType) -> BlockType {
        match (self.body_types.get(&type_index), found.results.first()) {
            (Some(index), _) => BlockType::FunctionType(*index),
            (None, Some(result)) => BlockType::Result(encoded(*result)),
            (None, None) => BlockType::Empty,
        }
    }
}

/// Which of the module's types the rewritten module still needs.
struct UsedTypes {
    /// By blocks, as they stand.
    by_blocks: BTreeSet<u32>,
    /// By functions and indirect calls, with gas and stack added.
    by_functions: BTreeSet<u32>,
}

impl UsedTypes {
    fn of(module: &Module<'_>) -> Self {
        let mut used = Self { by_blocks: BTreeSet::new(), by_functions: BTreeSet::new() };
        used.by_functions.extend(module.functions.iter().map(|function| function.type_index));
        for instruction in module.functions.iter().flat_map(|function| &function.code) {
            match instruction.kind {
                Kind::Block(Some(index)) | Kind::Loop(Some(index)) | Kind::If(Some(index)) => {
                    used.by_blocks.insert(index);
                }
                Kind::CallIndirect(index) => {
                    used.by_functions.insert(index);
                }
                _ => {}
            }
        }
        // Host functions in the table get wrappers of the internal type.
        for function in module.elements.iter().flat_map(|element| &element.functions) {
            used.by_functions.insert(module.function_type_index(*function));
        }
        used
    }
}

/// The type section as it is built: types are appended, never shared.
struct Types {
    section: TypeSection,
    length: u32,
}

impl Types {
    /// Appends `found` with more parameters and results, and gives its index.
    fn add(&mut self, found: &FunctionType, params: &[ValType], results: &[ValType]) -> u32 {
        let params: Vec<ValType> =
            found.params.iter().map(|value| encoded(*value)).chain(params.iter().copied()).collect();
        let results: Vec<ValType> =
            found.results.iter().map(|value| encoded(*value)).chain(results.iter().copied()).collect();
        self.section.ty().function(params, results);
        self.length += 1;
        self.length - 1
    }
}

fn imports(module: &Module<'_>, layout: &Layout) -> ImportSection {
    let mut section = ImportSection::new();
    for (import, type_index) in module.imports.iter().zip(&layout.import_types) {
        section.import(IMPORT_MODULE, import.function.name, EntityType::Function(*type_index));
    }
    section
}

fn globals(module: &Module<'_>) -> GlobalSection {
    let mut section = GlobalSection::new();
    for global in &module.globals {
        let found = GlobalType { val_type: encoded(global.value_type), mutable: global.mutable, shared: false };
        let initial = match global.initial {
            Constant::I32(value) => ConstExpr::i32_const(value),
            Constant::I64(value) => ConstExpr::i64_const(value),
        };
        section.global(found, &initial);
    }
    section.global(GlobalType { val_type: ValType::I32, mutable: true, shared: false }, &ConstExpr::i32_const(0));
    section
}

fn exports(module: &Module<'_>, layout: &Layout) -> ExportSection {
    let mut section = ExportSection::new();
    section.export(EXPORT_MEMORY, ExportKind::Memory, 0);
    section.export(EXPORT_CALL, ExportKind::Func, module.call);
    if let Some(deploy) = module.deploy {
        section.export(EXPORT_DEPLOY, ExportKind::Func, deploy);
    }
    section.export(EXPORT_HALT, ExportKind::Global, layout.injected.halt_global);
    if let Some(globals) = reset_globals(module, layout.injected.halt_global) {
        for (index, global) in (0..).zip(globals) {
            section.export(&global_export(index), ExportKind::Global, global);
        }
    }
    section
}

/// The globals that resetting an instance must set, which with its memory are all that can have changed in it. `None` if
/// there is more, or they are too many. An instance's state is listed in `instance::idle`.
fn reset_globals(module: &Module<'_>, halt_global: u32) -> Option<Vec<u32>> {
    let drops = |instruction: &Instruction<'_>| matches!(instruction.kind, Kind::Plain(Class::DataDrop));
    if module.functions.iter().flat_map(|function| &function.code).any(drops) {
        return None;
    }
    let mutable = (0..).zip(&module.globals).filter(|(_, global)| global.mutable).map(|(index, _)| index);
    let globals: Vec<u32> = mutable.chain([halt_global]).collect();
    (globals.len() <= RESET_GLOBALS_MAX + 1).then_some(globals)
}

fn elements(module: &Module<'_>, layout: &Layout) -> ElementSection {
    let mut section = ElementSection::new();
    for element in &module.elements {
        let functions: Vec<u32> = element
            .functions
            .iter()
            .map(|function| layout.wrappers.get(function).copied().unwrap_or(*function))
            .collect();
        let offset = ConstExpr::i32_const(element.offset.cast_signed());
        section.active(None, &offset, Elements::Functions(functions.into()));
    }
    section
}

fn code(module: &Module<'_>, costs: &MeterCosts, layout: &Layout) -> CodeSection {
    let charges: Vec<Vec<u64>> =
        module.functions.iter().map(|function| segments::charges(module, function, costs)).collect();
    let stack_units: Vec<Option<u32>> =
        module.functions.iter().map(|function| frame::charged_units(module, function)).collect();
    let checks = checks::place(module, &charges, &stack_units, costs);

    let mut section = CodeSection::new();
    for (index, function) in module.functions.iter().enumerate() {
        let found = &module.types[function.type_index as usize];
        let plan = Plan {
            costs,
            injected: layout.injected,
            charges: &charges[index],
            checks: &checks[index],
            stack_units: stack_units[index],
            body_type: layout.body_type(function.type_index, found),
        };
        section.function(&rewrite(module, function, &plan));
    }
    if layout.has_grow {
        section.function(&grow(costs, module.memory.maximum, layout.injected));
    }
    for import in layout.wrappers.keys() {
        let params = count(module.function_type(*import).params.len());
        section.function(&host_wrapper(*import, params, layout.injected));
    }
    section
}
