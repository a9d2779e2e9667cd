//! The sections of a module: their limits, and their contents decoded into a [`Module`].

use std::collections::BTreeSet;

use esker_abi::{EXPORT_CALL, EXPORT_DEPLOY, EXPORT_MEMORY, Limits};
use wasmparser::{
    CompositeInnerType, ConstExpr, DataKind, DataSectionReader, ElementItems, ElementKind, ElementSectionReader,
    ExportSectionReader, ExternalKind, FuncToValidate, FuncValidatorAllocations, FunctionBody, FunctionSectionReader,
    GlobalSectionReader, ImportSectionReader, MemorySectionReader, Operator, TableInit, TableSectionReader, TypeRef,
    TypeSectionReader, ValidatorResources,
};

use super::body::{self, Context};
use super::interface::{Role, check_entry, check_signature, host_function, role};
use super::module::{Constant, Data, Element, Function, FunctionType, Global, Import, Memory, Module};
use super::outline::Outline;
use super::reject::{
    HINT_COMPLEX, HINT_EXPORTS, HINT_IMPORTS, HINT_MALFORMED, HINT_PROPOSAL, HINT_SHRINK, HINT_TABLES, bound, invalid,
    reject, shown,
};
use super::value_type;
use super::work;
use crate::RejectReason;

/// Bytes in a page of linear memory.
const PAGE_BYTES: u64 = 65_536;
/// Memory and data segments are refused with one advice.
const HINT_MEMORY: &str = "Let the linker place a smaller memory: shrink static data or the stack (-zstack-size)";

/// What has been read of a module so far.
pub(super) struct Sections<'m, 'a> {
    pub(super) limits: &'m Limits,
    outline: &'m Outline<'a>,
    types: Vec<FunctionType>,
    imports: Vec<Import>,
    /// Type index of every function, imports first.
    function_types: Vec<u32>,
    functions: Vec<Function<'a>>,
    table_entries: Option<u32>,
    memory: Option<Memory>,
    globals: Vec<Global>,
    elements: Vec<Element>,
    data: Vec<Data<'a>>,
    memory_exported: bool,
    call: Option<u32>,
    deploy: Option<u32>,
}

impl<'m, 'a> Sections<'m, 'a> {
    pub(super) fn new(limits: &'m Limits, outline: &'m Outline<'a>) -> Self {
        Self {
            limits,
            outline,
            types: Vec::new(),
            imports: Vec::new(),
            function_types: Vec::new(),
            functions: Vec::new(),
            table_entries: None,
            memory: None,
            globals: Vec::new(),
            elements: Vec::new(),
            data: Vec::new(),
            memory_exported: false,
            call: None,
            deploy: None,
        }
    }

    pub(super) fn name(&self, what: &str, name: &str) -> Result<(), RejectReason> {
        let limit = u64::from(self.limits.name_bytes_max);
        bound(&format!("{what} is too long in bytes"), name.len() as u64, limit, "Use a shorter name")
    }

    pub(super) fn types(&mut self, reader: TypeSectionReader<'_>) -> Result<(), RejectReason> {
        let limits = self.limits;
        bound("too many function types", u64::from(reader.count()), u64::from(limits.types_max), HINT_SHRINK)?;
        for group in reader {
            for found in group.map_err(|error| invalid(&error))?.into_types() {
                let CompositeInnerType::Func(function) = found.composite_type.inner else {
                    return Err(reject("a type that is not a function type", HINT_PROPOSAL));
                };
                let index = u32::try_from(self.types.len()).unwrap_or(u32::MAX);
                let place = |reason| RejectReason { function: self.outline.function_of_type(index), ..reason };
                let hint = "Pass large values through memory";
                let (params, results) = (function.params().len() as u64, function.results().len() as u64);
                bound("too many parameters", params, u64::from(limits.params_max), hint).map_err(place)?;
                bound("too many results", results, u64::from(limits.results_max), hint).map_err(place)?;
                let decode = |types: &[wasmparser::ValType]| types.iter().map(|found| value_type(*found)).collect();
                let params: Result<_, RejectReason> = decode(function.params());
                let results: Result<_, RejectReason> = decode(function.results());
                let decoded = FunctionType { params: params.map_err(place)?, results: results.map_err(place)? };
                self.types.push(decoded);
                // A recursion group may hold more types than the section has entries.
                bound("too many function types", self.types.len() as u64, u64::from(limits.types_max), HINT_SHRINK)?;
            }
        }
        Ok(())
    }

    pub(super) fn imports(&mut self, reader: ImportSectionReader<'_>) -> Result<(), RejectReason> {
        let mut seen = BTreeSet::new();
        for import in reader.into_imports() {
            let import = import.map_err(|error| invalid(&error))?;
            self.name("an import's name", import.module)?;
            self.name("an import's name", import.name)?;
            let function = host_function(import.module, import.name)?;
            let TypeRef::Func(type_index) = import.ty else {
                return Err(reject(
                    format!("`{}` imported as something other than a function", import.name),
                    HINT_IMPORTS,
                ));
            };
            let Some(found) = self.types.get(type_index as usize) else {
                return Err(reject(
                    format!("import `{}` has an unknown type {type_index}", import.name),
                    HINT_MALFORMED,
                ));
            };
            check_signature(function, found)?;
            if !seen.insert(function.id) {
                return Err(reject(format!("`{}` is imported twice", import.name), "Import each host function once"));
            }
            self.imports.push(Import { function, type_index });
            self.function_types.push(type_index);
        }
        Ok(())
    }

    pub(super) fn functions(&mut self, reader: FunctionSectionReader<'_>) -> Result<(), RejectReason> {
        for type_index in reader {
            self.function_types.push(type_index.map_err(|error| invalid(&error))?);
        }
        Ok(())
    }

    pub(super) fn tables(&mut self, reader: TableSectionReader<'_>) -> Result<(), RejectReason> {
        bound("too many tables", u64::from(reader.count()), 1, HINT_TABLES)?;
        for table in reader {
            let table = table.map_err(|error| invalid(&error))?;
            if !matches!(table.init, TableInit::RefNull) {
                return Err(reject("a table with an initialiser", HINT_TABLES));
            }
            let entries = u64::from(self.limits.table_entries_max);
            bound("the table has too many entries", table.ty.initial, entries, HINT_SHRINK)?;
            let initial = u32::try_from(table.ty.initial).expect("bounded by a 32-bit limit just above");
            self.table_entries = Some(initial);
        }
        Ok(())
    }

    pub(super) fn memories(&mut self, reader: MemorySectionReader<'_>) -> Result<(), RejectReason> {
        bound("too many memories", u64::from(reader.count()), 1, "Use one memory")?;
        for memory in reader {
            let memory = memory.map_err(|error| invalid(&error))?;
            if memory.memory64 || memory.shared || memory.page_size_log2.is_some() {
                return Err(reject("a memory that is 64-bit, shared or of another page size", HINT_PROPOSAL));
            }
            let limit = self.limits.memory_pages_max;
            bound("the memory is too large, in pages", memory.initial, u64::from(limit), HINT_MEMORY)?;
            let own = memory.maximum.and_then(|maximum| u32::try_from(maximum).ok()).unwrap_or(u32::MAX);
            self.memory = Some(Memory {
                initial: u32::try_from(memory.initial).expect("bounded by a 32-bit limit just above"),
                maximum: own.min(limit),
            });
        }
        Ok(())
    }

    pub(super) fn globals(&mut self, reader: GlobalSectionReader<'_>) -> Result<(), RejectReason> {
        for global in reader {
            let global = global.map_err(|error| invalid(&error))?;
            self.globals.push(Global {
                value_type: value_type(global.ty.content_type)?,
                mutable: global.ty.mutable,
                initial: constant(&global.init_expr)?,
            });
        }
        Ok(())
    }

    pub(super) fn exports(&mut self, reader: ExportSectionReader<'_>) -> Result<(), RejectReason> {
        for export in reader {
            let export = export.map_err(|error| invalid(&error))?;
            self.name("an export's name", export.name)?;
            match role(export.name)? {
                Role::Memory if export.kind == ExternalKind::Memory => self.memory_exported = true,
                Role::Memory => {
                    return Err(reject(format!("the export `{EXPORT_MEMORY}` is not a memory"), HINT_EXPORTS));
                }
                Role::Call => self.call = Some(self.entry(EXPORT_CALL, export.kind, export.index)?),
                Role::Deploy => self.deploy = Some(self.entry(EXPORT_DEPLOY, export.kind, export.index)?),
                Role::Other => {}
            }
        }
        Ok(())
    }

    fn entry(&self, name: &str, kind: ExternalKind, index: u32) -> Result<u32, RejectReason> {
        let type_index = self.function_types.get(index as usize);
        let found = type_index.and_then(|type_index| self.types.get(*type_index as usize));
        match found {
            Some(found) if kind == ExternalKind::Func && index as usize >= self.imports.len() => {
                check_entry(name, found)?;
                Ok(index)
            }
            _ => Err(reject(format!("the export `{name}` is not a function of the module"), HINT_EXPORTS)),
        }
    }

    pub(super) fn elements(&mut self, reader: ElementSectionReader<'_>) -> Result<(), RejectReason> {
        for element in reader {
            let element = element.map_err(|error| invalid(&error))?;
            let ElementKind::Active { table_index: None | Some(0), offset_expr } = element.kind else {
                return Err(reject("an element segment that is not active in table 0", HINT_TABLES));
            };
            let ElementItems::Functions(items) = element.items else {
                return Err(reject("an element segment of expressions", HINT_TABLES));
            };
            let offset = offset(&offset_expr)?;
            let end = u64::from(offset) + u64::from(items.count());
            let entries = u64::from(self.table_entries.unwrap_or(0));
            bound("an element segment ends beyond the table", end, entries, HINT_MALFORMED)?;
            let functions: Result<Vec<u32>, _> = items.into_iter().collect();
            self.elements.push(Element { offset, functions: functions.map_err(|error| invalid(&error))? });
        }
        Ok(())
    }

    pub(super) fn data(&mut self, reader: DataSectionReader<'a>) -> Result<(), RejectReason> {
        for segment in reader {
            let segment = segment.map_err(|error| invalid(&error))?;
            let offset = match &segment.kind {
                DataKind::Passive => None,
                DataKind::Active { offset_expr, .. } => {
                    let offset = offset(offset_expr)?;
                    let end = u64::from(offset) + segment.data.len() as u64;
                    let initial = self.memory.map_or(0, |memory| u64::from(memory.initial)) * PAGE_BYTES;
                    bound("a data segment ends beyond the initial memory", end, initial, HINT_MEMORY)?;
                    Some(offset)
                }
            };
            self.data.push(Data { offset, bytes: segment.data });
        }
        Ok(())
    }

    pub(super) fn body(
        &mut self,
        wasm: &'a [u8],
        to_validate: FuncToValidate<ValidatorResources>,
        found: &FunctionBody<'a>,
        allocations: &mut FuncValidatorAllocations,
    ) -> Result<(), RejectReason> {
        let context = Context {
            types: &self.types,
            imports: &self.imports,
            function_types: &self.function_types,
            limits: self.limits,
        };
        let index = self.imports.len() + self.functions.len();
        let type_index = *self.function_types.get(index).expect("the validator counts bodies against functions");
        let function = body::read(wasm, type_index, to_validate, found, &context, allocations)?;
        self.functions.push(function);
        Ok(())
    }

    pub(super) fn finish(self) -> Result<Module<'a>, RejectReason> {
        let missing = |what: &str| reject(format!("no {what}"), HINT_EXPORTS);
        let memory = self.memory.ok_or_else(|| missing("linear memory"))?;
        if !self.memory_exported {
            return Err(missing("export `memory`"));
        }
        let call = self.call.ok_or_else(|| missing("export `call`"))?;
        let mut module = Module {
            types: self.types,
            imports: self.imports,
            functions: self.functions,
            table_entries: self.table_entries,
            memory,
            globals: self.globals,
            elements: self.elements,
            data: self.data,
            call,
            deploy: self.deploy,
            complexity: 0,
        };
        module.complexity = work::complexity(&module);
        let limit = self.limits.complexity_max;
        bound("the module takes too long to compile", module.complexity, limit, HINT_COMPLEX)?;
        Ok(module)
    }
}

/// The value of a constant initialiser: one constant and its `end`.
fn constant(expression: &ConstExpr<'_>) -> Result<Constant, RejectReason> {
    let mut operators = expression.get_operators_reader();
    let value = match operators.read().map_err(|error| invalid(&error))? {
        Operator::I32Const { value } => Constant::I32(value),
        Operator::I64Const { value } => Constant::I64(value),
        other => {
            let other = shown(&format!("{other:?}"));
            return Err(reject(format!("an initialiser that is not a plain constant: {other}"), HINT_PROPOSAL));
        }
    };
    match operators.read().map_err(|error| invalid(&error))? {
        Operator::End => Ok(value),
        _ => Err(reject("an initialiser of several instructions", HINT_PROPOSAL)),
    }
}

/// The offset of an active segment, as an unsigned number.
fn offset(expression: &ConstExpr<'_>) -> Result<u32, RejectReason> {
    match constant(expression)? {
        Constant::I32(value) => Ok(value.cast_unsigned()),
        Constant::I64(_) => Err(reject("a 64-bit segment offset", HINT_PROPOSAL)),
    }
}
