//! Random trees of calls and creations: the runtime and a plain reading of the specification agree on every frame's gas,
//! on the fuel left after every operation, and on the state at the end.

mod model;
mod program;
#[path = "../../../tests/src/seeded.rs"]
mod seeded;
mod state;
#[path = "../world/mod.rs"]
mod world;

use std::sync::{Arc, Mutex};

use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_primitives::{Address, Bytes, TxKind, U256, keccak256};
use esker_runtime::exec::{ExecutionStatus, Executor, FrameEnd, FrameStart, Inspector, Message};
use esker_vm::{CallKind, CallRequest, CallResult, CreateRequest, CreateResult, Halt, HostError};
use world::*;

use model::Model;
use program::{CONTRACTS, Case, Ending, LIES, Op, Program, Sent, contract};
use state::{Account as ModelAccount, State, genesis};

const SEED: &[u8; 32] = b"esker: trees of calls, seed one.";
const CASES: u32 = 2_000;

/// What is to be seen of an execution, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    Begins {
        gas: u64,
    },
    Ends {
        status: u8,
        used: u64,
    },
    /// Left after an operation.
    Fuel(u64),
    /// What a host function answered.
    Number(u64),
}

/// A status as guests see it.
const fn ended(ending: Ending) -> u8 {
    match ending {
        Ending::Return => 0,
        Ending::Revert => 1,
        Ending::Halt => 2,
    }
}

/// Transactions pay the base fee and a tip of 1 wei.
fn wei_per_gas() -> U256 {
    U256::from(env().base_fee + 1)
}

/// The envelope with another promise.
fn envelope_of(code: &Bytes, promise: Option<u32>) -> Bytes {
    let mut code = code.to_vec();
    if let Some(promise) = promise {
        code[5..9].copy_from_slice(&promise.to_be_bytes());
    }
    code.into()
}

fn is_liar(code: &[u8]) -> bool {
    let promise = u32::from_be_bytes(code[5..9].try_into().expect("a header"));
    LIES.contains(&promise)
}

type Record = Arc<Mutex<Vec<Seen>>>;

struct Recorder(Record);

impl Inspector for Recorder {
    fn frame_begins(&mut self, frame: &FrameStart<'_>) {
        self.0.lock().expect("nobody panics").push(Seen::Begins { gas: frame.gas });
    }

    fn frame_ends(&mut self, end: &FrameEnd<'_>) {
        let status = match end.status {
            ExecutionStatus::Success => 0,
            ExecutionStatus::Revert => 1,
            ExecutionStatus::Halt(_) => 2,
        };
        self.0.lock().expect("nobody panics").push(Seen::Ends { status, used: end.gas_used });
    }
}

/// What the scripted contracts share.
struct Shared {
    programs: Vec<Program>,
    /// Envelopes by complexity.
    codes: Mutex<Vec<(u64, Bytes)>>,
    created: Mutex<Option<Address>>,
    seen: Record,
}

impl Shared {
    fn code(&self, complexity: u64) -> Bytes {
        let codes = self.codes.lock().expect("nobody panics");
        codes.iter().find(|(of, _)| *of == complexity).expect("one of those made").1.clone()
    }

    fn see(&self, seen: Seen) {
        self.seen.lock().expect("nobody panics").push(seen);
    }

    fn run(&self, guest: &mut Guest<'_>) -> Result<End, HostError> {
        let number = u64::from_be_bytes(guest.frame.input[..].try_into().expect("a program's number"));
        let program = &self.programs[number as usize];
        for op in &program.ops {
            self.step(op, guest)?;
            self.see(Seen::Fuel(guest.meter.fuel()));
        }
        match program.ending {
            Ending::Return => Ok(End::Return(Vec::new())),
            Ending::Revert => Ok(End::Revert(Vec::new())),
            Ending::Halt => Err(Halt::Unreachable.into()),
        }
    }

    fn step(&self, op: &Op, guest: &mut Guest<'_>) -> Result<(), HostError> {
        let own = Address::new(guest.frame.address.0);
        let created = *self.created.lock().expect("nobody panics");
        let place = |target: &program::Target| h160(target.address(own, created));
        let (host, meter) = (&mut *guest.host, &mut guest.meter);
        match op {
            Op::Burn { fuel } => meter.charge_fuel(*fuel)?,
            Op::Call { kind, target, gas, value, program } => {
                let input = (*program as u64).to_be_bytes();
                let value = (*value).into();
                let request = CallRequest { kind: *kind, gas: *gas, target: place(target), value, input: &input };
                let number = match host.call(request, meter)? {
                    CallResult::Success(_) => 0,
                    CallResult::Revert(_) => 1,
                    CallResult::Halt => 2,
                };
                self.see(Seen::Number(number));
            }
            Op::Create { value, salt, complexity, promise, program } => {
                let code = envelope_of(&self.code(*complexity), *promise);
                let payload = [&code[..], &(*program as u64).to_be_bytes()].concat();
                let request = CreateRequest { value: (*value).into(), payload: &payload, salt: salt.map(h256) };
                let number = match host.create(request, meter)? {
                    CreateResult::Success(address) => {
                        *self.created.lock().expect("nobody panics") = Some(Address::new(address.0));
                        0
                    }
                    CreateResult::Revert(_) => 1,
                    CreateResult::Halt => 2,
                };
                self.see(Seen::Number(number));
            }
            Op::Store { slot, value } => host.storage_store(h256(*slot), h256(*value), meter)?,
            Op::Load { slot } => drop(host.storage_load(h256(*slot), meter)?),
            Op::TransientStore { slot, value } => host.transient_store(h256(*slot), h256(*value), meter)?,
            Op::TransientLoad { slot } => {
                let value = host.transient_load(h256(*slot), meter)?;
                self.see(Seen::Number(U256::from_be_bytes(value.0).to()));
            }
            Op::Balance(target) => {
                let balance = host.balance(place(target), meter)?;
                self.see(Seen::Number(balance.0[0]));
            }
            Op::CodeHash(target) => drop(host.code_hash(place(target), meter)?),
            Op::CodeSize(target) => {
                let size = host.code_size(place(target), meter)?;
                self.see(Seen::Number(size.into()));
            }
            Op::Log { topics, bytes } => {
                let log = esker_vm::Log { topics: vec![h256(1); *topics], data: vec![0; *bytes] };
                host.log(log, meter)?;
            }
        }
        Ok(())
    }
}

/// The transaction as it is signed.
fn transaction_of(sent: &Sent, nonce: u64, shared: &Shared) -> esker_runtime::Transaction {
    let input = (sent.program as u64).to_be_bytes();
    let warm = sent.warm.iter().map(|(target, keys)| AccessListItem {
        address: target.address(Address::ZERO, None),
        storage_keys: keys.iter().map(|key| word(*key)).collect(),
    });
    let (to, input) = match sent.target {
        Some(target) => (TxKind::Call(target.address(Address::ZERO, None)), input.to_vec()),
        None => (TxKind::Create, [&shared.code(sent.complexity)[..], &input].concat()),
    };
    let mut unsigned = transaction(nonce, to, sent.value, input);
    unsigned.gas_limit = sent.gas_limit;
    unsigned.access_list = AccessList(warm.collect());
    signed(0, unsigned)
}

fn check(case: &Case) {
    let machine = ScriptedMachine::default();
    let seen = Record::default();
    let shared = Arc::new(Shared {
        programs: case.programs.clone(),
        codes: Mutex::default(),
        created: Mutex::default(),
        seen: seen.clone(),
    });
    for complexity in program::COMPLEXITIES {
        let runs = Arc::clone(&shared);
        let code = machine.code(complexity, move |guest| runs.run(guest));
        shared.codes.lock().expect("nobody panics").push((complexity, code));
    }
    let mut ledger = Ledger::default();
    let mut state: State = genesis();
    ledger.put_balance(signer(0), FUNDS);
    let mut put = |address: Address, code: Bytes, balance: u64| {
        ledger.put_contract(address, code.clone());
        ledger.accounts.get_mut(&address).expect("just put").balance = U256::from(balance);
        state.accounts.insert(address, ModelAccount { nonce: 1, balance: U256::from(balance), code: Some(code) });
    };
    for index in 0..CONTRACTS {
        put(contract(index), shared.code(u64::from(index.min(1))), 1_000);
    }
    for (index, lie) in LIES.into_iter().enumerate() {
        put(
            program::Target::Liar(index as u8).address(Address::ZERO, None),
            envelope_of(&shared.code(0), Some(lie)),
            0,
        );
    }
    for slot in 0..2 {
        ledger.put_slot(contract(0), slot, 1);
        state.slots.insert((contract(0), slot), 1);
    }
    let code = |complexity| shared.code(complexity);
    let mut model = Model::new(case, state, &code);
    let config = config();
    let mut recorder = Recorder(seen.clone());
    let changes = esker_vm::execution(&machine, |session| {
        let mut executor = Executor::new(session, &ledger, &config, &env()).inspected_by(&mut recorder);
        for (nonce, sent) in case.sent.iter().enumerate() {
            *shared.created.lock().expect("nobody panics") = None;
            let transaction = transaction_of(sent, nonce as u64, &shared);
            let result = executor.execute(&Message::from(&transaction)).expect("it is valid");
            let (ending, used) = model.transaction(sent);
            let expected = std::mem::take(&mut model.seen);
            let got = std::mem::take(&mut *seen.lock().expect("nobody panics"));
            let apart = expected.iter().zip(&got).position(|(one, other)| one != other);
            assert_eq!(apart.map(|at| (at, expected[at], got[at])), None, "the specification's, then the runtime's");
            assert_eq!(got.len(), expected.len());
            let status = match result.status {
                ExecutionStatus::Success => 0,
                ExecutionStatus::Revert => 1,
                ExecutionStatus::Halt(_) => 2,
            };
            assert_eq!((status, result.gas_used), (ended(ending), used));
        }
        executor.journal().changes()
    });
    ledger.apply(&changes);
    for (address, account) in &model.state.accounts {
        let code_hash = account.code.as_ref().map_or(alloy_primitives::KECCAK256_EMPTY, keccak256);
        let got = ledger.accounts.get(address).copied().unwrap_or_default();
        assert_eq!((got.nonce, got.balance, got.code_hash), (account.nonce, account.balance, code_hash), "{address}");
    }
    for ((address, slot), value) in &model.state.slots {
        assert_eq!(ledger.storage.get(&(*address, word(*slot))).copied().unwrap_or_default(), word(*value));
    }
}

#[test]
fn runtime_and_specification_agree_on_random_trees_of_calls() {
    seeded::run(SEED, CASES, program::case(), |case| check(&case));
}

/// A frame calls itself as deep as it goes, and whoever stands deepest calls once more.
#[test]
fn runtime_and_specification_agree_at_the_greatest_depth() {
    let call = |kind, value| Op::Call { kind, target: program::Target::Own, gas: u64::MAX, value, program: 0 };
    for kind in [CallKind::Call, CallKind::Delegate, CallKind::Static] {
        for ending in [Ending::Return, Ending::Revert, Ending::Halt] {
            let program = Program { ops: vec![Op::CodeSize(program::Target::Own), call(kind, 0)], ending };
            let sent = Sent {
                target: Some(program::Target::Contract(0)),
                gas_limit: 25_000_000,
                value: 3,
                program: 0,
                complexity: 0,
                warm: Vec::new(),
            };
            check(&Case { programs: vec![program], sent: vec![sent] });
        }
    }
}
