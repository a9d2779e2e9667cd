//! The shape of a vector file, and what a vector gives when it is run.

use std::collections::BTreeMap;
use std::sync::Mutex;

use alloy_eips::eip2930::AccessList;
use alloy_primitives::{Address, B256, Bytes, Log, TxKind, U256};
use esker_runtime::exec::{Checks, ExecutionStatus, Executor, Message};
use esker_runtime::genesis::GenesisAccount;
use esker_runtime::state::Account;
use esker_runtime::types::ExecuteError;
use esker_runtime::{BlockEnv, ChainConfig};
use esker_vm::abi::Limits;
use esker_vm::{
    Code, Engine, Entry, Execution, Frame, Host, Machine, Outcome, Preparation, PrepareError, Session, execution,
};
use serde::{Deserialize, Serialize};

use crate::world::{BENEFICIARY, CHAIN_ID, Ledger};

/// A file of vectors, all in one block.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct VectorFile {
    pub block: Block,
    pub vectors: Vec<Vector>,
}

/// The block that a transaction is in, as its guests see it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Block {
    chain_id: u64,
    number: u64,
    timestamp: u64,
    gas_limit: u64,
    base_fee: u64,
    beneficiary: Address,
    mix_hash: B256,
    parent_hash: B256,
    /// Of the blocks before the parent.
    hashes: BTreeMap<u64, B256>,
}

/// One transaction on a state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vector {
    pub name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
    pub transaction: Sent,
    pub pre: BTreeMap<Address, GenesisAccount>,
    /// The modules in readable form.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modules: Vec<Module>,
    pub expect: End,
}

/// A module that stands in `pre`, or in the transaction's payload if `at` is absent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Module {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Address>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wat: Option<String>,
    pub wasm: Bytes,
}

/// A transaction without its signature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sent {
    pub from: Address,
    /// Absent if it creates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Address>,
    pub nonce: u64,
    pub gas_limit: u64,
    pub max_fee_per_gas: u64,
    pub max_priority_fee_per_gas: u64,
    pub value: U256,
    pub input: Bytes,
    #[serde(default)]
    pub access_list: AccessList,
}

/// What comes out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct End {
    /// `success`, `revert`, `halt`, or `invalid` for a transaction that no block may carry.
    pub status: String,
    /// For people: why it halted or is invalid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub gas_used: u64,
    pub gas_refunded: u64,
    pub output: Bytes,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Address>,
    pub logs: Vec<Log>,
    /// The first frame that ran a module.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_frame: Option<FirstFrame>,
    /// Accounts that changed, as they are afterwards.
    pub post: BTreeMap<Address, After>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FirstFrame {
    pub fuel_given: u64,
    pub fuel_left: u64,
    /// `return`, `revert` or `halt`.
    pub end: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct After {
    nonce: u64,
    balance: U256,
    code_hash: B256,
    /// Slots that changed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    storage: BTreeMap<B256, B256>,
}

fn env() -> BlockEnv {
    BlockEnv {
        number: 1_000,
        timestamp: 1_700_000_000,
        gas_limit: 30_000_000,
        base_fee: 7,
        beneficiary: BENEFICIARY,
        mix_hash: B256::repeat_byte(0x31),
        parent_hash: B256::repeat_byte(0x32),
        extra_data: Bytes::new(),
    }
}

/// Hashes of the blocks that can be asked for, and of one that is too old.
fn hashes() -> BTreeMap<u64, B256> {
    [(998, 0x33), (744, 0x34), (743, 0x35)].map(|(number, byte)| (number, B256::repeat_byte(byte))).into()
}

impl VectorFile {
    pub fn new(vectors: Vec<Vector>) -> Self {
        let env = env();
        let block = Block {
            chain_id: CHAIN_ID,
            number: env.number,
            timestamp: env.timestamp,
            gas_limit: env.gas_limit,
            base_fee: env.base_fee,
            beneficiary: env.beneficiary,
            mix_hash: env.mix_hash,
            parent_hash: env.parent_hash,
            hashes: hashes(),
        };
        Self { block, vectors }
    }
}

impl Vector {
    /// All but what comes out.
    pub fn without_end(&self) -> Self {
        Self { expect: End::default(), ..self.clone() }
    }

    fn ledger(&self) -> Ledger {
        let mut ledger = Ledger { hashes: hashes(), ..Ledger::default() };
        for (address, account) in &self.pre {
            if !account.code.is_empty() {
                ledger.put_contract(*address, account.code.clone());
            }
            let entry = ledger.accounts.entry(*address).or_default();
            *entry = Account { nonce: account.nonce, balance: account.balance, ..*entry };
            ledger.storage.extend(account.storage.iter().map(|(slot, value)| ((*address, *slot), *value)));
        }
        ledger
    }
}

/// Passes everything on to an engine, and remembers how the frame that ended last began and ended: in the end that is the
/// first frame.
struct Recorder<'m> {
    engine: &'m Engine,
    last: Mutex<Option<(u64, Execution)>>,
}

impl Machine for Recorder<'_> {
    fn limits(&self) -> &Limits {
        self.engine.limits()
    }

    fn prepare(&self, session: &Session<'_>, code: Code<'_>, budget: u64) -> Result<Preparation, PrepareError> {
        self.engine.prepare(session, code, budget)
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
        let execution = self.engine.execute(session, code, entry, frame, host, fuel);
        *self.last.lock().expect("nothing panics while it is held") = Some((fuel, execution.clone()));
        execution
    }
}

/// Executes the vector's transaction as the first of its block.
pub fn run(vector: &Vector, engine: &Engine) -> End {
    let recorder = Recorder { engine, last: Mutex::new(None) };
    execution(&recorder, |session| run_in(session, vector, &recorder))
}

fn run_in(session: &Session<'_>, vector: &Vector, recorder: &Recorder<'_>) -> End {
    let (ledger, config, env) = (vector.ledger(), ChainConfig::new(CHAIN_ID), env());
    let mut executor = Executor::new(session, &ledger, &config, &env);
    let sent = &vector.transaction;
    let message = Message {
        sender: sent.from,
        kind: sent.to.map_or(TxKind::Create, TxKind::Call),
        nonce: sent.nonce,
        gas_limit: sent.gas_limit,
        fee_cap: sent.max_fee_per_gas.into(),
        tip_cap: sent.max_priority_fee_per_gas.into(),
        value: sent.value,
        input: &sent.input,
        access_list: &sent.access_list,
        checks: Checks::ALL,
    };
    let result = match executor.execute(&message) {
        Ok(result) => result,
        Err(ExecuteError::Invalid(error)) => {
            assert!(executor.journal().changes().accounts.values().all(|change| change.before == change.after));
            return End { status: "invalid".to_owned(), reason: Some(error.to_string()), ..End::default() };
        }
        Err(error) => panic!("{}: {error}", vector.name),
    };
    let (status, reason) = match result.status {
        ExecutionStatus::Success => ("success", None),
        ExecutionStatus::Revert => ("revert", None),
        ExecutionStatus::Halt(halt) => ("halt", Some(halt.to_string())),
    };
    let changes = executor.journal().changes();
    let post = changes.accounts.iter().filter_map(|(address, change)| {
        let slots = change.storage.iter().filter(|(_, slot)| slot.before != slot.after);
        let storage: BTreeMap<_, _> = slots.map(|(slot, change)| (*slot, change.after)).collect();
        let account = change.after?;
        let after = After { nonce: account.nonce, balance: account.balance, code_hash: account.code_hash, storage };
        (change.before != change.after || !after.storage.is_empty()).then_some((*address, after))
    });
    let post = post.collect();
    let last = recorder.last.lock().expect("nothing panicked").take();
    End {
        status: status.to_owned(),
        reason,
        gas_used: result.gas_used,
        gas_refunded: result.gas_refunded,
        output: result.output,
        created: result.created,
        logs: result.logs,
        first_frame: last.map(|(fuel_given, execution)| FirstFrame {
            fuel_given,
            fuel_left: execution.fuel_left,
            end: match execution.outcome {
                Outcome::Return(_) => "return",
                Outcome::Revert(_) => "revert",
                Outcome::Halt(_) => "halt",
                Outcome::Fatal(fatal) => panic!("{}: {fatal}", vector.name),
            }
            .to_owned(),
        }),
        post,
    }
}
