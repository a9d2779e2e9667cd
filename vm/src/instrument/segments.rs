//! What is charged where.
//!
//! A segment is code that is certain to run once its first instruction runs, as long as nothing traps and no callee ends
//! the frame. It is charged as a whole at its start. Because control flow is structured, a segment goes on after a
//! construct that nothing inside leaves past its end: charges merge over joins.

use std::collections::BTreeSet;

use esker_abi::MeterCosts;

use super::sinking::{Entered, Forks};
use crate::validate::{Class, Function, Instruction, Kind, Module};

/// A bulk operation whose length is a constant up to this many bytes is charged with its segment.
const STATIC_BULK_BYTES: u32 = 1_024;

/// Most fuel that one segment charges, save a single instruction that costs more.
pub(super) fn segment_max(costs: &MeterCosts) -> u64 {
    costs.check_interval / 4
}

/// The constant length of the bulk operation at `index`, when its bytes are charged with its segment.
pub(super) fn static_bulk_bytes(code: &[Instruction<'_>], index: usize) -> Option<u32> {
    let before = code.get(index.checked_sub(1)?)?;
    match before.kind {
        Kind::I32Const(length) if length.cast_unsigned() <= STATIC_BULK_BYTES => Some(length.cast_unsigned()),
        _ => None,
    }
}

struct Segment {
    /// Charged just before the instruction of this index.
    start: usize,
    charge: u64,
    /// Calls seen in the function before this segment began.
    calls_before: u32,
    /// It is certain to trap, and nothing in it can end the frame otherwise: what it charges does not matter.
    traps: bool,
    /// It begins with each iteration of a loop.
    is_header: bool,
}

struct Construct {
    /// The segment that the construct stands in.
    outer: usize,
    /// Something inside leaves past the construct's end.
    escaped: bool,
    /// First segments of an `if`'s arms.
    then_arm: Option<usize>,
    else_arm: Option<usize>,
    /// The segment of the header, if it is a loop.
    header: Option<usize>,
    /// The instruction that opened it, if it is an `if` whose `else` has not come.
    skipped_by: Option<usize>,
    /// How its end is reached by branches.
    entered: Entered,
}

struct Walk<'m> {
    costs: &'m MeterCosts,
    segments: Vec<Segment>,
    current: usize,
    constructs: Vec<Construct>,
    calls: u32,
    forks: Forks,
}

/// Fuel to charge just before each instruction of `function`, by instruction index.
pub(super) fn charges(module: &Module<'_>, function: &Function<'_>, costs: &MeterCosts) -> Vec<u64> {
    let mut walk =
        Walk { costs, segments: Vec::new(), current: 0, constructs: Vec::new(), calls: 0, forks: Forks::default() };
    walk.begin(0);
    walk.open();
    let found = &module.types[function.type_index as usize];
    let handed_over = (found.params.len() + found.results.len()) as u64;
    let for_locals = costs.local.saturating_mul(u64::from(function.local_count));
    walk.add(0, for_locals.saturating_add(costs.parameter.saturating_mul(handed_over)));
    for (index, instruction) in function.code.iter().enumerate() {
        walk.instruction(module, &function.code, index, &instruction.kind);
    }
    let mut charges = vec![0; function.code.len()];
    for segment in &walk.segments {
        if let Some(charge) = charges.get_mut(segment.start) {
            *charge = segment.charge.saturating_add(*charge);
        }
    }
    let segments = &walk.segments;
    let header = |index: usize| segments.get(index).map_or((0, 0), |segment| (segment.start, segment.charge));
    walk.forks.sink(header, &mut charges, segment_max(costs));
    charges
}

impl Walk<'_> {
    fn begin(&mut self, start: usize) {
        self.current = self.segments.len();
        let calls_before = self.calls;
        self.segments.push(Segment { start, charge: 0, calls_before, traps: false, is_header: false });
    }

    fn open(&mut self) {
        let outer = self.current;
        self.constructs.push(Construct {
            outer,
            escaped: false,
            then_arm: None,
            else_arm: None,
            header: None,
            skipped_by: None,
            entered: Entered::Never,
        });
    }

    /// Adds the cost of the instruction at `index`, in a new segment if the current one is full.
    fn add(&mut self, index: usize, cost: u64) {
        let charge = self.segments[self.current].charge;
        if charge > 0 && charge.saturating_add(cost) > segment_max(self.costs) {
            self.begin(index);
        }
        let segment = &mut self.segments[self.current];
        segment.charge = segment.charge.saturating_add(cost);
    }

    /// Marks what the branch at `index`, `depth` constructs outwards, leaves past its end, and where it enters.
    fn leave(&mut self, index: usize, depth: u32) {
        let inside = (depth as usize).min(self.constructs.len() - 1);
        for construct in self.constructs.iter_mut().rev().take(inside) {
            construct.escaped = true;
        }
        if let Some(target) = self.constructs.iter_mut().rev().nth(inside) {
            target.entered.by(index);
        }
    }

    /// Notes a fork at `index` if it stands in the segment of a loop's header and no call comes before it there.
    fn fork(&mut self, index: usize, ways: usize) {
        let segment = &self.segments[self.current];
        if segment.is_header && segment.calls_before == self.calls {
            self.forks.note(index, self.current, ways);
        }
    }

    fn instruction(&mut self, module: &Module<'_>, code: &[Instruction<'_>], index: usize, kind: &Kind<'_>) {
        let costs = self.costs.instructions;
        match kind {
            Kind::Plain(class) => self.add(index, class_cost(self.costs, *class)),
            Kind::I32Const(_) | Kind::LocalGet(_) | Kind::LocalSet(_) | Kind::LocalTee(_) => {
                self.add(index, costs.trivial);
            }
            Kind::Block(_) => {
                self.add(index, costs.trivial);
                self.open();
            }
            Kind::Loop(_) => {
                self.add(index, costs.simple);
                self.open();
                self.begin(index + 1);
                let header = self.current;
                self.segments[header].is_header = true;
                let construct = self.constructs.last_mut().expect("opened just above");
                construct.header = Some(header);
            }
            Kind::If(_) => {
                self.add(index, costs.branch);
                self.fork(index, 2);
                self.forks.leads_to(index, index + 1);
                self.open();
                self.begin(index + 1);
                let then_arm = self.current;
                let construct = self.constructs.last_mut().expect("opened just above");
                construct.then_arm = Some(then_arm);
                construct.skipped_by = Some(index);
            }
            Kind::Else => {
                self.begin(index + 1);
                let else_arm = self.current;
                let construct = self.constructs.last_mut().expect("validated code has an `if` around an `else`");
                construct.else_arm = Some(else_arm);
                if falls_through(module, code, index) {
                    construct.entered = Entered::Otherwise;
                }
                if let Some(fork) = construct.skipped_by.take() {
                    self.forks.leads_to(fork, index + 1);
                }
            }
            Kind::End => self.end(index, falls_through(module, code, index)),
            Kind::Br(depth) => {
                self.add(index, costs.branch);
                self.leave(index, *depth);
            }
            Kind::BrIf(depth) => {
                self.add(index, costs.branch);
                self.fork(index, 2);
                self.forks.leads_to(index, index + 1);
                self.leave(index, *depth);
                self.begin(index + 1);
            }
            Kind::BrTable(targets) => {
                self.add(index, costs.branch_table);
                let depths: BTreeSet<u32> = targets.targets().flatten().chain([targets.default()]).collect();
                self.fork(index, depths.len());
                for depth in depths {
                    self.leave(index, depth);
                }
            }
            Kind::Return => {
                self.add(index, costs.branch);
                self.leave(index, u32::MAX);
            }
            Kind::Unreachable => {
                let calls = self.calls;
                let segment = &mut self.segments[self.current];
                if segment.calls_before == calls {
                    segment.traps = true;
                    segment.charge = 0;
                }
            }
            Kind::Barrier => {}
            Kind::Call(callee) => {
                self.add(index, costs.call);
                self.calls += 1;
                let import = module.imports.get(*callee as usize);
                if import.is_some_and(|import| import.function.diverges) {
                    self.leave(index, u32::MAX);
                }
            }
            Kind::CallIndirect(_) => {
                self.add(index, costs.call_indirect);
                self.calls += 1;
            }
            // Charged where it stands: what it costs depends on the pages there are.
            Kind::MemoryGrow => {}
            Kind::Bulk => {
                let bytes = u64::from(static_bulk_bytes(code, index).unwrap_or(0));
                self.add(index, costs.bulk.saturating_add(bytes.saturating_mul(self.costs.bulk_byte)));
            }
        }
    }

    fn end(&mut self, index: usize, falls_through: bool) {
        let mut construct = self.constructs.pop().expect("validated code closes what it opened");
        if let Some(header) = construct.header {
            self.forks.loop_ends(header, index);
        } else {
            if falls_through {
                construct.entered = Entered::Otherwise;
            }
            if let Some(fork) = construct.skipped_by {
                construct.entered.by(fork);
            }
            // Nothing can be charged behind the function's own end.
            if let Entered::OnlyBy(fork) = construct.entered
                && !self.constructs.is_empty()
            {
                self.forks.leads_to(fork, index + 1);
            }
        }
        if let (Some(then_arm), Some(else_arm)) = (construct.then_arm, construct.else_arm) {
            self.hoist(construct.outer, then_arm, else_arm);
        }
        if construct.escaped {
            self.begin(index + 1);
        } else {
            self.current = construct.outer;
        }
    }

    /// Moves what both arms of an `if` charge at their start to the segment that the `if` stands in. An arm that traps
    /// agrees with any charge.
    fn hoist(&mut self, outer: usize, then_arm: usize, else_arm: usize) {
        let arm = |segment: &Segment| if segment.traps { u64::MAX } else { segment.charge };
        let common = arm(&self.segments[then_arm]).min(arm(&self.segments[else_arm]));
        if common == u64::MAX {
            return;
        }
        let room = segment_max(self.costs).saturating_sub(self.segments[outer].charge);
        let common = common.min(room);
        for arm in [then_arm, else_arm] {
            self.segments[arm].charge = self.segments[arm].charge.saturating_sub(common);
        }
        self.segments[outer].charge += common;
    }
}

/// Whether the instruction at `index` is reached from the one before it.
fn falls_through(module: &Module<'_>, code: &[Instruction<'_>], index: usize) -> bool {
    let before = index.checked_sub(1).and_then(|before| code.get(before));
    !before.is_some_and(|before| match before.kind {
        Kind::Br(_) | Kind::BrTable(_) | Kind::Return | Kind::Unreachable | Kind::Barrier => true,
        Kind::Call(callee) => module.imports.get(callee as usize).is_some_and(|import| import.function.diverges),
        _ => false,
    })
}

fn class_cost(costs: &MeterCosts, class: Class) -> u64 {
    let costs = &costs.instructions;
    match class {
        Class::Trivial => costs.trivial,
        Class::Simple => costs.simple,
        Class::Multiply => costs.multiply,
        Class::Divide => costs.divide,
        Class::GlobalGet | Class::GlobalSet => costs.global,
        Class::Load => costs.load,
        Class::Store => costs.store,
        Class::MemorySize => costs.memory_size,
        Class::DataDrop => costs.bulk,
    }
}
