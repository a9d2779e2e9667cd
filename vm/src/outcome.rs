//! How a frame can end. Exhaustive: whatever happens inside the machine is one of four outcomes.

/// The end of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The frame succeeded with these bytes.
    Return(Vec<u8>),
    /// The frame undid its effects, with these bytes; its unspent gas goes back.
    Revert(Vec<u8>),
    /// The contract's fault: effects undone, all of the frame's gas burnt.
    Halt(Halt),
    /// The node's fault: the block's execution stops and state stays untouched. Never a consensus result.
    Fatal(Fatal),
}

/// Why a frame halted. Only the fact of halting is consensus data; the reason is for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum Halt {
    /// Fuel ran out.
    #[error("out of gas")]
    OutOfGas,
    /// The logical stack of the frame ran out (deep recursion).
    #[error("stack overflow: the frame's logical stack is used up")]
    StackOverflow,
    /// The wasm `unreachable` instruction.
    #[error("unreachable instruction executed")]
    Unreachable,
    /// A load, store or bulk operation outside linear memory.
    #[error("out of bounds memory access")]
    MemoryOutOfBounds,
    /// A table access outside the table.
    #[error("out of bounds table access")]
    TableOutOfBounds,
    /// `call_indirect` through an empty entry.
    #[error("indirect call through an empty table entry")]
    IndirectCallToNull,
    /// `call_indirect` of a function of another type.
    #[error("indirect call of a function of another type")]
    BadSignature,
    /// Integer division or remainder by zero.
    #[error("integer division by zero")]
    DivisionByZero,
    /// Integer overflow in a signed division.
    #[error("integer overflow in division")]
    IntegerOverflow,
    /// A host function was given a range outside linear memory, input or return data, or a bad argument.
    #[error("host function called with an invalid argument")]
    InvalidArgument,
    /// A state change inside a static call.
    #[error("state change in a static call")]
    StaticViolation,
    /// The output is longer than [`esker_abi::Limits::output_bytes_max`].
    #[error("output too large")]
    OutputTooLarge,
    /// The deploy payload or the account's code is not an acceptable module.
    #[error("illegal module")]
    IllegalModule,
    /// The address of a new contract is taken (EIP-684, EIP-7610).
    #[error("contract address collision")]
    AddressCollision,
    /// A precompiled contract refused its input.
    #[error("precompiled contract failed")]
    PrecompileFailure,
}

/// A fault of the node, not of the contract: another node, or this one after a repair, would go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fatal {
    /// The engine could not compile or instantiate a module that the validator accepted.
    #[error("the engine failed on an accepted module: {0}")]
    Engine(String),
    /// The native stack ran out before the logical stack.
    #[error("the native stack ran out before the logical one")]
    NativeStack,
    /// The machine could not provide memory below the protocol's cap.
    #[error("the machine could not provide memory: {0}")]
    Memory(String),
    /// The store under the state failed.
    #[error("the state store failed: {0}")]
    Store(String),
    /// The rules that the work asks for are not known to this program.
    #[error("{0}")]
    Rules(String),
}
