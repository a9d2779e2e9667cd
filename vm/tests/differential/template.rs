//! A contract taken apart so that it can be changed and put together again.

use esker_abi::IMPORT_MODULE;
use wasm_encoder::reencode::{Reencode, RoundtripReencoder};
use wasm_encoder::{
    CodeSection, ConstExpr, DataCountSection, DataSection, ElementSection, Elements, EntityType, ExportKind,
    ExportSection, Function, FunctionSection, GlobalSection, GlobalType, ImportSection, Instruction, MemorySection,
    MemoryType, RefType, TableSection, TableType, TypeSection, ValType,
};
use wasmparser::{
    CompositeInnerType, DataKind, ElementItems, ElementKind, ExternalKind, Operator, Parser, Payload, TypeRef,
};

/// Parameters and results.
pub type Signature = (Vec<ValType>, Vec<ValType>);

#[derive(Clone)]
pub struct Body {
    pub type_index: u32,
    /// Declared locals, parameters not among them.
    pub locals: Vec<ValType>,
    pub code: Vec<Instruction<'static>>,
}

#[derive(Clone, Copy)]
pub struct Global {
    pub value_type: ValType,
    pub mutable: bool,
    pub initial: i64,
}

/// An accepted module.
#[derive(Clone)]
pub struct Template {
    pub types: Vec<Signature>,
    /// Names and type indices of host functions.
    pub imports: Vec<(String, u32)>,
    pub functions: Vec<Body>,
    pub table_entries: Option<u64>,
    /// Initial and maximal pages.
    pub memory: (u64, Option<u64>),
    pub globals: Vec<Global>,
    pub elements: Vec<(u32, Vec<u32>)>,
    pub data: Vec<(Option<u32>, Vec<u8>)>,
    /// Function index of the entry point.
    pub call: u32,
}

fn encoded(found: wasmparser::ValType) -> ValType {
    if found == wasmparser::ValType::I32 { ValType::I32 } else { ValType::I64 }
}

fn constant(expression: &wasmparser::ConstExpr<'_>) -> i64 {
    match expression.get_operators_reader().read() {
        Ok(Operator::I32Const { value }) => i64::from(value),
        Ok(Operator::I64Const { value }) => value,
        other => panic!("accepted modules have plain constants, not {other:?}"),
    }
}

impl Template {
    /// Takes an accepted module apart.
    ///
    /// # Panics
    /// If `wasm` is not an accepted module.
    pub fn read(wasm: &'static [u8]) -> Self {
        const VALID: &str = "the module is valid";
        let mut template = Self {
            types: Vec::new(),
            imports: Vec::new(),
            functions: Vec::new(),
            table_entries: None,
            memory: (0, None),
            globals: Vec::new(),
            elements: Vec::new(),
            data: Vec::new(),
            call: 0,
        };
        let (mut type_indices, mut bodies) = (Vec::new(), Vec::new());
        for payload in Parser::new(0).parse_all(wasm) {
            match payload.expect(VALID) {
                Payload::TypeSection(reader) => {
                    for found in reader.into_iter().flat_map(|group| group.expect(VALID).into_types()) {
                        let CompositeInnerType::Func(function) = found.composite_type.inner else { panic!("{VALID}") };
                        let types = |types: &[wasmparser::ValType]| types.iter().copied().map(encoded).collect();
                        template.types.push((types(function.params()), types(function.results())));
                    }
                }
                Payload::ImportSection(reader) => {
                    for import in reader.into_imports() {
                        let import = import.expect(VALID);
                        let TypeRef::Func(type_index) = import.ty else { panic!("{VALID}") };
                        template.imports.push((import.name.to_owned(), type_index));
                    }
                }
                Payload::FunctionSection(reader) => {
                    type_indices.extend(reader.into_iter().map(|found| found.expect(VALID)))
                }
                Payload::TableSection(reader) => {
                    template.table_entries = reader.into_iter().map(|table| table.expect(VALID).ty.initial).next();
                }
                Payload::MemorySection(reader) => {
                    let memory = reader.into_iter().next().expect(VALID).expect(VALID);
                    template.memory = (memory.initial, memory.maximum);
                }
                Payload::GlobalSection(reader) => {
                    for global in reader {
                        let global = global.expect(VALID);
                        template.globals.push(Global {
                            value_type: encoded(global.ty.content_type),
                            mutable: global.ty.mutable,
                            initial: constant(&global.init_expr),
                        });
                    }
                }
                Payload::ExportSection(reader) => {
                    let mut exports = reader.into_iter().map(|export| export.expect(VALID));
                    let call = exports.find(|export| export.name == "call" && export.kind == ExternalKind::Func);
                    template.call = call.expect(VALID).index;
                }
                Payload::ElementSection(reader) => {
                    for element in reader {
                        let element = element.expect(VALID);
                        let (ElementKind::Active { offset_expr, .. }, ElementItems::Functions(items)) =
                            (element.kind, element.items)
                        else {
                            panic!("{VALID}")
                        };
                        let functions = items.into_iter().map(|function| function.expect(VALID)).collect();
                        template.elements.push((constant(&offset_expr) as u32, functions));
                    }
                }
                Payload::DataSection(reader) => {
                    for segment in reader {
                        let segment = segment.expect(VALID);
                        let offset = match &segment.kind {
                            DataKind::Passive => None,
                            DataKind::Active { offset_expr, .. } => Some(constant(offset_expr) as u32),
                        };
                        template.data.push((offset, segment.data.to_vec()));
                    }
                }
                Payload::CodeSectionEntry(body) => {
                    let runs = body.get_locals_reader().expect(VALID).into_iter().map(|run| run.expect(VALID));
                    let locals = runs.flat_map(|(count, found)| vec![encoded(found); count as usize]).collect();
                    let operators = body.get_operators_reader().expect(VALID);
                    let code = operators
                        .into_iter()
                        .map(|operator| RoundtripReencoder.instruction(operator.expect(VALID)).expect(VALID))
                        .collect();
                    bodies.push((locals, code));
                }
                _ => {}
            }
        }
        template.functions = type_indices
            .into_iter()
            .zip(bodies)
            .map(|(type_index, (locals, code))| Body { type_index, locals, code })
            .collect();
        template
    }

    /// The signature of any function, imports first.
    pub fn signature(&self, function: u32) -> &Signature {
        let index = function as usize;
        let type_index = match self.imports.get(index) {
            Some((_, type_index)) => *type_index,
            None => self.functions[index - self.imports.len()].type_index,
        };
        &self.types[type_index as usize]
    }

    /// The same contract with a new entry point, which runs `code` with `locals`, and of the functions only what that
    /// calls directly. What stands in the table is made to stand for something that is left.
    pub fn entered_at(&self, locals: Vec<ValType>, mut code: Vec<Instruction<'static>>) -> Self {
        let imports = self.imports.len();
        let mut kept = vec![false; self.functions.len()];
        let mut open: Vec<u32> = callees(&code).collect();
        while let Some(function) = open.pop() {
            if let Some(index) = (function as usize).checked_sub(imports)
                && !std::mem::replace(&mut kept[index], true)
            {
                open.extend(callees(&self.functions[index].code));
            }
        }
        let order: Vec<usize> = (0..kept.len()).filter(|index| kept[*index]).collect();
        let moved = |function: u32| match (function as usize).checked_sub(imports) {
            None => function,
            Some(index) => {
                let place = order.iter().position(|kept| *kept == index);
                // Anything in the table, always the same.
                (imports + place.unwrap_or(index % (order.len() + 1))) as u32
            }
        };
        let mut functions: Vec<Body> = order.iter().map(|index| self.functions[*index].clone()).collect();
        for instruction in functions.iter_mut().flat_map(|body| &mut body.code).chain(&mut code) {
            if let Instruction::Call(function) = instruction {
                *function = moved(*function);
            }
        }
        let mut types = self.types.clone();
        types.push((Vec::new(), Vec::new()));
        functions.push(Body { type_index: self.types.len() as u32, locals, code });
        let elements = self
            .elements
            .iter()
            .map(|(offset, functions)| (*offset, functions.iter().map(|function| moved(*function)).collect()));
        Self {
            types,
            elements: elements.collect(),
            call: (imports + functions.len() - 1) as u32,
            functions,
            imports: self.imports.clone(),
            data: self.data.clone(),
            globals: self.globals.clone(),
            ..*self
        }
    }

    /// The module.
    pub fn encoded(&self) -> Vec<u8> {
        let mut types = TypeSection::new();
        for (params, results) in &self.types {
            types.ty().function(params.iter().copied(), results.iter().copied());
        }
        let mut imports = ImportSection::new();
        for (name, type_index) in &self.imports {
            imports.import(IMPORT_MODULE, name, EntityType::Function(*type_index));
        }
        let (mut functions, mut code) = (FunctionSection::new(), CodeSection::new());
        for body in &self.functions {
            functions.function(body.type_index);
            let mut function = Function::new_with_locals_types(body.locals.iter().copied());
            for instruction in &body.code {
                function.instruction(instruction);
            }
            code.function(&function);
        }
        let mut module = wasm_encoder::Module::new();
        module.section(&types).section(&imports).section(&functions);
        if let Some(minimum) = self.table_entries {
            let mut tables = TableSection::new();
            let element_type = RefType::FUNCREF;
            tables.table(TableType { element_type, table64: false, minimum, maximum: None, shared: false });
            module.section(&tables);
        }
        let (minimum, maximum) = self.memory;
        let mut memories = MemorySection::new();
        memories.memory(MemoryType { minimum, maximum, memory64: false, shared: false, page_size_log2: None });
        let mut globals = GlobalSection::new();
        for global in &self.globals {
            let kind = GlobalType { val_type: global.value_type, mutable: global.mutable, shared: false };
            let initial = match global.value_type {
                ValType::I32 => ConstExpr::i32_const(global.initial as i32),
                _ => ConstExpr::i64_const(global.initial),
            };
            globals.global(kind, &initial);
        }
        let mut exports = ExportSection::new();
        exports.export("memory", ExportKind::Memory, 0).export("call", ExportKind::Func, self.call);
        let mut elements = ElementSection::new();
        for (offset, functions) in &self.elements {
            let functions = Elements::Functions(functions.clone().into());
            elements.active(None, &ConstExpr::i32_const(offset.cast_signed()), functions);
        }
        let mut data = DataSection::new();
        for (offset, bytes) in &self.data {
            match offset {
                Some(offset) => {
                    data.active(0, &ConstExpr::i32_const(offset.cast_signed()), bytes.iter().copied());
                }
                None => {
                    data.passive(bytes.iter().copied());
                }
            }
        }
        module.section(&memories).section(&globals).section(&exports).section(&elements);
        module.section(&DataCountSection { count: self.data.len() as u32 }).section(&code).section(&data);
        module.finish()
    }
}

fn callees(code: &[Instruction<'static>]) -> impl Iterator<Item = u32> {
    code.iter().filter_map(|instruction| match instruction {
        Instruction::Call(function) => Some(*function),
        _ => None,
    })
}
