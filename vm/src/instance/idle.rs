//! Instances that are used again.
//!
//! Making an instance and taking it apart is most of what a short call costs. A session therefore keeps instances whose
//! frames have ended, and gives one to the next frame of the same module, after a reset that leaves nothing to tell it
//! from a fresh one by. All that guest code or the host can change in an instance of an accepted module is
//!
//! - **the bytes of its memory**: every page that may hold anything but zeros is cleared, then the data segments are copied
//!   as into a fresh one;
//! - **the size of its memory**: one that has grown is not used again;
//! - **its mutable globals**, the halt global among them: set to what they were before the first guest code ran. The
//!   rewriting exports them all, or none if they are many, and then the module's instances are not used again;
//! - **which passive data segments were dropped**: a module that can drop one has none of its globals exported either, and
//!   is not used again.
//!
//! There is nothing else: no accepted instruction writes to the table or drops an element segment (`validate::operators`),
//! and there are no other tables, memories, imported globals or references. What the engine fills in by itself, such as
//! references to functions that stand in the table, is the same whenever it is made.
//!
//! What the host keeps for a frame ([`FrameState`]) is replaced as a whole.
//!
//! An instance is kept only if its frame returned, finished or reverted: after a trap, a halt or a fault nobody asks what
//! state it is in.
//!
//! Idle instances belong to a session, so they never pass from one block to another, from a simulation to a block, or from
//! one thread to another. An instance in use is in no list, so a module that is on the stack several times has as many.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use wasmtime::{Global, Val};

use super::pages::WrittenPages;
use super::{FrameState, Live, copy_data};
use crate::compile::CompiledModule;

/// Most idle instances of one module in a session: a deep recursion leaves no more behind.
const PER_MODULE: usize = 4;

/// One in so many instances that end while the list is full takes the place of the oldest. Modules called in turn, more
/// than there are places, would otherwise replace each other before any is used again, each on a slot that has left the
/// processor's caches; the slot of an instance that is dropped at once is the next frame's.
const REPLACED_OF: u32 = 4;

/// Resets after which an instance's pages are given back to the kernel, once.
const RESETS_UNTIL_RELEASE: u32 = 32;

/// An instance that no frame uses.
struct Idle {
    /// Dropped before the module, whose code it runs.
    live: Live,
    module: Arc<CompiledModule>,
}

/// The idle instances of a session, the one that was used last at the end.
#[derive(Default)]
pub(crate) struct IdleInstances {
    list: RefCell<Vec<Idle>>,
    /// How many ended frames found the list full.
    crowded: Cell<u32>,
}

/// What it takes to use instances again.
#[derive(Clone, Copy)]
pub(crate) struct Reuse<'a> {
    pub(crate) idle: &'a IdleInstances,
    pub(crate) pages: &'a WrittenPages,
    /// Most idle instances in the session.
    pub(crate) instances_max: usize,
    /// Most bytes of written pages that are cleared; with more, a fresh instance is as cheap.
    pub(crate) cleared_bytes_max: usize,
}

impl IdleInstances {
    pub(crate) fn len(&self) -> usize {
        self.list.borrow().len()
    }
}

impl Reuse<'_> {
    /// An instance of `module` that is as a fresh one, if there is one that can be made so.
    pub(super) fn take(self, module: &Arc<CompiledModule>) -> Option<Live> {
        let mut live = {
            let mut list = self.idle.list.borrow_mut();
            let place = list.iter().rposition(|idle| Arc::ptr_eq(&idle.module, module))?;
            list.remove(place).live
        };
        self.reset(module, &mut live).then_some(live)
    }

    /// Keeps an instance whose frame has ended well.
    pub(super) fn keep(self, module: &Arc<CompiledModule>, mut live: Live) {
        if live.memory.size(&live.store) != u64::from(module.facts.initial_pages) {
            return;
        }
        // Nothing of the frame is held: not its world, which ends with it, and not what it wrote.
        *live.store.data_mut() = FrameState::idle();
        let mut list = self.idle.list.borrow_mut();
        if list.iter().filter(|idle| Arc::ptr_eq(&idle.module, module)).count() >= PER_MODULE {
            return;
        }
        let full = list.len() >= self.instances_max;
        if full {
            let crowded = self.idle.crowded.get();
            self.idle.crowded.set(crowded.wrapping_add(1));
            if !crowded.is_multiple_of(REPLACED_OF) {
                return;
            }
        }
        let gone = full.then(|| list.remove(0));
        list.push(Idle { live, module: Arc::clone(module) });
        drop(list);
        drop(gone);
    }

    /// Makes an instance as a fresh one. False if that cannot be done: it must not be used again.
    fn reset(self, module: &CompiledModule, live: &mut Live) -> bool {
        let (Some(exports), Some(initial)) = (&module.globals, module.initial.get()) else { return false };
        let bytes = live.memory.data_mut(&mut live.store);
        // The slot of a new instance has pages that former ones left in it, clean by now, and each reset clears them too.
        // They are given back once, so that what this module does not write to is not cleared any more; but late, since
        // each page that it does write to has to be had again.
        let cleared = if live.resets == RESETS_UNTIL_RELEASE {
            WrittenPages::release(bytes)
        } else {
            self.pages.clear(bytes, self.cleared_bytes_max)
        };
        live.resets = live.resets.saturating_add(1);
        if !cleared || copy_data(module, bytes).is_err() {
            return false;
        }
        let globals = match live.globals.take() {
            Some(globals) => globals,
            None => {
                let found: Option<Box<[Global]>> = exports
                    .iter()
                    .map(|export| live.instance.get_module_export(&mut live.store, export)?.into_global())
                    .collect();
                let Some(found) = found else { return false };
                found
            }
        };
        let all = globals.len() == initial.len()
            && globals.iter().zip(initial).all(|(global, value)| global.set(&mut live.store, *value).is_ok());
        live.globals = Some(globals);
        all
    }
}

/// The values of the globals of a fresh instance, before any guest code has run. `None` if one of them is missing.
pub(super) fn initial_globals(live: &mut Live, exports: &[wasmtime::ModuleExport]) -> Option<Box<[Val]>> {
    exports
        .iter()
        .map(|export| {
            let global = live.instance.get_module_export(&mut live.store, export)?.into_global()?;
            Some(global.get(&mut live.store))
        })
        .collect()
}
