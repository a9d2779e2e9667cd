//! A small world in memory for tests of the machine: accounts with balance, code and storage, transient storage, logs,
//! and calls by the usual rules (63/64, depth, rollback). It is no Ethereum: code is bare wasm and state access is free.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::collections::BTreeMap;

use esker_vm::abi::{FUEL_PER_GAS, Limits, MeterVersion};
use esker_vm::{
    BlockContext, CallKind, CallRequest, CallResult, Code, CreateRequest, CreateResult, Engine, EngineConfig,
    EngineKind, Entry, Execution, Fatal, Frame, Halt, Host, HostError, Log, Machine, Meter, Outcome, Session,
    TierPolicy, TransactionContext, crypto, envelope, execution,
};
use primitive_types::{H160, H256, U256};

/// Fuel that no test module uses up unless it means to.
pub const PLENTY: u64 = 1_000_000 * FUEL_PER_GAS;

/// Both compilers of both back ends, with the default rules and little address space.
pub fn engines() -> Vec<Engine> {
    configs().into_iter().map(|config| Engine::new(config).expect("the engine starts")).collect()
}

pub fn configs() -> Vec<EngineConfig> {
    let mut configs = Vec::new();
    for kind in [EngineKind::Cranelift, EngineKind::Pulley] {
        for tiers in [TierPolicy::Baseline, TierPolicy::Optimised] {
            let (execution_sessions, simulation_sessions) = (1, 1);
            configs.push(EngineConfig {
                tiers,
                execution_sessions,
                simulation_sessions,
                ..EngineConfig::with_kind(kind)
            });
        }
    }
    configs
}

pub fn engine(kind: EngineKind) -> Engine {
    Engine::new(EngineConfig::with_kind(kind)).expect("the engine starts")
}

pub fn wasm(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|error| panic!("invalid text: {error}\n{text}"))
}

pub fn account(number: u8) -> H160 {
    H160::repeat_byte(number)
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    pub balance: U256,
    pub code: Vec<u8>,
    pub storage: BTreeMap<H256, H256>,
}

/// Everything that a failed frame rolls back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    pub accounts: BTreeMap<H160, Account>,
    pub transient: BTreeMap<(H160, H256), H256>,
    pub logs: Vec<(H160, Log)>,
    pub created: u64,
}

pub struct World<'a> {
    machine: &'a dyn Machine,
    pub state: State,
    pub transaction: TransactionContext,
    pub block: BlockContext,
    /// The frames now running, outermost first.
    frames: Vec<Frame>,
    /// Most frames that ran at once.
    pub deepest: usize,
    /// Codes in their envelopes.
    envelopes: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// The world while a session runs in it: what the guests see.
struct Stage<'w, 'a> {
    world: &'w mut World<'a>,
    session: &'w Session<'w>,
}

impl<'a> std::ops::Deref for Stage<'_, 'a> {
    type Target = World<'a>;

    fn deref(&self) -> &World<'a> {
        self.world
    }
}

impl std::ops::DerefMut for Stage<'_, '_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.world
    }
}

impl<'a> World<'a> {
    pub fn new(machine: &'a dyn Machine) -> Self {
        let block = BlockContext {
            number: 1_000,
            timestamp: 1_700_000_000,
            gas_limit: 30_000_000,
            base_fee: U256::from(7),
            coinbase: account(0xcb),
            prevrandao: H256::repeat_byte(0x4d),
            chain_id: 31_337,
        };
        let transaction = TransactionContext { origin: account(0xee), gas_price: U256::from(9) };
        Self {
            machine,
            state: State::default(),
            transaction,
            block,
            frames: Vec::new(),
            deepest: 0,
            envelopes: BTreeMap::new(),
        }
    }

    /// A world in which account 1 has this code.
    pub fn with_code(machine: &'a dyn Machine, text: &str) -> Self {
        let mut world = Self::new(machine);
        world.set_code(account(1), wasm(text));
        world
    }

    pub fn set_code(&mut self, address: H160, code: Vec<u8>) {
        self.state.accounts.entry(address).or_default().code = code;
    }

    /// A message call from the origin to account 1.
    pub fn call(&mut self, input: &[u8], fuel: u64) -> Execution {
        self.call_account(account(1), input, fuel)
    }

    pub fn call_account(&mut self, address: H160, input: &[u8], fuel: u64) -> Execution {
        let frame = Frame { address, caller: self.transaction.origin, input: input.to_vec(), ..Frame::default() };
        self.run(address, Entry::Call, frame, fuel)
    }

    pub fn deploy(&mut self, arguments: &[u8], fuel: u64) -> Execution {
        let frame = Frame {
            address: account(1),
            caller: self.transaction.origin,
            input: arguments.to_vec(),
            ..Frame::default()
        };
        self.run(account(1), Entry::Deploy, frame, fuel)
    }

    /// Runs any code in this world.
    pub fn execute(&mut self, code: Code<'_>, entry: Entry, frame: &Frame, fuel: u64) -> Execution {
        execution(self.machine, |session| {
            session.execute(code, entry, frame, &mut Stage { world: self, session }, fuel)
        })
    }

    /// Runs a frame of the origin's in a session of its own.
    fn run(&mut self, code_of: H160, entry: Entry, frame: Frame, fuel: u64) -> Execution {
        execution(self.machine, |session| Stage { world: self, session }.run(code_of, entry, frame, fuel))
    }

    /// Message calls from the origin, one after the other in one session: account, input, fuel. With the number of
    /// instances that are idle after each.
    pub fn calls(&mut self, calls: &[(H160, Vec<u8>, u64)]) -> Vec<(Execution, usize)> {
        let caller = self.transaction.origin;
        execution(self.machine, |session| {
            let mut stage = Stage { world: self, session };
            let run = |(address, input, fuel): &(H160, Vec<u8>, u64)| {
                let frame = Frame { address: *address, caller, input: input.clone(), ..Frame::default() };
                (stage.run(*address, Entry::Call, frame, *fuel), session.idle_instances())
            };
            calls.iter().map(run).collect()
        })
    }

    fn frame(&self) -> &Frame {
        self.frames.last().expect("host functions are called from a frame")
    }

    fn writable(&self) -> Result<(), HostError> {
        if self.frame().is_static { Err(Halt::StaticViolation.into()) } else { Ok(()) }
    }
}

impl Stage<'_, '_> {
    fn run(&mut self, code_of: H160, entry: Entry, frame: Frame, fuel: u64) -> Execution {
        let code = self.state.accounts.get(&code_of).map(|account| account.code.clone()).unwrap_or_default();
        if code.is_empty() {
            return Execution { outcome: Outcome::Return(Vec::new()), fuel_left: fuel };
        }
        let before = self.state.clone();
        self.frames.push(frame.clone());
        self.deepest = self.deepest.max(self.frames.len());
        let hash = H256(crypto::keccak256(&code));
        let envelope = self.envelopes.entry(code).or_insert_with_key(|code| envelope::encode(code)).clone();
        let code = Code { hash, envelope: &envelope, meter: MeterVersion::V1 };
        let execution = self.session.execute(code, entry, &frame, self, fuel);
        self.frames.pop();
        if !matches!(execution.outcome, Outcome::Return(_)) {
            self.state = before;
        }
        execution
    }

    /// Runs a frame on behalf of another and settles its gas.
    fn sub_frame(
        &mut self,
        code_of: H160,
        entry: Entry,
        frame: Frame,
        gas: u64,
        meter: &mut Meter,
    ) -> Result<Option<Outcome>, HostError> {
        meter.charge_gas(gas)?;
        if self.frames.len() >= Limits::V1.call_depth_max as usize {
            meter.return_gas(gas);
            return Ok(None);
        }
        let execution = self.run(code_of, entry, frame, gas * FUEL_PER_GAS);
        meter.return_gas(execution.fuel_left / FUEL_PER_GAS);
        match execution.outcome {
            Outcome::Fatal(fatal) => Err(HostError::Fatal(fatal)),
            outcome => Ok(Some(outcome)),
        }
    }
}

impl Host for Stage<'_, '_> {
    fn transaction(&self) -> &TransactionContext {
        &self.transaction
    }

    fn block(&self) -> &BlockContext {
        &self.block
    }

    fn block_hash(&mut self, number: u64) -> Result<H256, HostError> {
        let recent = number < self.block.number && self.block.number - number <= 256;
        Ok(if recent { H256(crypto::keccak256(&number.to_be_bytes())) } else { H256::zero() })
    }

    fn storage_load(&mut self, key: H256, _: &mut Meter) -> Result<H256, HostError> {
        let address = self.frame().address;
        let account = self.state.accounts.get(&address);
        Ok(account.and_then(|account| account.storage.get(&key)).copied().unwrap_or_default())
    }

    fn storage_store(&mut self, key: H256, value: H256, _: &mut Meter) -> Result<(), HostError> {
        self.writable()?;
        let address = self.frame().address;
        self.state.accounts.entry(address).or_default().storage.insert(key, value);
        Ok(())
    }

    fn transient_load(&mut self, key: H256, _: &mut Meter) -> Result<H256, HostError> {
        Ok(self.state.transient.get(&(self.frame().address, key)).copied().unwrap_or_default())
    }

    fn transient_store(&mut self, key: H256, value: H256, _: &mut Meter) -> Result<(), HostError> {
        self.writable()?;
        let address = self.frame().address;
        self.state.transient.insert((address, key), value);
        Ok(())
    }

    fn balance(&mut self, account: H160, _: &mut Meter) -> Result<U256, HostError> {
        Ok(self.state.accounts.get(&account).map(|account| account.balance).unwrap_or_default())
    }

    fn code_hash(&mut self, account: H160, _: &mut Meter) -> Result<H256, HostError> {
        Ok(self.state.accounts.get(&account).map(|account| H256(crypto::keccak256(&account.code))).unwrap_or_default())
    }

    fn code_size(&mut self, account: H160, _: &mut Meter) -> Result<u32, HostError> {
        Ok(self.state.accounts.get(&account).map_or(0, |account| account.code.len() as u32))
    }

    fn log(&mut self, log: Log, _: &mut Meter) -> Result<(), HostError> {
        self.writable()?;
        let address = self.frame().address;
        self.state.logs.push((address, log));
        Ok(())
    }

    fn call(&mut self, request: CallRequest<'_>, meter: &mut Meter) -> Result<CallResult, HostError> {
        let current = self.frame().clone();
        if !request.value.is_zero() {
            self.writable()?;
        }
        let delegate = request.kind == CallKind::Delegate;
        let address = if delegate { current.address } else { request.target };
        let frame = Frame {
            address,
            caller: if delegate { current.caller } else { current.address },
            value: if delegate { current.value } else { request.value },
            input: request.input.to_vec(),
            is_static: current.is_static || request.kind == CallKind::Static,
            is_reentrant: self.frames.iter().any(|frame| frame.address == address),
        };
        let gas = request.gas.min(meter.gas() - meter.gas() / 64);
        Ok(match self.sub_frame(request.target, Entry::Call, frame, gas, meter)? {
            Some(Outcome::Return(data)) => CallResult::Success(data),
            Some(Outcome::Revert(data)) => CallResult::Revert(data),
            _ => CallResult::Halt,
        })
    }

    fn create(&mut self, request: CreateRequest<'_>, meter: &mut Meter) -> Result<CreateResult, HostError> {
        self.writable()?;
        let creator = self.frame().address;
        let before = self.state.clone();
        self.state.created += 1;
        let seed = [&[0xff], creator.as_bytes(), &self.state.created.to_be_bytes()].concat();
        let address = H160::from_slice(&crypto::keccak256(&seed)[12..]);
        self.set_code(address, request.payload.to_vec());
        let frame = Frame { address, caller: creator, value: request.value, ..Frame::default() };
        let gas = meter.gas() - meter.gas() / 64;
        Ok(match self.sub_frame(address, Entry::Deploy, frame, gas, meter)? {
            Some(Outcome::Return(_)) => CreateResult::Success(address),
            Some(Outcome::Revert(data)) => {
                self.state = before;
                CreateResult::Revert(data)
            }
            _ => {
                self.state = before;
                CreateResult::Halt
            }
        })
    }
}

/// Runs one call of `text` on a fresh world of each engine and requires the same end everywhere: outcome, fuel, state.
#[track_caller]
pub fn on_all(text: &str, input: &[u8], fuel: u64) -> (Execution, State) {
    let mut ends = engines().into_iter().map(|engine| {
        let mut world = World::with_code(&engine, text);
        let execution = world.call(input, fuel);
        (engine.kind(), execution, world.state)
    });
    let (_, execution, state) = ends.next().expect("there are engines");
    for (kind, other, other_state) in ends {
        assert_eq!(other, execution, "{kind} ends in another way");
        assert_eq!(other_state, state, "{kind} leaves another state");
    }
    (execution, state)
}

/// The halt of a call that must halt, with all of its fuel burnt.
#[track_caller]
pub fn halt_of(text: &str, input: &[u8], fuel: u64) -> Halt {
    let (execution, _) = on_all(text, input, fuel);
    assert_eq!(execution.fuel_left, 0, "a halt burns everything");
    match execution.outcome {
        Outcome::Halt(halt) => halt,
        other => panic!("expected a halt, got {other:?}"),
    }
}

/// The output of a call that must succeed.
#[track_caller]
pub fn output_of(text: &str, input: &[u8]) -> Vec<u8> {
    match on_all(text, input, PLENTY).0.outcome {
        Outcome::Return(output) => output,
        other => panic!("expected a return, got {other:?}"),
    }
}

/// The message of a fatal end.
#[track_caller]
pub fn fatal_of(execution: Execution) -> Fatal {
    match execution.outcome {
        Outcome::Fatal(fatal) => fatal,
        other => panic!("expected a fault of the node, got {other:?}"),
    }
}
