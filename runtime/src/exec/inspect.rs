//! Hooks into execution, for traces and simulations. They see everything and change nothing.

use alloy_primitives::{Address, B256, Log, U256};

use super::ExecutionStatus;

/// What kind of frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FrameKind {
    /// A message call, also the transaction's own.
    Call,
    /// A call in which nothing may change state.
    Static,
    /// Another account's code on this account.
    Delegate,
    /// A creation, also the transaction's own.
    Create,
    /// A creation at an address that a salt decides.
    Create2,
}

/// A frame that begins.
#[derive(Clone, Copy, Debug)]
pub struct FrameStart<'f> {
    /// What kind of frame.
    pub kind: FrameKind,
    /// The account that makes the call.
    pub from: Address,
    /// The account called (for a delegate frame, the one whose code runs) or created.
    pub to: Address,
    /// In wei; for a delegate frame, what its guest sees.
    pub value: U256,
    /// Gas given to it.
    pub gas: u64,
    /// Calldata, or the deploy payload.
    pub input: &'f [u8],
}

/// A frame that ended.
#[derive(Clone, Copy, Debug)]
pub struct FrameEnd<'f> {
    /// How.
    pub status: ExecutionStatus,
    /// Gas it used of what it was given.
    pub gas_used: u64,
    /// What it returned or reverted with.
    pub output: &'f [u8],
}

/// Sees an execution. Every method does nothing unless overridden.
pub trait Inspector {
    /// A frame begins.
    fn frame_begins(&mut self, frame: &FrameStart<'_>) {
        let _ = frame;
    }
    /// The frame that began last and has not ended ends.
    fn frame_ends(&mut self, end: &FrameEnd<'_>) {
        let _ = end;
    }
    /// A log is emitted; the frame may yet be undone.
    fn log(&mut self, log: &Log) {
        let _ = log;
    }
    /// The guest accesses an account.
    fn account_accessed(&mut self, address: Address) {
        let _ = address;
    }
    /// The guest accesses a storage slot.
    fn slot_accessed(&mut self, address: Address, key: B256) {
        let _ = (address, key);
    }
}
