//! Shapes of modules, each from a few numbers.

use std::ops::Range;

use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, DataSection, ElementSection, Elements, ExportKind, ExportSection, Function,
    FunctionSection, GlobalSection, GlobalType, InstructionSink, MemArg, MemorySection, MemoryType, Module, RefType,
    TableSection, TableType, TypeSection, ValType,
};

/// A family of modules.
pub struct Shape {
    pub name: &'static str,
    pub build: fn(&[u32]) -> Vec<u8>,
    /// Where a search begins.
    pub starts: &'static [&'static [u32]],
    /// The largest sensible numbers.
    pub most: &'static [u32],
}

pub const SHAPES: &[Shape] = &[
    Shape {
        name: "calls",
        build: calls,
        starts: &[&[4, 5_000, 8, 8], &[20, 500, 32, 8], &[50, 900, 0, 0], &[20, 900, 8, 8]],
        most: &[400, 30_000, 32, 8],
    },
    Shape {
        name: "indirect calls",
        build: indirect,
        // The last is a find of the climb: one type, and a table of it.
        starts: &[&[4, 2_800, 8, 8], &[20, 550, 8, 8], &[20, 800, 0, 0], &[0, 5_600, 32, 8]],
        most: &[400, 30_000, 32, 8],
    },
    Shape { name: "fills", build: fills, starts: &[&[1, 1_485, 55], &[4, 1_000, 118]], most: &[60, 8_000, 500] },
    Shape {
        name: "branch tables",
        build: tables,
        starts: &[&[2, 60, 100], &[60, 4, 900], &[200, 1, 1000], &[4, 200, 100]],
        most: &[300, 400, 1_024],
    },
    Shape {
        name: "functions in table",
        build: in_table,
        starts: &[&[270, 32, 8], &[600, 0, 0]],
        most: &[3_999, 32, 8],
    },
    Shape { name: "functions", build: functions, starts: &[&[3_999, 0, 0], &[3_900, 32, 8]], most: &[3_999, 32, 8] },
    Shape { name: "locals", build: locals, starts: &[&[900, 500], &[2_000, 100]], most: &[3_999, 511] },
    Shape {
        name: "types",
        build: types,
        starts: &[&[260, 32, 8], &[500, 4, 1], &[511, 9, 0], &[272, 0, 2]],
        most: &[511, 32, 8],
    },
    Shape { name: "block types", build: block_types, starts: &[&[500, 8, 8], &[307, 0, 1]], most: &[511, 24, 8] },
    Shape { name: "arithmetic", build: arithmetic, starts: &[&[4, 9_000]], most: &[60, 30_000] },
    Shape { name: "divisions", build: divisions, starts: &[&[4, 9_000]], most: &[60, 30_000] },
    Shape { name: "loads", build: loads, starts: &[&[4, 10_000]], most: &[60, 20_000] },
    Shape {
        name: "operands and sets",
        build: sets,
        starts: &[&[4, 1_000, 15_000], &[4, 100, 15_000]],
        most: &[60, 1_020, 30_000],
    },
    Shape {
        name: "branches with values",
        build: branches,
        starts: &[&[50, 900, 8], &[50, 900, 0], &[50, 900, 1]],
        most: &[300, 998, 8],
    },
    Shape { name: "blocks", build: blocks, starts: &[&[100, 300, 1], &[50, 300, 8]], most: &[300, 990, 8] },
    Shape { name: "loops", build: loops, starts: &[&[100, 400, 16]], most: &[300, 900, 16] },
    Shape { name: "globals", build: globals, starts: &[&[4, 15_000]], most: &[60, 30_000] },
    Shape { name: "growth", build: growth, starts: &[&[4, 990]], most: &[200, 20_000] },
    Shape { name: "data", build: data, starts: &[&[255, 800], &[255, 0]], most: &[256, 1_000] },
    Shape { name: "selects", build: selects, starts: &[&[4, 6_000]], most: &[60, 30_000] },
];

/// A module under construction: type 0 is () → (), function 0 is `call`, empty.
struct Builder {
    types: TypeSection,
    type_count: u32,
    functions: FunctionSection,
    function_count: u32,
    code: CodeSection,
    table: Vec<u32>,
    data: DataSection,
    data_count: u32,
    globals: GlobalSection,
}

impl Builder {
    fn new() -> Self {
        let mut builder = Self {
            types: TypeSection::new(),
            type_count: 0,
            functions: FunctionSection::new(),
            function_count: 0,
            code: CodeSection::new(),
            table: Vec::new(),
            data: DataSection::new(),
            data_count: 0,
            globals: GlobalSection::new(),
        };
        let empty = builder.type_of(0, 0);
        builder.function(empty, &[], |_| {});
        builder
    }

    fn type_of(&mut self, params: u32, results: u32) -> u32 {
        let values = |count: u32| (0..count).map(|index| if index % 3 == 1 { ValType::I32 } else { ValType::I64 });
        self.types.ty().function(values(params), values(results));
        self.type_count += 1;
        self.type_count - 1
    }

    fn function(
        &mut self,
        type_index: u32,
        locals: &[(u32, ValType)],
        body: impl FnOnce(&mut InstructionSink<'_>),
    ) -> u32 {
        self.functions.function(type_index);
        let mut function = Function::new(locals.iter().copied());
        let mut code = function.instructions();
        body(&mut code);
        code.end();
        self.code.function(&function);
        self.function_count += 1;
        self.function_count - 1
    }

    fn finish(self) -> Vec<u8> {
        let mut module = Module::new();
        module.section(&self.types).section(&self.functions);
        if !self.table.is_empty() {
            let entries = self.table.len() as u64;
            let mut tables = TableSection::new();
            let element_type = RefType::FUNCREF;
            tables.table(TableType {
                element_type,
                table64: false,
                minimum: entries,
                maximum: Some(entries),
                shared: false,
            });
            module.section(&tables);
        }
        let mut memory = MemorySection::new();
        memory.memory(MemoryType { minimum: 4, maximum: None, memory64: false, shared: false, page_size_log2: None });
        let mut exports = ExportSection::new();
        exports.export("memory", ExportKind::Memory, 0).export("call", ExportKind::Func, 0);
        module.section(&memory).section(&self.globals).section(&exports);
        if !self.table.is_empty() {
            let mut elements = ElementSection::new();
            elements.active(None, &ConstExpr::i32_const(0), Elements::Functions(self.table.into()));
            module.section(&elements);
        }
        module.section(&self.code);
        if self.data_count > 0 {
            module.section(&self.data);
        }
        module.finish()
    }
}

/// Pushes zeros of the types of [`Builder::type_of`].
fn zeros(code: &mut InstructionSink<'_>, count: u32) {
    zeros_of(code, 0..count);
}

fn zeros_of(code: &mut InstructionSink<'_>, places: Range<u32>) {
    for index in places {
        if index % 3 == 1 {
            code.i32_const(0)
        } else {
            code.i64_const(0)
        };
    }
}

fn drops(code: &mut InstructionSink<'_>, count: u32) {
    (0..count).for_each(|_| {
        code.drop();
    });
}

/// Makes the results of one call the first arguments of the next.
fn as_arguments(code: &mut InstructionSink<'_>, results: u32, params: u32) {
    if results > params {
        drops(code, results - params);
    } else {
        zeros_of(code, results..params);
    }
}

fn calls(numbers: &[u32]) -> Vec<u8> {
    let &[functions, calls, params, results] = numbers else { unreachable!("four numbers") };
    let mut builder = Builder::new();
    let wide = builder.type_of(params, results);
    let callee = builder.function(wide, &[], |code| zeros(code, results));
    for _ in 0..functions {
        builder.function(0, &[], |code| {
            zeros(code, params);
            for _ in 0..calls {
                code.call(callee);
                as_arguments(code, results, params);
            }
            drops(code, params);
        });
    }
    builder.finish()
}

fn indirect(numbers: &[u32]) -> Vec<u8> {
    let &[functions, calls, params, results] = numbers else { unreachable!("four numbers") };
    let mut builder = Builder::new();
    let wide = builder.type_of(params, results);
    let callee = builder.function(wide, &[], |code| zeros(code, results));
    builder.table.push(callee);
    for _ in 0..functions {
        builder.function(0, &[], |code| {
            zeros(code, params);
            for _ in 0..calls {
                code.i32_const(0).call_indirect(0, wide);
                as_arguments(code, results, params);
            }
            drops(code, params);
        });
    }
    builder.finish()
}

fn fills(numbers: &[u32]) -> Vec<u8> {
    let &[functions, fills, locals] = numbers else { unreachable!("three numbers") };
    let mut builder = Builder::new();
    for _ in 0..functions {
        builder.function(0, &[(locals, ValType::I32)], |code| {
            for fill in 0..fills {
                let (one, other) = (fill % locals.max(1), fill / locals.max(1) % locals.max(1));
                code.local_get(one).i32_const(0).local_get(other).memory_fill(0);
            }
        });
    }
    builder.finish()
}

fn tables(numbers: &[u32]) -> Vec<u8> {
    let &[functions, tables, targets] = numbers else { unreachable!("three numbers") };
    let mut builder = Builder::new();
    for _ in 0..functions {
        builder.function(0, &[(1, ValType::I32)], |code| {
            let depth = 100;
            (0..depth).for_each(|_| {
                code.block(BlockType::Empty);
            });
            for table in 0..tables {
                code.block(BlockType::Empty).local_get(0);
                code.br_table((0..targets).map(|target| (target + table) % depth).collect::<Vec<_>>(), 0).end();
            }
            (0..depth).for_each(|_| {
                code.end();
            });
        });
    }
    builder.finish()
}

fn in_table(numbers: &[u32]) -> Vec<u8> {
    let &[functions, params, results] = numbers else { unreachable!("three numbers") };
    let mut builder = Builder::new();
    let wide = builder.type_of(params, results);
    for _ in 0..functions {
        let function = builder.function(wide, &[], |code| zeros(code, results));
        builder.table.push(function);
    }
    builder.finish()
}

fn functions(numbers: &[u32]) -> Vec<u8> {
    let &[functions, params, results] = numbers else { unreachable!("three numbers") };
    let mut builder = Builder::new();
    let wide = builder.type_of(params, results);
    for _ in 0..functions {
        builder.function(wide, &[], |code| zeros(code, results));
    }
    builder.finish()
}

fn locals(numbers: &[u32]) -> Vec<u8> {
    let &[functions, locals] = numbers else { unreachable!("two numbers") };
    let mut builder = Builder::new();
    for _ in 0..functions {
        builder.function(0, &[(locals, ValType::I64)], |_| {});
    }
    builder.finish()
}

/// Types that differ, each of a function.
fn types(numbers: &[u32]) -> Vec<u8> {
    let &[types, params, results] = numbers else { unreachable!("three numbers") };
    let mut builder = Builder::new();
    for index in 0..types {
        let value = |bit: u32| if index >> (bit % 9) & 1 == 0 { ValType::I64 } else { ValType::I32 };
        builder.types.ty().function((0..params).map(value), vec![ValType::I64; results as usize]);
        builder.type_count += 1;
        let found = builder.type_count - 1;
        builder.function(found, &[], |code| {
            (0..results).for_each(|_| {
                code.i64_const(0);
            })
        });
    }
    builder.finish()
}

/// Types that differ, each of a block.
fn block_types(numbers: &[u32]) -> Vec<u8> {
    let &[types, params, results] = numbers else { unreachable!("three numbers") };
    let mut builder = Builder::new();
    let mut found = Vec::new();
    for index in 0..types {
        let value = move |bit: u32| if index >> (bit % 9) & 1 == 0 { ValType::I64 } else { ValType::I32 };
        builder.types.ty().function((0..params).map(value), vec![ValType::I64; results as usize]);
        builder.type_count += 1;
        found.push((builder.type_count - 1, index));
    }
    builder.function(0, &[], |code| {
        for (type_index, index) in found {
            for bit in 0..params {
                if index >> (bit % 9) & 1 == 0 {
                    code.i64_const(0)
                } else {
                    code.i32_const(0)
                };
            }
            code.block(BlockType::FunctionType(type_index));
            drops(code, params);
            (0..results).for_each(|_| {
                code.i64_const(0);
            });
            code.end();
            drops(code, results);
        }
    });
    builder.finish()
}

fn repeated(numbers: &[u32], locals: &[(u32, ValType)], step: impl Fn(&mut InstructionSink<'_>, u32)) -> Vec<u8> {
    let &[functions, steps] = numbers else { unreachable!("two numbers") };
    let mut builder = Builder::new();
    builder
        .globals
        .global(GlobalType { val_type: ValType::I64, mutable: true, shared: false }, &ConstExpr::i64_const(0));
    for _ in 0..functions {
        builder.function(0, locals, |code| (0..steps).for_each(|number| step(code, number)));
    }
    builder.finish()
}

fn arithmetic(numbers: &[u32]) -> Vec<u8> {
    repeated(numbers, &[(2, ValType::I64)], |code, _| {
        code.local_get(0).local_get(1).i64_add().local_set(0);
    })
}

fn divisions(numbers: &[u32]) -> Vec<u8> {
    repeated(numbers, &[(2, ValType::I64)], |code, _| {
        code.local_get(0).local_get(1).i64_div_s().local_set(0);
    })
}

fn loads(numbers: &[u32]) -> Vec<u8> {
    let at = MemArg { offset: 0, align: 0, memory_index: 0 };
    repeated(numbers, &[(1, ValType::I32)], |code, _| {
        code.local_get(0).i64_load(at).drop();
    })
}

fn sets(numbers: &[u32]) -> Vec<u8> {
    let &[functions, height, sets] = numbers else { unreachable!("three numbers") };
    let mut builder = Builder::new();
    for _ in 0..functions {
        builder.function(0, &[(2, ValType::I32)], |code| {
            (0..height).for_each(|_| {
                code.local_get(0);
            });
            (0..sets).for_each(|_| {
                code.i32_const(0).local_set(1);
            });
            drops(code, height);
        });
    }
    builder.finish()
}

fn branches(numbers: &[u32]) -> Vec<u8> {
    let &[functions, branches, values] = numbers else { unreachable!("three numbers") };
    let mut builder = Builder::new();
    let block = builder.type_of(0, values);
    for _ in 0..functions {
        builder.function(0, &[(1, ValType::I32)], |code| {
            code.block(BlockType::FunctionType(block));
            zeros(code, values);
            (0..branches).for_each(|_| {
                code.local_get(0).br_if(0);
            });
            code.end();
            drops(code, values);
        });
    }
    builder.finish()
}

fn blocks(numbers: &[u32]) -> Vec<u8> {
    let &[functions, blocks, values] = numbers else { unreachable!("three numbers") };
    let mut builder = Builder::new();
    let block = builder.type_of(values, values);
    for _ in 0..functions {
        builder.function(0, &[(1, ValType::I32)], |code| {
            zeros(code, values);
            (0..blocks).for_each(|_| {
                code.local_get(0).if_(BlockType::FunctionType(block)).else_().end();
            });
            drops(code, values);
        });
    }
    builder.finish()
}

fn loops(numbers: &[u32]) -> Vec<u8> {
    let &[functions, loops, depth] = numbers else { unreachable!("three numbers") };
    let mut builder = Builder::new();
    for _ in 0..functions {
        builder.function(0, &[(200, ValType::I64)], |code| {
            let depth = depth.max(1);
            for _ in 0..loops / depth {
                (0..depth).for_each(|_| {
                    code.loop_(BlockType::Empty);
                });
                (0..depth).for_each(|_| {
                    code.end();
                });
            }
        });
    }
    builder.finish()
}

fn globals(numbers: &[u32]) -> Vec<u8> {
    repeated(numbers, &[], |code, _| {
        code.global_get(0).global_set(0);
    })
}

fn growth(numbers: &[u32]) -> Vec<u8> {
    repeated(numbers, &[], |code, _| {
        code.i32_const(0).memory_grow(0).drop();
    })
}

fn selects(numbers: &[u32]) -> Vec<u8> {
    repeated(numbers, &[(2, ValType::I64)], |code, _| {
        code.local_get(0).local_get(1).i32_const(1).select().local_set(0);
    })
}

fn data(numbers: &[u32]) -> Vec<u8> {
    let &[segments, bytes] = numbers else { unreachable!("two numbers") };
    let mut builder = Builder::new();
    for segment in 0..segments {
        let bytes = (0..bytes).map(|byte| (byte.wrapping_mul(segment + 7) >> 3) as u8);
        builder.data.active(0, &ConstExpr::i32_const((segment * 1_000) as i32), bytes);
        builder.data_count += 1;
    }
    builder.finish()
}
