//! One frame: an instance that is fresh or as good as fresh, one call into it, and what came out.

mod idle;
mod pages;

use std::ptr::NonNull;
use std::sync::Arc;

use esker_abi::FUEL_PER_GAS;
use wasmtime::{Global, Instance, Memory, ModuleExport, ResourceLimiter, Store, Trap, TypedFunc};

pub(crate) use self::idle::{IdleInstances, Reuse};
pub(crate) use self::pages::WrittenPages;

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
/// Holds raw pointers to what [`run`] borrows. Only host functions called by the store's guest reach them, and guest code
/// runs only inside `run`, which drops the store or takes the pointers out of it before it returns; if it is unwound, it
/// drops the store.
pub(crate) struct FrameState {
    world: Option<World>,
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

/// What a frame borrows for as long as it runs.
struct World {
    host: NonNull<dyn Host>,
    frame: NonNull<Frame>,
}

impl FrameState {
    #[allow(unsafe_code, reason = "the host is borrowed for the frame and the store needs 'static data")]
    fn new(host: &mut dyn Host, frame: &Frame, rules: FrameRules) -> Self {
        let host = NonNull::from(host);
        // SAFETY: only the trait object's lifetime changes, the layout of the pointer does not. `run` keeps the borrow of
        // the host alive until it has dropped this state.
        let host = unsafe { std::mem::transmute::<NonNull<dyn Host + '_>, NonNull<dyn Host + 'static>>(host) };
        Self { world: Some(World { host, frame: NonNull::from(frame) }), rules, ..Self::idle() }
    }

    /// The state of a store in which no frame runs.
    fn idle() -> Self {
        Self {
            world: None,
            memory: None,
            output: Vec::new(),
            return_data: Vec::new(),
            exit: None,
            rules: FrameRules::default(),
            growth: GrowthWatch { within_bounds: false, failed: false },
        }
    }

    /// The world around the frame.
    #[allow(unsafe_code, reason = "see FrameState")]
    pub(crate) fn host(&mut self) -> &mut dyn Host {
        let world = self.world.as_mut().expect("host functions are called by running frames");
        // SAFETY: `run` holds the unique borrow from which the pointer was made for as long as it stands in this state, and
        // uses it for nothing else; `&mut self` keeps a second reference from being made through this state.
        unsafe { world.host.as_mut() }
    }

    /// The frame as its guest sees it.
    #[allow(unsafe_code, reason = "see FrameState")]
    pub(crate) fn frame(&self) -> &Frame {
        let world = self.world.as_ref().expect("host functions are called by running frames");
        // SAFETY: as for `host`, with a shared borrow.
        unsafe { world.frame.as_ref() }
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
#[derive(Clone, Copy, Debug, Default)]
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

/// A store, the one instance in it, and what a frame needs of them.
struct Live {
    store: Store<FrameState>,
    instance: Instance,
    memory: Memory,
    /// The entry point.
    function: TypedFunc<(i64, i32), i64>,
    /// The mutable globals, once the instance has been reset.
    globals: Option<Box<[Global]>>,
    /// How often it has been reset.
    resets: u32,
}

impl Live {
    /// A fresh instance, ready for its frame; else how the frame ends.
    fn fresh(module: &CompiledModule, start: &ModuleExport, state: FrameState) -> Result<Self, Execution> {
        let mut store = Store::new(module.pre.module().engine(), state);
        store.limiter(|state| &mut state.growth);
        let instance = module.pre.instantiate(&mut store).map_err(|error| instantiation_failed(&error))?;
        let missing = || failed(Fatal::Engine("an export that was checked at compilation is missing".to_owned()));
        let memory = instance.get_module_export(&mut store, &module.memory).and_then(|item| item.into_memory());
        let memory = memory.ok_or_else(missing)?;
        copy_data(module, memory.data_mut(&mut store)).map_err(failed)?;
        store.data_mut().memory = Some(memory);
        let function = instance.get_module_export(&mut store, start).and_then(|item| item.into_func());
        let function = function.ok_or_else(missing)?;
        #[allow(unsafe_code, reason = "saves a type comparison in every call")]
        // SAFETY: `CompiledModule::link` compared the types of both entry points with exactly this signature.
        let function = unsafe { TypedFunc::<(i64, i32), i64>::new_unchecked(&store, function) };
        let mut live = Self { store, instance, memory, function, globals: None, resets: 0 };
        if let (Some(exports), None) = (&module.globals, module.initial.get()) {
            let found = idle::initial_globals(&mut live, exports).ok_or_else(missing)?;
            // Whoever comes second found the same.
            let _ = module.initial.set(found);
        }
        Ok(live)
    }

    /// Calls the entry point. Gives how the frame ended, and whether the instance may be used again.
    fn call(&mut self, module: &CompiledModule, given: i64, withheld: u64) -> (Execution, bool) {
        let store = &mut self.store;
        let stack_units = store.data().rules.stack_units;
        let error = match self.function.call(&mut *store, (given, stack_units)) {
            Ok(left) => {
                return match u64::try_from(left) {
                    Ok(left) => {
                        let output = std::mem::take(&mut store.data_mut().output);
                        (ended(Outcome::Return(output), left + withheld), true)
                    }
                    // The last charges came after the last check.
                    Err(_) => (halted(Halt::OutOfGas), false),
                };
            }
            Err(error) => error,
        };
        let execution = match store.data_mut().exit.take() {
            Some((Exit::Finish(output), left)) => return (ended(Outcome::Return(output), left + withheld), true),
            Some((Exit::Revert(output), left)) => return (ended(Outcome::Revert(output), left + withheld), true),
            Some((Exit::Halt(halt), _)) => halted(halt),
            Some((Exit::Fatal(fatal), _)) => failed(fatal),
            None => self.trapped(module, &error),
        };
        (execution, false)
    }

    /// How a frame ended that neither returned nor was ended by the host.
    fn trapped(&mut self, module: &CompiledModule, error: &wasmtime::Error) -> Execution {
        if self.store.data().growth.failed {
            return failed(Fatal::Memory(format!("growing a linear memory below its maximum: {error}")));
        }
        let Some(trap) = error.downcast_ref::<Trap>() else {
            return failed(Fatal::Engine(format!("an unexpected end of guest code: {error}")));
        };
        match classify(*trap) {
            Classified::Halt(halt) => halted(halt),
            Classified::Fatal(fatal) => failed(fatal),
            Classified::Unreachable => {
                let halt = self
                    .instance
                    .get_module_export(&mut self.store, &module.halt)
                    .and_then(|item| item.into_global())
                    .and_then(|global| global.get(&mut self.store).i32())
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

/// Copies the active data segments into a memory that is zero.
fn copy_data(module: &CompiledModule, memory: &mut [u8]) -> Result<(), Fatal> {
    for segment in &*module.data {
        let start = segment.offset as usize;
        let place = start.checked_add(segment.bytes.len()).and_then(|end| memory.get_mut(start..end));
        let outside = || Fatal::Engine("a data segment outside the initial memory was accepted".to_owned());
        place.ok_or_else(outside)?.copy_from_slice(&segment.bytes);
    }
    Ok(())
}

/// Runs `entry` of `module` on an instance of its own; a used one may serve as fresh if `reuse` says how.
pub(crate) fn run(
    module: &Arc<CompiledModule>,
    reuse: Option<Reuse<'_>>,
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

    // A constructor runs once, and idle instances are entered through `call`.
    let reuse = reuse.filter(|_| entry == Entry::Call && module.globals.is_some());
    let mut live = match reuse.and_then(|reuse| reuse.take(module)) {
        Some(mut live) => {
            *live.store.data_mut() = FrameState { memory: Some(live.memory), ..FrameState::new(host, frame, rules) };
            live
        }
        None => match Live::fresh(module, start, FrameState::new(host, frame, rules)) {
            Ok(live) => live,
            Err(execution) => return execution,
        },
    };
    let (execution, reusable) = live.call(module, given, withheld);
    if let (true, Some(reuse)) = (reusable, reuse) {
        reuse.keep(module, live);
    }
    execution
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
