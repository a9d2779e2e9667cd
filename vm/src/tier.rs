//! One compiler of an engine, with the linker and the instance pool of its own that its modules need: what one of
//! wasmtime's engines made never meets another's.

use wasmtime::{Linker, Module};

use crate::Fatal;
use crate::config::{EngineConfig, EngineKind, Level};
use crate::instance::FrameState;

pub(crate) struct Tier {
    pub(crate) level: Level,
    pub(crate) engine: wasmtime::Engine,
    pub(crate) linker: Linker<FrameState>,
}

impl Tier {
    /// Starts a compiler; fails if this machine cannot run what it makes.
    pub(crate) fn new(config: &EngineConfig, level: Level) -> Result<Self, wasmtime::Error> {
        let may_go_once = level == Level::Baseline
            && config.kind == EngineKind::Cranelift
            && cfg!(any(target_arch = "x86_64", target_arch = "aarch64"));
        let started = |one_pass| wasmtime::Engine::new(&config.wasmtime(level, one_pass)?);
        let engine = match started(may_go_once) {
            // A CPU may lack what the one-pass compiler's code uses.
            Err(error) if may_go_once => {
                tracing::warn!(%error, "no one-pass compiler for this CPU: deploying is slower");
                started(false)?
            }
            started => started?,
        };
        let linker = crate::linker::link(&engine)?;
        Ok(Self { level, engine, linker })
    }

    /// Compiles what the validator accepted; a failure is therefore ours.
    pub(crate) fn compile(&self, instrumented: &[u8]) -> Result<Module, Fatal> {
        Module::from_binary(&self.engine, instrumented).map_err(|error| {
            Fatal::Engine(format!("an accepted module does not compile ({}): {error:#}", self.level.name()))
        })
    }
}
