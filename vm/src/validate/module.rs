//! An accepted module, decoded: what the instrumentation works on.

use esker_abi::HostFunction;

use super::operators::Instruction;

/// A value type. Contracts compute with integers only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ValueType {
    I32,
    I64,
}

/// A function type.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FunctionType {
    pub(crate) params: Vec<ValueType>,
    pub(crate) results: Vec<ValueType>,
}

/// An imported host function.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Import {
    pub(crate) function: &'static HostFunction,
    pub(crate) type_index: u32,
}

/// A constant initialiser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Constant {
    I32(i32),
    I64(i64),
}

/// A global of the module.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Global {
    pub(crate) value_type: ValueType,
    pub(crate) mutable: bool,
    pub(crate) initial: Constant,
}

/// The linear memory, in 64 KiB pages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) initial: u32,
    /// The smaller of the module's own maximum and the limit.
    pub(crate) maximum: u32,
}

/// An active element segment of the one table. It lies inside the table.
#[derive(Clone, Debug)]
pub(crate) struct Element {
    pub(crate) offset: u32,
    pub(crate) functions: Vec<u32>,
}

/// A data segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Data<'a> {
    /// Where an active segment goes, inside the initial memory; `None` for a passive one.
    pub(crate) offset: Option<u32>,
    pub(crate) bytes: &'a [u8],
}

/// A function's body with the code that cannot be reached left out.
#[derive(Clone, Debug)]
pub(crate) struct Function<'a> {
    pub(crate) type_index: u32,
    /// Declared locals, parameters not counted, as runs of one type.
    pub(crate) locals: Vec<(u32, ValueType)>,
    /// Number of declared locals, parameters not counted.
    pub(crate) local_count: u32,
    /// Reachable instructions, the function's final `end` included.
    pub(crate) code: Vec<Instruction<'a>>,
    /// Highest operand stack over the reachable instructions, in values.
    pub(crate) operands_max: u32,
    /// Values produced by reachable instructions, as the frame formula counts them.
    pub(crate) produced_values: u32,
}

/// An accepted module.
#[derive(Clone, Debug)]
pub(crate) struct Module<'a> {
    pub(crate) types: Vec<FunctionType>,
    pub(crate) imports: Vec<Import>,
    pub(crate) functions: Vec<Function<'a>>,
    /// Entries of the table, if there is one.
    pub(crate) table_entries: Option<u32>,
    pub(crate) memory: Memory,
    pub(crate) globals: Vec<Global>,
    pub(crate) elements: Vec<Element>,
    pub(crate) data: Vec<Data<'a>>,
    /// Function index of the export `call`.
    pub(crate) call: u32,
    /// Function index of the export `deploy`.
    pub(crate) deploy: Option<u32>,
    /// What compiling it takes, in the units of the specification.
    pub(crate) complexity: u64,
}

impl Module<'_> {
    /// The type of any function by its index in the module.
    pub(crate) fn function_type(&self, function: u32) -> &FunctionType {
        &self.types[self.function_type_index(function) as usize]
    }

    /// The type index of any function by its index in the module.
    pub(crate) fn function_type_index(&self, function: u32) -> u32 {
        let index = function as usize;
        match self.imports.get(index) {
            Some(import) => import.type_index,
            None => self.functions[index - self.imports.len()].type_index,
        }
    }

    /// The defined function with this index in the module, or `None` for an import.
    pub(crate) fn defined(&self, function: u32) -> Option<usize> {
        (function as usize).checked_sub(self.imports.len())
    }
}
