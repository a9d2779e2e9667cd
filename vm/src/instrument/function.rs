//! One function rewritten: gas and stack threaded through, charges and tests where they were placed.

use esker_abi::MeterCosts;
use wasm_encoder::{BlockType, InstructionSink, ValType};

use super::checks::Checks;
use super::segments::static_bulk_bytes;
use super::{HALT_OUT_OF_GAS, HALT_STACK_OVERFLOW};
use crate::validate::{Function, Instruction, Kind, Module, ValueType};

/// Largest constant charge: fuel stays far from wrapping, since it is above −2^62 wherever it is charged.
const CHARGE_MAX: u64 = 1 << 61;
/// Largest fuel per byte of a bulk operation, so that 2^32 of them stay below [`CHARGE_MAX`].
const BYTE_FUEL_MAX: u64 = 1 << 29;
/// Largest fuel per page, so that the 2^16 pages of any memory stay below [`CHARGE_MAX`].
const PAGE_FUEL_MAX: u64 = 1 << 45;

/// Where the injected things of the rewritten module stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Injected {
    /// The global that says why an injected `unreachable` struck.
    pub(super) halt_global: u32,
    /// The function that charges for and does `memory.grow`.
    pub(super) grow_function: u32,
    /// First of the rewritten function types, which stand in the order of the originals.
    pub(super) first_internal_type: u32,
}

/// What one function's rewriting needs beside its code.
pub(super) struct Plan<'p> {
    pub(super) costs: &'p MeterCosts,
    pub(super) injected: Injected,
    pub(super) charges: &'p [u64],
    pub(super) checks: &'p Checks,
    /// Stack units taken at entry, if any.
    pub(super) stack_units: Option<u32>,
    /// Type of the block around the body: no parameters, the function's results.
    pub(super) body_type: BlockType,
}

/// The encoder's value type for ours.
pub(super) fn encoded(value_type: ValueType) -> ValType {
    match value_type {
        ValueType::I32 => ValType::I32,
        ValueType::I64 => ValType::I64,
    }
}

/// A constant of fuel for the code.
fn fuel(amount: u64, limit: u64) -> i64 {
    i64::try_from(amount.min(limit)).expect("limits of fuel constants are below 2^62")
}

/// Writes a body.
struct Writer {
    body: wasm_encoder::Function,
    gas: u32,
    halt_global: u32,
}

impl Writer {
    fn code(&mut self) -> InstructionSink<'_> {
        self.body.instructions()
    }

    fn charge(&mut self, amount: u64) {
        let gas = self.gas;
        self.code().local_get(gas).i64_const(fuel(amount, CHARGE_MAX)).i64_sub().local_set(gas);
    }

    /// Charges and tests.
    fn charge_and_check(&mut self, amount: u64) {
        let gas = self.gas;
        self.code().local_get(gas);
        if amount > 0 {
            self.code().i64_const(fuel(amount, CHARGE_MAX)).i64_sub().local_tee(gas);
        }
        self.check_operand();
    }

    /// Tests the fuel on the operand stack.
    fn check_operand(&mut self) {
        let halt_global = self.halt_global;
        self.code().i64_const(0).i64_lt_s().if_(BlockType::Empty);
        self.code().i32_const(HALT_OUT_OF_GAS).global_set(halt_global).unreachable().end();
    }

    /// Takes stack units, charges, and tests both in one comparison.
    fn enter(&mut self, stack: u32, units: u32, amount: u64) {
        let (gas, halt_global) = (self.gas, self.halt_global);
        self.code().local_get(stack).i32_const(units.cast_signed()).i32_sub().local_tee(stack).i64_extend_i32_s();
        self.code().local_get(gas);
        if amount > 0 {
            self.code().i64_const(fuel(amount, CHARGE_MAX)).i64_sub().local_tee(gas);
        }
        self.code().i64_or().i64_const(0).i64_lt_s().if_(BlockType::Empty);
        self.code()
            .i32_const(HALT_OUT_OF_GAS)
            .i32_const(HALT_STACK_OVERFLOW)
            .local_get(gas)
            .i64_const(0)
            .i64_lt_s()
            .select()
            .global_set(halt_global)
            .unreachable()
            .end();
    }
}

/// Rewrites a function of the module.
pub(super) fn rewrite(module: &Module<'_>, function: &Function<'_>, plan: &Plan<'_>) -> wasm_encoder::Function {
    let params =
        u32::try_from(module.types[function.type_index as usize].params.len()).expect("parameters are bounded");
    let (gas, stack) = (params, params + 1);
    let scratch = params + 2 + function.local_count;
    let mut locals: Vec<(u32, ValType)> =
        function.locals.iter().map(|(count, found)| (*count, encoded(*found))).collect();
    let needs_scratch = function.code.iter().enumerate().any(|(index, instruction)| match instruction.kind {
        Kind::CallIndirect(_) => true,
        Kind::Bulk => static_bulk_bytes(&function.code, index).is_none(),
        _ => false,
    });
    if needs_scratch {
        locals.push((1, ValType::I32));
    }
    let writer = Writer { body: wasm_encoder::Function::new(locals), gas, halt_global: plan.injected.halt_global };
    let mut rewriter = Rewriter { module, plan, writer, params, stack, scratch, depth: 0 };
    rewriter.function(function);
    rewriter.writer.body
}

struct Rewriter<'r, 'm> {
    module: &'r Module<'m>,
    plan: &'r Plan<'r>,
    writer: Writer,
    params: u32,
    stack: u32,
    scratch: u32,
    /// Open constructs of the original code.
    depth: u32,
}

impl Rewriter<'_, '_> {
    fn function(&mut self, function: &Function<'_>) {
        let charge_at = |index: usize| self.plan.charges.get(index).copied().unwrap_or(0);
        let check_at = |index: usize| self.plan.checks.at.get(index).copied().unwrap_or(false);
        let (gas, stack) = (self.writer.gas, self.stack);
        if let Some(units) = self.plan.stack_units {
            self.writer.enter(stack, units, charge_at(0));
        }
        // A branch to the function's own label ends here, at the same distance as before.
        self.writer.code().block(self.plan.body_type);
        for (index, instruction) in function.code.iter().enumerate() {
            if index > 0 || self.plan.stack_units.is_none() {
                match (charge_at(index), check_at(index)) {
                    (0, false) => {}
                    (amount, false) => self.writer.charge(amount),
                    (amount, true) => self.writer.charge_and_check(amount),
                }
            }
            self.instruction(&function.code, index, instruction);
        }
        if self.plan.checks.at_exit {
            self.writer.charge_and_check(0);
        }
        self.writer.code().local_get(gas).end();
    }

    fn instruction(&mut self, code: &[Instruction<'_>], index: usize, instruction: &Instruction<'_>) {
        let (gas, stack, scratch) = (self.writer.gas, self.stack, self.scratch);
        match &instruction.kind {
            Kind::LocalGet(local) => {
                let local = self.moved(*local);
                self.writer.code().local_get(local);
            }
            Kind::LocalSet(local) => {
                let local = self.moved(*local);
                self.writer.code().local_set(local);
            }
            Kind::LocalTee(local) => {
                let local = self.moved(*local);
                self.writer.code().local_tee(local);
            }
            Kind::Return => {
                let outermost = self.depth;
                self.writer.code().br(outermost);
            }
            Kind::Barrier => {
                self.writer.code().unreachable();
            }
            Kind::Call(callee) => match self.module.imports.get(*callee as usize) {
                None => {
                    self.writer.code().local_get(gas).local_get(stack).call(*callee).local_set(gas);
                }
                Some(import) => {
                    self.writer.code().local_get(gas).call(*callee).local_set(gas);
                    if import.function.diverges {
                        self.writer.code().unreachable();
                    }
                }
            },
            Kind::CallIndirect(type_index) => {
                let internal = self.plan.injected.first_internal_type + type_index;
                self.writer
                    .code()
                    .local_set(scratch)
                    .local_get(gas)
                    .local_get(stack)
                    .local_get(scratch)
                    .call_indirect(0, internal)
                    .local_set(gas);
            }
            Kind::MemoryGrow => {
                let grow = self.plan.injected.grow_function;
                self.writer.code().local_get(gas).call(grow).local_set(gas);
            }
            Kind::Bulk => {
                if static_bulk_bytes(code, index).is_none() {
                    let byte_fuel = fuel(self.plan.costs.bulk_byte, BYTE_FUEL_MAX);
                    self.writer
                        .code()
                        .local_set(scratch)
                        .local_get(gas)
                        .local_get(scratch)
                        .i64_extend_i32_u()
                        .i64_const(byte_fuel)
                        .i64_mul()
                        .i64_sub()
                        .local_tee(gas);
                    self.writer.check_operand();
                    self.writer.code().local_get(scratch);
                }
                self.copy(instruction);
            }
            Kind::Block(_) | Kind::Loop(_) | Kind::If(_) => {
                self.depth += 1;
                self.copy(instruction);
            }
            Kind::End => {
                self.depth = self.depth.saturating_sub(1);
                self.copy(instruction);
            }
            Kind::Plain(_)
            | Kind::I32Const(_)
            | Kind::Else
            | Kind::Br(_)
            | Kind::BrIf(_)
            | Kind::BrTable(_)
            | Kind::Unreachable => self.copy(instruction),
        }
    }

    fn copy(&mut self, instruction: &Instruction<'_>) {
        self.writer.body.raw(instruction.bytes.iter().copied());
    }

    /// Where a local stands now that gas and stack follow the parameters.
    fn moved(&self, local: u32) -> u32 {
        if local < self.params { local } else { local + 2 }
    }
}

/// The function behind `memory.grow`, `(delta: i32, gas: i64) -> (previous pages or −1: i32, gas: i64)`: charges for the
/// pages that the growth will bring beyond the free ones, tests, grows.
pub(super) fn grow(costs: &MeterCosts, maximum_pages: u32, injected: Injected) -> wasm_encoder::Function {
    let (delta, gas, old, new) = (0, 1, 2, 3);
    let mut writer =
        Writer { body: wasm_encoder::Function::new([(2, ValType::I64)]), gas, halt_global: injected.halt_global };
    let free = i64::from(costs.free_pages);
    let page_fuel = fuel(costs.memory_page, PAGE_FUEL_MAX);
    writer.code().memory_size(0).i64_extend_i32_u().local_tee(old).local_get(delta).i64_extend_i32_u().i64_add();
    writer.code().local_tee(new).i64_const(i64::from(maximum_pages)).i64_le_u().if_(BlockType::Empty);
    writer.code().local_get(gas);
    for pages in [new, old] {
        writer.code().local_get(pages).i64_const(free).local_get(pages).i64_const(free).i64_gt_u().select();
    }
    writer.code().i64_sub().i64_const(page_fuel).i64_mul().i64_sub().local_set(gas).end();
    writer.charge_and_check(costs.instructions.memory_grow);
    writer.code().local_get(delta).memory_grow(0).local_get(gas).end();
    writer.body
}

/// A host function for the table, where functions have the internal type: drops the stack units.
pub(super) fn host_wrapper(import: u32, params: u32, injected: Injected) -> wasm_encoder::Function {
    let mut writer = Writer { body: wasm_encoder::Function::new([]), gas: params, halt_global: injected.halt_global };
    for param in 0..=params {
        writer.code().local_get(param);
    }
    writer.code().call(import).end();
    writer.body
}
