//! One function's body: limits, validation, and decoding with unreachable code left out.

use esker_abi::Limits;
use wasmparser::{FuncToValidate, FuncValidatorAllocations, FunctionBody, ValidatorResources};

use super::encoding::check_instruction;
use super::module::{Function, FunctionType, Import, ValueType};
use super::operators::{Instruction, Kind, accept};
use super::reject::{HINT_SPLIT, bound, invalid};
use super::value_type;
use crate::RejectReason;

/// What a body is read against.
pub(super) struct Context<'m> {
    pub(super) types: &'m [FunctionType],
    pub(super) imports: &'m [Import],
    /// Type index of every function, imports first.
    pub(super) function_types: &'m [u32],
    pub(super) limits: &'m Limits,
}

/// Validates and decodes a body. `wasm` is the whole module, which the parser's offsets count in.
pub(super) fn read<'a>(
    wasm: &'a [u8],
    type_index: u32,
    to_validate: FuncToValidate<ValidatorResources>,
    body: &FunctionBody<'a>,
    context: &Context<'_>,
    allocations: &mut FuncValidatorAllocations,
) -> Result<Function<'a>, RejectReason> {
    let limits = context.limits;
    let bytes = body.range().len() as u64;
    bound("the body is too long in bytes", bytes, u64::from(limits.body_bytes_max), HINT_SPLIT)?;

    let mut validator = to_validate.into_validator(std::mem::take(allocations));
    let param_count = validator.len_locals();
    let mut locals = Vec::new();
    let mut local_count = 0_u32;
    let mut reader = body.get_locals_reader().map_err(|error| invalid(&error))?;
    for _ in 0..reader.get_count() {
        let offset = reader.original_position();
        let (count, declared) = reader.read().map_err(|error| invalid(&error))?;
        let value_type = value_type(declared)?;
        let total = u64::from(param_count) + u64::from(local_count) + u64::from(count);
        bound("too many locals, parameters counted", total, u64::from(limits.locals_max), HINT_SPLIT)?;
        validator.define_locals(offset, count, declared).map_err(|error| invalid(&error))?;
        local_count += count;
        if count > 0 {
            locals.push((count, value_type));
        }
    }

    let mut decoder = Decoder::new(context);
    let mut operators = body.get_operators_reader().map_err(|error| invalid(&error))?;
    while !operators.eof() {
        let (operator, start) = operators.read_with_offset().map_err(|error| invalid(&error))?;
        let end = operators.original_position();
        // Our own table speaks first: it knows what to advise.
        let kind = accept(operator.clone())?;
        validator.op(start, &operator).map_err(|error| invalid(&error))?;
        let bytes = wasm.get(start..end).expect("the parser's offsets lie inside the module");
        check_instruction(&operator, bytes)?;
        decoder.count(&kind)?;
        decoder.push(Instruction { kind, bytes }, validator.operand_stack_height())?;
    }
    operators.finish().map_err(|error| invalid(&error))?;
    *allocations = validator.into_allocations();

    Ok(decoder.finish(type_index, locals, local_count))
}

/// A control construct that is open while reachable code is decoded.
struct Construct {
    is_loop: bool,
    /// An `if` whose `else` has not come: its end is reached when the condition is false.
    may_skip: bool,
    /// A branch targets its end.
    end_targeted: bool,
}

struct Decoder<'m, 'a> {
    context: &'m Context<'m>,
    code: Vec<Instruction<'a>>,
    constructs: Vec<Construct>,
    /// While code cannot be reached: how many constructs were opened since. `None` while it can.
    dead: Option<u32>,
    /// All constructs, reachable or not, and whether each is a loop.
    nesting: Vec<bool>,
    controls: u32,
    loop_depth: u32,
    operands_max: u32,
    produced_values: u32,
}

impl<'m, 'a> Decoder<'m, 'a> {
    fn new(context: &'m Context<'m>) -> Self {
        Self {
            context,
            code: Vec::new(),
            constructs: vec![Construct { is_loop: false, may_skip: false, end_targeted: false }],
            dead: None,
            nesting: Vec::new(),
            controls: 0,
            loop_depth: 0,
            operands_max: 0,
            produced_values: 0,
        }
    }

    /// Counts towards the limits, reachable or not: a compiler reads it all.
    fn count(&mut self, kind: &Kind<'_>) -> Result<(), RejectReason> {
        let limits = self.context.limits;
        match kind {
            Kind::Block(_) | Kind::Loop(_) | Kind::If(_) => {
                let is_loop = matches!(kind, Kind::Loop(_));
                self.nesting.push(is_loop);
                let depth = self.nesting.len() as u64;
                bound(
                    "control constructs are nested too deep",
                    depth,
                    u64::from(limits.control_depth_max),
                    HINT_SPLIT,
                )?;
                if is_loop {
                    self.loop_depth += 1;
                    let depth = u64::from(self.loop_depth);
                    bound("loops are nested too deep", depth, u64::from(limits.loop_depth_max), HINT_SPLIT)?;
                }
            }
            Kind::End => {
                let closed_loop = self.nesting.pop() == Some(true);
                self.loop_depth -= u32::from(closed_loop);
            }
            Kind::BrTable(targets) => {
                let count = u64::from(targets.len());
                bound("too many targets of a br_table", count, u64::from(limits.br_table_targets_max), HINT_SPLIT)?;
            }
            _ => {}
        }
        if matches!(
            kind,
            Kind::Block(_)
                | Kind::Loop(_)
                | Kind::If(_)
                | Kind::Br(_)
                | Kind::BrIf(_)
                | Kind::BrTable(_)
                | Kind::Return
        ) {
            self.controls += 1;
            let count = u64::from(self.controls);
            bound("too many control constructs", count, u64::from(limits.controls_max), HINT_SPLIT)?;
        }
        Ok(())
    }

    /// Takes the next instruction, after which the operand stack has `height` values.
    fn push(&mut self, instruction: Instruction<'a>, height: u32) -> Result<(), RejectReason> {
        if let Some(opened) = self.dead {
            match instruction.kind {
                Kind::Block(_) | Kind::Loop(_) | Kind::If(_) => self.dead = Some(opened + 1),
                Kind::End if opened > 0 => self.dead = Some(opened - 1),
                Kind::Else if opened == 0 => self.take_else(instruction),
                Kind::End => self.take_end(instruction, false)?,
                _ => {}
            }
            return Ok(());
        }
        self.operands_max = self.operands_max.max(height);
        bound(
            "too many operands on the stack",
            u64::from(height),
            u64::from(self.context.limits.operands_max),
            HINT_SPLIT,
        )?;
        let mut falls_through = true;
        match &instruction.kind {
            Kind::Block(_) | Kind::Loop(_) => self.open(matches!(instruction.kind, Kind::Loop(_)), false),
            Kind::If(_) => self.open(false, true),
            Kind::Else => {
                // The arm before the `else` falls through to the end.
                self.target(0);
                self.take_else(instruction);
                return Ok(());
            }
            Kind::End => return self.take_end(instruction, true),
            Kind::Br(depth) => {
                self.target(*depth);
                falls_through = false;
            }
            Kind::BrIf(depth) => self.target(*depth),
            Kind::BrTable(targets) => {
                self.target(targets.default());
                for target in targets.targets() {
                    self.target(target.map_err(|error| invalid(&error))?);
                }
                falls_through = false;
            }
            Kind::Return | Kind::Unreachable => falls_through = false,
            Kind::Call(callee) => {
                let callee = *callee as usize;
                let results = self.context.function_types.get(callee).map_or(0, |index| self.results_of(*index));
                self.produced_values = self.produced_values.saturating_add(results);
                falls_through = !self.context.imports.get(callee).is_some_and(|import| import.function.diverges);
            }
            Kind::CallIndirect(index) => {
                self.produced_values = self.produced_values.saturating_add(self.results_of(*index));
            }
            Kind::MemoryGrow => self.produced_values = self.produced_values.saturating_add(1),
            Kind::Plain(class) if class.produces_value() => {
                self.produced_values = self.produced_values.saturating_add(1);
            }
            _ => {}
        }
        self.code.push(instruction);
        if !falls_through {
            self.dead = Some(0);
        }
        Ok(())
    }

    fn results_of(&self, type_index: u32) -> u32 {
        self.context.types.get(type_index as usize).map_or(0, |found| found.results.len() as u32)
    }

    fn open(&mut self, is_loop: bool, may_skip: bool) {
        self.constructs.push(Construct { is_loop, may_skip, end_targeted: false });
    }

    fn target(&mut self, depth: u32) {
        let innermost_first = self.constructs.iter_mut().rev().nth(depth as usize);
        let construct = innermost_first.expect("validated code branches to enclosing constructs");
        if !construct.is_loop {
            construct.end_targeted = true;
        }
    }

    fn take_else(&mut self, instruction: Instruction<'a>) {
        let construct = self.constructs.last_mut().expect("validated code has an `if` around an `else`");
        construct.may_skip = false;
        self.dead = None;
        self.code.push(instruction);
    }

    /// Takes the `end` of a reachable construct, which the code before it reaches if `falls_through`.
    fn take_end(&mut self, instruction: Instruction<'a>, falls_through: bool) -> Result<(), RejectReason> {
        let construct = self.constructs.pop().expect("validated code closes what it opened");
        self.dead = None;
        self.code.push(instruction);
        let reached = falls_through || construct.may_skip || construct.end_targeted;
        if !reached && !self.constructs.is_empty() {
            self.code.push(Instruction { kind: Kind::Barrier, bytes: &[] });
            self.dead = Some(0);
        }
        Ok(())
    }

    fn finish(self, type_index: u32, locals: Vec<(u32, ValueType)>, local_count: u32) -> Function<'a> {
        Function {
            type_index,
            locals,
            local_count,
            code: self.code,
            operands_max: self.operands_max,
            produced_values: self.produced_values,
        }
    }
}
