//! The machine as its users see it: prepare a module, execute an entry point.

use primitive_types::H256;

use crate::{Fatal, Frame, Host, Outcome};

/// Which export a frame runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// `call`: a message call.
    Call,
    /// `deploy`: the constructor. A module without that export returns empty at once.
    Deploy,
}

/// How a frame ended and what it left of its fuel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execution {
    /// Return, revert, halt or fatal.
    pub outcome: Outcome,
    /// Fuel left: zero after a halt.
    pub fuel_left: u64,
}

/// What the validator found out about an accepted module: consensus data, alike on every engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// The complexity sum of `Limits::complexity_max`, charged as deploy gas and capped per block.
    pub complexity: u64,
    /// Whether the module exports `deploy`.
    pub has_constructor: bool,
    /// Size of the raw module, in bytes.
    pub module_bytes: u32,
}

/// Why a module is refused: what is wrong, where, and what an author can do about it. For people; only the fact of
/// refusal is consensus data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}{}{}", .function.as_ref().map(|name| format!(" (in {name})")).unwrap_or_default(),
    .hint.map(|hint| format!(". {hint}")).unwrap_or_default())]
pub struct RejectReason {
    /// What is wrong.
    pub reason: String,
    /// The function it was found in, by name where the module carries one.
    pub function: Option<String>,
    /// What to do about it.
    pub hint: Option<&'static str>,
}

/// Why a module could not be prepared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrepareError {
    /// The module is not acceptable: every node says the same.
    #[error(transparent)]
    Rejected(#[from] RejectReason),
    /// This node failed.
    #[error(transparent)]
    Fatal(#[from] Fatal),
}

/// Something that runs contract code: an [`crate::Engine`], or a test kit that runs some contracts natively.
pub trait Machine: Send + Sync {
    /// Decides whether `wasm` is an acceptable module and readies it for execution.
    ///
    /// The caller charges for the raw length before, and for [`Prepared::complexity`] after: `complexity_budget` is the
    /// most complexity it can pay for. A module that needs more is not compiled; it is reported with its complexity all
    /// the same, so that the caller can tell that it cannot pay.
    ///
    /// # Errors
    /// [`PrepareError::Rejected`] when the module is invalid; [`PrepareError::Fatal`] when an accepted module failed to
    /// compile.
    fn prepare(&self, code_hash: H256, wasm: &[u8], complexity_budget: u64) -> Result<Prepared, PrepareError>;

    /// Runs one frame on a fresh instance. Blocks until the frame and every frame it called have ended.
    ///
    /// `code_hash` names the code in caches; `wasm` gives the raw module, called only when no cache holds it. `None` from
    /// it means that the account's code is not a module: `Halt(IllegalModule)`.
    fn execute(
        &self,
        code_hash: H256,
        wasm: &mut dyn FnMut() -> Option<Vec<u8>>,
        entry: Entry,
        frame: &Frame,
        host: &mut dyn Host,
        fuel: u64,
    ) -> Execution;
}
