//! The machine as its users see it: prepare a module, execute an entry point.

use esker_abi::{Limits, MeterVersion};
use primitive_types::H256;

use crate::session::{Admission, Busy, Session};
use crate::{Fatal, Frame, Host, ModuleFacts, Outcome};

/// The code of an account, and how it is metered: an envelope ([`crate::envelope`]), the hash that names it, a schedule.
///
/// `hash` must commit to `envelope`: what a cache holds under a hash is not compared with the bytes again.
#[derive(Clone, Copy, Debug)]
pub struct Code<'a> {
    /// Names the code in caches.
    pub hash: H256,
    /// The envelope, nothing after it. The machine inflates it within its own limits, and only if no cache holds the
    /// module.
    pub envelope: &'a [u8],
    /// The schedule that its instructions are charged by.
    pub meter: MeterVersion,
}

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

/// What became of preparing an acceptable module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preparation {
    /// It is compiled and can be executed.
    Ready(ModuleFacts),
    /// Its complexity is over the budget: it was not compiled.
    OverBudget(ModuleFacts),
}

impl Preparation {
    /// What is known of the module either way.
    #[must_use]
    pub const fn facts(&self) -> &ModuleFacts {
        match self {
            Self::Ready(facts) | Self::OverBudget(facts) => facts,
        }
    }
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
///
/// It is used through a [`Session`], which nobody but [`crate::execution`] and [`crate::simulation`] can open.
pub trait Machine: Send + Sync {
    /// The bounds on modules and frames that it holds them to, and the one place where a chain's rules have them from.
    fn limits(&self) -> &Limits;

    /// Waits for one of the places set aside for executing blocks, which nothing else ever takes.
    fn admit_execution(&self) -> Admission {
        Admission::unlimited()
    }

    /// Takes one of the places set aside for calls that decide nothing.
    ///
    /// # Errors
    /// [`Busy`] if none came free in time.
    fn admit_simulation(&self) -> Result<Admission, Busy> {
        Ok(Admission::unlimited())
    }

    /// Decides whether `code` holds an acceptable module and readies it for execution.
    ///
    /// The caller charges for the raw length before, and for [`ModuleFacts::complexity`] after: `complexity_budget` is the
    /// most complexity it can pay for.
    ///
    /// # Errors
    /// [`PrepareError::Rejected`] when envelope or module is invalid; [`PrepareError::Fatal`] when an accepted module
    /// failed to compile.
    fn prepare(
        &self,
        session: &Session<'_>,
        code: Code<'_>,
        complexity_budget: u64,
    ) -> Result<Preparation, PrepareError>;

    /// Runs one frame on a fresh instance. Blocks until the frame and every frame it called have ended.
    ///
    /// Code that is no envelope of an acceptable module is `Halt(IllegalModule)`. A frame whose fuel does not cover what it
    /// starts with halts before anything is loaded.
    fn execute(
        &self,
        session: &Session<'_>,
        code: Code<'_>,
        entry: Entry,
        frame: &Frame,
        host: &mut dyn Host,
        fuel: u64,
    ) -> Execution;

    /// Whether the module of that code, metered so, can be executed without compiling it first; may read and check a file.
    fn is_ready(&self, code_hash: &H256, meter: MeterVersion) -> bool {
        let _ = (code_hash, meter);
        true
    }

    /// Compiles `code`, which an account holds, before any block needs it metered so. Takes neither a place nor a flight nor
    /// memory from what blocks do, and runs on the calling thread, which others should go before. True if it is ready then;
    /// false if what was compiled could not be kept.
    ///
    /// # Errors
    /// As [`Machine::prepare`].
    fn compile_ahead(&self, code: Code<'_>) -> Result<bool, PrepareError> {
        let _ = code;
        Ok(true)
    }

    /// Tells that committed accounts hold the codes with these hashes: what is kept of them on disk stays.
    fn hold(&self, code_hashes: &[H256]) {
        let _ = code_hashes;
    }

    /// Tells, before anything is executed, that committed accounts hold the codes with these hashes and no others, and that
    /// blocks meter them by these schedules. What is kept on disk of another code or for another schedule, or was made by
    /// another version or back end, is deleted: an upgrade would leave all of it behind.
    fn hold_only(&self, code_hashes: &[H256], meters: &[MeterVersion]) {
        let _ = (code_hashes, meters);
    }
}
