//! The first block: who owns what before anything happened.

mod construct;

use std::collections::BTreeMap;

use alloy_consensus::EMPTY_ROOT_HASH;
use alloy_primitives::{Address, B256, Bloom, Bytes, KECCAK256_EMPTY, U256, keccak256};
use esker_abi::Limits;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::block::{BlockEnv, BuiltBlock, extra_data, mix_hash};
use crate::params::{ChainConfig, gas};
use crate::staking::{EPOCH_LENGTH_MAX, INFLATION_BITS, STAKING_ADDRESS, SUPPLY_BITS, StakingConfig};
use crate::state::{Account, AccountChange, ChangeSet, SlotChange};
use crate::upgrades::Upgrades;
use crate::validators::{self, VALIDATORS_ADDRESS, Validator, ValidatorsError};

pub use construct::{ConstructError, construct};

/// A chain's beginning, in the shape of geth's genesis files (the fields that have a meaning here).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Genesis {
    /// What geth calls the chain's configuration.
    pub config: GenesisConfig,
    /// Gas limit of every block.
    #[serde(with = "quantity")]
    pub gas_limit: u64,
    /// Base fee of block 0, in wei.
    #[serde(with = "quantity", default = "initial_base_fee")]
    pub base_fee_per_gas: u64,
    /// Seconds since the Unix epoch.
    #[serde(with = "quantity", default)]
    pub timestamp: u64,
    /// Who votes; nobody on a development chain.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub validators: Vec<Validator>,
    /// Accounts that exist from the start.
    #[serde(default)]
    pub alloc: BTreeMap<Address, GenesisAccount>,
}

/// The part of a genesis file that names the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GenesisConfig {
    /// The chain's id (EIP-155).
    pub chain_id: u64,
    /// How validators are chosen; the contract is in `alloc`. Without it the first set stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staking: Option<StakingConfig>,
    /// When later protocol versions begin. Not part of block 0 (but for a version that begins there), so that a chain that
    /// runs can get upgrades.
    #[serde(default, skip_serializing_if = "Upgrades::is_empty")]
    pub upgrades: Upgrades,
}

/// An account that exists from the start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenesisAccount {
    /// In wei.
    pub balance: U256,
    /// Usually 0, and 1 for a contract.
    #[serde(with = "quantity", default)]
    pub nonce: u64,
    /// An envelope without arguments.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub code: Bytes,
    /// Storage slots.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub storage: BTreeMap<B256, B256>,
}

/// Why a genesis is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenesisError {
    /// Code that is no envelope.
    #[error("the code of {address} in the genesis is not a contract's envelope: {reason}")]
    Code {
        /// Whose.
        address: Address,
        /// What is wrong.
        reason: esker_vm::envelope::EnvelopeError,
    },
    /// Storage where no contract is (EIP-7610 relies on its absence).
    #[error("{0} has storage in the genesis, yet neither code nor a nonce: give it code or remove the storage")]
    Storage(Address),
    /// More coins than 2^256 − 1 wei.
    #[error("all balances of the genesis together pass 2^256 wei")]
    Supply,
    /// A gas limit that no transaction fits into, or that fuel cannot count.
    #[error("the gas limit of the genesis is {0}: choose one from 21000 to 2^48")]
    GasLimit(u64),
    /// A validator set that cannot be.
    #[error("the validators of the genesis: {0}")]
    Validators(#[from] ValidatorsError),
    /// Proof of stake that cannot work.
    #[error("the staking of the genesis: {0}")]
    Staking(&'static str),
    /// The system account among those that exist from the start.
    #[error("{VALIDATORS_ADDRESS} holds the validator set: name it in \"validators\", not in \"alloc\"")]
    SystemAccount,
}

impl Genesis {
    /// A genesis without accounts.
    #[must_use]
    pub const fn new(chain_id: u64, gas_limit: u64, timestamp: u64) -> Self {
        Self {
            config: GenesisConfig { chain_id, staking: None, upgrades: Upgrades::none() },
            gas_limit,
            base_fee_per_gas: gas::INITIAL_BASE_FEE,
            timestamp,
            validators: Vec::new(),
            alloc: BTreeMap::new(),
        }
    }

    /// The rules of the chain that begins so.
    #[must_use]
    pub fn chain_config(&self) -> ChainConfig {
        let GenesisConfig { chain_id, staking, upgrades } = &self.config;
        ChainConfig { staking: *staking, upgrades: upgrades.clone(), ..ChainConfig::new(*chain_id) }
    }

    /// Whether the two are of one chain: all is alike but the upgrades, of which a chain that runs may get more.
    #[must_use]
    pub fn is_same_chain(&self, other: &Self) -> bool {
        let Self { config, gas_limit, base_fee_per_gas, timestamp, validators, alloc } = self;
        let version = |genesis: &Self| genesis.config.upgrades.version_at(0);
        (config.chain_id, config.staking, version(self))
            == (other.config.chain_id, other.config.staking, version(other))
            && (gas_limit, base_fee_per_gas, timestamp) == (&other.gas_limit, &other.base_fee_per_gas, &other.timestamp)
            && (validators, alloc) == (&other.validators, &other.alloc)
    }

    /// Block 0, with everything in `alloc` as its changes to the empty state. [`BuiltBlock::seal`] completes it.
    ///
    /// # Errors
    /// [`GenesisError`] says what to change.
    pub fn build(&self) -> Result<BuiltBlock, GenesisError> {
        let config = self.chain_config();
        if !(gas::TRANSACTION..=config.gas_limit_max).contains(&self.gas_limit) {
            return Err(GenesisError::GasLimit(self.gas_limit));
        }
        Ok(BuiltBlock {
            env: BlockEnv {
                number: 0,
                timestamp: self.timestamp,
                gas_limit: self.gas_limit,
                base_fee: self.base_fee_per_gas,
                beneficiary: Address::ZERO,
                mix_hash: mix_hash(B256::ZERO, 0),
                parent_hash: B256::ZERO,
                extra_data: extra_data(config.upgrades.version_at(0), 0),
            },
            transactions: Vec::new(),
            receipts: Vec::new(),
            results: Vec::new(),
            changes: self.changes()?,
            gas_used: 0,
            transactions_root: EMPTY_ROOT_HASH,
            receipts_root: EMPTY_ROOT_HASH,
            logs_bloom: Bloom::ZERO,
        })
    }

    fn changes(&self) -> Result<ChangeSet, GenesisError> {
        let mut changes = ChangeSet::default();
        let mut supply = U256::ZERO;
        for (&address, account) in &self.alloc {
            supply = supply.checked_add(account.balance).ok_or(GenesisError::Supply)?;
            let code_hash = if account.code.is_empty() {
                KECCAK256_EMPTY
            } else {
                esker_vm::envelope::decode_code(&account.code, Limits::V1.module_bytes_max)
                    .map_err(|reason| GenesisError::Code { address, reason })?;
                keccak256(&account.code)
            };
            let storage: BTreeMap<_, _> = account
                .storage
                .iter()
                .filter(|(_, value)| !value.is_zero())
                .map(|(slot, after)| (*slot, SlotChange { before: B256::ZERO, after: *after }))
                .collect();
            let after = Account { nonce: account.nonce, balance: account.balance, code_hash };
            if !storage.is_empty() && account.nonce == 0 && !after.has_code() {
                return Err(GenesisError::Storage(address));
            }
            if after.is_empty() {
                continue;
            }
            if after.has_code() {
                changes.codes.insert(code_hash, account.code.clone());
            }
            changes.accounts.insert(address, AccountChange { before: None, after: Some(after), storage });
        }
        self.check_staking(&changes, supply)?;
        self.put_validators(&mut changes)?;
        Ok(changes)
    }

    fn check_staking(&self, changes: &ChangeSet, supply: U256) -> Result<(), GenesisError> {
        let Some(StakingConfig { epoch_length, inflation_per_block }) = self.config.staking else { return Ok(()) };
        let contract = changes.accounts.get(&STAKING_ADDRESS).and_then(|change| change.after);
        let rules = [
            ((1..=EPOCH_LENGTH_MAX).contains(&epoch_length), "epochLength must be from 1 to 2^32 blocks"),
            (
                inflation_per_block.bit_len() <= INFLATION_BITS,
                "inflationPerBlock must be below 2^80 wei (1.2 million coins)",
            ),
            (supply.bit_len() <= SUPPLY_BITS, "all balances together must be below 2^119 wei (664 × 10^15 coins)"),
            (contract.is_some_and(|account| account.has_code()), "alloc has no contract at 0x…1001"),
            (!self.validators.is_empty(), "validators names nobody, so that no block would ever be decided"),
        ];
        rules.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, fault)| Err(GenesisError::Staking(fault)))
    }

    fn put_validators(&self, changes: &mut ChangeSet) -> Result<(), GenesisError> {
        validators::check(&self.validators)?;
        if self.alloc.contains_key(&VALIDATORS_ADDRESS) {
            return Err(GenesisError::SystemAccount);
        }
        if self.validators.is_empty() {
            return Ok(());
        }
        let storage = validators::storage(&self.validators)
            .into_iter()
            .map(|(slot, after)| (slot, SlotChange { before: B256::ZERO, after }))
            .collect();
        // Not empty, so that no transaction that touches it clears it away.
        let after = Account { nonce: 1, balance: U256::ZERO, code_hash: KECCAK256_EMPTY };
        changes.accounts.insert(VALIDATORS_ADDRESS, AccountChange { before: None, after: Some(after), storage });
        Ok(())
    }
}

fn is_empty(code: &Bytes) -> bool {
    code.is_empty()
}

const fn initial_base_fee() -> u64 {
    gas::INITIAL_BASE_FEE
}

/// A 64-bit number as JSON-RPC writes it; plain numbers and decimal strings are read too.
mod quantity {
    use super::{Deserialize, Deserializer, Serialize, Serializer, U256, de};

    pub fn serialize<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        U256::from(*number).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let number = U256::deserialize(deserializer)?;
        u64::try_from(number).map_err(|_| de::Error::custom(format!("{number} does not fit 64 bits")))
    }
}
