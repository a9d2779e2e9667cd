//! A machine that runs chosen codes natively and everything else as wasm, over the same journal.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use alloy_primitives::keccak256;
use esker_sdk::native::{NativeContract, Outcome as NativeOutcome, run_entry};
use esker_vm::abi::Limits;
use esker_vm::{
    Admission, Busy, Code, Engine, Entry, Execution, Fatal, Frame, Halt, Host, HostError, Machine, Meter, ModuleFacts,
    Outcome, Preparation, PrepareError, Session,
};
use parking_lot::{Mutex, RwLock};
use primitive_types::H256;

use crate::artifacts::Codes;
use crate::bridge::Bridge;
use crate::mock::{Answer, Called, Script};
use crate::observe::TransientWrite;
use crate::watch::Watch;

/// What runs instead of a code's wasm.
#[derive(Clone)]
enum Stand {
    Native(NativeContract),
    Mock(Script),
}

/// Runs registered code hashes natively. With nothing registered it is the engine.
pub(crate) struct TestMachine {
    engine: Engine,
    /// Where the code of contracts comes from, and whether it runs natively.
    codes: Codes,
    stands: RwLock<BTreeMap<H256, Stand>>,
    /// Transient slots written since they were last taken.
    transient: Mutex<Vec<TransientWrite>>,
    /// What is wrong with the test or the contract, since it was last taken.
    complaints: Mutex<Vec<String>>,
}

impl TestMachine {
    pub(crate) fn new(engine: Engine, codes: Codes) -> Self {
        Self { engine, codes, stands: RwLock::default(), transient: Mutex::default(), complaints: Mutex::default() }
    }

    /// A contract's deploy envelope. From now on it runs natively wherever it stands, if this run is native or it has no
    /// wasm.
    ///
    /// # Panics
    /// If the contract does not build.
    pub(crate) fn code_of(&self, contract: &NativeContract) -> Vec<u8> {
        let (code, runs_natively) = self.codes.of(contract);
        if runs_natively {
            self.stands.write().insert(H256(keccak256(&code).0), Stand::Native(*contract));
        }
        code
    }

    /// From now on, calls of code with this hash are answered by `script`.
    pub(crate) fn mock(&self, code_hash: H256, script: Script) {
        self.stands.write().insert(code_hash, Stand::Mock(script));
    }

    /// The transient writes and the complaints since the last time.
    pub(crate) fn take(&self) -> (Vec<TransientWrite>, Vec<String>) {
        (std::mem::take(&mut *self.transient.lock()), std::mem::take(&mut *self.complaints.lock()))
    }

    fn run_natively(
        &self,
        contract: NativeContract,
        entry: Entry,
        frame: &Frame,
        host: &mut dyn Host,
        fuel: u64,
    ) -> Execution {
        let mut bridge = Bridge::new(self, frame, host, Meter::new(fuel), contract.declared);
        let entry = match entry {
            Entry::Call => contract.call,
            Entry::Deploy => contract.deploy,
        };
        let ended = run_entry(entry, &mut bridge);
        let fuel_left = bridge.meter.fuel();
        self.complaints.lock().append(&mut bridge.undeclared);
        let outcome = match ended {
            NativeOutcome::Return(output) => Outcome::Return(output),
            NativeOutcome::Revert(output) => Outcome::Revert(output),
            NativeOutcome::Interrupted => match bridge.struck {
                Some(HostError::Halt(halt)) => Outcome::Halt(halt),
                Some(HostError::Fatal(fatal)) => Outcome::Fatal(fatal),
                None => Outcome::Fatal(Fatal::Engine("a native frame was interrupted without a reason".into())),
            },
        };
        ended_with(outcome, fuel_left)
    }

    fn answer(&self, script: &Script, frame: &Frame, fuel: u64) -> Execution {
        let called = Called::of(frame);
        // A panic would pass for one of the contract that calls, and become a revert.
        let answer = catch_unwind(AssertUnwindSafe(|| script(&called))).unwrap_or_else(|panic| {
            let message = format!("the mock at {} panicked: {}", called.address, words_of(panic.as_ref()));
            self.complaints.lock().push(message);
            Answer::Halt
        });
        let outcome = match answer {
            Answer::Return(output) => Outcome::Return(output),
            Answer::Revert(output) => Outcome::Revert(output),
            Answer::Halt => Outcome::Halt(Halt::Unreachable),
        };
        ended_with(outcome, fuel)
    }
}

/// The execution that ended so, within the bounds that hold for wasm.
fn ended_with(outcome: Outcome, fuel_left: u64) -> Execution {
    match outcome {
        Outcome::Return(ref output) | Outcome::Revert(ref output)
            if output.len() > Limits::V1.output_bytes_max as usize =>
        {
            Execution { outcome: Outcome::Halt(Halt::OutputTooLarge), fuel_left: 0 }
        }
        Outcome::Halt(_) => Execution { outcome, fuel_left: 0 },
        _ => Execution { outcome, fuel_left },
    }
}

/// What a panic said.
pub(crate) fn words_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without words")
}

impl Machine for TestMachine {
    fn limits(&self) -> &Limits {
        self.engine.limits()
    }

    fn admit_execution(&self) -> Admission {
        self.engine.admit_execution()
    }

    fn admit_simulation(&self) -> Result<Admission, Busy> {
        self.engine.admit_simulation()
    }

    fn prepare(
        &self,
        session: &Session<'_>,
        code: Code<'_>,
        complexity_budget: u64,
    ) -> Result<Preparation, PrepareError> {
        let stand = self.stands.read().get(&code.hash).cloned();
        match stand {
            // A contract without an artifact; others are checked and compiled in native runs too, as wasm they must pass.
            Some(Stand::Native(contract)) if crate::stand_in::is_stand_in(code.envelope) => {
                Ok(Preparation::Ready(ModuleFacts {
                    module_bytes: 0,
                    complexity: 0,
                    has_constructor: contract.has_constructor,
                    initial_pages: 0,
                    maximum_pages: 0,
                    table_entries: 0,
                    data_segments: 0,
                    data_bytes: 0,
                    optimizable: false,
                }))
            }
            _ => self.engine.prepare(session, code, complexity_budget),
        }
    }

    fn execute(
        &self,
        session: &Session<'_>,
        code: Code<'_>,
        entry: Entry,
        frame: &Frame,
        host: &mut dyn Host,
        fuel: u64,
    ) -> Execution {
        let mut host = Watch { host, account: frame.address, writes: &self.transient };
        let stand = self.stands.read().get(&code.hash).cloned();
        match stand {
            Some(Stand::Native(contract)) => self.run_natively(contract, entry, frame, &mut host, fuel),
            Some(Stand::Mock(script)) => self.answer(&script, frame, fuel),
            None => self.engine.execute(session, code, entry, frame, &mut host, fuel),
        }
    }
}
