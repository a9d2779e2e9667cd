//! What surrounds the programs: a host that does nothing, and a chain's state with contracts in it.

use std::sync::Arc;

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::eip2930::AccessList;
use alloy_primitives::{Address, Bytes, TxKind, U256, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use esker_runtime::db::{Batch, MemoryStore};
use esker_runtime::genesis::GenesisAccount;
use esker_runtime::state::{StateDb, StateView};
use esker_runtime::types::recover_senders;
use esker_runtime::{BlockEnv, ChainConfig, Genesis, SignedTransaction, Transaction, Upgrades};
use esker_vm::{
    BlockContext, CallRequest, CallResult, CreateRequest, CreateResult, Host, HostError, Log, Meter, TransactionContext,
};
use primitive_types::{H160, H256, U256 as VmU256};

/// A world in which nothing costs anything: frames alone are measured on it.
#[derive(Default)]
pub struct Quiet {
    transaction: TransactionContext,
    block: BlockContext,
}

impl Host for Quiet {
    fn transaction(&self) -> &TransactionContext {
        &self.transaction
    }
    fn block(&self) -> &BlockContext {
        &self.block
    }
    fn block_hash(&mut self, _: u64) -> Result<H256, HostError> {
        Ok(H256::zero())
    }
    fn storage_load(&mut self, _: H256, _: &mut Meter) -> Result<H256, HostError> {
        Ok(H256::zero())
    }
    fn storage_store(&mut self, _: H256, _: H256, _: &mut Meter) -> Result<(), HostError> {
        Ok(())
    }
    fn transient_load(&mut self, _: H256, _: &mut Meter) -> Result<H256, HostError> {
        Ok(H256::zero())
    }
    fn transient_store(&mut self, _: H256, _: H256, _: &mut Meter) -> Result<(), HostError> {
        Ok(())
    }
    fn balance(&mut self, _: H160, _: &mut Meter) -> Result<VmU256, HostError> {
        Ok(VmU256::zero())
    }
    fn code_hash(&mut self, _: H160, _: &mut Meter) -> Result<H256, HostError> {
        Ok(H256::zero())
    }
    fn code_size(&mut self, _: H160, _: &mut Meter) -> Result<u32, HostError> {
        Ok(0)
    }
    fn log(&mut self, _: Log, _: &mut Meter) -> Result<(), HostError> {
        Ok(())
    }
    fn call(&mut self, _: CallRequest<'_>, _: &mut Meter) -> Result<CallResult, HostError> {
        Ok(CallResult::Halt)
    }
    fn create(&mut self, _: CreateRequest<'_>, _: &mut Meter) -> Result<CreateResult, HostError> {
        Ok(CreateResult::Halt)
    }
}

pub const CHAIN_ID: u64 = 31_337;
/// No transaction of the table reaches it.
pub const GAS_LIMIT: u64 = 1 << 44;

/// The `index`-th account with a key.
pub fn signer(index: usize) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&keccak256(format!("holder {index}"))).expect("a hash is a valid key")
}

/// Signs a transaction, as bytes.
pub fn signed(signer: &PrivateKeySigner, nonce: u64, to: TxKind, gas_limit: u64, value: u64, input: Bytes) -> Bytes {
    let transaction = TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit,
        max_fee_per_gas: 2_000_000_000,
        max_priority_fee_per_gas: 1,
        to,
        value: U256::from(value),
        access_list: AccessList::default(),
        input,
    };
    let signature = signer.sign_hash_sync(&transaction.signature_hash()).expect("a local key signs");
    Bytes::from(TxEnvelope::from(transaction.into_signed(signature)).encoded_2718())
}

use alloy_eips::eip2718::Encodable2718 as _;

/// Decodes transactions and recovers their senders, on one core.
pub fn recover(raw: &[Bytes], config: &ChainConfig) -> Vec<Transaction> {
    let decode = |raw: &Bytes| SignedTransaction::decode(raw, config).expect("a transaction");
    let signed = raw.iter().map(decode).collect();
    recover_senders(signed, 1).into_iter().map(|sender| sender.expect("signed")).collect()
}

/// A state, what its chain's rules are, and the block that comes next.
pub struct World {
    pub db: StateDb,
    pub view: StateView,
    pub config: ChainConfig,
    pub env: BlockEnv,
}

impl World {
    /// A state with these contracts, and `holders` accounts with keys and money.
    pub fn new(contracts: Vec<(Address, Bytes)>, holders: usize, gas_limit: u64) -> Self {
        let mut genesis = Genesis::new(CHAIN_ID, gas_limit, 0);
        let version = crate::engines::rules().version;
        if version > 1 {
            genesis.config.upgrades = Upgrades::none().with(version, Some(0)).expect("one upgrade");
        }
        for index in 0..holders {
            let account = GenesisAccount { balance: U256::from(1) << 120, ..GenesisAccount::default() };
            genesis.alloc.insert(signer(index).address(), account);
        }
        for (address, code) in contracts {
            let account = GenesisAccount { balance: U256::from(1) << 100, nonce: 1, code, ..GenesisAccount::default() };
            genesis.alloc.insert(address, account);
        }
        let config = ChainConfig { block_bytes_max: usize::MAX, ..genesis.chain_config() };
        let db = StateDb::open(Arc::new(MemoryStore::new())).expect("an empty store opens");
        let built = genesis.build().expect("the genesis is valid");
        let update = db.prepare(&built.changes, 0).expect("the store works");
        let header = built.seal(update.root).header;
        db.commit(update, Batch::new()).expect("the store works");
        let env = BlockEnv::child_of(&header, 1, Address::repeat_byte(0xcb), 0, &config);
        Self { view: db.snapshot(), db, config, env }
    }

    /// One transaction of the first holder, its sender recovered.
    pub fn transaction(&self, to: TxKind, gas_limit: u64, input: Bytes) -> Transaction {
        let raw = signed(&signer(0), 0, to, gas_limit, 0, input);
        recover(&[raw], &self.config).remove(0)
    }
}
