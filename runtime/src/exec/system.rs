//! Calls that the protocol makes itself, after a block's transactions.

use alloy_primitives::{Address, U256};
use esker_vm::{Fatal, Halt, Outcome};

use super::create::Creation;
use super::frame::FrameResult;
use super::host::transaction_context;
use super::inspect::FrameKind;
use super::{ExecutionStatus, Executor, fatal};
use crate::staking::SYSTEM_ADDRESS;

impl Executor<'_> {
    /// Creates the contract of `payload` (envelope and constructor arguments) at `address` itself, which holds `value`
    /// (wei) then, all of it given to the constructor by [`SYSTEM_ADDRESS`]: how a contract of the genesis comes to be.
    ///
    /// # Errors
    /// [`Fatal`] if this node fails. How it ended is returned.
    pub(crate) fn system_create(
        &mut self,
        address: Address,
        payload: &[u8],
        value: U256,
        gas: u64,
    ) -> Result<(ExecutionStatus, Vec<u8>), Fatal> {
        self.depth = 0;
        self.transaction = transaction_context(SYSTEM_ADDRESS, 0);
        let creator_account = self.journal.load(SYSTEM_ADDRESS).map_err(fatal)?;
        self.journal.set_balance(creator_account, value);
        let creation = Creation { creator: SYSTEM_ADDRESS, creator_account, value, payload, salt: None, gas };
        let outcome = self.create_at(&creation, FrameKind::Create, address).outcome;
        // Whoever creates it is nobody: neither nonce nor coins are left.
        self.journal.set_balance(creator_account, U256::ZERO);
        self.journal.end_transaction();
        match outcome {
            Outcome::Return(output) => Ok((ExecutionStatus::Success, output)),
            Outcome::Revert(output) => Ok((ExecutionStatus::Revert, output)),
            Outcome::Halt(halt) => Ok((ExecutionStatus::Halt(halt), Vec::new())),
            Outcome::Fatal(fatal) => Err(fatal),
        }
    }

    /// Calls `target` from [`SYSTEM_ADDRESS`] with `gas` of its own: no nonce, no fee, no intrinsic gas, no value and no
    /// logs. It finds `minted` new coins (wei) on its account. Returns what it returned; `None` if it ended in any other
    /// way, and then nothing has changed and no coin came into being.
    ///
    /// # Errors
    /// [`Fatal`] if this node fails.
    pub(crate) fn system_call(
        &mut self,
        target: Address,
        input: Vec<u8>,
        gas: u64,
        minted: U256,
    ) -> Result<Option<Vec<u8>>, Fatal> {
        let checkpoint = self.journal.checkpoint();
        self.depth = 0;
        self.transaction = transaction_context(SYSTEM_ADDRESS, 0);
        let outcome = self.run_system_call(target, input, gas, minted)?.outcome;
        let returned = match outcome {
            Outcome::Return(output) => Some(output),
            Outcome::Revert(_) | Outcome::Halt(_) => None,
            Outcome::Fatal(fatal) => return Err(fatal),
        };
        if returned.is_none() {
            self.journal.revert(checkpoint);
        }
        self.journal.end_transaction();
        Ok(returned)
    }

    fn run_system_call(
        &mut self,
        target: Address,
        input: Vec<u8>,
        gas: u64,
        minted: U256,
    ) -> Result<FrameResult, Fatal> {
        let account = self.journal.load(target).map_err(fatal)?;
        let balance = self.journal.account(account).balance;
        // More coins than there can be: as if the call had failed.
        let Some(balance) = balance.checked_add(minted) else { return Ok(FrameResult::halt(Halt::OutOfGas)) };
        self.journal.set_balance(account, balance);
        self.first_frame(SYSTEM_ADDRESS, target, U256::ZERO, input, gas)
    }
}
