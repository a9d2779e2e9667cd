//! Contracts that call host functions, any of them, mostly with arguments that make sense.

use arbitrary::{Result, Unstructured};
use esker_vm::abi::{HOST_FUNCTIONS, HostFunction, IMPORT_MODULE, Param};
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, DataSection, EntityType, ExportKind, ExportSection, Function, FunctionSection,
    ImportSection, InstructionSink, MemArg, MemorySection, MemoryType, TypeSection, ValType,
};

/// First bytes of memory: the addresses of accounts 1 and 2 of the test world, so that calls find somebody.
const ADDRESSES: [[u8; 32]; 2] = [[1; 32], [2; 32]];
/// Where results are kept, behind the data.
const RESULTS: i32 = 4096;
/// Memory at the start, in bytes.
const MEMORY: i32 = 2 * 65_536;

/// A contract whose `call` makes up to 40 host calls, up to three times over, and returns the beginning of its memory.
pub fn contract(bytes: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let output = row("set_output");
    let mut imported: Vec<&HostFunction> = vec![output];
    let mut calls = Vec::new();
    for _ in 0..bytes.int_in_range(1..=40)? {
        let function = bytes.choose(HOST_FUNCTIONS)?;
        let index = imported.iter().position(|known| known.id == function.id).unwrap_or_else(|| {
            imported.push(function);
            imported.len() - 1
        });
        let arguments =
            function.params.iter().map(|(_, kind)| argument(*kind, bytes)).collect::<Result<Vec<Argument>>>()?;
        calls.push((index as u32, function, arguments));
    }
    let rounds = bytes.int_in_range(1..=3)?;
    let mut data: Vec<u8> = ADDRESSES.concat();
    let random = bytes.len().min(1024);
    data.extend_from_slice(bytes.bytes(random)?);

    let mut body = Function::new([(1, ValType::I32)]);
    let mut code = body.instructions();
    code.loop_(BlockType::Empty);
    for (at, (index, function, arguments)) in (0i32..).zip(&calls) {
        if function.result.is_some() {
            code.i32_const(RESULTS + 8 * at);
        }
        for argument in arguments {
            argument.push(&mut code);
        }
        code.call(*index);
        let place = MemArg { offset: 0, align: 0, memory_index: 0 };
        match function.result {
            Some(Param::I64) => code.i64_store(place),
            Some(_) => code.i32_store(place),
            None => &mut code,
        };
    }
    code.local_get(0).i32_const(1).i32_add().local_tee(0).i32_const(rounds).i32_lt_u().br_if(0).end();
    code.i32_const(0).i32_const(RESULTS + 8 * 40).call(0).end();
    Ok(module(&imported, &body, &data))
}

fn row(name: &str) -> &'static HostFunction {
    esker_vm::abi::find(name).expect("the table has it")
}

/// A constant that a call is made with.
enum Argument {
    I32(i32),
    I64(i64),
}

impl Argument {
    fn push(&self, code: &mut InstructionSink<'_>) {
        match self {
            Self::I32(value) => code.i32_const(*value),
            Self::I64(value) => code.i64_const(*value),
        };
    }
}

fn argument(kind: Param, bytes: &mut Unstructured<'_>) -> Result<Argument> {
    let usual = !bytes.ratio(1, 12)?;
    Ok(match kind {
        Param::Ptr | Param::Mut if usual => Argument::I32(32 * bytes.int_in_range(0..=32)?),
        // Around the end of memory, where a range may or may not fit.
        Param::Ptr | Param::Mut if bytes.ratio(3, 4)? => Argument::I32(MEMORY - bytes.int_in_range(0..=130)?),
        Param::Offset | Param::Len if usual => Argument::I32(bytes.int_in_range(0..=600)?),
        Param::I32 if usual => Argument::I32(bytes.int_in_range(0..=5)?),
        Param::I64 if usual => Argument::I64(bytes.int_in_range(0..=100_000)?),
        Param::I64 => Argument::I64(bytes.arbitrary()?),
        Param::Ptr | Param::Mut | Param::Offset | Param::Len | Param::I32 => Argument::I32(bytes.arbitrary()?),
    })
}

fn value_type(kind: Param) -> ValType {
    if kind == Param::I64 { ValType::I64 } else { ValType::I32 }
}

fn module(imported: &[&HostFunction], body: &Function, data: &[u8]) -> Vec<u8> {
    let (mut types, mut imports) = (TypeSection::new(), ImportSection::new());
    for (index, function) in (0u32..).zip(imported) {
        let params: Vec<ValType> = function.params.iter().map(|(_, kind)| value_type(*kind)).collect();
        types.ty().function(params, function.result.map(value_type));
        imports.import(IMPORT_MODULE, function.name, EntityType::Function(index));
    }
    let call = imported.len() as u32;
    types.ty().function([], []);
    let mut functions = FunctionSection::new();
    functions.function(call);
    let mut memories = MemorySection::new();
    memories.memory(MemoryType { minimum: 2, maximum: Some(4), memory64: false, shared: false, page_size_log2: None });
    let mut exports = ExportSection::new();
    exports.export("memory", ExportKind::Memory, 0).export("call", ExportKind::Func, call);
    let mut code = CodeSection::new();
    code.function(body);
    let mut segments = DataSection::new();
    segments.active(0, &ConstExpr::i32_const(0), data.iter().copied());
    let mut module = wasm_encoder::Module::new();
    module.section(&types).section(&imports).section(&functions).section(&memories).section(&exports);
    module.section(&code).section(&segments);
    module.finish()
}
