//! One transaction: its checks against the state, its first frame, its fees.

use alloy_eips::eip2930::AccessList;
use alloy_primitives::{Address, TxKind, U256};
use esker_abi::FUEL_PER_GAS;
use esker_vm::{CallKind, Fatal, Halt, HostError, Meter, Outcome};

use super::create::Creation;
use super::fees::{IntrinsicGas, effective_gas_price, intrinsic_gas};
use super::frame::{Call, FrameResult};
use super::host::transaction_context;
use super::{ExecutionStatus, Executor, TransactionResult, fatal};
use crate::params::gas;
use crate::state::AccountId;
use crate::types::{ExecuteError, Transaction, TransactionError};

/// What is executed: a transaction, or what a simulation makes up.
#[derive(Clone, Copy, Debug)]
pub struct Message<'m> {
    /// Who sends it.
    pub sender: Address,
    /// Whom it calls, or that it creates.
    pub kind: TxKind,
    /// The sender's nonce, looked at if [`Checks::nonce`] says so.
    pub nonce: u64,
    /// Most gas it may use.
    pub gas_limit: u64,
    /// Most that it pays for one gas, in wei.
    pub fee_cap: u128,
    /// Most that it pays to the beneficiary for one gas, in wei.
    pub tip_cap: u128,
    /// In wei.
    pub value: U256,
    /// Calldata, or the deploy payload.
    pub input: &'m [u8],
    /// What is warm from the start.
    pub access_list: &'m AccessList,
    /// What is checked.
    pub checks: Checks,
}

/// Which of a transaction's checks are made. A block's transactions get all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checks {
    /// The nonce is the account's.
    pub nonce: bool,
    /// The sender has no code (EIP-3607).
    pub sender_is_eoa: bool,
    /// The fee cap covers the base fee. Without it, gas costs what the message says, and tips what is above the base fee.
    pub base_fee: bool,
    /// Gas limit at least the calldata floor, and gas used at least that (EIP-7623).
    pub floor: bool,
}

impl Checks {
    /// What a block demands.
    pub const ALL: Self = Self { nonce: true, sender_is_eoa: true, base_fee: true, floor: true };
}

impl<'m> From<&'m Transaction> for Message<'m> {
    fn from(transaction: &'m Transaction) -> Self {
        Self {
            sender: transaction.sender(),
            kind: transaction.kind(),
            nonce: transaction.nonce(),
            gas_limit: transaction.gas_limit(),
            fee_cap: transaction.fee_cap(),
            tip_cap: transaction.tip_cap(),
            value: transaction.value(),
            input: transaction.input(),
            access_list: transaction.access_list(),
            checks: Checks::ALL,
        }
    }
}

/// A message that may be executed.
struct Validated {
    sender: AccountId,
    gas_price: u128,
    intrinsic: IntrinsicGas,
}

impl Executor<'_> {
    /// Executes a message and ends the transaction: its changes and fees are in the journal.
    ///
    /// # Errors
    /// [`ExecuteError`]: nothing was changed.
    pub fn execute(&mut self, message: &Message<'_>) -> Result<TransactionResult, ExecuteError> {
        let validated = self.validate(message)?;
        let checkpoint = self.journal.checkpoint();
        self.depth = 0;
        match self.run_transaction(message, &validated) {
            Ok(mut result) => {
                result.logs = self.journal.end_transaction();
                Ok(result)
            }
            Err(fatal) => {
                self.journal.revert(checkpoint);
                self.journal.end_transaction();
                Err(fatal.into())
            }
        }
    }

    /// The checks that need the state, in geth's order.
    fn validate(&mut self, message: &Message<'_>) -> Result<Validated, ExecuteError> {
        let Message { sender: address, gas_limit, fee_cap, tip_cap, value, .. } = *message;
        let sender = self.journal.load(address).map_err(fatal)?;
        let account = *self.journal.account(sender);
        if message.checks.nonce {
            let (expected, nonce) = (account.nonce, message.nonce);
            if nonce > expected {
                return Err(TransactionError::NonceTooHigh { sender: address, expected, nonce }.into());
            }
            if nonce < expected {
                return Err(TransactionError::NonceTooLow { expected, nonce }.into());
            }
        }
        if account.nonce == u64::MAX {
            return Err(TransactionError::NonceMax.into());
        }
        if message.checks.sender_is_eoa && account.has_code() {
            return Err(TransactionError::SenderNotEoa { sender: address }.into());
        }
        if tip_cap > fee_cap {
            return Err(TransactionError::TipAboveFeeCap { sender: address, tip: tip_cap, fee_cap }.into());
        }
        let gas_price = match effective_gas_price(fee_cap, tip_cap, self.base_fee) {
            Some(price) => price,
            None if message.checks.base_fee => {
                let base_fee = self.base_fee;
                return Err(TransactionError::FeeCapTooLow { sender: address, fee_cap, base_fee }.into());
            }
            None => fee_cap,
        };
        if gas_limit > self.config.gas_limit_max {
            let limit = self.config.gas_limit_max;
            return Err(TransactionError::GasLimitTooHigh { gas: gas_limit, limit }.into());
        }
        let cost = max_cost(gas_limit, fee_cap, value);
        if cost.is_none_or(|cost| account.balance < cost) {
            let cost = cost.unwrap_or(U256::MAX);
            return Err(TransactionError::InsufficientFunds { balance: account.balance, cost }.into());
        }
        let intrinsic = intrinsic_gas(message.kind, message.input, message.access_list);
        if gas_limit < intrinsic.base {
            return Err(TransactionError::IntrinsicGas { gas: gas_limit, needed: intrinsic.base }.into());
        }
        if message.checks.floor && gas_limit < intrinsic.floor {
            return Err(TransactionError::FloorGas { gas: gas_limit, needed: intrinsic.floor }.into());
        }
        if message.kind.is_create() && message.input.len() > self.config.payload_bytes_max {
            let (size, limit) = (message.input.len(), self.config.payload_bytes_max);
            return Err(TransactionError::PayloadTooLarge { size, limit }.into());
        }
        Ok(Validated { sender, gas_price, intrinsic })
    }

    fn run_transaction(&mut self, message: &Message<'_>, validated: &Validated) -> Result<TransactionResult, Fatal> {
        let Validated { sender, gas_price, intrinsic } = *validated;
        self.transaction = transaction_context(message.sender, gas_price);
        let bought = self.journal.debit(sender, wei(message.gas_limit, gas_price));
        assert!(bought, "the balance covers the gas limit at the fee cap");
        self.warm_up(message, sender)?;

        let gas = message.gas_limit - intrinsic.base;
        let (result, created) = match message.kind {
            TxKind::Call(target) => (self.top_call(message, sender, target, gas)?, None),
            TxKind::Create => {
                let (result, address) = self.top_create(message, sender, gas)?;
                (result, Some(address))
            }
        };

        let spent = message.gas_limit - result.gas_left;
        let refunded = self.journal.refund().min(spent / gas::REFUND_QUOTIENT);
        let floor = if message.checks.floor { intrinsic.floor } else { 0 };
        let gas_used = (spent - refunded).max(floor);
        self.journal.credit(sender, wei(message.gas_limit - gas_used, gas_price));
        // The base fee is burnt: nobody is credited with it.
        let tip = gas_price.saturating_sub(u128::from(self.base_fee));
        let tips_to = self.journal.load(self.tips_to).map_err(fatal)?;
        self.journal.credit(tips_to, wei(gas_used, tip));

        let (status, output) = match result.outcome {
            Outcome::Return(output) => (ExecutionStatus::Success, output),
            Outcome::Revert(output) => (ExecutionStatus::Revert, output),
            Outcome::Halt(halt) => (ExecutionStatus::Halt(halt), Vec::new()),
            Outcome::Fatal(fatal) => return Err(fatal),
        };
        Ok(TransactionResult {
            status,
            gas_used,
            gas_refunded: spent.saturating_sub(gas_used),
            output: output.into(),
            logs: Vec::new(),
            created,
            effective_gas_price: gas_price,
        })
    }

    /// Warms sender, beneficiary (EIP-3651) and access list (EIP-2930).
    fn warm_up(&mut self, message: &Message<'_>, sender: AccountId) -> Result<(), Fatal> {
        self.journal.warm(sender);
        let beneficiary = self.journal.load(self.beneficiary).map_err(fatal)?;
        self.journal.warm(beneficiary);
        for item in message.access_list.iter() {
            let account = self.journal.load(item.address).map_err(fatal)?;
            self.journal.warm(account);
            for key in &item.storage_keys {
                let slot = self.journal.load_slot(account, *key).map_err(fatal)?;
                self.journal.warm_slot(slot);
            }
        }
        Ok(())
    }

    fn top_call(
        &mut self,
        message: &Message<'_>,
        sender: AccountId,
        target: Address,
        gas: u64,
    ) -> Result<FrameResult, Fatal> {
        let nonce = self.journal.account(sender).nonce;
        self.journal.set_nonce(sender, nonce + 1);
        self.first_frame(message.sender, target, message.value, message.input.to_vec(), gas)
    }

    /// Makes a message call that no frame makes: of a transaction, or of the protocol.
    pub(super) fn first_frame(
        &mut self,
        caller: Address,
        target: Address,
        value: U256,
        input: Vec<u8>,
        gas: u64,
    ) -> Result<FrameResult, Fatal> {
        let account = self.journal.load(target).map_err(fatal)?;
        self.journal.warm(account);
        let mut meter = Meter::new(gas.saturating_mul(FUEL_PER_GAS));
        let code = match self.access_target(target, account, &mut meter) {
            Ok(code) => code,
            Err(HostError::Halt(halt)) => return Ok(FrameResult::halt(halt)),
            Err(HostError::Fatal(fatal)) => return Err(fatal),
        };
        Ok(self.call(Call {
            kind: CallKind::Call,
            from: caller,
            caller,
            address: target,
            account,
            target,
            code,
            value,
            input,
            is_static: false,
            inherited_reentrancy: false,
            gas: meter.gas(),
        }))
    }

    fn top_create(
        &mut self,
        message: &Message<'_>,
        sender: AccountId,
        gas: u64,
    ) -> Result<(FrameResult, Address), Fatal> {
        let Some(gas) = gas.checked_sub(self.rules.prices.frame) else {
            let nonce = self.journal.account(sender).nonce;
            self.journal.set_nonce(sender, nonce + 1);
            return Ok((FrameResult::halt(Halt::OutOfGas), super::create_address(message.sender, nonce)));
        };
        Ok(self.create(&Creation {
            creator: message.sender,
            creator_account: sender,
            value: message.value,
            payload: message.input,
            salt: None,
            gas,
        }))
    }
}

/// Most that a message can cost its sender, in wei; `None` if it is more than there can be.
fn max_cost(gas_limit: u64, fee_cap: u128, value: U256) -> Option<U256> {
    wei(gas_limit, fee_cap).checked_add(value)
}

/// `gas` × `price`: below 2^192.
fn wei(gas: u64, price: u128) -> U256 {
    U256::from(gas) * U256::from(price)
}
