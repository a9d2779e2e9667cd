//! An Ethereum chain of its own on revm: transactions without fees, one a block, as the test kit's chain has them.

use alloy_primitives::{Address, B256, Bytes, Log, TxKind, U256};
use revm::context::TxEnv;
use revm::context::result::ExecutionResult;
use revm::database::{CacheDB, EmptyDB};
use revm::handler::MainnetContext;
use revm::primitives::hardfork::SpecId;
use revm::state::Bytecode;
use revm::{Context, ExecuteCommitEvm, ExecuteEvm, MainBuilder, MainContext, MainnetEvm};

type Database = CacheDB<EmptyDB>;

/// Gas of every transaction: that of the kit's chain.
const GAS: u64 = 25_000_000;

/// What came of a transaction or call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ran {
    /// It returned these bytes and kept these logs.
    Returned(Bytes, Vec<Log>),
    /// It reverted with these bytes.
    Reverted(Bytes),
    /// It used up its gas in an exceptional halt.
    Halted,
}

/// The chain.
pub struct Evm {
    evm: MainnetEvm<MainnetContext<Database>>,
    gas_used: u64,
}

impl Evm {
    /// A chain with the kit's chain id, the rules of Prague, and nothing on it.
    #[must_use]
    pub fn new() -> Self {
        let evm = Context::mainnet()
            .modify_cfg_chained(|cfg| {
                cfg.set_spec_and_mainnet_gas_params(SpecId::PRAGUE);
                cfg.chain_id = esker_sdk_test::CHAIN_ID;
                cfg.disable_eip3607 = true;
                cfg.disable_base_fee = true;
            })
            .with_db(Database::default())
            .build_mainnet();
        Self { evm, gas_used: 0 }
    }

    /// Sets an account's coins, in wei.
    ///
    /// # Panics
    /// Never: the database is in memory.
    pub fn deal(&mut self, account: Address, wei: U256) {
        let database = &mut self.evm.ctx.journaled_state.database;
        database.load_account(account).expect("memory does not fail").info.balance = wei;
        let known = database.load_account(account).expect("memory does not fail");
        known.account_state = revm::database::AccountState::Touched;
    }

    /// An account's coins, in wei.
    ///
    /// # Panics
    /// Never: the database is in memory.
    pub fn balance(&mut self, account: Address) -> U256 {
        let database = &mut self.evm.ctx.journaled_state.database;
        database.load_account(account).expect("memory does not fail").info.balance
    }

    /// Makes an account one that answers every call with this word, and has made `nonce` contracts and transactions.
    ///
    /// # Panics
    /// Never: the database is in memory.
    pub fn answers(&mut self, account: Address, nonce: u64, word: B256) {
        // PUSH32 word, PUSH1 0, MSTORE, PUSH1 32, PUSH1 0, RETURN.
        let code = [&[0x7f], &word[..], &[0x60, 0, 0x52, 0x60, 32, 0x60, 0, 0xf3]].concat();
        let code = Bytecode::new_raw(code.into());
        let database = &mut self.evm.ctx.journaled_state.database;
        let mut info = database.load_account(account).expect("memory does not fail").info.clone();
        info.nonce = nonce;
        info.set_code_hash(code.hash_slow());
        info.code = Some(code);
        database.insert_account_info(account, info);
    }

    /// Gas that the last transaction used, intrinsic gas included and refunds taken off.
    #[must_use]
    pub const fn gas_used(&self) -> u64 {
        self.gas_used
    }

    /// Makes the next transactions those of a block with this number and timestamp, in seconds.
    pub fn at(&mut self, number: u64, timestamp: u64) {
        self.evm.ctx.modify_block(|block| {
            block.number = U256::from(number);
            block.timestamp = U256::from(timestamp);
            block.gas_limit = u64::MAX;
        });
    }

    /// A transaction that is kept, and the contract that it deployed.
    ///
    /// # Panics
    /// If no node would accept it.
    pub fn send(&mut self, by: Address, to: TxKind, wei: U256, input: Bytes) -> (Ran, Option<Address>) {
        let transaction = self.transaction(by, to, wei, input);
        let result = self.evm.transact_commit(transaction).unwrap_or_else(|error| panic!("{by} sends: {error}"));
        self.gas_used = result.tx_gas_used();
        Self::ran(result)
    }

    /// A call that leaves no trace.
    ///
    /// # Panics
    /// If no node would accept it.
    pub fn call(&mut self, by: Address, to: Address, input: Bytes) -> Ran {
        let transaction = self.transaction(by, TxKind::Call(to), U256::ZERO, input);
        let result = self.evm.transact(transaction).unwrap_or_else(|error| panic!("{by} calls: {error}"));
        Self::ran(result.result).0
    }

    fn transaction(&mut self, by: Address, to: TxKind, wei: U256, input: Bytes) -> TxEnv {
        let database = &mut self.evm.ctx.journaled_state.database;
        let nonce = database.load_account(by).expect("memory does not fail").info.nonce;
        let builder = TxEnv::builder().caller(by).nonce(nonce).chain_id(Some(esker_sdk_test::CHAIN_ID));
        let builder = builder.gas_limit(GAS).gas_price(0).kind(to).value(wei).data(input);
        builder.build().expect("a complete transaction")
    }

    fn ran(result: ExecutionResult) -> (Ran, Option<Address>) {
        let created = result.created_address();
        let ran = match result {
            ExecutionResult::Success { output, logs, .. } => Ran::Returned(output.into_data(), logs),
            ExecutionResult::Revert { output, .. } => Ran::Reverted(output),
            ExecutionResult::Halt { .. } => Ran::Halted,
        };
        (ran, created)
    }
}

impl Default for Evm {
    fn default() -> Self {
        Self::new()
    }
}
