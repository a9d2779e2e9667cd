//! Turns a module of the suite into a contract that does the same.
//!
//! No index of the module moves, and no accepted function changes. What the validator demands or forbids beside the code
//! is added or replaced around it:
//! - `call` is a dispatcher: a global selects an exported function or global, arguments and results pass through globals;
//! - imports from `spectest` become definitions that do the same; a start function is the dispatcher's first entry;
//! - a module without memory gets an empty one; segments that nothing accepted can read are left out;
//! - functions that compute with floats or references become stubs that note that they were reached, and trap. Types and
//!   globals of such values become integers of shapes that nothing else has.

use esker_abi::Limits;
use esker_vm::RejectReason;
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, DataCountSection, DataSection, ElementSection, Elements, ExportKind,
    ExportSection, Function, FunctionSection, GlobalSection, GlobalType, MemorySection, MemoryType, RefType,
    TableSection, TableType, TypeSection, ValType,
};
use wasmparser::{Operator, ValType as Found};

use super::module::{Data, Element, Export, Global, Module, Start};

/// Protocol limits widened to what the suite uses; what is tested is the language, and limits have tests of their own.
pub const LIMITS: Limits = Limits {
    module_bytes_max: 1 << 24,
    types_max: 10_000,
    params_max: 1_000,
    results_max: 1_000,
    locals_max: 10_000,
    controls_max: 100_000,
    control_depth_max: 10_000,
    loop_depth_max: 1_000,
    body_bytes_max: 1 << 24,
    operands_max: 100_000,
    br_table_targets_max: 100_000,
    globals_max: 10_000,
    table_entries_max: 100_000,
    element_segments_max: 10_000,
    data_segments_max: 100_000,
    exports_max: 10_000,
    name_bytes_max: 100_000,
    memory_pages_max: 65_536,
    complexity_max: u64::MAX,
    ..Limits::V1
};

/// What the dispatcher offers under a number.
pub struct Entry {
    pub name: String,
    pub params: Vec<ValType>,
    pub results: Vec<ValType>,
    /// It may change memory, globals or tables.
    pub changes: bool,
}

/// A contract that stands for a module of the suite.
pub struct Contract {
    pub wasm: Vec<u8>,
    /// What can be invoked or read, by selector.
    pub entries: Vec<Entry>,
    /// Selector of the start function.
    pub start: Option<usize>,
    /// Index of the first added global: the selector, then whether a stub was reached, then the slots of values.
    first_global: u32,
    /// Functions that became stubs.
    pub stubs: usize,
}

impl Contract {
    /// The global that selects what `call` does.
    pub fn selector(&self) -> String {
        global(self.first_global)
    }

    /// The global that is 1 once a stub was reached.
    pub fn stub_reached(&self) -> String {
        global(self.first_global + 1)
    }

    /// The global that carries argument or result `index`.
    pub fn slot(&self, index: usize) -> String {
        global(self.first_global + 2 + index as u32)
    }
}

fn global(index: u32) -> String {
    format!("{}{index}", crate::engines::OBSERVED)
}

/// Refusals of ours that concern one function, which is then made a stub: parts of their texts.
const FUNCTION_REFUSALS: &[&str] = &[
    "floating-point instruction",
    "floating-point support is disabled",
    "saturating float conversion",
    "SIMD instruction",
    "SIMD support is not enabled",
    "reference-types instruction",
    "table instruction",
    "tail call",
    "exception instruction",
    "threads instruction",
    "a value of type",
    "instruction of a proposal that is not accepted",
];

/// The contract for `module`, or why the validator refuses it for something that no stub can stand for.
pub fn adapt(module: &Module<'_>, prepare: impl Fn(&[u8]) -> Result<(), RejectReason>) -> Result<Contract, String> {
    let mut stubs = functions_of_other_values(module);
    loop {
        let contract = build(module, &stubs);
        match prepare(&contract.wasm) {
            Ok(()) => return Ok(contract),
            Err(reason) => {
                let of_a_function = FUNCTION_REFUSALS.iter().any(|part| reason.reason.contains(part));
                let function = reason.function.as_ref().and_then(|name| name.strip_prefix("function "));
                match function.and_then(|index| index.parse::<usize>().ok()).and_then(|index| stubs.get_mut(index)) {
                    Some(stub) if of_a_function && !*stub => *stub = true,
                    _ => return Err(reason.reason),
                }
            }
        }
    }
}

fn is_integer(found: &Found) -> bool {
    matches!(found, Found::I32 | Found::I64)
}

fn of_integers(found: &wasmparser::FuncType) -> bool {
    found.params().iter().chain(found.results()).all(is_integer)
}

/// Which functions take, give, call or read anything but integers. What else they compute with, the validator says.
fn functions_of_other_values(module: &Module<'_>) -> Vec<bool> {
    let type_is_fine = |index: u32| module.types.get(index as usize).is_none_or(of_integers);
    let function_is_fine = |index: u32| module.functions.get(index as usize).is_none_or(|index| type_is_fine(*index));
    let fine = |operator: &Operator<'_>| match operator {
        Operator::Call { function_index } => function_is_fine(*function_index),
        Operator::CallIndirect { type_index, table_index } => type_is_fine(*type_index) && *table_index == 0,
        Operator::GlobalGet { global_index } | Operator::GlobalSet { global_index } => {
            module.globals.get(*global_index as usize).is_none_or(|global| is_integer(&global.value_type))
        }
        Operator::Block { blockty } | Operator::Loop { blockty } | Operator::If { blockty } => match blockty {
            wasmparser::BlockType::Empty => true,
            wasmparser::BlockType::Type(found) => is_integer(found),
            wasmparser::BlockType::FuncType(index) => type_is_fine(*index),
        },
        _ => true,
    };
    (0_u32..)
        .zip(&module.functions)
        .map(|(index, _)| {
            let body =
                (index as usize).checked_sub(module.imported_functions).and_then(|index| module.bodies.get(index));
            let operators = body.into_iter().flat_map(|body| body.get_operators_reader().into_iter().flatten());
            !function_is_fine(index) || !operators.flatten().all(|operator| fine(&operator))
        })
        .collect()
}

fn encoded(found: &Found) -> ValType {
    if *found == Found::I32 { ValType::I32 } else { ValType::I64 }
}

fn build(module: &Module<'_>, stubs: &[bool]) -> Contract {
    let entries = entries(module);
    let slots = entries.iter().map(|(_, entry)| entry.params.len().max(entry.results.len())).max().unwrap_or(0) as u32;
    let first_global = module.globals.len() as u32;
    let dispatcher = module.functions.len() as u32;
    let start = module.start.as_ref().map(|_| 0);

    let mut types = TypeSection::new();
    for found in &module.types {
        if of_integers(found) {
            types.ty().function(found.params().iter().map(encoded), found.results().iter().map(encoded));
        } else {
            // A shape that no function of the suite has.
            types.ty().function([ValType::I64; 40], []);
        }
    }
    types.ty().function([], []);
    let mut functions = FunctionSection::new();
    for type_index in &module.functions {
        functions.function(*type_index);
    }
    functions.function(module.types.len() as u32);

    let mut out = wasm_encoder::Module::new();
    out.section(&types).section(&functions);
    if !module.tables.is_empty() {
        let mut tables = TableSection::new();
        for table in &module.tables {
            tables.table(TableType {
                element_type: RefType::FUNCREF,
                table64: table.table64,
                minimum: table.initial,
                maximum: table.maximum,
                shared: table.shared,
            });
        }
        out.section(&tables);
    }
    let mut memories = MemorySection::new();
    for memory in &module.memories {
        memories.memory(MemoryType {
            minimum: memory.initial,
            maximum: memory.maximum,
            memory64: memory.memory64,
            shared: memory.shared,
            page_size_log2: memory.page_size_log2,
        });
    }
    if module.memories.is_empty() {
        let empty = MemoryType { minimum: 0, maximum: Some(0), memory64: false, shared: false, page_size_log2: None };
        memories.memory(empty);
    }
    out.section(&memories).section(&globals(&module.globals, slots));
    let mut exports = ExportSection::new();
    exports.export("memory", ExportKind::Memory, 0).export("call", ExportKind::Func, dispatcher);
    out.section(&exports);
    if !module.elements.is_empty() {
        out.section(&elements(&module.elements));
    }
    if !module.data.is_empty() {
        out.section(&DataCountSection { count: module.data.len() as u32 });
    }
    let mut code = CodeSection::new();
    for (index, stub) in stubs.iter().enumerate() {
        match index.checked_sub(module.imported_functions).and_then(|index| module.bodies.get(index)) {
            Some(body) if !stub => {
                code.raw(body.as_bytes());
            }
            Some(_) => {
                let mut body = Function::new([]);
                body.instructions().i32_const(1).global_set(first_global + 1).unreachable().end();
                code.function(&body);
            }
            // What the suite imports prints its arguments and returns nothing.
            None => {
                let mut body = Function::new([]);
                body.instructions().end();
                code.function(&body);
            }
        }
    }
    code.function(&dispatch(&entries, first_global));
    out.section(&code);
    if !module.data.is_empty() {
        out.section(&data(&module.data));
    }
    let stubs = stubs.iter().skip(module.imported_functions).filter(|stub| **stub).count();
    Contract {
        wasm: out.finish(),
        entries: entries.into_iter().map(|(_, entry)| entry).collect(),
        start,
        first_global,
        stubs,
    }
}

/// What the dispatcher does for an entry.
enum Action {
    Call(u32),
    Read(u32),
}

/// The start function, if there is one, then every export of integers only.
fn entries(module: &Module<'_>) -> Vec<(Action, Entry)> {
    let changing = module.changing();
    let changes = |index: u32| changing.get(index as usize) == Some(&true);
    let start = module.start.as_ref().map(|Start(index)| {
        let entry =
            Entry { name: "(start)".to_owned(), params: Vec::new(), results: Vec::new(), changes: changes(*index) };
        (Action::Call(*index), entry)
    });
    let exported = module.exports.iter().filter_map(|Export { name, kind, index }| match kind {
        wasmparser::ExternalKind::Func => {
            let found = module.types.get(*module.functions.get(*index as usize)? as usize)?;
            let types = |types: &[Found]| types.iter().map(encoded).collect();
            let entry = Entry {
                name: name.clone(),
                params: types(found.params()),
                results: types(found.results()),
                changes: changes(*index),
            };
            of_integers(found).then_some((Action::Call(*index), entry))
        }
        wasmparser::ExternalKind::Global => {
            let found = module.globals.get(*index as usize)?;
            let results = vec![encoded(&found.value_type)];
            let entry = Entry { name: name.clone(), params: Vec::new(), results, changes: false };
            is_integer(&found.value_type).then_some((Action::Read(*index), entry))
        }
        _ => None,
    });
    start.into_iter().chain(exported).collect()
}

fn dispatch(entries: &[(Action, Entry)], first_global: u32) -> Function {
    let slot = |index: usize| first_global + 2 + index as u32;
    let mut body = Function::new([]);
    let mut code = body.instructions();
    for (selector, (action, entry)) in (0_i32..).zip(entries) {
        code.global_get(first_global).i32_const(selector).i32_eq().if_(BlockType::Empty);
        for (index, param) in entry.params.iter().enumerate() {
            code.global_get(slot(index));
            if *param == ValType::I32 {
                code.i32_wrap_i64();
            }
        }
        match action {
            Action::Call(function) => code.call(*function),
            Action::Read(global) => code.global_get(*global),
        };
        for (index, result) in entry.results.iter().enumerate().rev() {
            if *result == ValType::I32 {
                code.i64_extend_i32_u();
            }
            code.global_set(slot(index));
        }
        code.return_().end();
    }
    code.end();
    body
}

fn globals(found: &[Global<'_>], slots: u32) -> GlobalSection {
    let mut section = GlobalSection::new();
    for global in found {
        let fine = is_integer(&global.value_type);
        let kind = GlobalType {
            val_type: if fine { encoded(&global.value_type) } else { ValType::I32 },
            mutable: global.mutable,
            shared: false,
        };
        let initial = if fine { global.initial.encoded() } else { ConstExpr::i32_const(0) };
        section.global(kind, &initial);
    }
    let added = |val_type| GlobalType { val_type, mutable: true, shared: false };
    // Nothing is selected yet.
    section.global(added(ValType::I32), &ConstExpr::i32_const(-1));
    section.global(added(ValType::I32), &ConstExpr::i32_const(0));
    for _ in 0..slots {
        section.global(added(ValType::I64), &ConstExpr::i64_const(0));
    }
    section
}

fn elements(found: &[Element<'_>]) -> ElementSection {
    let mut section = ElementSection::new();
    for element in found {
        let functions = Elements::Functions(element.functions.clone().into());
        section.active(None, &element.offset.encoded(), functions);
    }
    section
}

fn data(found: &[Data<'_>]) -> DataSection {
    let mut section = DataSection::new();
    for segment in found {
        match &segment.offset {
            Some(offset) => section.active(0, &offset.encoded(), segment.bytes.iter().copied()),
            None => section.passive(segment.bytes.iter().copied()),
        };
    }
    section
}
