//! What happened inside a transaction: every frame, log and transient write, to be compared with the other run.

use alloy_primitives::{Address, B256, Bytes, Log, U256};
use esker_runtime::exec::{FrameEnd, FrameKind, FrameStart, Inspector};

use crate::names::{Names, bytes};
use crate::record::End;

/// One thing that happened. Gas is left out: that of a native run means nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Happening {
    /// A frame began.
    Began { kind: FrameKind, from: Address, to: Address, value: U256, input: Bytes },
    /// The frame that began last and had not ended ended.
    Ended { end: End, output: Bytes },
    /// The frame that runs logged; it may be undone later.
    Logged(Log),
}

impl Happening {
    pub(crate) fn describe(&self, names: &Names) -> String {
        match self {
            Self::Began { kind, from, to, value, input } => {
                let what = match kind {
                    FrameKind::Create | FrameKind::Create2 => format!("a creation from {} bytes", input.len()),
                    FrameKind::Call => format!("a call of {}", names.call_input(input)),
                    FrameKind::Static => format!("a static call of {}", names.call_input(input)),
                    FrameKind::Delegate => format!("a delegate call of {}", names.call_input(input)),
                };
                let (from, to) = (names.address(*from), names.address(*to));
                format!("{what} by {from} at {to} with {value} wei")
            }
            Self::Ended { end: End::Success, output } => format!("a return of {}", bytes(output)),
            Self::Ended { end: End::Revert, output } => format!("a revert with {}", names.revert(output)),
            Self::Ended { end: End::Halt, .. } => "a halt".to_owned(),
            Self::Logged(log) => names.log(log),
        }
    }
}

/// Writes down what happens.
#[derive(Debug, Default)]
pub(crate) struct Observer {
    pub(crate) happenings: Vec<Happening>,
    /// Gas of each frame, in the order in which they ended.
    pub(crate) frame_gas: Vec<u64>,
}

impl Inspector for Observer {
    fn frame_begins(&mut self, frame: &FrameStart<'_>) {
        let FrameStart { kind, from, to, value, input, .. } = *frame;
        self.happenings.push(Happening::Began { kind, from, to, value, input: Bytes::copy_from_slice(input) });
    }

    fn frame_ends(&mut self, end: &FrameEnd<'_>) {
        let output = Bytes::copy_from_slice(end.output);
        self.frame_gas.push(end.gas_used);
        self.happenings.push(Happening::Ended { end: End::of(end.status).0, output });
    }

    fn log(&mut self, log: &Log) {
        self.happenings.push(Happening::Logged(log.clone()));
    }
}

/// A transient slot that was written, whether or not its frame was undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TransientWrite {
    pub(crate) account: Address,
    pub(crate) slot: B256,
    pub(crate) value: B256,
}
