//! A small world for tests of the rules around frames: a state in ordered maps, accounts that sign, and a machine whose
//! contracts are Rust closures, so that a test says exactly what its guest asks of the host.
#![allow(dead_code, reason = "each test binary uses its own part of this world")]

pub mod chain;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::eip2930::AccessList;
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, Signature, TxKind, U256, keccak256};
use esker_abi::FUEL_PER_GAS;
use esker_runtime::db::StoreError;
use esker_runtime::exec::{Executor, Message, TransactionResult};
use esker_runtime::state::{Account, ChangeSet, StateReader};
use esker_runtime::types::{ExecuteError, SignedTransaction};
use esker_runtime::{BlockEnv, ChainConfig, Transaction};
use esker_vm::abi::Limits;
use esker_vm::{
    CallKind, CallRequest, CallResult, Code, Entry, Execution, Fatal, Frame, Halt, Host, HostError, Machine, Meter,
    ModuleFacts, Outcome, Preparation, PrepareError, RejectReason, Session, envelope,
};
use primitive_types::{H160, H256};
use secp256k1::{Message as Digest, PublicKey, SECP256K1, SecretKey};

/// The chain of these tests.
pub const CHAIN_ID: u64 = 31_337;
/// Who receives the tips.
pub const BENEFICIARY: Address = Address::repeat_byte(0xbe);
/// What every signer owns at first, in wei.
pub const FUNDS: U256 = U256::from_limbs([0, 1 << 30, 0, 0]);

/// A state in ordered maps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    pub accounts: BTreeMap<Address, Account>,
    pub storage: BTreeMap<(Address, B256), B256>,
    pub codes: BTreeMap<B256, Bytes>,
    pub hashes: BTreeMap<u64, B256>,
    /// Reading this account fails, as a broken store would.
    pub broken: Option<Address>,
}

impl Ledger {
    /// Puts a contract with that code at `address`.
    pub fn put_contract(&mut self, address: Address, code: Bytes) {
        let code_hash = keccak256(&code);
        self.accounts.insert(address, Account { nonce: 1, balance: U256::ZERO, code_hash });
        self.codes.insert(code_hash, code);
    }

    pub fn put_balance(&mut self, address: Address, balance: U256) {
        let account = self.accounts.entry(address).or_default();
        account.balance = balance;
    }

    pub fn put_slot(&mut self, address: Address, slot: u64, value: u64) {
        self.storage.insert((address, word(slot)), word(value));
    }

    /// Takes over what a block changed, checking that it was changed from what is here.
    pub fn apply(&mut self, changes: &ChangeSet) {
        for (address, change) in &changes.accounts {
            assert_eq!(self.accounts.get(address).copied(), change.before, "before of {address}");
            match change.after {
                Some(account) => self.accounts.insert(*address, account),
                None => self.accounts.remove(address),
            };
            for (slot, value) in &change.storage {
                let before = self.storage.get(&(*address, *slot)).copied().unwrap_or_default();
                assert_eq!(before, value.before, "before of {address}, {slot}");
                self.storage.insert((*address, *slot), value.after);
            }
        }
        self.codes.extend(changes.codes.clone());
    }

    /// All coins, in wei.
    pub fn supply(&self) -> U256 {
        self.accounts.values().fold(U256::ZERO, |sum, account| sum + account.balance)
    }
}

impl StateReader for Ledger {
    fn account(&self, address: Address) -> Result<Option<Account>, StoreError> {
        if self.broken == Some(address) {
            return Err(StoreError::Io("a test broke it".into()));
        }
        Ok(self.accounts.get(&address).copied())
    }

    fn storage(&self, address: Address, slot: B256) -> Result<B256, StoreError> {
        Ok(self.storage.get(&(address, slot)).copied().unwrap_or_default())
    }

    fn code(&self, code_hash: B256) -> Result<Option<Bytes>, StoreError> {
        assert_ne!(code_hash, KECCAK256_EMPTY, "nobody asks for no code");
        Ok(self.codes.get(&code_hash).cloned())
    }

    fn block_hash(&self, number: u64) -> Result<Option<B256>, StoreError> {
        Ok(self.hashes.get(&number).copied())
    }
}

/// What a scripted contract works with.
pub struct Guest<'g> {
    pub entry: Entry,
    pub frame: &'g Frame,
    pub host: &'g mut dyn Host,
    pub meter: Meter,
}

/// How a scripted contract ends of its own accord.
#[derive(Clone, Debug)]
pub enum End {
    Return(Vec<u8>),
    Revert(Vec<u8>),
}

type Script = Arc<dyn Fn(&mut Guest<'_>) -> Result<End, HostError> + Send + Sync>;

/// A machine whose modules name closures.
#[derive(Default)]
pub struct ScriptedMachine {
    scripts: Mutex<Vec<Script>>,
}

const MAGIC: &[u8; 8] = b"\0script\0";

impl ScriptedMachine {
    /// The code of a contract that runs `script` for calls and for its constructor, with that complexity.
    pub fn code(
        &self,
        complexity: u64,
        script: impl Fn(&mut Guest<'_>) -> Result<End, HostError> + Send + Sync + 'static,
    ) -> Bytes {
        let mut scripts = self.scripts.lock().expect("no test panics while it adds a script");
        let index = scripts.len() as u64;
        scripts.push(Arc::new(script));
        let module = [&MAGIC[..], &index.to_le_bytes(), &complexity.to_le_bytes()].concat();
        envelope::encode(&module).into()
    }

    fn script(&self, code: Code<'_>) -> Option<(Script, u64)> {
        let module = envelope::decode_code(code.envelope, u32::MAX).ok()?;
        let rest = module.strip_prefix(MAGIC)?;
        let (index, complexity) = rest.split_at_checked(8)?;
        let index = usize::try_from(u64::from_le_bytes(index.try_into().ok()?)).ok()?;
        let scripts = self.scripts.lock().expect("no test panics while it adds a script");
        Some((scripts.get(index)?.clone(), u64::from_le_bytes(complexity.try_into().ok()?)))
    }
}

impl Machine for ScriptedMachine {
    fn limits(&self) -> &Limits {
        &Limits::V1
    }

    fn prepare(&self, _: &Session<'_>, code: Code<'_>, budget: u64) -> Result<Preparation, PrepareError> {
        match self.script(code) {
            Some((_, complexity)) => {
                let facts = ModuleFacts {
                    module_bytes: 24,
                    complexity,
                    has_constructor: true,
                    initial_pages: 1,
                    maximum_pages: 1,
                    table_entries: 0,
                    data_segments: 0,
                    data_bytes: 0,
                    optimizable: false,
                };
                let affordable = complexity <= budget;
                Ok(if affordable { Preparation::Ready(facts) } else { Preparation::OverBudget(facts) })
            }
            None => Err(RejectReason { reason: "no script".into(), function: None, hint: None }.into()),
        }
    }

    fn execute(
        &self,
        _: &Session<'_>,
        code: Code<'_>,
        entry: Entry,
        frame: &Frame,
        host: &mut dyn Host,
        fuel: u64,
    ) -> Execution {
        let Some((script, _)) = self.script(code) else {
            return Execution { outcome: Outcome::Halt(Halt::IllegalModule), fuel_left: 0 };
        };
        let mut guest = Guest { entry, frame, host, meter: Meter::new(fuel) };
        let end = script(&mut guest);
        let fuel_left = guest.meter.fuel();
        match end {
            Ok(End::Return(output)) => Execution { outcome: Outcome::Return(output), fuel_left },
            Ok(End::Revert(output)) => Execution { outcome: Outcome::Revert(output), fuel_left },
            Err(HostError::Halt(halt)) => Execution { outcome: Outcome::Halt(halt), fuel_left: 0 },
            Err(HostError::Fatal(fatal)) => Execution { outcome: Outcome::Fatal(fatal), fuel_left: 0 },
        }
    }
}

/// The key that signs for account `index`.
pub fn key(index: u8) -> SecretKey {
    SecretKey::from_byte_array(keccak256([index]).0).expect("a hash is a valid key")
}

/// The address of account `index`.
pub fn signer(index: u8) -> Address {
    let public = PublicKey::from_secret_key(SECP256K1, &key(index));
    Address::from_raw_public_key(&public.serialize_uncompressed()[1..])
}

/// Signs any transaction as account `index`.
pub fn sign<T: SignableTransaction<Signature>>(index: u8, transaction: T) -> TxEnvelope
where
    TxEnvelope: From<alloy_consensus::Signed<T>>,
{
    let digest = Digest::from_digest(transaction.signature_hash().0);
    let (id, compact) = SECP256K1.sign_ecdsa_recoverable(digest, &key(index)).serialize_compact();
    let parity = i32::from(id) == 1;
    let (r, s) = compact.split_at(32);
    let signature = Signature::new(U256::from_be_slice(r), U256::from_be_slice(s), parity);
    transaction.into_signed(signature).into()
}

/// A transaction of account 0 with plenty of gas and a tip of 1 wei.
pub fn transaction(nonce: u64, to: TxKind, value: u64, input: impl Into<Bytes>) -> TxEip1559 {
    TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 5_000_000,
        max_fee_per_gas: 100,
        max_priority_fee_per_gas: 1,
        to,
        value: U256::from(value),
        access_list: AccessList::default(),
        input: input.into(),
    }
}

/// Signs and decodes as a node would.
pub fn signed(index: u8, unsigned: impl Into<Unsigned>) -> Transaction {
    let Unsigned(transaction) = unsigned.into();
    let envelope = sign(index, transaction);
    let signed = SignedTransaction::from_envelope(envelope, &config()).expect("the test's transaction is well-formed");
    signed.recover().expect("it is signed")
}

/// A transaction to be signed.
pub struct Unsigned(pub TxEip1559);

impl From<TxEip1559> for Unsigned {
    fn from(transaction: TxEip1559) -> Self {
        Self(transaction)
    }
}

pub fn config() -> ChainConfig {
    ChainConfig::new(CHAIN_ID)
}

/// Block 1 with a base fee of 7 wei.
pub fn env() -> BlockEnv {
    BlockEnv {
        number: 1,
        timestamp: 1_700_000_000,
        gas_limit: 30_000_000,
        base_fee: 7,
        beneficiary: BENEFICIARY,
        mix_hash: B256::repeat_byte(0x31),
        parent_hash: B256::repeat_byte(0x32),
        extra_data: Bytes::new(),
    }
}

/// A state with ten rich signers.
pub fn ledger() -> Ledger {
    let mut ledger = Ledger::default();
    for index in 0..10 {
        ledger.put_balance(signer(index), FUNDS);
    }
    ledger
}

/// Executes transactions one after the other on `ledger`, as a block, and gives what each gave and what all changed.
pub fn execute(
    machine: &dyn Machine,
    ledger: &Ledger,
    transactions: &[Transaction],
) -> (Vec<Result<TransactionResult, ExecuteError>>, ChangeSet) {
    let config = config();
    esker_vm::execution(machine, |session| {
        let mut executor = Executor::new(session, ledger, &config, &env());
        let results = transactions.iter().map(|transaction| executor.execute(&Message::from(transaction))).collect();
        let changes = executor.journal().changes();
        (results, changes)
    })
}

/// A 32-byte word that holds a small number.
pub fn word(number: u64) -> B256 {
    B256::from(U256::from(number))
}

pub fn h256(number: u64) -> H256 {
    H256(word(number).0)
}

pub const fn h160(address: Address) -> H160 {
    H160(address.into_array())
}

/// A node's fault, for tests of how it travels.
pub fn broken() -> Fatal {
    Fatal::Memory("a test says so".into())
}

/// Where [`call_script`] puts its contract.
pub const CONTRACT: Address = Address::repeat_byte(0xc0);

/// Puts a contract that runs `script` at [`CONTRACT`] and calls it from account 0.
pub fn call_script(
    machine: &ScriptedMachine,
    ledger: &mut Ledger,
    script: impl Fn(&mut Guest<'_>) -> Result<End, HostError> + Send + Sync + 'static,
) -> (TransactionResult, ChangeSet) {
    ledger.put_contract(CONTRACT, machine.code(0, script));
    let call = signed(0, transaction(0, TxKind::Call(CONTRACT), 0, Bytes::new()));
    let (mut results, changes) = execute(machine, ledger, &[call]);
    (results.remove(0).expect("the transaction is valid"), changes)
}

/// A contract's call of another with that much gas.
pub fn call(
    guest: &mut Guest<'_>,
    kind: CallKind,
    target: Address,
    gas: u64,
    value: u64,
) -> Result<CallResult, HostError> {
    let request = CallRequest { kind, gas, target: h160(target), value: value.into(), input: &[] };
    guest.host.call(request, &mut guest.meter)
}

/// The gas that `work` takes from the guest's meter.
pub fn cost(
    guest: &mut Guest<'_>,
    work: impl FnOnce(&mut Guest<'_>) -> Result<(), HostError>,
) -> Result<u64, HostError> {
    let before = guest.meter.fuel();
    work(guest)?;
    let fuel = before - guest.meter.fuel();
    assert_eq!(fuel % FUEL_PER_GAS, 0, "a whole number of gas");
    Ok(fuel / FUEL_PER_GAS)
}

/// Hands numbers out of a guest.
pub fn numbers(numbers: &[u64]) -> End {
    End::Return(numbers.iter().flat_map(|number| number.to_be_bytes()).collect())
}

/// Numbers that a guest handed out.
pub fn read_numbers(output: &[u8]) -> Vec<u64> {
    output.chunks_exact(8).map(|bytes| u64::from_be_bytes(bytes.try_into().expect("eight bytes"))).collect()
}

/// What using `code` for the first time in a transaction costs, in fuel: 500 for a byte of its module.
pub fn code_fuel(code: &Bytes) -> u64 {
    let raw_len = envelope::parse(code).expect("an envelope").raw_len;
    500 * u64::from(raw_len).max(code.len() as u64)
}
