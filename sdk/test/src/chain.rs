//! A chain in this process, for tests: the runtime's own execution, without blocks to wait for or fees to pay.

use std::path::PathBuf;
use std::sync::Arc;

use alloy_primitives::{Address, Bytes, TxKind, U256, keccak256};
use esker_runtime::exec::{Checks, Executor, Message};
use esker_runtime::state::ChangeSet;
use esker_runtime::types::ExecuteError;
use esker_runtime::{ChainConfig, TransactionResult};
use esker_sdk::abi::Output;
use esker_sdk::native::NativeContract;
use esker_sdk::{Contract, MethodCall, View};
use esker_vm::{Engine, EngineConfig, EngineKind, TierPolicy};
use parking_lot::{Mutex, RwLock};

use crate::artifacts::{self, Codes};
use crate::clock::{Clock, GAS_LIMIT};
use crate::convert::{inside, outside, wei};
use crate::gas::Measured;
use crate::machine::TestMachine;
use crate::names::Names;
use crate::observe::Observer;
use crate::record::{End, Record, Step};
use crate::request::{Call, Deploy, Terms};
use crate::sent::Sent;
use crate::world::World;

/// Chain id that contracts see in tests: that of development chains.
pub const CHAIN_ID: u64 = 31_337;
/// Gas of every transaction of a test but deploys, unless the test says otherwise.
const GAS: u64 = 25_000_000;
/// Gas of a deploy: what genesis deploys is not bounded by a block either.
const DEPLOY_GAS: u64 = GAS_LIMIT;

/// How contracts of a run are executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    /// As ordinary Rust.
    Native,
    /// As wasm on the VM.
    Wasm,
}

/// Somebody with coins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    /// The account.
    pub address: esker_sdk::Address,
}

impl From<User> for esker_sdk::Address {
    fn from(user: User) -> Self {
        user.address
    }
}

impl esker_sdk::Operand<esker_sdk::Address> for User {
    fn operand(self) -> esker_sdk::Address {
        self.address
    }
}

/// A chain of its own for one run of one test. Every transaction is a block; gas costs nothing.
pub struct Chain {
    run: Run,
    pub(crate) machine: TestMachine,
    pub(crate) config: ChainConfig,
    /// Who has coins from the start.
    users: Vec<User>,
    pub(crate) world: World,
    pub(crate) clock: Clock,
    pub(crate) names: Arc<RwLock<Names>>,
    pub(crate) record: Record,
    /// Gas that was measured, in the wasm run.
    pub(crate) gas: Arc<Mutex<Measured>>,
    /// Mocks made so far, so that each has a code of its own.
    pub(crate) mocks: u64,
}

/// What is executed: a transaction, or a call that leaves no trace.
struct Order {
    what: String,
    sender: Address,
    to: TxKind,
    value: U256,
    gas: u64,
    input: Bytes,
}

/// What became of an [`Order`].
type Executed = (Result<TransactionResult, ExecuteError>, ChangeSet, Observer);

/// Of an engine for one chain among many: as many tests run at once as the machine has processors, each with a chain of its
/// own, and address space is bounded. So it has one session, memories in their own size and not in 4 GiB, and nothing
/// that goes on in the background when the test is over. None of this changes a result.
fn engine_config() -> EngineConfig {
    EngineConfig {
        tiers: TierPolicy::Baseline,
        execution_sessions: 1,
        simulation_sessions: 0,
        memory_reservation: 64 << 20,
        ..EngineConfig::with_kind(EngineKind::Cranelift)
    }
}

impl Chain {
    /// A chain on which each of `users` has a million coins.
    pub(crate) fn new(run: Run, manifest_dir: PathBuf, users: &[(&str, User)]) -> Self {
        let mut names = Names::default();
        for (name, user) in users {
            names.call(outside(user.address), name);
        }
        let codes = Codes { run, manifest_dir };
        let engine = Engine::new(engine_config()).expect("the engine starts");
        let mut chain = Self {
            run,
            users: users.iter().map(|(_, user)| *user).collect(),
            machine: TestMachine::new(engine, codes),
            config: ChainConfig::new(CHAIN_ID),
            world: World::default(),
            clock: Clock::new(),
            names: Arc::new(RwLock::new(names)),
            record: Record::default(),
            gas: Arc::default(),
            mocks: 0,
        };
        chain.endow();
        chain
    }

    /// Gives every user a million coins.
    pub(crate) fn endow(&mut self) {
        for user in &self.users {
            self.world.set_balance(outside(user.address), U256::from(10).pow(U256::from(24)));
        }
    }

    /// How this run executes contracts.
    #[must_use]
    pub const fn run(&self) -> Run {
        self.run
    }

    /// Deploys a contract and gives its handle.
    ///
    /// # Panics
    /// If the constructor reverts; [`Chain::try_deploy`] is for that.
    #[track_caller]
    pub fn deploy<C: Contract>(
        &mut self,
        by: impl Into<esker_sdk::Address>,
        deployment: impl Into<Deploy<C>>,
    ) -> C::Handle {
        let sent = self.try_deploy(by, deployment).succeeds();
        C::Handle::from(sent.created().expect("a deploy that succeeded has an address"))
    }

    /// Deploys a contract, which may fail. [`Sent::created`] says where it stands.
    ///
    /// # Panics
    /// If the contract does not build.
    #[must_use = "say what is expected of it: .succeeds(), .reverts(error), .halts()"]
    #[track_caller]
    pub fn try_deploy<C: Contract>(
        &mut self,
        by: impl Into<esker_sdk::Address>,
        deployment: impl Into<Deploy<C>>,
    ) -> Sent<()> {
        let Deploy { deployment, value, gas } = deployment.into();
        let sender = outside(by.into());
        let input = deployment.payload(&self.code::<C>()).into();
        let what = format!("{} deploys {}", self.names.read().address(sender), C::NAME);
        let gas = gas.unwrap_or(DEPLOY_GAS);
        let sent = self.transact(Order { what, sender, to: TxKind::Create, value: wei(value), gas, input });
        if let Some(created) = sent.created() {
            self.names.write().call(outside(created), C::NAME);
        }
        sent
    }

    /// Deploys a contract that is sent `value` wei, which may fail: [`Chain::try_deploy`] with
    /// [`Terms::paying`](crate::Terms::paying).
    ///
    /// # Panics
    /// If the contract does not build.
    #[must_use = "say what is expected of it: .succeeds(), .reverts(error), .halts()"]
    #[track_caller]
    pub fn try_deploy_with<C: Contract>(
        &mut self,
        by: impl Into<esker_sdk::Address>,
        value: esker_sdk::U256,
        deployment: esker_sdk::Deployment<C>,
    ) -> Sent<()> {
        self.try_deploy(by, Deploy { deployment, value, gas: None })
    }

    /// The contract's deploy envelope, for factories that create it. From now on the chain knows the contract: its errors
    /// and events have names, and in the native run its code runs natively wherever it stands.
    ///
    /// # Panics
    /// If the contract does not build.
    #[must_use]
    pub fn code<C: Contract>(&mut self) -> Vec<u8> {
        let contract = NativeContract::of::<C>();
        // Not when a contract asks for what it carries: as wasm it does not ask, and both runs are to say the same.
        self.names.write().learn(&artifacts::path_of(&contract), C::abi_json());
        self.machine.code_of(&contract)
    }

    /// Sends a transaction that calls a method. The sender may be any address, a contract's too; its nonce goes up.
    #[must_use = "say what is expected of it: .succeeds(), .returned(), .reverts(error), .halts()"]
    #[track_caller]
    pub fn send<O: Output>(&mut self, by: impl Into<esker_sdk::Address>, call: impl Into<Call<O>>) -> Sent<O> {
        let order = self.order(by.into(), &call.into());
        self.transact(order).typed()
    }

    /// Sends a transaction with any input, for what no typed call makes.
    #[must_use = "say what is expected of it: .succeeds(), .returned(), .reverts(error), .halts()"]
    #[track_caller]
    pub fn send_raw(
        &mut self,
        by: impl Into<esker_sdk::Address>,
        to: impl Into<esker_sdk::Address>,
        value: esker_sdk::U256,
        input: &[u8],
    ) -> Sent<()> {
        let call = MethodCall::<View, ()>::new(to.into(), input.to_vec()).paying(value);
        let order = self.order(by.into(), &call);
        self.transact(order)
    }

    /// Sends coins, in wei, as a transaction without input.
    #[must_use = "say what is expected of it: .succeeds(), .reverts(error), .halts()"]
    #[track_caller]
    pub fn transfer(
        &mut self,
        by: impl Into<esker_sdk::Address>,
        to: impl Into<esker_sdk::Address>,
        value: impl Into<esker_sdk::U256>,
    ) -> Sent<()> {
        self.send_raw(by, to, value.into(), &[])
    }

    /// What a method that changes nothing returns. The zero address asks.
    ///
    /// # Panics
    /// If the call fails; [`Chain::try_read`] is for that.
    #[track_caller]
    pub fn read<O: Output>(&mut self, call: MethodCall<View, O>) -> O::Value {
        self.try_read(call).returned()
    }

    /// Calls a method that changes nothing, which may fail. The zero address asks.
    #[must_use = "say what is expected of it: .succeeds(), .returned(), .reverts(error), .halts()"]
    #[track_caller]
    pub fn try_read<O: Output>(&mut self, call: MethodCall<View, O>) -> Sent<O> {
        self.call(esker_sdk::Address::ZERO, call)
    }

    /// Calls any method as `by`, and leaves no trace of what it changed: what `eth_call` does.
    #[must_use = "say what is expected of it: .succeeds(), .returned(), .reverts(error), .halts()"]
    #[track_caller]
    pub fn call<O: Output>(&mut self, by: impl Into<esker_sdk::Address>, call: impl Into<Call<O>>) -> Sent<O> {
        let mut order = self.order(by.into(), &call.into());
        order.what.push_str(", leaving no trace");
        let executed = self.execute(&order);
        let mut step = self.step(order, executed);
        step.gas_used = 0;
        self.keep(step).typed()
    }

    fn order<O>(&self, by: esker_sdk::Address, call: &Call<O>) -> Order {
        let (sender, target) = (outside(by), outside(call.target));
        let names = self.names.read();
        let does = if call.input.is_empty() {
            format!("sends {} wei to", call.value)
        } else {
            format!("calls {} of", names.call_input(&call.input))
        };
        Order {
            what: format!("{} {does} {}", names.address(sender), names.address(target)),
            sender,
            to: TxKind::Call(target),
            value: wei(call.value),
            gas: call.gas.unwrap_or(GAS),
            input: call.input.clone().into(),
        }
    }

    /// A block with one transaction.
    #[track_caller]
    fn transact(&mut self, order: Order) -> Sent<()> {
        let executed = self.execute(&order);
        self.world.apply(&executed.1);
        self.clock.tick();
        let step = self.step(order, executed);
        self.keep(step)
    }

    fn execute(&self, order: &Order) -> Executed {
        let env = self.clock.next(&self.world);
        let message = Message {
            sender: order.sender,
            kind: order.to,
            nonce: 0,
            gas_limit: order.gas,
            fee_cap: 0,
            tip_cap: 0,
            value: order.value,
            input: &order.input,
            access_list: &alloy_eips::eip2930::AccessList::default(),
            // Anybody may send, with whatever nonce, and gas costs nothing whatever the base fee is.
            checks: Checks { nonce: false, sender_is_eoa: false, base_fee: false, floor: true },
        };
        esker_vm::execution(&self.machine, |session| {
            let mut observer = Observer::default();
            let mut executor = Executor::new(session, &self.world, &self.config, &env).inspected_by(&mut observer);
            let result = executor.execute(&message);
            let changes = executor.journal().changes();
            (result, changes, observer)
        })
    }

    /// # Panics
    /// If nothing could be executed, or the contract or a mock did what fails a test at once.
    #[track_caller]
    fn step(&self, order: Order, (result, changes, observer): Executed) -> Step {
        let (transient, complaints) = self.machine.take();
        let what = order.what;
        assert!(complaints.is_empty(), "{what}:\n  {}", complaints.join("\n  "));
        let result = result.unwrap_or_else(|error| match error {
            ExecuteError::Invalid(error) => panic!("{what}: no node would accept this transaction: {error}"),
            ExecuteError::Fatal(fatal) => panic!("{what}: the node failed: {fatal}"),
        });
        let (end, halt) = End::of(result.status);
        Step {
            what,
            end,
            halt,
            input: order.input,
            output: result.output,
            logs: result.logs,
            created: result.created.filter(|_| end == End::Success),
            gas_used: result.gas_used,
            changes,
            happenings: observer.happenings,
            frame_gas: observer.frame_gas,
            transient,
        }
    }

    fn keep(&mut self, step: Step) -> Sent<()> {
        let step = Arc::new(step);
        self.record.push(Arc::clone(&step));
        let gas = (self.run == Run::Wasm).then(|| Arc::clone(&self.gas));
        Sent::new(step, Arc::clone(&self.names), gas)
    }

    /// The steps since there were so many, in words, each on a line.
    pub(crate) fn told_since(&self, steps: usize) -> String {
        let names = self.names.read();
        let told = self.record.since(steps).map(|step| format!("\n     {}: {}", step.what, step.describe(&names)));
        told.collect()
    }

    /// Somebody with a million coins, whose address follows from the name.
    #[must_use]
    pub fn user(&mut self, name: &str) -> User {
        let user = named_user(name);
        self.users.push(user);
        self.world.set_balance(outside(user.address), U256::from(10).pow(U256::from(24)));
        self.label(user, name);
        user
    }

    /// In what the kit says, the address is called so.
    pub fn label(&mut self, address: impl Into<esker_sdk::Address>, name: &str) {
        self.names.write().call(outside(address.into()), name);
    }
}

/// The user with this name: an address that follows from it.
pub(crate) fn named_user(name: &str) -> User {
    let hash = keccak256(format!("esker test user {name}"));
    User { address: inside(Address::from_word(hash)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As many as a machine with a hundred processors has at once.
    #[test]
    fn a_hundred_chains_fit_into_a_process() {
        let chains: Vec<Chain> = (0..100).map(|_| Chain::new(Run::Wasm, PathBuf::new(), &[])).collect();
        assert_eq!(chains.len(), 100);
    }
}
