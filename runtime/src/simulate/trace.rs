//! The tree of calls that an execution made.

use alloy_primitives::{Address, Bytes, Log, U256};

use crate::exec::{ExecutionStatus, FrameEnd, FrameKind, FrameStart, Inspector};

/// One frame of an execution, with the frames it made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallFrame {
    /// What kind of frame.
    pub kind: FrameKind,
    /// The account that made the call.
    pub from: Address,
    /// The account called (for a delegate frame, the one whose code ran) or created.
    pub to: Address,
    /// In wei.
    pub value: U256,
    /// Gas given to it.
    pub gas: u64,
    /// Gas it used of that.
    pub gas_used: u64,
    /// Calldata, or the deploy payload.
    pub input: Bytes,
    /// What it returned or reverted with.
    pub output: Bytes,
    /// How it ended.
    pub status: ExecutionStatus,
    /// What it logged itself, whether or not it was undone.
    pub logs: Vec<Log>,
    /// The frames it made, in order.
    pub calls: Vec<CallFrame>,
}

/// Builds a [`CallFrame`] tree.
#[derive(Debug, Default)]
pub struct CallTracer {
    open: Vec<CallFrame>,
    root: Option<CallFrame>,
}

impl CallTracer {
    /// The transaction's own frame: `None` if it ended before there was one.
    #[must_use]
    pub fn into_root(self) -> Option<CallFrame> {
        self.root
    }
}

impl Inspector for CallTracer {
    fn frame_begins(&mut self, frame: &FrameStart<'_>) {
        self.open.push(CallFrame {
            kind: frame.kind,
            from: frame.from,
            to: frame.to,
            value: frame.value,
            gas: frame.gas,
            gas_used: 0,
            input: Bytes::copy_from_slice(frame.input),
            output: Bytes::new(),
            status: ExecutionStatus::Success,
            logs: Vec::new(),
            calls: Vec::new(),
        });
    }

    fn frame_ends(&mut self, end: &FrameEnd<'_>) {
        let Some(mut frame) = self.open.pop() else { return };
        frame.status = end.status;
        frame.gas_used = end.gas_used;
        frame.output = Bytes::copy_from_slice(end.output);
        match self.open.last_mut() {
            Some(parent) => parent.calls.push(frame),
            None => self.root = Some(frame),
        }
    }

    fn log(&mut self, log: &Log) {
        if let Some(frame) = self.open.last_mut() {
            frame.logs.push(log.clone());
        }
    }
}
