//! A chain in this process, for tests: the runtime's own execution and state, without blocks to wait for or fees to pay.

use std::path::PathBuf;
use std::sync::Arc;

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope, transaction::Recovered};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, keccak256};
use esker_runtime::block::{CommittedBlock, InOrder};
use esker_runtime::db::{Batch, MemoryStore};
use esker_runtime::genesis::GenesisAccount;
use esker_runtime::simulate::{CallRequest, SimulateOptions, simulate};
use esker_runtime::state::{StateDb, StateReader};
use esker_runtime::{
    BlockEnv, ChainConfig, ExecutionStatus, Genesis, Parent, PreparedBlock, Proposal, Transaction, propose_block,
};
use esker_sdk::abi::Output;
use esker_sdk::{Contract, Deployment, MethodCall, View};
use esker_vm::{Engine, EngineConfig, EngineKind};
use primitive_types::{H160, H256};

use crate::artifacts::envelope_of;
use crate::machine::{NativeContract, TestMachine};
use crate::record::{Record, Step};
use crate::sent::Sent;

/// Chain id that contracts see in tests: that of development chains.
pub const CHAIN_ID: u64 = 31_337;
/// Gas of every transaction of a test but deploys.
const GAS: u64 = 25_000_000;
/// Gas of a deploy: what genesis deploys is not bounded by a block either.
const DEPLOY_GAS: u64 = 100_000_000;
const GAS_LIMIT: u64 = 100_000_000;
/// Seconds between the blocks of a test, one for each transaction.
const BLOCK_SECONDS: u64 = 12;
const FIRST_TIMESTAMP: u64 = 1_700_000_000;
const BENEFICIARY: Address = Address::repeat_byte(0xcb);

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
    manifest_dir: PathBuf,
    machine: TestMachine,
    config: ChainConfig,
    db: StateDb,
    genesis_hash: B256,
    head: Parent,
    timestamp: u64,
    pub(crate) record: Record,
}

impl Chain {
    /// A chain on which each of `users` has a million coins.
    pub(crate) fn new(run: Run, manifest_dir: PathBuf, users: &[User]) -> Self {
        let mut genesis = Genesis::new(CHAIN_ID, GAS_LIMIT, FIRST_TIMESTAMP);
        genesis.base_fee_per_gas = 0;
        let balance = U256::from(10).pow(U256::from(24));
        for user in users {
            genesis.alloc.insert(outside(user.address), GenesisAccount { balance, ..GenesisAccount::default() });
        }
        let db = StateDb::open(Arc::new(MemoryStore::new())).expect("an empty store opens");
        let built = genesis.build().expect("a genesis of plain accounts is valid");
        let first = PreparedBlock::genesis(&db, built).expect("memory does not fail");
        let head = first.commit(&db, Batch::new()).expect("memory does not fail").as_parent;
        let engine = Engine::new(EngineConfig::with_kind(EngineKind::Cranelift)).expect("the engine starts");
        Self {
            run,
            manifest_dir,
            machine: TestMachine::new(engine),
            config: genesis.chain_config(),
            db,
            genesis_hash: head.hash(),
            head,
            timestamp: FIRST_TIMESTAMP,
            record: Record::default(),
        }
    }

    /// How this run executes contracts.
    #[must_use]
    pub const fn run(&self) -> Run {
        self.run
    }

    /// The timestamp of the last block, in seconds.
    #[must_use]
    pub const fn timestamp(&self) -> u64 {
        self.timestamp
    }

    /// Lets `seconds` pass before the next transaction.
    pub const fn pass(&mut self, seconds: u64) {
        self.timestamp += seconds;
    }

    /// The number of the last block.
    #[must_use]
    pub fn height(&self) -> u64 {
        self.head.header().number
    }

    /// Lets this many blocks pass that have no transactions.
    pub fn pass_blocks(&mut self, count: u64) {
        for _ in 0..count {
            self.block(Vec::new());
        }
    }

    /// The hash of block 0.
    #[must_use]
    pub fn genesis_hash(&self) -> esker_sdk::B256 {
        esker_sdk::FixedBytes(self.genesis_hash.0)
    }

    /// Coins of an account, in wei.
    #[must_use]
    pub fn balance(&self, account: impl Into<esker_sdk::Address>) -> esker_sdk::U256 {
        let account = self.db.account(outside(account.into())).expect("memory does not fail");
        number(account.map_or(U256::ZERO, |account| account.balance))
    }

    /// Deploys a contract and gives its handle.
    ///
    /// # Panics
    /// If the constructor reverts; [`Chain::try_deploy`] is for that.
    #[track_caller]
    pub fn deploy<C: Contract>(&mut self, by: User, deployment: Deployment<C>) -> C::Handle {
        let sent = self.try_deploy(by, deployment);
        let created = sent.created;
        sent.succeeds();
        C::Handle::from(inside(created.expect("a deploy that succeeded has an address")))
    }

    /// Deploys a contract, which may fail.
    ///
    /// # Panics
    /// If the contract does not build.
    #[must_use = "say what is expected of it: .succeeds(), .returned(), .reverts(error), .halts()"]
    pub fn try_deploy<C: Contract>(&mut self, by: User, deployment: Deployment<C>) -> Sent<()> {
        self.try_deploy_with(by, esker_sdk::U256::ZERO, deployment)
    }

    /// Deploys a contract that is sent `value` wei, which may fail. [`Sent::created`] says where it stands.
    ///
    /// # Panics
    /// If the contract does not build.
    #[must_use = "say what is expected of it: .succeeds(), .returned(), .reverts(error), .halts()"]
    pub fn try_deploy_with<C: Contract>(
        &mut self,
        by: User,
        value: esker_sdk::U256,
        deployment: Deployment<C>,
    ) -> Sent<()> {
        let envelope = envelope_of(C::CRATE, &self.manifest_dir);
        if self.run == Run::Native {
            let hash = H256(keccak256(&envelope).0);
            self.machine.register(hash, NativeContract { call: C::call, deploy: C::deploy });
        }
        let payload = deployment.payload(&envelope);
        self.transact(by, TxKind::Create, U256::from_be_bytes(value.to_be_bytes()), payload).typed()
    }

    /// Sends a transaction that calls a method.
    #[must_use = "say what is expected of it: .succeeds(), .returned(), .reverts(error), .halts()"]
    pub fn send<M, O: Output>(&mut self, by: User, call: MethodCall<M, O>) -> Sent<O> {
        let value = U256::from_be_bytes(call.sent_value().to_be_bytes());
        let target = TxKind::Call(outside(call.target()));
        self.transact(by, target, value, call.input().to_vec()).typed()
    }

    /// Sends a transaction with any input, for what no typed call makes.
    #[must_use = "say what is expected of it: .succeeds(), .returned(), .reverts(error), .halts()"]
    pub fn send_raw(
        &mut self,
        by: User,
        to: impl Into<esker_sdk::Address>,
        value: esker_sdk::U256,
        input: &[u8],
    ) -> Sent<()> {
        let value = U256::from_be_bytes(value.to_be_bytes());
        self.transact(by, TxKind::Call(outside(to.into())), value, input.to_vec()).typed()
    }

    /// What a method that changes nothing returns.
    ///
    /// # Panics
    /// If the call fails; [`Chain::try_read`] is for that.
    #[track_caller]
    pub fn read<O: Output>(&mut self, call: MethodCall<View, O>) -> O::Value {
        self.try_read(call).returned()
    }

    /// Calls a method that changes nothing, which may fail.
    ///
    /// # Panics
    /// If the node itself fails.
    #[must_use = "say what is expected of it: .succeeds(), .returned(), .reverts(error), .halts()"]
    pub fn try_read<O: Output>(&mut self, call: MethodCall<View, O>) -> Sent<O> {
        let request = CallRequest {
            kind: TxKind::Call(outside(call.target())),
            gas: Some(GAS),
            input: call.input().to_vec().into(),
            ..CallRequest::default()
        };
        let env = self.next_env();
        let simulated = esker_vm::simulation(&self.machine, |session| {
            simulate(session, &self.db, &self.config, &env, &request, &SimulateOptions::default())
        })
        .expect("nothing else runs on this machine")
        .expect("a call without fees is valid");
        self.keep(Step::new(simulated.status, &simulated.output, &simulated.logs, &simulated.changes, None)).typed()
    }

    fn next_env(&self) -> BlockEnv {
        BlockEnv::child_of(self.head.header(), self.timestamp + BLOCK_SECONDS, BENEFICIARY, 0, &self.config)
    }

    /// A block with one transaction.
    fn transact(&mut self, by: User, to: TxKind, value: U256, input: Vec<u8>) -> Sent<()> {
        let sender = outside(by.address);
        let account = self.db.account(sender).expect("memory does not fail");
        let transaction = TxEip1559 {
            chain_id: CHAIN_ID,
            nonce: account.map_or(0, |account| account.nonce),
            gas_limit: if to == TxKind::Create { DEPLOY_GAS } else { GAS },
            to,
            value,
            input: Bytes::from(input),
            ..TxEip1559::default()
        };
        let unsigned = TxEnvelope::from(transaction.into_signed(Signature::test_signature()));
        let transaction = Transaction::from_recovered_unchecked(Recovered::new_unchecked(unsigned, sender));
        let committed = self.block(vec![transaction]);
        let result = committed.block.results.first().expect("the block has one transaction");
        let created = result.created.filter(|_| result.status == ExecutionStatus::Success);
        let mut step = Step::new(result.status, &result.output, &result.logs, &committed.changes, created);
        step.gas_used = result.gas_used;
        self.keep(step)
    }

    /// A block with these transactions.
    fn block(&mut self, transactions: Vec<Transaction>) -> CommittedBlock {
        let timestamp = self.timestamp + BLOCK_SECONDS;
        let proposal = Proposal { timestamp, beneficiary: BENEFICIARY, round: 0 };
        let proposed = esker_vm::execution(&self.machine, |session| {
            let source = &mut InOrder::new(transactions);
            propose_block(session, &self.config, &self.head, proposal, source, &mut || true)
        })
        .unwrap_or_else(|fatal| panic!("the node failed: {fatal}"));
        if let Some((_, error)) = proposed.refused.first() {
            panic!("the test's transaction is invalid: {error}");
        }
        let committed = proposed.block.commit(&self.db, Batch::new()).expect("memory does not fail");
        self.timestamp = committed.block.header.timestamp;
        self.head = committed.as_parent.clone();
        committed
    }

    fn keep(&mut self, step: Step) -> Sent<()> {
        self.record.push(step.clone());
        Sent::new(step)
    }
}

/// The SDK's address as the runtime's.
pub(crate) fn outside(address: esker_sdk::Address) -> Address {
    Address::from(H160::from(address).0)
}

/// The runtime's address as the SDK's.
pub(crate) fn inside(address: Address) -> esker_sdk::Address {
    esker_sdk::Address::from(address.0.0)
}

fn number(number: U256) -> esker_sdk::U256 {
    esker_sdk::U256::from_be_bytes(number.to_be_bytes())
}
