//! Where fuel is tested, so that on any path at most `MeterCosts::check_interval` is charged between two tests.
//!
//! A quarter of the interval is the largest charge of a segment. The walk follows how much may have been charged since
//! the last test, and keeps three bounds: at most half an interval is pending when a function is called; a function tests
//! before it has charged more than half an interval since its entry, and returns untested at most a quarter; at most a
//! quarter is pending when a function that tested returns. So at most three quarters are pending where a segment is
//! charged.

use esker_abi::MeterCosts;

use super::segments::{segment_max, static_bulk_bytes};
use crate::validate::{Function, Kind, Module};

/// Most that may have been charged since the last test, on any path to a point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Pending {
    /// On paths from the function's entry without a test; `None` if there is no such path.
    since_entry: Option<u64>,
    /// On paths with a test in this function or below it, since the last one; `None` if there is no such path.
    since_check: Option<u64>,
}

impl Pending {
    const CHECKED: Self = Self { since_entry: None, since_check: Some(0) };
    const ENTRY: Self = Self { since_entry: Some(0), since_check: None };

    fn join(self, other: Self) -> Self {
        Self {
            since_entry: self.since_entry.max(other.since_entry),
            since_check: self.since_check.max(other.since_check),
        }
    }

    fn charge(self, fuel: u64) -> Self {
        Self {
            since_entry: self.since_entry.map(|pending| pending.saturating_add(fuel)),
            since_check: self.since_check.map(|pending| pending.saturating_add(fuel)),
        }
    }
}

/// What a call of a function does to what is pending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Summary {
    /// Most charged on a path through the function without a test.
    through: Option<u64>,
    /// Most charged after the last test of a path through the function.
    tail: Option<u64>,
}

/// Where one function tests.
#[derive(Clone, Debug, Default)]
pub(super) struct Checks {
    /// Whether fuel is tested just before each instruction, after what is charged there.
    pub(super) at: Vec<bool>,
    /// Whether fuel is tested where the function returns.
    pub(super) at_exit: bool,
}

/// Places the tests of every function. `charges` and `stack_units` are what each charges at its points and entry.
pub(super) fn place(
    module: &Module<'_>,
    charges: &[Vec<u64>],
    stack_units: &[Option<u32>],
    costs: &MeterCosts,
) -> Vec<Checks> {
    let mut placed: Vec<Checks> = vec![Checks::default(); module.functions.len()];
    let mut summaries: Vec<Option<Summary>> = vec![None; module.functions.len()];
    for index in callees_first(module) {
        let function = &module.functions[index];
        let mut walk = Walk {
            module,
            summaries: &summaries,
            unit: segment_max(costs),
            state: Pending::ENTRY,
            labels: vec![Label::default()],
            checks: vec![false; function.code.len()],
        };
        walk.function(function, &charges[index], stack_units[index].is_some());
        let mut exit = walk.labels.pop().map_or(Pending::default(), |label| label.joined);
        let at_exit = exit.since_check.is_some_and(|pending| pending > walk.unit);
        if at_exit {
            exit = Pending::CHECKED;
        }
        placed[index] = Checks { at: walk.checks, at_exit };
        summaries[index] = Some(Summary { through: exit.since_entry, tail: exit.since_check });
    }
    placed
}

#[derive(Clone, Copy, Default)]
struct Label {
    is_loop: bool,
    /// What is pending where the label's end is reached.
    joined: Pending,
    /// What was pending at an `if`, for its other arm.
    at_if: Option<Pending>,
}

struct Walk<'w, 'm> {
    module: &'w Module<'m>,
    summaries: &'w [Option<Summary>],
    /// A quarter of the interval.
    unit: u64,
    state: Pending,
    /// The function's own label first.
    labels: Vec<Label>,
    checks: Vec<bool>,
}

impl Walk<'_, '_> {
    fn function(&mut self, function: &Function<'_>, charges: &[u64], check_at_entry: bool) {
        let mut forced = check_at_entry;
        for (index, instruction) in function.code.iter().enumerate() {
            self.point(index, charges.get(index).copied().unwrap_or(0), forced);
            forced = matches!(instruction.kind, Kind::Loop(_));
            self.instruction(&instruction.kind, static_bulk_bytes(&function.code, index).is_some());
        }
    }

    /// Charges, and tests if it must or if too much is pending.
    fn point(&mut self, index: usize, charge: u64, forced: bool) {
        self.state = self.state.charge(charge);
        let too_much = self.state.since_entry.is_some_and(|pending| pending > self.unit)
            || self.state.since_check.is_some_and(|pending| pending > 2 * self.unit);
        if forced || too_much {
            self.checks[index] = true;
            self.state = Pending::CHECKED;
        }
    }

    fn instruction(&mut self, kind: &Kind<'_>, is_static_bulk: bool) {
        match kind {
            Kind::Block(_) => self.labels.push(Label::default()),
            Kind::Loop(_) => self.labels.push(Label { is_loop: true, ..Label::default() }),
            Kind::If(_) => self.labels.push(Label { at_if: Some(self.state), ..Label::default() }),
            Kind::Else => {
                self.branch(0);
                let label = self.labels.last_mut().expect("validated code has an `if` around an `else`");
                self.state = label.at_if.take().expect("validated code has one `else` in an `if`");
            }
            Kind::End => {
                let state = self.state;
                let outermost = self.labels.len() == 1;
                let label = self.labels.last_mut().expect("validated code closes what it opened");
                let skipped = label.at_if.take().unwrap_or_default();
                label.joined = label.joined.join(state).join(skipped);
                if !outermost && let Some(label) = self.labels.pop() {
                    self.state = label.joined;
                }
            }
            Kind::Br(depth) => {
                self.branch(*depth);
                self.state = Pending::default();
            }
            Kind::BrIf(depth) => self.branch(*depth),
            Kind::BrTable(targets) => {
                self.branch(targets.default());
                for depth in targets.targets().flatten() {
                    self.branch(depth);
                }
                self.state = Pending::default();
            }
            Kind::Return => {
                self.branch(u32::MAX);
                self.state = Pending::default();
            }
            Kind::Unreachable | Kind::Barrier => self.state = Pending::default(),
            Kind::Call(callee) => self.call(*callee),
            Kind::CallIndirect(_) => self.apply(Summary { through: Some(self.unit), tail: Some(self.unit) }),
            Kind::MemoryGrow => self.state = Pending::CHECKED,
            Kind::Bulk if !is_static_bulk => self.state = Pending::CHECKED,
            Kind::Bulk
            | Kind::Plain(_)
            | Kind::I32Const(_)
            | Kind::LocalGet(_)
            | Kind::LocalSet(_)
            | Kind::LocalTee(_) => {}
        }
    }

    /// A branch `depth` constructs outwards; at most to the function's label. A loop's header tests, so nothing joins it.
    fn branch(&mut self, depth: u32) {
        let innermost = self.labels.len() - 1;
        let target = innermost.saturating_sub(depth as usize);
        let state = self.state;
        if let Some(label) = self.labels.get_mut(target).filter(|label| !label.is_loop) {
            label.joined = label.joined.join(state);
        }
    }

    fn call(&mut self, callee: u32) {
        match self.module.defined(callee) {
            // A host function tests before anything else and comes back with what it has tested.
            None if self.module.imports.get(callee as usize).is_some_and(|import| import.function.diverges) => {
                self.state = Pending::default();
            }
            None => self.state = Pending::CHECKED,
            Some(index) => {
                // A function that is not placed yet is on a cycle, so it makes calls and tests at its entry.
                let on_cycle = Summary { through: None, tail: Some(self.unit) };
                self.apply(self.summaries.get(index).copied().flatten().unwrap_or(on_cycle));
            }
        }
    }

    fn apply(&mut self, callee: Summary) {
        let sum = |pending: Option<u64>| Some(pending?.saturating_add(callee.through?));
        self.state = Pending {
            since_entry: sum(self.state.since_entry),
            since_check: sum(self.state.since_check).max(callee.tail),
        };
    }
}

/// Every function, callees before callers wherever calls do not go in circles.
fn callees_first(module: &Module<'_>) -> Vec<usize> {
    let callees: Vec<Vec<usize>> = module
        .functions
        .iter()
        .map(|function| {
            let called = function.code.iter().filter_map(|instruction| match instruction.kind {
                Kind::Call(callee) => module.defined(callee),
                _ => None,
            });
            let unique: std::collections::BTreeSet<usize> = called.collect();
            unique.into_iter().collect()
        })
        .collect();
    let mut order = Vec::with_capacity(callees.len());
    let mut seen = vec![false; callees.len()];
    for root in 0..callees.len() {
        if std::mem::replace(&mut seen[root], true) {
            continue;
        }
        let mut path = vec![(root, 0)];
        while let Some((function, next)) = path.last_mut() {
            match callees[*function].get(*next) {
                Some(&callee) => {
                    *next += 1;
                    if !std::mem::replace(&mut seen[callee], true) {
                        path.push((callee, 0));
                    }
                }
                None => {
                    order.push(*function);
                    path.pop();
                }
            }
        }
    }
    order
}
