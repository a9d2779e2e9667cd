//! Recursions whose frames a compiler may make large: values that live across the call, most of them none of the code's
//! own (sums of addresses and lengths, widened operands, bounds), moved there out of loops or merged from many places.

use arbitrary::{Result, Unstructured};
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, ElementSection, Elements, ExportKind, ExportSection, Function, FunctionSection,
    GlobalSection, GlobalType, InstructionSink, MemArg, MemorySection, MemoryType, RefType, TableSection, TableType,
    TypeSection, ValType,
};

/// Index of the function that calls itself; the entry point is the other one.
const AGAIN: u32 = 0;

/// What its frames have: parameters, then locals, i32 before i64 in both.
struct Locals {
    params: [u32; 2],
    declared: [u32; 2],
}

impl Locals {
    /// A local of that type: 0 is i32, 1 is i64. There always is one.
    fn any(&self, kind: usize, bytes: &mut Unstructured<'_>) -> Result<u32> {
        let [small, large] = self.params;
        let (given, before) = if kind == 0 { (small, 0) } else { (large, small) };
        let number = bytes.int_in_range(0..=given + self.declared[kind] - 1)?;
        Ok(match number.checked_sub(given) {
            None => before + number,
            Some(declared) => small + large + if kind == 0 { 0 } else { self.declared[0] } + declared,
        })
    }

    fn operands(&self, bytes: &mut Unstructured<'_>) -> Result<Operands> {
        let mut any =
            |kind| -> Result<[u32; 3]> { Ok([self.any(kind, bytes)?, self.any(kind, bytes)?, self.any(kind, bytes)?]) };
        let (small, large) = (any(0)?, any(1)?);
        Ok(Operands { small, large, offset: bytes.int_in_range(0..=60_000)? })
    }
}

/// What a statement works on: locals of both types, and an offset in memory.
struct Operands {
    small: [u32; 3],
    large: [u32; 3],
    offset: u32,
}

/// A contract whose `call` recurses until its stack or its gas ends, if nothing else ends it.
pub fn contract(bytes: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let params = [bytes.int_in_range(0..=6)?, bytes.int_in_range(0..=6)?];
    let locals = Locals { params, declared: [bytes.int_in_range(1..=60)?, bytes.int_in_range(1..=24)?] };
    let results: u32 = bytes.int_in_range(0..=4)?;
    let statements: u32 = bytes.int_in_range(1..=1_600)?;
    let recursion = bytes.int_in_range(0..=statements)?;
    let loops: u32 = bytes.int_in_range(0..=3)?;
    let favourite = bytes.int_in_range(0..=9)?;
    // What a program does most makes its frames large; the rest is there to stand between.
    let mut body = Function::new([(locals.declared[0], ValType::I32), (locals.declared[1], ValType::I64)]);
    let mut code = body.instructions();
    for local in 0..locals.declared[0] + locals.declared[1] {
        let at = MemArg { offset: u64::from(local) * 8, align: 0, memory_index: 0 };
        match local < locals.declared[0] {
            true => code.i32_const(0).i32_load(at),
            false => code.i32_const(0).i64_load(at),
        };
        code.local_set(params[0] + params[1] + local);
    }
    for _ in 0..loops {
        code.loop_(BlockType::Empty);
    }
    for number in 0..=statements {
        if number == recursion {
            call(&locals, results, bytes.arbitrary()?, &mut code);
        }
        // Every pair of locals in turn, so that no statement computes what another did.
        if bytes.ratio(15, 16)? {
            let [small, large] = locals.declared;
            let first = params[0] + params[1];
            let operands = Operands {
                small: [first + number % small, first + number / small % small, first + number / 7 % small],
                large: [number % large, number / large % large, number / 5 % large].map(|place| first + small + place),
                offset: number / (small * small) * 8,
            };
            statement(favourite, &operands, &mut code);
        } else {
            let kind = bytes.int_in_range(0..=9)?;
            statement(kind, &locals.operands(bytes)?, &mut code);
        }
    }
    for _ in 0..loops {
        code.local_get(locals.any(0, bytes)?).br_if(0).end();
    }
    for _ in 0..results {
        code.local_get(locals.any(1, bytes)?);
    }
    code.end();
    Ok(module(&locals, results, &body))
}

/// Calls itself with what its first locals hold, and keeps the results in the last.
fn call(locals: &Locals, results: u32, indirect: bool, code: &mut InstructionSink<'_>) {
    let first = locals.params[0] + locals.params[1];
    for _ in 0..locals.params[0] {
        code.local_get(first);
    }
    for _ in 0..locals.params[1] {
        code.local_get(first + locals.declared[0]);
    }
    match indirect {
        true => code.i32_const(0).call_indirect(0, 0),
        false => code.call(AGAIN),
    };
    for _ in 0..results {
        code.local_set(first + locals.declared[0] + locals.declared[1] - 1);
    }
}

/// Memory is zero, so all locals are until something is added: ranges are empty, addresses small.
fn statement(kind: u32, operands: &Operands, code: &mut InstructionSink<'_>) {
    let ([a, b, c], [x, y, z]) = (operands.small, operands.large);
    let at = MemArg { offset: operands.offset.into(), align: 0, memory_index: 0 };
    match kind {
        0 => code.local_get(a).i32_const(0).local_get(b).memory_fill(0),
        1 => code.local_get(a).local_get(b).local_get(c).memory_copy(0, 0),
        2 => code.local_get(a).local_get(b).i32_add().i64_load(at).local_set(x),
        3 => code.local_get(a).local_get(x).i64_store(at),
        4 => code.local_get(a).i64_extend_i32_u().local_get(b).i64_extend_i32_u().i64_add().local_set(x),
        5 => code.local_get(x).local_get(y).i64_mul().local_get(z).i64_xor().local_set(x),
        6 => code.local_get(a).local_get(b).i32_const(1).i32_or().i32_rem_s().local_set(c),
        7 => code.local_get(a).if_(BlockType::Empty).local_get(y).local_set(x).else_().local_get(z).local_set(y).end(),
        8 => code.global_get(0).local_get(x).i64_add().global_set(0),
        _ => code.local_get(x).local_get(y).local_get(a).select().i64_clz().local_set(z),
    };
}

fn module(locals: &Locals, results: u32, body: &Function) -> Vec<u8> {
    let given = |small: u32, large: u32| {
        (0..small).map(|_| ValType::I32).chain((0..large).map(|_| ValType::I64)).collect::<Vec<_>>()
    };
    let mut types = TypeSection::new();
    types.ty().function(given(locals.params[0], locals.params[1]), given(0, results));
    types.ty().function([], []);
    let mut functions = FunctionSection::new();
    functions.function(0).function(1);
    let mut tables = TableSection::new();
    let table =
        TableType { element_type: RefType::FUNCREF, table64: false, minimum: 1, maximum: Some(1), shared: false };
    tables.table(table);
    let mut memories = MemorySection::new();
    memories.memory(MemoryType { minimum: 1, maximum: None, memory64: false, shared: false, page_size_log2: None });
    let mut globals = GlobalSection::new();
    globals.global(GlobalType { val_type: ValType::I64, mutable: true, shared: false }, &ConstExpr::i64_const(0));
    let mut exports = ExportSection::new();
    exports.export("memory", ExportKind::Memory, 0).export("call", ExportKind::Func, AGAIN + 1);
    let mut elements = ElementSection::new();
    elements.active(None, &ConstExpr::i32_const(0), Elements::Functions([AGAIN].as_slice().into()));
    let mut entry = Function::new([]);
    let mut code = entry.instructions();
    for _ in 0..locals.params[0] {
        code.i32_const(0);
    }
    for _ in 0..locals.params[1] {
        code.i64_const(0);
    }
    code.call(AGAIN);
    for _ in 0..results {
        code.drop();
    }
    code.end();
    let mut bodies = CodeSection::new();
    bodies.function(body).function(&entry);
    let mut module = wasm_encoder::Module::new();
    module.section(&types).section(&functions).section(&tables).section(&memories).section(&globals);
    module.section(&exports).section(&elements).section(&bodies);
    module.finish()
}
