//! Execution: one transaction at a time on a [`Journal`], frame by frame.
//!
//! A transaction is invalid (it leaves no trace), or it executes: succeeds, reverts or halts. A [`Fatal`] is neither: it
//! is this node's fault, leaves the journal as it was before the transaction, and stops the block.

mod create;
mod fees;
mod frame;
mod host;
mod inspect;
mod precompile;
mod system;
mod tx;

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, Log, U256};
use esker_vm::{BlockContext, Fatal, Halt, Session, TransactionContext};

use crate::block::BlockEnv;
use crate::db::StoreError;
use crate::params::ChainConfig;
use crate::staking::STAKING_ADDRESS;
use crate::state::{Journal, StateReader};
use crate::upgrades::Rules;

pub use create::{create_address, create2_address};
pub use fees::{IntrinsicGas, effective_gas_price, intrinsic_gas, next_base_fee};
pub use inspect::{FrameEnd, FrameKind, FrameStart, Inspector};
pub use precompile::{PRECOMPILES, is_precompile};
pub use tx::{Checks, Message};

/// How an executed transaction or frame ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExecutionStatus {
    /// It returned.
    Success,
    /// It reverted: its effects are undone, its unspent gas came back.
    Revert,
    /// It halted: its effects are undone, all its gas is burnt. Only the fact is consensus data.
    Halt(Halt),
}

impl ExecutionStatus {
    /// Whether it returned: what a receipt's `status` says.
    #[must_use]
    pub const fn is_success(self) -> bool {
        matches!(self, Self::Success)
    }
}

/// What executing a transaction gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionResult {
    /// How it ended.
    pub status: ExecutionStatus,
    /// Gas it paid for, refunds taken off.
    pub gas_used: u64,
    /// Gas taken off for cleared storage (EIP-3529): what it needed on the way is `gas_used + gas_refunded`.
    pub gas_refunded: u64,
    /// What it returned or reverted with; empty after a halt and after a creation that succeeded.
    pub output: Bytes,
    /// Logs in order; none unless it succeeded.
    pub logs: Vec<Log>,
    /// The address that a creation gave its contract, also when it failed.
    pub created: Option<Address>,
    /// What each gas cost, in wei.
    pub effective_gas_price: u128,
}

/// Executes transactions in the order they come, for one block.
pub struct Executor<'a> {
    session: &'a Session<'a>,
    config: &'a ChainConfig,
    rules: Rules,
    journal: Journal<'a>,
    block: BlockContext,
    beneficiary: Address,
    /// Who gets the tips: the beneficiary, or the contract that shares them out.
    tips_to: Address,
    base_fee: u64,
    parent_hash: B256,
    block_hashes: BTreeMap<u64, B256>,
    transaction: TransactionContext,
    depth: u32,
    inspector: Option<&'a mut (dyn Inspector + 'a)>,
}

impl<'a> Executor<'a> {
    /// An executor of the block `env` on the state of its parent.
    #[must_use]
    pub fn new(session: &'a Session<'a>, state: &'a dyn StateReader, config: &'a ChainConfig, env: &BlockEnv) -> Self {
        Self {
            session,
            config,
            // Blocks whose rules are not known are neither proposed nor accepted, but a simulation may ask for one.
            rules: config.rules_at(env.number).unwrap_or(Rules::LATEST),
            journal: Journal::new(state),
            block: host::block_context(env, config),
            beneficiary: env.beneficiary,
            tips_to: if config.staking.is_some() { STAKING_ADDRESS } else { env.beneficiary },
            base_fee: env.base_fee,
            parent_hash: env.parent_hash,
            block_hashes: BTreeMap::new(),
            transaction: TransactionContext::default(),
            depth: 0,
            inspector: None,
        }
    }

    /// Shows every frame, log and state access from now on to `inspector`, which cannot change what happens.
    #[must_use]
    pub fn inspected_by(mut self, inspector: &'a mut (dyn Inspector + 'a)) -> Self {
        self.inspector = Some(inspector);
        self
    }

    /// The state as it stands.
    #[must_use]
    pub const fn journal(&self) -> &Journal<'a> {
        &self.journal
    }

    /// The state as it stands, to be changed by hand: state overrides, genesis.
    pub const fn journal_mut(&mut self) -> &mut Journal<'a> {
        &mut self.journal
    }

    /// The hash of block `number` if it is one of the 256 before this one, else zero. The store is asked once a block
    /// for each.
    fn block_hash(&mut self, number: u64) -> Result<B256, Fatal> {
        let Some(distance @ 1..=256) = self.block.number.checked_sub(number) else {
            return Ok(B256::ZERO);
        };
        if distance == 1 {
            return Ok(self.parent_hash);
        }
        if let Some(hash) = self.block_hashes.get(&number) {
            return Ok(*hash);
        }
        // A chain has the hashes of all its blocks: one that cannot be found is this node's fault, and never zero, which
        // other nodes would not see.
        let hash = self.journal.state().block_hash(number).map_err(fatal)?;
        let hash = hash.ok_or_else(|| Fatal::Store(format!("the hash of block {number} is missing")))?;
        self.block_hashes.insert(number, hash);
        Ok(hash)
    }
}

/// A store's failure is the node's.
pub(crate) fn fatal(error: StoreError) -> Fatal {
    Fatal::Store(error.to_string())
}

/// `gas` of something priced in fuel, rounded up.
const fn fuel_to_gas(fuel: u64) -> u64 {
    fuel.div_ceil(esker_abi::FUEL_PER_GAS)
}

/// Whether a value moves.
fn moves_value(value: U256) -> bool {
    !value.is_zero()
}
