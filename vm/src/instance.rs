//! One frame: a fresh store and instance, one call into it, and what came out.

use std::ptr::NonNull;

use esker_abi::FUEL_PER_GAS;
use wasmtime::{Memory, ResourceLimiter, Store, Trap, TypedFunc};

use crate::compile::CompiledModule;
use crate::trap::{Classified, InjectedHalt, classify};
use crate::{Entry, Execution, Fatal, Frame, Halt, Host, HostError, Outcome};

/// Most fuel that the guest's signed counter is started with. Gas limits above 2^48 are refused long before; what a
/// caller passes beyond this is set aside and given back.
const FRAME_FUEL_MAX: u64 = (1 << 48) * FUEL_PER_GAS;

/// Why a host function ends the frame.
#[derive(Debug)]
pub(crate) enum Exit {
    Finish(Vec<u8>),
    Revert(Vec<u8>),
    Halt(Halt),
    Fatal(Fatal),
}

impl From<Halt> for Exit {
    fn from(halt: Halt) -> Self {
        Self::Halt(halt)
    }
}

impl From<HostError> for Exit {
    fn from(error: HostError) -> Self {
        match error {
            HostError::Halt(halt) => Self::Halt(halt),
            HostError::Fatal(fatal) => Self::Fatal(fatal),
        }
    }
}

impl From<crate::OutOfFuel> for Exit {
    fn from(_: crate::OutOfFuel) -> Self {
        Self::Halt(Halt::OutOfGas)
    }
}

/// Unwinds the guest. The reason is in [`FrameState::exit`].
#[derive(Debug, thiserror::Error)]
#[error("the frame ends here")]
pub(crate) struct Stop;

/// The store's data: everything that the host functions of one frame need.
///
/// Holds raw pointers to what [`run`] borrows. The store lives only inside `run`, and only host functions called by its
/// guest reach the pointers, so they never outlive the borrows.
pub(crate) struct FrameState {
    host: NonNull<dyn Host>,
    frame: NonNull<Frame>,
    /// Set right after instantiation; accepted modules have no start function, so no guest code runs before.
    pub(crate) memory: Option<Memory>,
    /// What the frame returns.
    pub(crate) output: Vec<u8>,
    /// What the last call of this frame returned.
    pub(crate) return_data: Vec<u8>,
    /// Why the guest was unwound, and the fuel left then.
    pub(crate) exit: Option<(Exit, u64)>,
    /// The rules that the host functions go by.
    pub(crate) rules: FrameRules,
    growth: GrowthWatch,
}

impl FrameState {
    #[allow(unsafe_code, reason = "the host is borrowed for the frame and the store needs 'static data")]
    fn new(host: &mut dyn Host, frame: &Frame, rules: FrameRules) -> Self {
        let host = NonNull::from(host);
        Self {
            // SAFETY: only the trait object's lifetime changes, the layout of the pointer does not. `run` keeps the
            // borrow of the host alive until it has dropped the store that owns this state.
            host: unsafe { std::mem::transmute::<NonNull<dyn Host + '_>, NonNull<dyn Host + 'static>>(host) },
            frame: NonNull::from(frame),
            memory: None,
            output: Vec::new(),
            return_data: Vec::new(),
            exit: None,
            rules,
            growth: GrowthWatch { within_bounds: false, failed: false },
        }
    }

    /// The world around the frame.
    #[allow(unsafe_code, reason = "see FrameState")]
    pub(crate) fn host(&mut self) -> &mut dyn Host {
        // SAFETY: `run` holds the unique borrow from which the pointer was made for as long as the store exists, and uses
        // it for nothing else; `&mut self` keeps a second reference from being made through this state.
        unsafe { self.host.as_mut() }
    }

    /// The frame as its guest sees it.
    #[allow(unsafe_code, reason = "see FrameState")]
    pub(crate) fn frame(&self) -> &Frame {
        // SAFETY: as for `host`, with a shared borrow.
        unsafe { self.frame.as_ref() }
    }
}

/// Tells a growth of linear memory that the module's own maximum forbids (the guest's business: `memory.grow` gives −1)
/// from one that this machine failed to provide (the node's fault).
struct GrowthWatch {
    within_bounds: bool,
    failed: bool,
}

impl ResourceLimiter for GrowthWatch {
    fn memory_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> Result<bool, wasmtime::Error> {
        self.within_bounds = maximum.is_none_or(|maximum| desired <= maximum);
        Ok(true)
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> Result<(), wasmtime::Error> {
        if self.within_bounds {
            self.failed = true;
            return Err(error);
        }
        Ok(())
    }

    fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> Result<bool, wasmtime::Error> {
        Ok(true)
    }
}

fn ended(outcome: Outcome, fuel_left: u64) -> Execution {
    let fuel_left = if matches!(outcome, Outcome::Return(_) | Outcome::Revert(_)) { fuel_left } else { 0 };
    Execution { outcome, fuel_left }
}

pub(crate) fn halted(halt: Halt) -> Execution {
    ended(Outcome::Halt(halt), 0)
}

pub(crate) fn failed(fatal: Fatal) -> Execution {
    ended(Outcome::Fatal(fatal), 0)
}

/// The consensus rules that a frame's run needs, besides those compiled into its module.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FrameRules {
    /// Fuel for the pages, table entries and data that the frame starts with beyond what its base price covers.
    pub(crate) start_fuel: u64,
    /// Logical stack, in the units of the frame formula.
    pub(crate) stack_units: i32,
    /// Most bytes of output.
    pub(crate) output_bytes_max: u32,
    /// Most topics of a log.
    pub(crate) log_topics_max: u32,
}

/// Runs `entry` of `module` on a fresh instance.
pub(crate) fn run(
    module: &CompiledModule,
    rules: FrameRules,
    entry: Entry,
    frame: &Frame,
    host: &mut dyn Host,
    fuel: u64,
) -> Execution {
    let start = match entry {
        Entry::Call => &module.call,
        Entry::Deploy => match &module.deploy {
            Some(deploy) => deploy,
            None => return ended(Outcome::Return(Vec::new()), fuel),
        },
    };
    let given = fuel.min(FRAME_FUEL_MAX);
    let withheld = fuel - given;
    let Some(given) = given.checked_sub(rules.start_fuel) else {
        return halted(Halt::OutOfGas);
    };
    let given = i64::try_from(given).expect("below FRAME_FUEL_MAX, hence below 2^63");

    let mut store = Store::new(module.pre.module().engine(), FrameState::new(host, frame, rules));
    store.limiter(|state| &mut state.growth);
    let instance = match module.pre.instantiate(&mut store) {
        Ok(instance) => instance,
        Err(error) => return instantiation_failed(&error),
    };
    let memory = instance.get_module_export(&mut store, &module.memory).and_then(|item| item.into_memory());
    if let Some(memory) = memory {
        let bytes = memory.data_mut(&mut store);
        for segment in &*module.data {
            let start = segment.offset as usize;
            let place = start.checked_add(segment.bytes.len()).and_then(|end| bytes.get_mut(start..end));
            let Some(place) = place else {
                return failed(Fatal::Engine("a data segment outside the initial memory was accepted".to_owned()));
            };
            place.copy_from_slice(&segment.bytes);
        }
    }
    store.data_mut().memory = memory;
    let Some(function) = instance.get_module_export(&mut store, start).and_then(|item| item.into_func()) else {
        return failed(Fatal::Engine("an export that was checked at compilation is missing".to_owned()));
    };
    #[allow(unsafe_code, reason = "saves a type comparison in every call")]
    // SAFETY: `CompiledModule::link` compared the types of both entry points with exactly this signature.
    let function = unsafe { TypedFunc::<(i64, i32), i64>::new_unchecked(&store, function) };
    match function.call(&mut store, (given, rules.stack_units)) {
        Ok(left) => match u64::try_from(left) {
            Ok(left) => ended(Outcome::Return(std::mem::take(&mut store.data_mut().output)), left + withheld),
            // The last charges came after the last check.
            Err(_) => halted(Halt::OutOfGas),
        },
        Err(error) => {
            if let Some((exit, left)) = store.data_mut().exit.take() {
                return match exit {
                    Exit::Finish(output) => ended(Outcome::Return(output), left + withheld),
                    Exit::Revert(output) => ended(Outcome::Revert(output), left + withheld),
                    Exit::Halt(halt) => halted(halt),
                    Exit::Fatal(fatal) => failed(fatal),
                };
            }
            if store.data().growth.failed {
                return failed(Fatal::Memory(format!("growing a linear memory below its maximum: {error}")));
            }
            let Some(trap) = error.downcast_ref::<Trap>() else {
                return failed(Fatal::Engine(format!("an unexpected end of guest code: {error}")));
            };
            match classify(*trap) {
                Classified::Halt(halt) => halted(halt),
                Classified::Fatal(fatal) => failed(fatal),
                Classified::Unreachable => {
                    let halt = instance
                        .get_module_export(&mut store, &module.halt)
                        .and_then(|item| item.into_global())
                        .and_then(|global| global.get(&mut store).i32())
                        .and_then(InjectedHalt::from_global);
                    match halt {
                        Some(InjectedHalt::None) => halted(Halt::Unreachable),
                        Some(InjectedHalt::OutOfGas) => halted(Halt::OutOfGas),
                        Some(InjectedHalt::StackOverflow) => halted(Halt::StackOverflow),
                        None => failed(Fatal::Engine("the halt global holds no known value".to_owned())),
                    }
                }
            }
        }
    }
}

/// Instantiation runs no guest code, yet active segments may lie outside memory or table: the contract's fault, and the
/// same everywhere. Anything else is ours.
fn instantiation_failed(error: &wasmtime::Error) -> Execution {
    if let Some(trap) = error.downcast_ref::<Trap>() {
        return match classify(*trap) {
            Classified::Halt(halt) => halted(halt),
            Classified::Unreachable => failed(Fatal::Engine("instantiation reached guest code".to_owned())),
            Classified::Fatal(fatal) => failed(fatal),
        };
    }
    failed(Fatal::Memory(format!("no instance could be made: {error}")))
}
