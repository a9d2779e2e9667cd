//! Contracts that are there from the start.

use alloy_primitives::{Address, B256, Bytes, U256};
use esker_vm::{Fatal, Session};

use super::GenesisAccount;
use crate::block::{BlockEnv, extra_data, mix_hash};
use crate::db::StoreError;
use crate::exec::{ExecutionStatus, Executor};
use crate::params::ChainConfig;
use crate::state::{Account, ChangeSet, StateReader};

/// A contract of a genesis: what its constructor makes of `address` on an empty state, as an entry for `alloc`. `value`
/// (wei) is given to the constructor and becomes the contract's balance.
///
/// Block 0 holds the outcome and not the call, so that whoever reads a genesis needs no engine to know its hash; whoever
/// doubts it makes the entry again and compares.
///
/// # Errors
/// [`ConstructError`]
pub fn construct(
    session: &Session<'_>,
    config: &ChainConfig,
    address: Address,
    payload: &[u8],
    value: U256,
) -> Result<GenesisAccount, ConstructError> {
    let env = BlockEnv {
        number: 0,
        timestamp: 0,
        gas_limit: config.gas_limit_max,
        base_fee: 0,
        beneficiary: Address::ZERO,
        mix_hash: mix_hash(B256::ZERO, 0),
        parent_hash: B256::ZERO,
        extra_data: extra_data(config.upgrades.version_at(0), 0),
    };
    let mut executor = Executor::new(session, &Nothing, config, &env);
    let (status, output) = executor.system_create(address, payload, value, CONSTRUCTION_GAS)?;
    if !status.is_success() {
        return Err(ConstructError::Failed { status, output: output.into() });
    }
    let ChangeSet { mut accounts, mut codes } = executor.journal().changes();
    let made = accounts.remove(&address).and_then(|change| Some((change.after?, change.storage)));
    let Some((account, storage)) = made.filter(|_| accounts.is_empty()) else { return Err(ConstructError::Elsewhere) };
    Ok(GenesisAccount {
        balance: account.balance,
        nonce: account.nonce,
        code: codes.remove(&account.code_hash).unwrap_or_default(),
        storage: storage.into_iter().map(|(slot, change)| (slot, change.after)).collect(),
    })
}

/// Gas of a constructor of the genesis.
const CONSTRUCTION_GAS: u64 = 1 << 40;

/// Why a contract cannot be part of a genesis.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConstructError {
    /// The constructor did not return.
    #[error("the constructor ended with {status:?}, output {output}")]
    Failed {
        /// How.
        status: ExecutionStatus,
        /// What it reverted with.
        output: Bytes,
    },
    /// The constructor changed other accounts.
    #[error("the constructor changed other accounts than the contract's own")]
    Elsewhere,
    /// This node failed.
    #[error(transparent)]
    Fatal(#[from] Fatal),
}

/// The state before any block.
struct Nothing;

impl StateReader for Nothing {
    fn account(&self, _address: Address) -> Result<Option<Account>, StoreError> {
        Ok(None)
    }

    fn storage(&self, _address: Address, _slot: B256) -> Result<B256, StoreError> {
        Ok(B256::ZERO)
    }

    fn code(&self, _code_hash: B256) -> Result<Option<Bytes>, StoreError> {
        Ok(None)
    }

    fn block_hash(&self, _number: u64) -> Result<Option<B256>, StoreError> {
        Ok(None)
    }
}
