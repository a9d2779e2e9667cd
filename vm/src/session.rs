//! Sessions: the only way to run contract code.
//!
//! A session stands on a thread with the native stack that the deepest execution needs, and holds one of a bounded number
//! of places, each with instances for a whole call tree. Blocks and simulations have places of their own, so nothing that
//! is free can take what a block needs.

use std::any::Any;
use std::marker::PhantomData;

use esker_abi::Limits;

use crate::instance::IdleInstances;
use crate::machine::{Code, Entry, Execution, Machine, Preparation, PrepareError};
use crate::modules::Loaded;
use crate::stack::{on_execution_thread, refuse_nesting};
use crate::{Frame, Host};

/// What a session is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// Blocks: somebody pays for the gas.
    Execution,
    /// RPC calls, estimates, simulations: nobody does.
    Simulation,
}

/// All places for simulations are taken, and none came free in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the node is busy with other simulations: try again later")]
pub struct Busy;

/// A place taken, given back when this is dropped.
pub struct Admission(#[expect(dead_code, reason = "held for its drop")] Option<Box<dyn Any + Send>>);

impl Admission {
    /// For a machine without a bound of its own.
    #[must_use]
    pub const fn unlimited() -> Self {
        Self(None)
    }

    /// A place that `guard` gives back when it is dropped.
    pub(crate) fn held_by(guard: impl Any + Send) -> Self {
        Self(Some(Box::new(guard)))
    }
}

/// Leave to run code on a machine, on this thread, until the closure that was given it ends.
pub struct Session<'m> {
    machine: &'m dyn Machine,
    purpose: Purpose,
    /// Instances that frames of this session have left for the next.
    pub(crate) idle: IdleInstances,
    /// Modules that it brought into memory.
    pub(crate) loaded: Loaded,
    /// It stands for this thread's stack: it never goes to another.
    thread: PhantomData<*const ()>,
}

impl Session<'_> {
    /// What it is for.
    #[must_use]
    pub const fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// Number of instances that are kept for the next frame of their module.
    #[must_use]
    pub fn idle_instances(&self) -> usize {
        self.idle.len()
    }

    /// See [`Machine::limits`].
    #[must_use]
    pub fn limits(&self) -> &Limits {
        self.machine.limits()
    }

    /// See [`Machine::prepare`].
    ///
    /// # Errors
    /// As there.
    pub fn prepare(&self, code: Code<'_>, complexity_budget: u64) -> Result<Preparation, PrepareError> {
        self.machine.prepare(self, code, complexity_budget)
    }

    /// See [`Machine::execute`].
    pub fn execute(&self, code: Code<'_>, entry: Entry, frame: &Frame, host: &mut dyn Host, fuel: u64) -> Execution {
        self.machine.execute(self, code, entry, frame, host, fuel)
    }
}

/// Runs `work` with a session for executing blocks on `machine`; waits for one of its places, and for `work`.
///
/// Opened once for a block or a test, not for each call: it costs two thread switches. `work` may borrow.
///
/// # Panics
/// If `work` panics, with the same payload; if the system gives no thread; if it is called inside a session, which could
/// never get the stack that its frames may need.
pub fn execution<R: Send>(machine: &dyn Machine, work: impl FnOnce(&Session<'_>) -> R + Send) -> R {
    // Before it waits for a place that the session outside may hold.
    refuse_nesting();
    let _place = machine.admit_execution();
    open(machine, Purpose::Execution, work)
}

/// Runs `work` with a session for calls that decide nothing; see [`execution`].
///
/// # Errors
/// [`Busy`] if no place for simulations came free in time.
///
/// # Panics
/// As [`execution`].
pub fn simulation<R: Send>(machine: &dyn Machine, work: impl FnOnce(&Session<'_>) -> R + Send) -> Result<R, Busy> {
    refuse_nesting();
    let _place = machine.admit_simulation()?;
    Ok(open(machine, Purpose::Simulation, work))
}

fn open<R: Send>(machine: &dyn Machine, purpose: Purpose, work: impl FnOnce(&Session<'_>) -> R + Send) -> R {
    on_execution_thread(move || {
        let (idle, loaded) = (IdleInstances::default(), Loaded::default());
        work(&Session { machine, purpose, idle, loaded, thread: PhantomData })
    })
}
