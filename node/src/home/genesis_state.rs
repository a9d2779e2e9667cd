//! A genesis as a state, to ask its staking contract before there is a chain.

use std::fmt;

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, keccak256};
use alloy_sol_types::SolCall;
use esker_runtime::db::StoreError;
use esker_runtime::staking::STAKING_ADDRESS;
use esker_runtime::state::{Account, StateReader};
use esker_runtime::{BlockEnv, Genesis};
use esker_vm::Session;

use crate::staking::call::call;

/// Gas of a question: far more than one about a hundred validators takes.
const GAS: u64 = 50_000_000;

/// The state of a genesis.
pub(super) struct GenesisState<'g>(&'g Genesis);

impl<'g> GenesisState<'g> {
    pub(super) const fn new(genesis: &'g Genesis) -> Self {
        Self(genesis)
    }

    /// What the staking contract answers.
    ///
    /// # Errors
    /// Why it cannot be asked, or that it does not answer as the staking contract does.
    pub(super) fn ask<C: SolCall>(&self, session: &Session<'_>, question: C) -> Result<C::Return, String> {
        let genesis = self.0;
        if genesis.alloc.get(&STAKING_ADDRESS).is_none_or(|account| account.code.is_empty()) {
            return Err(format!("\"alloc\" has no contract at {STAKING_ADDRESS}"));
        }
        let failed = |why: &dyn fmt::Display| {
            format!("the contract at {STAKING_ADDRESS} does not answer as the staking contract: {why}")
        };
        let env = BlockEnv {
            number: 0,
            timestamp: genesis.timestamp,
            gas_limit: genesis.gas_limit,
            base_fee: 0,
            beneficiary: Address::ZERO,
            mix_hash: B256::ZERO,
            parent_hash: B256::ZERO,
            extra_data: Bytes::new(),
        };
        let (config, input) = (genesis.chain_config(), question.abi_encode().into());
        let said = call(session, self, &config, &env, Address::ZERO, input, GAS).map_err(|error| failed(&error))?;
        if !said.status.is_success() {
            return Err(failed(&format!("{:?}, {}", said.status, said.output)));
        }
        C::abi_decode_returns(&said.output).map_err(|error| failed(&error))
    }
}

impl StateReader for GenesisState<'_> {
    fn account(&self, address: Address) -> Result<Option<Account>, StoreError> {
        let hash = |code: &Bytes| if code.is_empty() { KECCAK256_EMPTY } else { keccak256(code) };
        let found = self.0.alloc.get(&address);
        Ok(found.map(|it| Account { nonce: it.nonce, balance: it.balance, code_hash: hash(&it.code) }))
    }

    fn storage(&self, address: Address, slot: B256) -> Result<B256, StoreError> {
        let account = self.0.alloc.get(&address);
        Ok(account.and_then(|account| account.storage.get(&slot)).copied().unwrap_or_default())
    }

    fn code(&self, code_hash: B256) -> Result<Option<Bytes>, StoreError> {
        let contract = self.0.alloc.get(&STAKING_ADDRESS).filter(|account| keccak256(&account.code) == code_hash);
        Ok(contract.map(|account| account.code.clone()))
    }

    fn block_hash(&self, _number: u64) -> Result<Option<B256>, StoreError> {
        Ok(None)
    }
}
