//! A module of the suite taken apart, as far as the adapter needs it.

use wasm_encoder::ConstExpr;
use wasmparser::{
    BinaryReader, CompositeInnerType, DataKind, ElementItems, ElementKind, ExternalKind, FuncType, FunctionBody,
    MemoryType, Operator, Parser, Payload, RefType, TableInit, TableType, TypeRef, ValType,
};

/// A constant initialiser.
pub enum Initial<'a> {
    I32(i32),
    I64(i64),
    /// Anything else, as it stands, without its `end`.
    Other(&'a [u8]),
}

impl Initial<'_> {
    pub fn encoded(&self) -> ConstExpr {
        match self {
            Self::I32(value) => ConstExpr::i32_const(*value),
            Self::I64(value) => ConstExpr::i64_const(*value),
            Self::Other(bytes) => ConstExpr::raw(bytes.iter().copied()),
        }
    }
}

pub struct Global<'a> {
    pub value_type: ValType,
    pub mutable: bool,
    pub initial: Initial<'a>,
}

/// An active segment of the first table, or a part of one.
pub struct Element<'a> {
    pub offset: Initial<'a>,
    pub functions: Vec<u32>,
}

pub struct Data<'a> {
    /// Where an active segment goes.
    pub offset: Option<Initial<'a>>,
    pub bytes: &'a [u8],
}

pub struct Export {
    pub name: String,
    pub kind: ExternalKind,
    pub index: u32,
}

/// The start function.
pub struct Start(pub u32);

/// A module whose imports were replaced by definitions. Indices are those of the original.
#[derive(Default)]
pub struct Module<'a> {
    pub types: Vec<FuncType>,
    /// How many of the functions are imported ones.
    pub imported_functions: usize,
    /// Type index of every function.
    pub functions: Vec<u32>,
    pub tables: Vec<TableType>,
    pub memories: Vec<MemoryType>,
    pub globals: Vec<Global<'a>>,
    pub exports: Vec<Export>,
    pub start: Option<Start>,
    pub elements: Vec<Element<'a>>,
    pub data: Vec<Data<'a>>,
    pub bodies: Vec<FunctionBody<'a>>,
}

impl Module<'_> {
    /// Which functions may change memory, globals or tables, themselves or by what they call.
    pub fn changing(&self) -> Vec<bool> {
        let mut callees = Vec::new();
        let in_table = || self.elements.iter().flat_map(|element| &element.functions).map(|index| *index as usize);
        let mut changing: Vec<bool> = (0..self.functions.len())
            .map(|index| {
                let body = index.checked_sub(self.imported_functions).and_then(|index| self.bodies.get(index));
                let operators = body.into_iter().flat_map(|body| body.get_operators_reader().into_iter().flatten());
                let mut called = Vec::new();
                let mut changes = false;
                for operator in operators.flatten() {
                    let name = format!("{operator:?}");
                    match operator {
                        Operator::Call { function_index } => called.push(function_index as usize),
                        Operator::CallIndirect { .. } => called.extend(in_table()),
                        Operator::GlobalSet { .. } => changes = true,
                        // Names as the parser writes them.
                        _ => {
                            changes |= ["Store", "Grow", "Fill", "Copy", "Init", "Drop {", "TableSet"]
                                .iter()
                                .any(|part| name.contains(part));
                        }
                    }
                }
                callees.push(called);
                changes
            })
            .collect();
        loop {
            let before = changing.clone();
            for (index, called) in callees.iter().enumerate() {
                changing[index] |= called.iter().any(|callee| before.get(*callee) == Some(&true));
            }
            if changing == before {
                return changing;
            }
        }
    }
}

/// The modules that `wasm` imports from, as far as it can be read.
pub fn imported_modules(wasm: &[u8]) -> Vec<String> {
    let mut modules = Vec::new();
    for payload in Parser::new(0).parse_all(wasm).map_while(Result::ok) {
        if let Payload::ImportSection(reader) = payload {
            modules.extend(reader.into_imports().map_while(Result::ok).map(|import| import.module.to_owned()));
        }
    }
    modules
}

/// Takes a valid module apart, or says what in it no contract can stand for.
pub fn read(wasm: &[u8]) -> Result<Module<'_>, String> {
    let mut module = Module::default();
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.map_err(|error| error.to_string())? {
            Payload::TypeSection(reader) => {
                for group in reader {
                    for found in group.map_err(|error| error.to_string())?.into_types() {
                        let CompositeInnerType::Func(function) = found.composite_type.inner else {
                            return Err("a type of garbage-collected values".to_owned());
                        };
                        module.types.push(function);
                    }
                }
            }
            Payload::ImportSection(reader) => {
                for import in reader.into_imports() {
                    let import = import.map_err(|error| error.to_string())?;
                    if import.module != "spectest" {
                        return Err("imports from another module".to_owned());
                    }
                    define(&mut module, import.name, import.ty)?;
                }
                module.imported_functions = module.functions.len();
            }
            Payload::FunctionSection(reader) => {
                for found in reader {
                    module.functions.push(found.map_err(|error| error.to_string())?);
                }
            }
            Payload::TableSection(reader) => {
                for found in reader {
                    let found = found.map_err(|error| error.to_string())?;
                    if found.ty.element_type != RefType::FUNCREF {
                        return Err("a table of other things than functions".to_owned());
                    }
                    if !matches!(found.init, TableInit::RefNull) {
                        return Err("a table with an initialiser".to_owned());
                    }
                    module.tables.push(found.ty);
                }
            }
            Payload::MemorySection(reader) => {
                for found in reader {
                    module.memories.push(found.map_err(|error| error.to_string())?);
                }
            }
            Payload::GlobalSection(reader) => {
                for found in reader {
                    let found = found.map_err(|error| error.to_string())?;
                    let initial = initial(&module, &found.init_expr)?;
                    module.globals.push(Global {
                        value_type: found.ty.content_type,
                        mutable: found.ty.mutable,
                        initial,
                    });
                }
            }
            Payload::ExportSection(reader) => {
                for found in reader {
                    let found = found.map_err(|error| error.to_string())?;
                    let name = found.name.to_owned();
                    module.exports.push(Export { name, kind: found.kind, index: found.index });
                }
            }
            Payload::StartSection { func, .. } => module.start = Some(Start(func)),
            Payload::ElementSection(reader) => {
                for found in reader {
                    elements(&mut module, found.map_err(|error| error.to_string())?)?;
                }
            }
            Payload::DataSection(reader) => {
                for found in reader {
                    let found = found.map_err(|error| error.to_string())?;
                    let offset = match &found.kind {
                        DataKind::Passive => None,
                        DataKind::Active { memory_index: 0, offset_expr } => Some(initial(&module, offset_expr)?),
                        DataKind::Active { .. } => return Err("a second memory".to_owned()),
                    };
                    module.data.push(Data { offset, bytes: found.data });
                }
            }
            Payload::TagSection(_) => return Err("an exception tag".to_owned()),
            Payload::CodeSectionEntry(body) => module.bodies.push(body),
            _ => {}
        }
    }
    Ok(module)
}

/// Defines what the suite's host offers under `name`.
fn define(module: &mut Module<'_>, name: &str, found: TypeRef) -> Result<(), String> {
    match (name, found) {
        (_, TypeRef::Func(type_index)) => module.functions.push(type_index),
        ("table", TypeRef::Table(_)) => module.tables.push(TableType {
            element_type: RefType::FUNCREF,
            table64: false,
            initial: 10,
            maximum: Some(20),
            shared: false,
        }),
        ("memory", TypeRef::Memory(_)) => module.memories.push(MemoryType {
            memory64: false,
            shared: false,
            initial: 1,
            maximum: Some(2),
            page_size_log2: None,
        }),
        (_, TypeRef::Global(global)) => {
            let initial = if global.content_type == ValType::I64 { Initial::I64(666) } else { Initial::I32(666) };
            module.globals.push(Global { value_type: global.content_type, mutable: global.mutable, initial });
        }
        (name, _) => return Err(format!("imports spectest.{name}")),
    }
    Ok(())
}

/// A constant, or the known value of the global that it names.
fn initial<'a>(module: &Module<'a>, expression: &wasmparser::ConstExpr<'a>) -> Result<Initial<'a>, String> {
    let operators: Result<Vec<_>, _> = expression.get_operators_reader().into_iter().collect();
    let operators = operators.map_err(|error| error.to_string())?;
    match operators.as_slice() {
        [Operator::I32Const { value }, Operator::End] => return Ok(Initial::I32(*value)),
        [Operator::I64Const { value }, Operator::End] => return Ok(Initial::I64(*value)),
        [Operator::GlobalGet { global_index }, Operator::End] => {
            match module.globals.get(*global_index as usize).map(|global| &global.initial) {
                Some(Initial::I32(value)) => return Ok(Initial::I32(*value)),
                Some(Initial::I64(value)) => return Ok(Initial::I64(*value)),
                _ => {}
            }
        }
        _ => {}
    }
    let mut reader: BinaryReader<'a> = expression.get_binary_reader();
    let length = reader.bytes_remaining().saturating_sub(1);
    reader.read_bytes(length).map(Initial::Other).map_err(|error| error.to_string())
}

/// Active segments of the first table. Nothing accepted can read the others.
fn elements<'a>(module: &mut Module<'a>, found: wasmparser::Element<'a>) -> Result<(), String> {
    let ElementKind::Active { table_index: None | Some(0), offset_expr } = found.kind else { return Ok(()) };
    let offset = initial(module, &offset_expr)?;
    let items: Vec<Option<u32>> = match found.items {
        ElementItems::Functions(items) => {
            items.into_iter().map(|item| item.map(Some)).collect::<Result<_, _>>().map_err(|error| error.to_string())?
        }
        ElementItems::Expressions(_, items) => {
            let mut functions = Vec::new();
            for item in items {
                let item = item.map_err(|error| error.to_string())?;
                let operators: Result<Vec<_>, _> = item.get_operators_reader().into_iter().collect();
                match operators.map_err(|error| error.to_string())?.as_slice() {
                    [Operator::RefFunc { function_index }, Operator::End] => functions.push(Some(*function_index)),
                    [Operator::RefNull { .. }, Operator::End] => functions.push(None),
                    _ => return Err("an element that is neither a function nor null".to_owned()),
                }
            }
            functions
        }
    };
    if items.iter().all(Option::is_some) {
        module.elements.push(Element { offset, functions: items.into_iter().flatten().collect() });
        return Ok(());
    }
    // Entries are null unless a segment fills them, so nulls are left out unless they overwrite something.
    let Initial::I32(start) = offset else { return Err("nulls in a segment at an unknown place".to_owned()) };
    if !module.elements.is_empty() {
        return Err("nulls over another segment".to_owned());
    }
    for (place, function) in (start..).zip(items) {
        if let Some(function) = function {
            module.elements.push(Element { offset: Initial::I32(place), functions: vec![function] });
        }
    }
    Ok(())
}
