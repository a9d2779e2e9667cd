//! The tree of calls that an execution made.

use alloy_primitives::{Address, Bytes, Log, U256};

use crate::exec::{ExecutionStatus, FrameEnd, FrameKind, FrameStart, Inspector};

/// Most bytes of inputs and outputs that a tree keeps. A call of two megabytes costs 21,000 gas: a simulation's gas would
/// buy gigabytes of them.
pub const TRACE_BYTES_MAX: usize = 16 * 1024 * 1024;

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
    /// Calldata, or the deploy payload; cut short where the tree passes [`TRACE_BYTES_MAX`].
    pub input: Bytes,
    /// What it returned or reverted with; cut short likewise.
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
    /// Bytes of inputs and outputs kept so far.
    kept: usize,
}

impl CallTracer {
    fn keep(&mut self, bytes: &[u8]) -> Bytes {
        let room = TRACE_BYTES_MAX.saturating_sub(self.kept);
        let kept = bytes.get(..room).unwrap_or(bytes);
        self.kept += kept.len();
        Bytes::copy_from_slice(kept)
    }

    /// The transaction's own frame: `None` if it ended before there was one.
    #[must_use]
    pub fn into_root(self) -> Option<CallFrame> {
        self.root
    }
}

impl Inspector for CallTracer {
    fn frame_begins(&mut self, frame: &FrameStart<'_>) {
        let input = self.keep(frame.input);
        self.open.push(CallFrame {
            kind: frame.kind,
            from: frame.from,
            to: frame.to,
            value: frame.value,
            gas: frame.gas,
            gas_used: 0,
            input,
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
        frame.output = self.keep(end.output);
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
