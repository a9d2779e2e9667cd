//! What compiling a module takes: `docs/spec/validation.md`, complexity.
//!
//! A compiler that goes over the code once takes time, and makes machine code, in proportion to what is counted here, in
//! units of some tenth of a microsecond on the reference machine. Plain instructions are not: the price per byte pays for
//! them. Only reachable code counts, since no compiler sees the rest.

use std::collections::BTreeSet;

use super::module::{Function, FunctionType, Module};
use super::operators::Kind;

/// A function: prologue, bookkeeping, relocation.
const FUNCTION: u64 = 110;
/// A local, parameters counted: zeroed or saved by an instruction of its own.
const LOCAL: u64 = 1;
/// A call of a function, and each value that it hands over either way.
const CALL: u64 = 10;
const CALL_VALUE: u64 = 1;
/// An indirect call, beside its values.
const CALL_INDIRECT: u64 = 35;
/// `memory.copy`, `memory.fill`, `memory.init`, `memory.grow`, `data.drop`: calls of the engine's own functions.
const BULK: u64 = 30;
/// A function type of the rewritten module, and a function that stands in the table: a way in or out that the optimising
/// compiler makes; and each of its values.
const CROSSING: u64 = 700;
const CROSSING_VALUE: u64 = 32;
/// `if` and `br_if`: a test, and a charge behind it.
const TEST: u64 = 5;
/// `loop`: a charge and a check at its head.
const LOOP: u64 = 10;
/// A branch, for each value that its label takes.
const BRANCH_VALUE: u64 = 1;
/// A block with a type of its own, for each of its values.
const BLOCK_VALUE: u64 = 1;
/// A target of a `br_table`.
const TARGET: u64 = 1;
/// A data segment.
const SEGMENT: u64 = 2;

/// The module's complexity.
pub(super) fn complexity(module: &Module<'_>) -> u64 {
    let mut crossings = Crossings::default();
    let mut sum = 0_u64;
    crossings.import_types.extend(module.imports.iter().map(|import| &module.types[import.type_index as usize]));
    for function in &module.functions {
        crossings.types.insert(&module.types[function.type_index as usize]);
        sum = sum.saturating_add(in_function(module, function, &mut crossings));
    }
    let escaping: BTreeSet<u32> =
        module.elements.iter().flat_map(|element| element.functions.iter().copied()).collect();
    for function in escaping {
        let found = module.function_type(function);
        crossings.types.insert(found);
        sum = sum.saturating_add(crossing(found)).saturating_add(FUNCTION);
    }
    for found in crossings.types.into_iter().chain(crossings.import_types).chain(crossings.block_types) {
        sum = sum.saturating_add(crossing(found));
    }
    sum.saturating_add(SEGMENT.saturating_mul(module.data.len() as u64))
}

/// Types that differ, of functions, of imports and of blocks, which are rewritten each in another way: equal ones share what
/// is compiled for them.
#[derive(Default)]
struct Crossings<'m> {
    types: BTreeSet<&'m FunctionType>,
    import_types: BTreeSet<&'m FunctionType>,
    block_types: BTreeSet<&'m FunctionType>,
}

fn values(found: &FunctionType) -> u64 {
    (found.params.len() + found.results.len()) as u64
}

fn crossing(found: &FunctionType) -> u64 {
    CROSSING.saturating_add(CROSSING_VALUE.saturating_mul(values(found)))
}

fn in_function<'m>(module: &'m Module<'_>, function: &'m Function<'_>, crossings: &mut Crossings<'m>) -> u64 {
    let found = &module.types[function.type_index as usize];
    let locals = found.params.len() as u64 + u64::from(function.local_count);
    let mut sum = FUNCTION + LOCAL.saturating_mul(locals).saturating_add(found.results.len() as u64);
    // Values that a branch to each open label hands over, outermost first.
    let mut labels = vec![found.results.len() as u64];
    for instruction in &function.code {
        let more = match &instruction.kind {
            Kind::Block(index) | Kind::Loop(index) | Kind::If(index) => {
                let block = index.and_then(|index| module.types.get(index as usize));
                let is_loop = matches!(instruction.kind, Kind::Loop(_));
                let taken = block.map(|block| if is_loop { block.params.len() } else { block.results.len() });
                labels.push(taken.map_or(1, |taken| taken as u64));
                crossings.block_types.extend(block);
                let head = match instruction.kind {
                    Kind::Loop(_) => LOOP,
                    Kind::If(_) => TEST,
                    _ => 0,
                };
                head.saturating_add(block.map_or(0, |block| BLOCK_VALUE.saturating_mul(values(block))))
            }
            Kind::End => {
                labels.pop();
                0
            }
            Kind::Br(depth) => branch(&labels, *depth),
            Kind::BrIf(depth) => TEST.saturating_add(branch(&labels, *depth)),
            Kind::BrTable(targets) => {
                let count = u64::from(targets.len()).saturating_add(1);
                TARGET.saturating_add(branch(&labels, targets.default())).saturating_mul(count)
            }
            Kind::Return => branch(&labels, u32::MAX),
            Kind::Call(callee) => CALL + CALL_VALUE * values(module.function_type(*callee)),
            Kind::CallIndirect(index) => {
                let found = &module.types[*index as usize];
                crossings.types.insert(found);
                CALL_INDIRECT + CALL_VALUE * values(found)
            }
            Kind::MemoryGrow | Kind::Bulk => BULK,
            _ => 0,
        };
        sum = sum.saturating_add(more);
    }
    sum
}

/// What a branch `depth` labels outwards costs; at most to the function's own.
fn branch(labels: &[u64], depth: u32) -> u64 {
    let values = labels.iter().rev().nth(depth as usize).or(labels.first()).copied().unwrap_or(0);
    BRANCH_VALUE.saturating_mul(values)
}
