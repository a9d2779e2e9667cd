//! The one table of accepted instructions: what each is to the instrumentation and in which cost class it falls.

use wasmparser::{BlockType, BrTable, Operator};

use super::reject::{
    HINT_EXCEPTIONS, HINT_FLOATS, HINT_PROPOSAL, HINT_REFERENCE_TYPES, HINT_SATURATING, HINT_SIMD, HINT_TABLES,
    HINT_TAIL_CALLS, HINT_THREADS, reject,
};
use crate::RejectReason;

/// Cost class of an instruction that is copied as it stands. The fields of `esker_abi::InstructionCosts` price them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// `nop`, `drop`, `i64.const`.
    Trivial,
    /// Addition, logic, shifts, comparisons, conversions, `select`.
    Simple,
    /// `i32.mul`, `i64.mul`.
    Multiply,
    /// Division and remainder.
    Divide,
    /// `global.get`.
    GlobalGet,
    /// `global.set`.
    GlobalSet,
    /// Any load.
    Load,
    /// Any store.
    Store,
    /// `memory.size`.
    MemorySize,
    /// `data.drop`.
    DataDrop,
}

impl Class {
    /// Whether such an instruction leaves a value that an optimiser may keep alive across calls. Constants are made anew
    /// where they are needed.
    pub(super) fn produces_value(self) -> bool {
        match self {
            Self::Simple | Self::Multiply | Self::Divide | Self::GlobalGet | Self::Load | Self::MemorySize => true,
            Self::Trivial | Self::GlobalSet | Self::Store | Self::DataDrop => false,
        }
    }
}

/// What an instruction is to the instrumentation.
#[derive(Clone, Debug)]
pub(crate) enum Kind<'a> {
    /// Copied as it stands.
    Plain(Class),
    /// `i32.const`: copied, but its value prices a bulk operation that follows.
    I32Const(i32),
    LocalGet(u32),
    LocalSet(u32),
    LocalTee(u32),
    /// With the index of its type, where it takes one of the module's types.
    Block(Option<u32>),
    Loop(Option<u32>),
    If(Option<u32>),
    Else,
    End,
    Br(u32),
    BrIf(u32),
    BrTable(BrTable<'a>),
    Return,
    Unreachable,
    /// Stands where code that was left out began, after a construct that never falls through. Costs nothing.
    Barrier,
    Call(u32),
    /// `call_indirect` through table 0, with its type index.
    CallIndirect(u32),
    MemoryGrow,
    /// `memory.copy`, `memory.fill`, `memory.init`: the length is the topmost operand.
    Bulk,
}

/// An instruction and the bytes it was decoded from.
#[derive(Clone, Debug)]
pub(crate) struct Instruction<'a> {
    pub(crate) kind: Kind<'a>,
    pub(crate) bytes: &'a [u8],
}

/// Classifies an instruction, or says why it is refused.
pub(super) fn accept<'a>(operator: Operator<'a>) -> Result<Kind<'a>, RejectReason> {
    use Operator as O;
    Ok(match operator {
        O::Nop | O::Drop | O::I64Const { .. } => Kind::Plain(Class::Trivial),
        O::I32Const { value } => Kind::I32Const(value),
        O::LocalGet { local_index } => Kind::LocalGet(local_index),
        O::LocalSet { local_index } => Kind::LocalSet(local_index),
        O::LocalTee { local_index } => Kind::LocalTee(local_index),
        O::GlobalGet { .. } => Kind::Plain(Class::GlobalGet),
        O::GlobalSet { .. } => Kind::Plain(Class::GlobalSet),

        O::Block { blockty } => Kind::Block(block_type_index(blockty)),
        O::Loop { blockty } => Kind::Loop(block_type_index(blockty)),
        O::If { blockty } => Kind::If(block_type_index(blockty)),
        O::Else => Kind::Else,
        O::End => Kind::End,
        O::Br { relative_depth } => Kind::Br(relative_depth),
        O::BrIf { relative_depth } => Kind::BrIf(relative_depth),
        O::BrTable { targets } => Kind::BrTable(targets),
        O::Return => Kind::Return,
        O::Unreachable => Kind::Unreachable,
        O::Call { function_index } => Kind::Call(function_index),
        O::CallIndirect { type_index, .. } => Kind::CallIndirect(type_index),

        O::I32Load { .. }
        | O::I32Load8S { .. }
        | O::I32Load8U { .. }
        | O::I32Load16S { .. }
        | O::I32Load16U { .. }
        | O::I64Load { .. }
        | O::I64Load8S { .. }
        | O::I64Load8U { .. }
        | O::I64Load16S { .. }
        | O::I64Load16U { .. }
        | O::I64Load32S { .. }
        | O::I64Load32U { .. } => Kind::Plain(Class::Load),
        O::I32Store { .. }
        | O::I32Store8 { .. }
        | O::I32Store16 { .. }
        | O::I64Store { .. }
        | O::I64Store8 { .. }
        | O::I64Store16 { .. }
        | O::I64Store32 { .. } => Kind::Plain(Class::Store),
        O::MemorySize { .. } => Kind::Plain(Class::MemorySize),
        O::MemoryGrow { .. } => Kind::MemoryGrow,
        O::MemoryCopy { .. } | O::MemoryFill { .. } | O::MemoryInit { .. } => Kind::Bulk,
        O::DataDrop { .. } => Kind::Plain(Class::DataDrop),

        O::I32Mul | O::I64Mul | O::I32Clz | O::I32Ctz | O::I32Popcnt | O::I64Clz | O::I64Ctz | O::I64Popcnt => {
            Kind::Plain(Class::Multiply)
        }
        O::I32DivS | O::I32DivU | O::I32RemS | O::I32RemU | O::I64DivS | O::I64DivU | O::I64RemS | O::I64RemU => {
            Kind::Plain(Class::Divide)
        }

        O::Select
        | O::I32Eqz
        | O::I32Eq
        | O::I32Ne
        | O::I32LtS
        | O::I32LtU
        | O::I32GtS
        | O::I32GtU
        | O::I32LeS
        | O::I32LeU
        | O::I32GeS
        | O::I32GeU
        | O::I64Eqz
        | O::I64Eq
        | O::I64Ne
        | O::I64LtS
        | O::I64LtU
        | O::I64GtS
        | O::I64GtU
        | O::I64LeS
        | O::I64LeU
        | O::I64GeS
        | O::I64GeU
        | O::I32Add
        | O::I32Sub
        | O::I32And
        | O::I32Or
        | O::I32Xor
        | O::I32Shl
        | O::I32ShrS
        | O::I32ShrU
        | O::I32Rotl
        | O::I32Rotr
        | O::I64Add
        | O::I64Sub
        | O::I64And
        | O::I64Or
        | O::I64Xor
        | O::I64Shl
        | O::I64ShrS
        | O::I64ShrU
        | O::I64Rotl
        | O::I64Rotr
        | O::I32WrapI64
        | O::I64ExtendI32S
        | O::I64ExtendI32U
        | O::I32Extend8S
        | O::I32Extend16S
        | O::I64Extend8S
        | O::I64Extend16S
        | O::I64Extend32S => Kind::Plain(Class::Simple),

        refused => return Err(refuse(&refused)),
    })
}

const fn block_type_index(found: BlockType) -> Option<u32> {
    match found {
        BlockType::FuncType(index) => Some(index),
        BlockType::Empty | BlockType::Type(_) => None,
    }
}

fn refuse(operator: &Operator<'_>) -> RejectReason {
    let name = text_name(&format!("{operator:?}"));
    let (what, hint) = if name.contains("trunc_sat") {
        ("saturating float conversion", HINT_SATURATING)
    } else if name.starts_with("v128") || ["x2", "x4", "x8", "x16"].iter().any(|lanes| name.contains(lanes)) {
        ("SIMD instruction", HINT_SIMD)
    } else if name.contains("f32") || name.contains("f64") {
        ("floating-point instruction", HINT_FLOATS)
    } else if name.contains("atomic") {
        ("threads instruction", HINT_THREADS)
    } else if name.starts_with("return.call") {
        ("tail call", HINT_TAIL_CALLS)
    } else if name.starts_with("try") || name.starts_with("throw") || name.starts_with("catch") {
        ("exception instruction", HINT_EXCEPTIONS)
    } else if name.starts_with("table") || name.starts_with("elem") {
        ("table instruction", HINT_TABLES)
    } else if name.starts_with("ref") || name.starts_with("typed.select") {
        ("reference-types instruction", HINT_REFERENCE_TYPES)
    } else {
        ("instruction of a proposal that is not accepted", HINT_PROPOSAL)
    };
    reject(format!("{what} {name}"), hint)
}

/// Turns the parser's name of an instruction (`F64ConvertI32S`) into about the one of the text format
/// (`f64.convert_i32_s`).
fn text_name(debug: &str) -> String {
    let mut name = String::new();
    let mut separator = '.';
    for character in debug.chars().take_while(char::is_ascii_alphanumeric) {
        if character.is_ascii_uppercase() && !name.is_empty() {
            name.push(separator);
            separator = '_';
        }
        name.push(character.to_ascii_lowercase());
    }
    name
}
