//! What the machine sees of the world: the one file where its vocabulary and Ethereum's meet.

use alloy_primitives::{Address, B256, Bytes, U256};
use esker_vm::{
    BlockContext, CallKind, CallRequest, CallResult, CreateRequest, CreateResult, Halt, Host, HostError, Meter,
    Outcome, TransactionContext,
};
use primitive_types::{H160, H256, U256 as VmU256};

use super::create::Creation;
use super::frame::{Call, Code};
use super::{Executor, fatal, moves_value};
use crate::block::BlockEnv;
use crate::params::{ChainConfig, gas};
use crate::state::{AccountId, SlotId};

/// The world around one frame.
pub(super) struct HostContext<'e, 'a> {
    pub executor: &'e mut Executor<'a>,
    /// [`HostContext::address`] in the journal.
    pub account: AccountId,
    pub address: Address,
    pub caller: Address,
    pub value: U256,
    pub is_static: bool,
    pub is_reentrant: bool,
}

impl HostContext<'_, '_> {
    const fn refuse_static(&self) -> Result<(), HostError> {
        if self.is_static { Err(HostError::Halt(Halt::StaticViolation)) } else { Ok(()) }
    }

    /// Charges for the access to a slot: `warm` gas when it is warm, [`gas::COLD_SLOT`] and `cold_extra` when it is not.
    fn access_slot(&mut self, key: B256, warm: u64, meter: &mut Meter) -> Result<SlotId, HostError> {
        let executor = &mut *self.executor;
        if let Some(inspector) = &mut executor.inspector {
            inspector.slot_accessed(self.address, key);
        }
        let known = executor.journal.find_slot(self.account, key);
        if known.is_some_and(|slot| executor.journal.is_slot_warm(slot)) {
            meter.charge_gas(warm)?;
        } else {
            meter.charge_gas(gas::COLD_SLOT)?;
        }
        let slot = match known {
            Some(slot) => slot,
            None => executor.journal.load_slot_first(self.account, key).map_err(fatal)?,
        };
        executor.journal.warm_slot(slot);
        Ok(slot)
    }

    /// Takes min(`asked`, L − ⌊L/64⌋) of the L gas left from `meter` (EIP-150).
    fn hand_over(asked: u64, meter: &mut Meter) -> Result<u64, HostError> {
        let left = meter.gas();
        let gas = asked.min(left - left / 64);
        meter.charge_gas(gas)?;
        Ok(gas)
    }
}

impl Host for HostContext<'_, '_> {
    fn transaction(&self) -> &TransactionContext {
        &self.executor.transaction
    }

    fn block(&self) -> &BlockContext {
        &self.executor.block
    }

    fn block_hash(&mut self, number: u64) -> Result<H256, HostError> {
        Ok(to_h256(self.executor.block_hash(number)?))
    }

    fn storage_load(&mut self, key: H256, meter: &mut Meter) -> Result<H256, HostError> {
        let slot = self.access_slot(from_h256(key), gas::WARM_ACCESS, meter)?;
        Ok(to_h256(self.executor.journal.slot_values(slot).current))
    }

    fn storage_store(&mut self, key: H256, value: H256, meter: &mut Meter) -> Result<(), HostError> {
        self.refuse_static()?;
        if meter.gas() <= gas::STORAGE_SENTRY {
            return Err(HostError::Halt(Halt::OutOfGas));
        }
        let slot = self.access_slot(from_h256(key), 0, meter)?;
        let values = self.executor.journal.slot_values(slot);
        let value = from_h256(value);
        // EIP-2200 with EIP-2929's and EIP-3529's numbers.
        let (cost, refund) = if value == values.current {
            (gas::WARM_ACCESS, 0)
        } else if values.current == values.original {
            match (values.original.is_zero(), value.is_zero()) {
                (true, _) => (gas::STORAGE_SET, 0),
                (false, true) => (gas::STORAGE_RESET, gas::STORAGE_CLEAR_REFUND),
                (false, false) => (gas::STORAGE_RESET, 0),
            }
        } else {
            let mut refund = 0;
            if !values.original.is_zero() {
                if values.current.is_zero() {
                    refund -= gas::STORAGE_CLEAR_REFUND;
                } else if value.is_zero() {
                    refund += gas::STORAGE_CLEAR_REFUND;
                }
            }
            if value == values.original {
                let first = if value.is_zero() { gas::STORAGE_SET } else { gas::STORAGE_RESET };
                refund += (first - gas::WARM_ACCESS).cast_signed();
            }
            (gas::WARM_ACCESS, refund)
        };
        meter.charge_gas(cost)?;
        self.executor.journal.add_refund(refund);
        self.executor.journal.set_slot(slot, value);
        Ok(())
    }

    fn transient_load(&mut self, key: H256, meter: &mut Meter) -> Result<H256, HostError> {
        meter.charge_gas(gas::TRANSIENT)?;
        Ok(to_h256(self.executor.journal.transient(self.account, from_h256(key))))
    }

    fn transient_store(&mut self, key: H256, value: H256, meter: &mut Meter) -> Result<(), HostError> {
        self.refuse_static()?;
        meter.charge_gas(gas::TRANSIENT)?;
        self.executor.journal.set_transient(self.account, from_h256(key), from_h256(value));
        Ok(())
    }

    fn balance(&mut self, account: H160, meter: &mut Meter) -> Result<VmU256, HostError> {
        let id = self.executor.access_account(from_h160(account), meter)?;
        Ok(to_u256(self.executor.journal.account(id).balance))
    }

    fn code_hash(&mut self, account: H160, meter: &mut Meter) -> Result<H256, HostError> {
        let id = self.executor.access_account(from_h160(account), meter)?;
        let account = self.executor.journal.account(id);
        Ok(if account.is_empty() { H256::zero() } else { to_h256(account.code_hash) })
    }

    fn code_size(&mut self, account: H160, meter: &mut Meter) -> Result<u32, HostError> {
        let id = self.executor.access_account(from_h160(account), meter)?;
        if !self.executor.journal.account(id).has_code() {
            return Ok(0);
        }
        let code = self.executor.access_code(id, meter)?;
        Ok(u32::try_from(code.len()).expect("code is bounded by the payload's limit"))
    }

    fn log(&mut self, log: esker_vm::Log, meter: &mut Meter) -> Result<(), HostError> {
        self.refuse_static()?;
        let topics = gas::LOG_TOPIC * log.topics.len() as u64;
        meter.charge_gas(gas::LOG + topics + gas::LOG_BYTE * log.data.len() as u64)?;
        let topics = log.topics.into_iter().map(from_h256).collect();
        let log = alloy_primitives::Log::new(self.address, topics, log.data.into()).ok_or(Halt::InvalidArgument)?;
        if let Some(inspector) = &mut self.executor.inspector {
            inspector.log(&log);
        }
        self.executor.journal.log(log);
        Ok(())
    }

    fn call(&mut self, request: CallRequest<'_>, meter: &mut Meter) -> Result<CallResult, HostError> {
        let target = from_h160(request.target);
        let value = from_u256(request.value);
        let moves = request.kind == CallKind::Call && moves_value(value);
        if moves {
            self.refuse_static()?;
        }
        let target_account = self.executor.access_account(target, meter)?;
        if moves {
            meter.charge_gas(gas::CALL_VALUE)?;
            if self.executor.journal.account(target_account).is_empty() {
                meter.charge_gas(gas::NEW_ACCOUNT)?;
            }
        }
        let code = self.executor.access_target(target, target_account, meter)?;
        let laid_down = if matches!(code, Code::Module { .. }) { self.executor.rules.prices.halt } else { 0 };
        meter.charge_gas(laid_down)?;
        let mut gas = Self::hand_over(request.gas, meter)?;
        if moves {
            gas += gas::CALL_STIPEND;
        }
        let affordable = !moves || self.executor.journal.account(self.account).balance >= value;
        if !affordable || !self.executor.depth_left() {
            meter.return_gas(gas + laid_down);
            return Ok(CallResult::Halt);
        }
        let is_delegate = request.kind == CallKind::Delegate;
        let result = self.executor.call(Call {
            kind: request.kind,
            from: self.address,
            caller: if is_delegate { self.caller } else { self.address },
            address: if is_delegate { self.address } else { target },
            account: if is_delegate { self.account } else { target_account },
            target,
            code,
            value: if is_delegate { self.value } else { value },
            input: request.input.to_vec(),
            is_static: self.is_static || request.kind == CallKind::Static,
            inherited_reentrancy: self.is_reentrant,
            gas,
        });
        meter.return_gas(result.gas_left);
        if !matches!(result.outcome, Outcome::Halt(_)) {
            meter.return_gas(laid_down);
        }
        match result.outcome {
            Outcome::Return(output) => Ok(CallResult::Success(output)),
            Outcome::Revert(output) => Ok(CallResult::Revert(output)),
            Outcome::Halt(_) => Ok(CallResult::Halt),
            Outcome::Fatal(fatal) => Err(fatal.into()),
        }
    }

    fn create(&mut self, request: CreateRequest<'_>, meter: &mut Meter) -> Result<CreateResult, HostError> {
        self.refuse_static()?;
        meter.charge_gas(gas::CREATE)?;
        if request.salt.is_some() {
            meter.charge_gas(gas::KECCAK_WORD * (request.payload.len() as u64).div_ceil(32))?;
        }
        meter.charge_gas(self.executor.rules.prices.frame)?;
        let gas = Self::hand_over(u64::MAX, meter)?;
        let value = from_u256(request.value);
        let creator = *self.executor.journal.account(self.account);
        if creator.balance < value || creator.nonce == u64::MAX || !self.executor.depth_left() {
            meter.return_gas(gas);
            return Ok(CreateResult::Halt);
        }
        let (result, address) = self.executor.create(&Creation {
            creator: self.address,
            creator_account: self.account,
            value,
            payload: request.payload,
            salt: request.salt.map(from_h256),
            gas,
        });
        meter.return_gas(result.gas_left);
        match result.outcome {
            Outcome::Return(_) => Ok(CreateResult::Success(to_h160(address))),
            Outcome::Revert(output) => Ok(CreateResult::Revert(output)),
            Outcome::Halt(_) => Ok(CreateResult::Halt),
            Outcome::Fatal(fatal) => Err(fatal.into()),
        }
    }
}

/// A block as its guests see it.
pub(super) fn block_context(env: &BlockEnv, config: &ChainConfig) -> BlockContext {
    BlockContext {
        number: env.number,
        timestamp: env.timestamp,
        gas_limit: env.gas_limit,
        base_fee: VmU256::from(env.base_fee),
        coinbase: to_h160(env.beneficiary),
        prevrandao: to_h256(env.mix_hash),
        chain_id: config.chain_id,
    }
}

/// A transaction as its guests see it.
pub(super) fn transaction_context(sender: Address, gas_price: u128) -> TransactionContext {
    TransactionContext { origin: to_h160(sender), gas_price: VmU256::from(gas_price) }
}

pub(super) const fn to_h160(address: Address) -> H160 {
    H160(address.into_array())
}

const fn from_h160(address: H160) -> Address {
    Address::new(address.0)
}

pub(super) const fn to_h256(word: B256) -> H256 {
    H256(word.0)
}

const fn from_h256(word: H256) -> B256 {
    B256::new(word.0)
}

pub(super) const fn to_u256(value: U256) -> VmU256 {
    VmU256(value.into_limbs())
}

const fn from_u256(value: VmU256) -> U256 {
    U256::from_limbs(value.0)
}

/// A module's bytes are named by the hash of the code that carries them.
pub(super) fn code_hash_of(code: &Bytes) -> (B256, H256) {
    let hash = alloy_primitives::keccak256(code);
    (hash, to_h256(hash))
}
