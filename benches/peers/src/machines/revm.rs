//! revm: Solidity's bytecode, analysed once, in one EVM whose journal stays in memory from call to call. A call is run as
//! revm runs system calls: a frame through the ordinary handler, without the checks and fees of a transaction, since the
//! other machines' calls have none either.

use ::revm::context::result::{EVMError, ExecutionResult, Output};
use ::revm::context::{ContextSetters, TxEnv};
use ::revm::database::{CacheDB, EmptyDB};
use ::revm::handler::{EthFrame, Handler, MainnetContext, MainnetHandler};
use ::revm::primitives::{Address, Bytes, TxKind, U256};
use ::revm::{Context, ExecuteCommitEvm, MainBuilder, MainContext, MainnetEvm};

use super::{Machine, REVM, Ran};
use crate::expected;
use crate::work::{AMOUNT, RECIPIENT, SENDER, SUPPLY, Work, balance_input, word};

type Database = CacheDB<EmptyDB>;
type Evm = MainnetEvm<MainnetContext<Database>>;
type Error = EVMError<std::convert::Infallible>;

const GAS: u64 = 1 << 50;

/// An EVM with all contracts deployed.
pub struct Revm {
    evm: Evm,
    contracts: Vec<Address>,
}

/// The contract's name in `solidity/bytecode.json`.
const fn contract(work: Work) -> &'static str {
    match work {
        Work::Trivial => "Trivial",
        Work::Transfer | Work::LibraryTransfer => "Token",
        Work::Keccak | Work::HostKeccak => "Keccak",
        Work::Fib => "Fib",
        Work::Matmul => "Matmul",
        Work::Mul256 => "Mul256",
        Work::Sort => "Sort",
    }
}

impl Revm {
    /// Deploys every contract from [`SENDER`].
    pub fn new() -> Self {
        let compiled: serde_json::Value =
            serde_json::from_str(include_str!("../../solidity/bytecode.json")).expect("JSON");
        let mut evm = Context::mainnet()
            .modify_cfg_chained(|cfg| cfg.tx_gas_limit_cap = Some(u64::MAX))
            .modify_block_chained(|block| block.gas_limit = u64::MAX)
            .with_db(Database::default())
            .build_mainnet();
        let contracts = Work::ALL
            .iter()
            .enumerate()
            .map(|(nonce, &work)| {
                let code = compiled["creation"][contract(work)].as_str().expect("a contract of that name");
                let mut code = hex::decode(code).expect("hexadecimal");
                if work.is_transfer() {
                    code.extend(word(SUPPLY));
                }
                let transaction = TxEnv::builder()
                    .caller(Address::new(SENDER))
                    .nonce(nonce as u64)
                    .gas_limit(GAS)
                    .gas_price(0)
                    .kind(TxKind::Create)
                    .data(Bytes::from(code))
                    .build()
                    .expect("a complete transaction");
                match evm.transact_commit(transaction).expect("a valid transaction") {
                    ExecutionResult::Success { output: Output::Create(_, Some(address)), .. } => address,
                    other => panic!("{}: {other:?}", work.name()),
                }
            })
            .collect();
        Self { evm, contracts }
    }

    /// Calls `to` so many times and gives the last result.
    fn call(&mut self, to: Address, input: Vec<u8>, times: u32) -> ExecutionResult {
        let transaction = TxEnv::builder()
            .caller(Address::new(SENDER))
            .gas_limit(GAS)
            .kind(TxKind::Call(to))
            .data(Bytes::from(input))
            .build()
            .expect("a complete transaction");
        self.evm.ctx.set_tx(transaction);
        let mut last = None;
        for _ in 0..times {
            let result = MainnetHandler::<Evm, Error, EthFrame>::default().run_system_call(&mut self.evm);
            let result = result.expect("a database in memory cannot fail");
            assert!(result.is_success(), "{result:?}");
            last = Some(result);
        }
        last.expect("at least one call")
    }
}

impl Machine for Revm {
    fn name(&self) -> &'static str {
        REVM
    }

    fn can(&self, _: Work) -> bool {
        true
    }

    fn run(&mut self, work: Work, times: u32) -> Ran {
        let result = self.call(self.contracts[work as usize], work.input(), times);
        let events: Vec<_> = result.logs().iter().map(|log| (log.topics().to_vec(), log.data.data.to_vec())).collect();
        let topics = || expected::topics(SENDER, RECIPIENT).map(Into::into).to_vec();
        let event = work.is_transfer().then(|| (topics(), word(AMOUNT).to_vec()));
        assert_eq!(events, Vec::from_iter(event), "events");
        let gas = result.tx_gas_used();
        Ran { output: result.into_output().unwrap_or_default().to_vec(), gas }
    }

    fn balance(&mut self, token: Work, account: [u8; 20]) -> [u8; 32] {
        let result = self.call(self.contracts[token as usize], balance_input(account), 1);
        U256::from_be_slice(&result.into_output().unwrap_or_default()).to_be_bytes()
    }
}
