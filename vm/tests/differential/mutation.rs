//! Changes to a contract's code that mostly leave it acceptable: what an instruction takes and gives stays the same.

use wasm_encoder::{BlockType, Instruction as I, MemArg, ValType};

use super::template::Template;
use crate::seeded::Seeded;

/// Changes one defined function of the contract in one to four places.
pub fn mutate(contract: &mut Template, random: &mut Seeded) {
    for _ in 0..=random.below(4) {
        let function = random.below(contract.functions.len());
        let place = random.below(contract.functions[function].code.len());
        match random.below(8) {
            0..=2 => insert(contract, function, place, random),
            3 => drop_something(contract, function, place, random),
            4 => {
                let more = 1 + random.below(40);
                let found = if random.once_in(2) { ValType::I32 } else { ValType::I64 };
                contract.functions[function].locals.extend(vec![found; more]);
            }
            _ => replace(contract, function, place, random),
        }
    }
}

/// A number that lies near where something changes.
pub fn interesting(random: &mut Seeded) -> i64 {
    let edge = 1_i64.checked_shl(random.below(64) as u32).unwrap_or(0);
    match random.below(6) {
        0 => random.below(64) as i64,
        1 => edge.wrapping_sub(1),
        2 => edge,
        3 => edge.wrapping_neg(),
        4 => random.below(70_000) as i64,
        _ => random.next().cast_signed(),
    }
}

/// Instructions that take and give the same, family by family.
const FAMILIES: &[&[I<'static>]] = &[
    &[
        I::I32Add,
        I::I32Sub,
        I::I32Mul,
        I::I32And,
        I::I32Or,
        I::I32Xor,
        I::I32Shl,
        I::I32ShrS,
        I::I32ShrU,
        I::I32Rotl,
        I::I32Rotr,
        I::I32DivS,
        I::I32DivU,
        I::I32RemS,
        I::I32RemU,
        I::I32Eq,
        I::I32Ne,
        I::I32LtS,
        I::I32LtU,
        I::I32GtS,
        I::I32GtU,
        I::I32LeS,
        I::I32LeU,
        I::I32GeS,
        I::I32GeU,
    ],
    &[
        I::I64Add,
        I::I64Sub,
        I::I64Mul,
        I::I64And,
        I::I64Or,
        I::I64Xor,
        I::I64Shl,
        I::I64ShrS,
        I::I64ShrU,
        I::I64Rotl,
        I::I64Rotr,
        I::I64DivS,
        I::I64DivU,
        I::I64RemS,
        I::I64RemU,
    ],
    &[I::I64Eq, I::I64Ne, I::I64LtS, I::I64LtU, I::I64GtS, I::I64GtU, I::I64LeS, I::I64LeU, I::I64GeS, I::I64GeU],
    &[I::I32Eqz, I::I32Clz, I::I32Ctz, I::I32Popcnt, I::I32Extend8S, I::I32Extend16S, I::Nop],
    &[I::I64Clz, I::I64Ctz, I::I64Popcnt, I::I64Extend8S, I::I64Extend16S, I::I64Extend32S],
    &[I::I64Eqz, I::I32WrapI64],
    &[I::I64ExtendI32S, I::I64ExtendI32U],
];

fn load(instruction: &I<'static>) -> Option<(MemArg, ValType)> {
    match instruction {
        I::I32Load(m) | I::I32Load8S(m) | I::I32Load8U(m) | I::I32Load16S(m) | I::I32Load16U(m) => {
            Some((*m, ValType::I32))
        }
        I::I64Load(m)
        | I::I64Load8S(m)
        | I::I64Load8U(m)
        | I::I64Load16S(m)
        | I::I64Load16U(m)
        | I::I64Load32S(m)
        | I::I64Load32U(m) => Some((*m, ValType::I64)),
        _ => None,
    }
}

fn store(instruction: &I<'static>) -> Option<(MemArg, ValType)> {
    match instruction {
        I::I32Store(m) | I::I32Store8(m) | I::I32Store16(m) => Some((*m, ValType::I32)),
        I::I64Store(m) | I::I64Store8(m) | I::I64Store16(m) | I::I64Store32(m) => Some((*m, ValType::I64)),
        _ => None,
    }
}

fn another_load(m: MemArg, found: ValType, random: &mut Seeded) -> I<'static> {
    let narrow = MemArg { align: 0, ..m };
    match (found, random.below(7)) {
        (ValType::I32, 0) => I::I32Load8S(narrow),
        (ValType::I32, 1) => I::I32Load8U(narrow),
        (ValType::I32, 2) => I::I32Load16S(narrow),
        (ValType::I32, 3) => I::I32Load16U(narrow),
        (ValType::I32, _) => I::I32Load(narrow),
        (_, 0) => I::I64Load8S(narrow),
        (_, 1) => I::I64Load8U(narrow),
        (_, 2) => I::I64Load16S(narrow),
        (_, 3) => I::I64Load16U(narrow),
        (_, 4) => I::I64Load32S(narrow),
        (_, 5) => I::I64Load32U(narrow),
        _ => I::I64Load(narrow),
    }
}

fn another_store(m: MemArg, found: ValType, random: &mut Seeded) -> I<'static> {
    let narrow = MemArg { align: 0, ..m };
    match (found, random.below(4)) {
        (ValType::I32, 0) => I::I32Store8(narrow),
        (ValType::I32, 1) => I::I32Store16(narrow),
        (ValType::I32, _) => I::I32Store(narrow),
        (_, 0) => I::I64Store8(narrow),
        (_, 1) => I::I64Store16(narrow),
        (_, 2) => I::I64Store32(narrow),
        _ => I::I64Store(narrow),
    }
}

/// The parameters and locals of a function, by type.
fn locals(contract: &Template, function: usize) -> Vec<ValType> {
    let body = &contract.functions[function];
    let params = &contract.types[body.type_index as usize].0;
    params.iter().chain(&body.locals).copied().collect()
}

fn local_of(types: &[ValType], wanted: ValType, random: &mut Seeded) -> Option<u32> {
    let fitting: Vec<u32> = (0..).zip(types).filter(|(_, found)| **found == wanted).map(|(index, _)| index).collect();
    random.pick(&fitting).copied()
}

/// Another instruction of the same type, or the same with another immediate.
fn replace(contract: &mut Template, function: usize, place: usize, random: &mut Seeded) {
    let types = locals(contract, function);
    // The next place where there is something to change.
    let length = contract.functions[function].code.len();
    for place in (place..length).chain(0..place).take(40) {
        let found = contract.functions[function].code[place].clone();
        let family = FAMILIES.iter().find(|family| family.iter().any(|member| same(member, &found)));
        let other = match &found {
            I::I32Const(value) => Some(I::I32Const(changed(i64::from(*value), random) as i32)),
            I::I64Const(value) => Some(I::I64Const(changed(*value, random))),
            I::LocalGet(local) | I::LocalSet(local) | I::LocalTee(local) => {
                let wanted = types.get(*local as usize).copied().unwrap_or(ValType::I32);
                local_of(&types, wanted, random).map(|other| match &found {
                    I::LocalGet(_) => I::LocalGet(other),
                    I::LocalSet(_) => I::LocalSet(other),
                    _ => I::LocalTee(other),
                })
            }
            I::Br(_) => Some(I::Br(random.below(5) as u32)),
            I::BrIf(_) => Some(I::BrIf(random.below(5) as u32)),
            I::BrTable(targets, default) => {
                let mut targets = targets.to_vec();
                if let Some(target) = targets.len().checked_sub(1).map(|last| random.below(last + 1)) {
                    targets.swap(0, target);
                }
                Some(I::BrTable(targets.into(), *default))
            }
            _ => match (family, load(&found), store(&found)) {
                (Some(family), _, _) => random.pick(family).cloned(),
                (_, Some((m, value)), _) => Some(another_load(moved(m, random), value, random)),
                (_, _, Some((m, value))) => Some(another_store(moved(m, random), value, random)),
                _ => None,
            },
        };
        if let Some(other) = other {
            contract.functions[function].code[place] = other;
            return;
        }
    }
}

/// Whether these are the same instruction without immediates.
fn same(one: &I<'static>, other: &I<'static>) -> bool {
    std::mem::discriminant(one) == std::mem::discriminant(other)
}

fn changed(value: i64, random: &mut Seeded) -> i64 {
    match random.below(4) {
        0 => value.wrapping_add(1),
        1 => value.wrapping_sub(1),
        2 => value ^ 1_i64.wrapping_shl(random.below(64) as u32),
        _ => interesting(random),
    }
}

fn moved(m: MemArg, random: &mut Seeded) -> MemArg {
    match random.below(6) {
        0 => MemArg { offset: interesting(random) as u64 & u64::from(u32::MAX), ..m },
        1 => MemArg { offset: m.offset ^ 1 << random.below(16), ..m },
        _ => m,
    }
}

/// Takes an instruction away, or gives its operands back without it.
fn drop_something(contract: &mut Template, function: usize, place: usize, random: &mut Seeded) {
    let length = contract.functions[function].code.len();
    for place in (place..length).chain(0..place).take(40) {
        let found = contract.functions[function].code[place].clone();
        let family = FAMILIES.iter().position(|family| family.iter().any(|member| same(member, &found)));
        let instead = match (&found, family) {
            (_, Some(0 | 1)) | (I::LocalSet(_) | I::BrIf(_), _) => vec![I::Drop],
            (_, Some(2)) => vec![I::Drop, I::I32WrapI64],
            (_, Some(3 | 4)) | (I::LocalTee(_) | I::Nop, _) => Vec::new(),
            (I::If(block), _) => vec![I::Drop, I::I32Const((random.next() & 1) as i32), I::If(*block)],
            (I::Select, _) => vec![I::Drop, I::Drop],
            (I::Call(callee), _) => {
                let (params, results) = contract.signature(*callee).clone();
                params.iter().map(|_| I::Drop).chain(results.iter().map(|found| value(*found, random))).collect()
            }
            _ if store(&found).is_some() => vec![I::Drop, I::Drop],
            _ => match load(&found) {
                Some((_, ValType::I32)) => Vec::new(),
                Some(_) => vec![I::I64ExtendI32U],
                None => continue,
            },
        };
        contract.functions[function].code.splice(place..=place, instead);
        return;
    }
}

fn value(found: ValType, random: &mut Seeded) -> I<'static> {
    match found {
        ValType::I32 => I::I32Const(interesting(random) as i32),
        _ => I::I64Const(interesting(random)),
    }
}

/// Puts something in that leaves the operand stack as it was.
fn insert(contract: &mut Template, function: usize, place: usize, random: &mut Seeded) {
    let mut code = Vec::new();
    for _ in 0..=random.below(2) {
        statement(contract, function, &mut code, random, 2);
    }
    contract.functions[function].code.splice(place..place, code);
}

/// Pushes a value: a local, a constant, or something computed of them.
fn operand(types: &[ValType], wanted: ValType, code: &mut Vec<I<'static>>, random: &mut Seeded, depth: usize) {
    let is_i32 = wanted == ValType::I32;
    match random.below(if depth == 0 { 3 } else { 9 }) {
        0 => code.push(value(wanted, random)),
        1 | 2 => code.push(local_of(types, wanted, random).map_or_else(|| value(wanted, random), I::LocalGet)),
        3 => {
            operand(types, ValType::I32, code, random, depth - 1);
            code.extend([I::I32Const(0xfff8), I::I32And]);
            code.push(another_load(
                MemArg { offset: random.below(64) as u64, align: 0, memory_index: 0 },
                wanted,
                random,
            ));
        }
        4 => {
            let other = if is_i32 { ValType::I64 } else { ValType::I32 };
            operand(types, other, code, random, depth - 1);
            let family = FAMILIES[if is_i32 { 5 } else { 6 }];
            code.extend(random.pick(family).cloned());
        }
        5 => {
            operand(types, wanted, code, random, depth - 1);
            code.extend(random.pick(FAMILIES[if is_i32 { 3 } else { 4 }]).cloned());
        }
        6 => {
            operand(types, wanted, code, random, depth - 1);
            operand(types, wanted, code, random, depth - 1);
            operand(types, ValType::I32, code, random, depth - 1);
            code.push(I::Select);
        }
        _ if is_i32 && random.once_in(3) => {
            operand(types, ValType::I64, code, random, depth - 1);
            operand(types, ValType::I64, code, random, depth - 1);
            code.extend(random.pick(FAMILIES[2]).cloned());
        }
        _ => {
            operand(types, wanted, code, random, depth - 1);
            operand(types, wanted, code, random, depth - 1);
            code.extend(random.pick(FAMILIES[usize::from(!is_i32)]).cloned());
        }
    }
}

/// An address or a length, mostly inside the memory.
fn place_in_memory(types: &[ValType], code: &mut Vec<I<'static>>, random: &mut Seeded, most: i32) {
    operand(types, ValType::I32, code, random, 1);
    if !random.once_in(12) {
        code.extend([I::I32Const(most), I::I32And]);
    }
}

fn statement(contract: &Template, function: usize, code: &mut Vec<I<'static>>, random: &mut Seeded, depth: usize) {
    let types = locals(contract, function);
    let any = if random.once_in(2) { ValType::I32 } else { ValType::I64 };
    match random.below(if depth == 0 { 7 } else { 12 }) {
        0 | 1 => {
            operand(&types, any, code, random, 3);
            code.push(local_of(&types, any, random).map_or(I::Drop, I::LocalSet));
        }
        2 | 3 => {
            place_in_memory(&types, code, random, 0x7ff8);
            operand(&types, any, code, random, 2);
            let m = MemArg { offset: random.below(32) as u64, align: 0, memory_index: 0 };
            code.push(another_store(m, any, random));
        }
        4 => {
            let globals: Vec<u32> =
                (0..).zip(&contract.globals).filter(|(_, global)| global.mutable).map(|(index, _)| index).collect();
            let Some(global) = random.pick(&globals).copied() else { return };
            operand(&types, contract.globals[global as usize].value_type, code, random, 2);
            code.push(I::GlobalSet(global));
        }
        5 => {
            place_in_memory(&types, code, random, 0x3fff);
            place_in_memory(&types, code, random, 0x3fff);
            if random.once_in(2) {
                code.push(I::I32Const(random.below(1_100) as i32));
            } else {
                place_in_memory(&types, code, random, 0x1ff);
            }
            let copy = I::MemoryCopy { src_mem: 0, dst_mem: 0 };
            code.push(if random.once_in(2) { copy } else { I::MemoryFill(0) });
        }
        6 => {
            if random.once_in(3) {
                code.push(I::I32Const(random.below(4) as i32));
                code.push(I::MemoryGrow(0));
            } else {
                code.push(I::MemorySize(0));
            }
            code.push(local_of(&types, ValType::I32, random).map_or(I::Drop, I::LocalSet));
        }
        7 | 8 => {
            let callee = random.below(contract.imports.len() + contract.functions.len()) as u32;
            let (params, results) = contract.signature(callee);
            if random.once_in(4) && contract.table_entries.is_some() {
                params.iter().for_each(|found| operand(&types, *found, code, random, 1));
                code.push(I::I32Const(random.below(6) as i32));
                let type_index = contract.types.iter().position(|found| found == &(params.clone(), results.clone()));
                code.push(I::CallIndirect { type_index: type_index.unwrap_or(0) as u32, table_index: 0 });
            } else {
                params.iter().for_each(|found| operand(&types, *found, code, random, 1));
                code.push(I::Call(callee));
            }
            code.extend(results.iter().map(|_| I::Drop));
        }
        9 => {
            operand(&types, ValType::I32, code, random, 2);
            code.push(I::If(BlockType::Empty));
            statement(contract, function, code, random, depth - 1);
            if random.once_in(2) {
                code.push(I::Else);
                if random.once_in(5) {
                    code.push(I::Unreachable);
                } else {
                    statement(contract, function, code, random, depth - 1);
                }
            }
            code.push(I::End);
        }
        10 => {
            code.push(I::Loop(BlockType::Empty));
            statement(contract, function, code, random, depth - 1);
            operand(&types, ValType::I32, code, random, 1);
            code.extend([I::BrIf(0), I::End]);
        }
        _ => {
            code.extend([I::Block(BlockType::Empty), I::Block(BlockType::Empty)]);
            operand(&types, ValType::I32, code, random, 1);
            code.extend([I::BrTable(vec![1, 0, 1].into(), 0), I::End]);
            statement(contract, function, code, random, depth - 1);
            code.push(I::End);
        }
    }
}
