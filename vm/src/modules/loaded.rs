//! What one session brought into memory.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::ModuleKey;
use crate::compile::CompiledModule;

/// Most modules that a session keeps: half of what a block of 30 M gas can pay to load, so that the rest makes it no
/// longer than loading itself does. Each takes some three mappings of the process.
const MODULES_MAX: usize = 4_096;

/// The modules that a session for a block brought into memory, until it ends. A transaction pays for loading a module once
/// and for each frame far less; so that it is loaded but once, it is found here after others have pushed it out of memory.
#[derive(Default)]
pub(crate) struct Loaded {
    modules: RefCell<BTreeMap<ModuleKey, Arc<CompiledModule>>>,
}

impl Loaded {
    pub(super) fn get(&self, key: &ModuleKey) -> Option<Arc<CompiledModule>> {
        self.modules.borrow().get(key).map(Arc::clone)
    }

    pub(super) fn add(&self, key: ModuleKey, module: &Arc<CompiledModule>) {
        let mut modules = self.modules.borrow_mut();
        if modules.len() < MODULES_MAX {
            modules.insert(key, Arc::clone(module));
        }
    }
}
