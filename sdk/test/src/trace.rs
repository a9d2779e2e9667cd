//! The frames of a transaction as a person reads them, and where its gas went.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use esker_runtime::exec::FrameKind;

use crate::names::Names;
use crate::observe::Happening;
use crate::record::{End, Step};

/// A frame that has begun and not ended.
struct Open {
    /// What it is called in a stack.
    name: String,
    /// The line that is to say how it ended.
    line: usize,
    input: Vec<u8>,
    /// Gas of the frames that it made.
    below: u64,
}

/// A step's frames.
struct Frames {
    /// One for each frame and log, indented.
    lines: Vec<String>,
    /// Gas that each stack of frames used itself, by the names from the outermost on.
    stacks: BTreeMap<String, u64>,
}

impl Frames {
    fn of(step: &Step, names: &Names) -> Self {
        let mut frames = Self { lines: Vec::new(), stacks: BTreeMap::new() };
        let mut open: Vec<Open> = Vec::new();
        let mut gas = step.frame_gas.iter();
        for happening in &step.happenings {
            let indent = "  ".repeat(open.len());
            match happening {
                Happening::Began { kind, to, value, input, .. } => {
                    let callee = names.name_of(*to);
                    let (verb, what, method) = match kind {
                        FrameKind::Create | FrameKind::Create2 => ("create ", String::new(), "constructor".to_owned()),
                        FrameKind::Call => ("", names.call_input(input), names.method(input)),
                        FrameKind::Static => ("static ", names.call_input(input), names.method(input)),
                        FrameKind::Delegate => ("delegate ", names.call_input(input), names.method(input)),
                    };
                    let dot = if what.is_empty() { "" } else { "." };
                    let paid = if value.is_zero() { String::new() } else { format!(" with {value} wei") };
                    let line = frames.lines.len();
                    frames.lines.push(format!("{indent}{verb}{callee}{dot}{what}{paid}"));
                    open.push(Open { name: format!("{callee}.{method}"), line, input: input.to_vec(), below: 0 });
                }
                Happening::Ended { end, output } => {
                    let Some(frame) = open.pop() else { continue };
                    let used = gas.next().copied().unwrap_or_default();
                    let ended = match end {
                        End::Success if output.is_empty() => String::new(),
                        End::Success => format!(" → {}", names.returned(&frame.input, output)),
                        End::Revert => format!(" ✗ {}", names.revert(output)),
                        End::Halt => " ✗ halted".to_owned(),
                    };
                    if let Some(line) = frames.lines.get_mut(frame.line) {
                        write!(line, "{ended} [{used} gas]").expect("writing to a string does not fail");
                    }
                    let above: Vec<&str> = open.iter().map(|frame| frame.name.as_str()).collect();
                    let stack = [&above[..], &[&frame.name]].concat().join(";");
                    *frames.stacks.entry(stack).or_default() += used.saturating_sub(frame.below);
                    if let Some(caller) = open.last_mut() {
                        caller.below += used;
                    }
                }
                Happening::Logged(log) => frames.lines.push(format!("{indent}emit {}", names.log(log))),
            }
        }
        frames
    }
}

/// Every frame and log of a step, one a line, with how it ended and what it used.
pub(crate) fn tree(step: &Step, names: &Names) -> String {
    Frames::of(step, names).lines.join("\n")
}

/// The gas of a step's frames as folded stacks, which tools for flame graphs read: frames by `;`, then a space and the gas
/// that the innermost used itself. What the transaction paid beside its frames stands under `transaction`.
pub(crate) fn folded(step: &Step, names: &Names) -> String {
    let frames = Frames::of(step, names);
    let inside: u64 = frames.stacks.values().sum();
    let mut folded = format!("transaction {}\n", step.gas_used.saturating_sub(inside));
    for (stack, gas) in &frames.stacks {
        writeln!(folded, "transaction;{stack} {gas}").expect("writing to a string does not fail");
    }
    folded
}
