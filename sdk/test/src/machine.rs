//! A machine that runs chosen contracts natively and everything else as wasm, over the same journal.

use std::collections::BTreeMap;

use esker_sdk::native::{Outcome as NativeOutcome, run_entry};
use esker_vm::abi::Limits;
use esker_vm::{
    Admission, Busy, Code, Engine, Entry, Execution, Fatal, Frame, Halt, Host, HostError, Machine, Meter, Outcome,
    Preparation, PrepareError, Session,
};
use parking_lot::RwLock;
use primitive_types::H256;

use crate::bridge::Bridge;

/// A contract's entry points as ordinary functions.
#[derive(Clone, Copy)]
pub(crate) struct NativeContract {
    pub(crate) call: fn() -> Vec<u8>,
    pub(crate) deploy: fn() -> Vec<u8>,
}

/// Runs registered code hashes natively. With nothing registered it is the engine.
pub(crate) struct TestMachine {
    engine: Engine,
    native: RwLock<BTreeMap<H256, NativeContract>>,
}

impl TestMachine {
    pub(crate) fn new(engine: Engine) -> Self {
        Self { engine, native: RwLock::default() }
    }

    /// From now on, code with this hash runs natively.
    pub(crate) fn register(&self, code_hash: H256, contract: NativeContract) {
        self.native.write().insert(code_hash, contract);
    }

    fn run_natively(entry: fn() -> Vec<u8>, frame: &Frame, host: &mut dyn Host, fuel: u64) -> Execution {
        let mut bridge = Bridge { frame, host, meter: Meter::new(fuel), struck: None };
        let ended = run_entry(entry, &mut bridge);
        let fuel_left = bridge.meter.fuel();
        let outcome = match ended {
            NativeOutcome::Return(output) => Outcome::Return(output),
            NativeOutcome::Revert(output) => Outcome::Revert(output),
            NativeOutcome::Interrupted => match bridge.struck {
                Some(HostError::Halt(halt)) => Outcome::Halt(halt),
                Some(HostError::Fatal(fatal)) => Outcome::Fatal(fatal),
                None => Outcome::Fatal(Fatal::Engine("a native frame was interrupted without a reason".into())),
            },
        };
        match outcome {
            Outcome::Return(ref output) | Outcome::Revert(ref output)
                if output.len() > esker_vm::abi::Limits::V1.output_bytes_max as usize =>
            {
                Execution { outcome: Outcome::Halt(Halt::OutputTooLarge), fuel_left: 0 }
            }
            Outcome::Halt(_) => Execution { outcome, fuel_left: 0 },
            _ => Execution { outcome, fuel_left },
        }
    }
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
        self.engine.prepare(session, code, complexity_budget)
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
        let native = self.native.read().get(&code.hash).copied();
        match (native, entry) {
            (Some(contract), Entry::Call) => Self::run_natively(contract.call, frame, host, fuel),
            (Some(contract), Entry::Deploy) => Self::run_natively(contract.deploy, frame, host, fuel),
            (None, _) => self.engine.execute(session, code, entry, frame, host, fuel),
        }
    }
}
