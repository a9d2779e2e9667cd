//! Modules in a folder, as the tests of the cache on disk make and find them.

use std::fs;
use std::path::{Path, PathBuf};

use esker_vm::abi::MeterVersion;
use esker_vm::{Code, Engine, EngineConfig, EngineKind, TierPolicy, crypto, envelope};
use primitive_types::H256;

use crate::world::wasm;

/// A small engine that keeps its modules in `folder` and optimises nothing.
pub fn config(folder: &Path, kind: EngineKind) -> EngineConfig {
    EngineConfig {
        cache_dir: Some(folder.to_owned()),
        tiers: TierPolicy::Baseline,
        execution_sessions: 1,
        simulation_sessions: 1,
        ..EngineConfig::with_kind(kind)
    }
}

pub fn open(folder: &Path, kind: EngineKind) -> Engine {
    Engine::new(config(folder, kind)).expect("the engine starts")
}

/// An envelope with the hash that names it.
pub struct Named {
    pub hash: H256,
    pub envelope: Vec<u8>,
}

impl Named {
    pub fn new(text: &str) -> Self {
        let envelope = envelope::encode(&wasm(text));
        Self { hash: H256(crypto::keccak256(&envelope)), envelope }
    }

    pub fn code(&self) -> Code<'_> {
        Code { hash: self.hash, envelope: &self.envelope, meter: MeterVersion::V1 }
    }
}

/// The files of the modules in `folder`, by name.
pub fn modules(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.is_file() && path.file_name().is_some_and(|name| name != "key"))
        .collect();
    files.sort();
    files
}
