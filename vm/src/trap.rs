//! What each of the engine's traps means. Everything that can come out of guest code ends up here, in one place.

use wasmtime::Trap;

use crate::{Fatal, Halt};

/// What the exported global [`EXPORT_HALT`] says about an `unreachable` that the instrumentation injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InjectedHalt {
    /// None: the guest's own `unreachable`.
    None,
    /// Fuel ran out.
    OutOfGas,
    /// The logical stack ran out.
    StackOverflow,
}

/// Name of the global that the instrumentation injects.
pub(crate) const EXPORT_HALT: &str = "esker_halt";

impl InjectedHalt {
    pub(crate) const fn from_global(value: i32) -> Option<Self> {
        match value {
            0 => Some(Self::None),
            1 => Some(Self::OutOfGas),
            2 => Some(Self::StackOverflow),
            _ => None,
        }
    }
}

/// A trap is either the contract's fault or the node's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Classified {
    Halt(Halt),
    /// `unreachable`: the contract's own or an injected one, which the halt global tells.
    Unreachable,
    Fatal(Fatal),
}

/// Classifies a trap code of wasmtime 48.
///
/// `Trap` is non-exhaustive, so the compiler cannot ask for a row when an upgrade brings a new code; the test below does.
pub(crate) fn classify(trap: Trap) -> Classified {
    match trap {
        Trap::MemoryOutOfBounds => Classified::Halt(Halt::MemoryOutOfBounds),
        Trap::TableOutOfBounds => Classified::Halt(Halt::TableOutOfBounds),
        Trap::IndirectCallToNull => Classified::Halt(Halt::IndirectCallToNull),
        Trap::BadSignature => Classified::Halt(Halt::BadSignature),
        Trap::IntegerOverflow => Classified::Halt(Halt::IntegerOverflow),
        Trap::IntegerDivisionByZero => Classified::Halt(Halt::DivisionByZero),
        Trap::UnreachableCodeReached => Classified::Unreachable,
        // The logical stack must run out long before the native one does.
        Trap::StackOverflow => Classified::Fatal(Fatal::NativeStack),
        other => Classified::Fatal(Fatal::Engine(format!("a trap that no accepted module can raise: {other}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The codes that accepted modules cannot raise: floats, atomics, references, GC, components, fuel and epochs are off.
    const IMPOSSIBLE: &[Trap] = &[
        Trap::HeapMisaligned,
        Trap::BadConversionToInteger,
        Trap::Interrupt,
        Trap::OutOfFuel,
        Trap::AtomicWaitNonSharedMemory,
        Trap::NullReference,
        Trap::ArrayOutOfBounds,
        Trap::AllocationTooLarge,
        Trap::CastFailure,
        Trap::CannotEnterComponent,
        Trap::NoAsyncResult,
        Trap::UnhandledTag,
        Trap::ContinuationAlreadyConsumed,
        Trap::DisabledOpcode,
        Trap::AsyncDeadlock,
        Trap::CannotLeaveComponent,
        Trap::CannotBlockSyncTask,
        Trap::InvalidChar,
        Trap::DebugAssertStringEncodingFinished,
        Trap::DebugAssertEqualCodeUnits,
        Trap::DebugAssertPointerAligned,
        Trap::DebugAssertUpperBitsUnset,
        Trap::StringOutOfBounds,
        Trap::ListOutOfBounds,
        Trap::InvalidDiscriminant,
        Trap::UnalignedPointer,
        Trap::TaskCancelNotCancelled,
        Trap::TaskCancelOrReturnTwice,
        Trap::SubtaskCancelAfterTerminal,
        Trap::TaskReturnInvalid,
        Trap::WaitableSetDropHasWaiters,
        Trap::SubtaskDropNotResolved,
        Trap::ThreadNewIndirectInvalidType,
        Trap::ThreadNewIndirectUninitialized,
        Trap::BackpressureOverflow,
        Trap::UnsupportedCallbackCode,
        Trap::CannotResumeThread,
        Trap::ConcurrentFutureStreamOp,
        Trap::ReferenceCountOverflow,
        Trap::StreamOpTooBig,
        Trap::WaitableSyncAndAsync,
        Trap::UncaughtException,
    ];

    #[test]
    fn every_trap_code_of_the_engine_is_classified_by_hand() {
        for byte in 0..=u8::MAX {
            let Some(trap) = Trap::from_u8(byte) else { continue };
            let impossible = IMPOSSIBLE.contains(&trap);
            match (impossible, classify(trap)) {
                (true, Classified::Fatal(Fatal::Engine(_))) => {}
                (false, Classified::Halt(_) | Classified::Unreachable | Classified::Fatal(Fatal::NativeStack)) => {}
                (_, other) => panic!("trap {byte} ({trap:?}) is new: decide what it means; now {other:?}"),
            }
        }
    }

    #[test]
    fn the_halt_global_has_three_values() {
        assert_eq!(InjectedHalt::from_global(0), Some(InjectedHalt::None));
        assert_eq!(InjectedHalt::from_global(1), Some(InjectedHalt::OutOfGas));
        assert_eq!(InjectedHalt::from_global(2), Some(InjectedHalt::StackOverflow));
        assert_eq!(InjectedHalt::from_global(3), None);
    }
}
