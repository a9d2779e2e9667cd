//! Creation: from a deploy payload to an account with code.

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_rlp::Encodable;
use esker_abi::FUEL_PER_GAS;
use esker_vm::{Code, Entry, Halt, HostError, Meter, ModuleFacts, Outcome, Preparation, PrepareError, envelope};

use super::frame::FrameResult;
use super::host::{HostContext, code_hash_of, to_h160, to_u256};
use super::inspect::{FrameKind, FrameStart};
use super::{Executor, fatal, moves_value};
use crate::state::AccountId;

/// A creation, ready to be made: what it costs the creator is paid.
pub(super) struct Creation<'p> {
    pub creator: Address,
    pub creator_account: AccountId,
    pub value: U256,
    /// Envelope and constructor arguments.
    pub payload: &'p [u8],
    /// The salt of CREATE2.
    pub salt: Option<B256>,
    pub gas: u64,
}

/// The address of a contract that `creator` creates when its nonce is `nonce`: keccak of their RLP list.
#[must_use]
pub fn create_address(creator: Address, nonce: u64) -> Address {
    let payload_length = creator.length() + nonce.length();
    let mut list = Vec::with_capacity(payload_length + 1);
    alloy_rlp::Header { list: true, payload_length }.encode(&mut list);
    creator.encode(&mut list);
    nonce.encode(&mut list);
    Address::from_word(keccak256(list))
}

/// The address of a contract created with a salt (EIP-1014), where the init code is envelope and arguments.
#[must_use]
pub fn create2_address(creator: Address, salt: B256, payload: &[u8]) -> Address {
    creator.create2(salt, keccak256(payload))
}

impl Executor<'_> {
    /// Creates a contract. The caller has checked depth, balance and nonce.
    pub(super) fn create(&mut self, creation: &Creation<'_>) -> (FrameResult, Address) {
        let nonce = self.journal.account(creation.creator_account).nonce;
        let (kind, address) = match creation.salt {
            None => (FrameKind::Create, create_address(creation.creator, nonce)),
            Some(salt) => (FrameKind::Create2, create2_address(creation.creator, salt, creation.payload)),
        };
        // The nonce is used and the address warm whatever becomes of the frame (EIP-2929).
        self.journal.set_nonce(creation.creator_account, nonce + 1);
        (self.create_at(creation, kind, address), address)
    }

    /// Creates a contract at `address`.
    pub(super) fn create_at(&mut self, creation: &Creation<'_>, kind: FrameKind, address: Address) -> FrameResult {
        let account = match self.journal.load(address) {
            Ok(account) => account,
            Err(error) => return FrameResult::fatal(fatal(error)),
        };
        self.journal.warm(account);
        if let Some(inspector) = &mut self.inspector {
            inspector.account_accessed(address);
            inspector.frame_begins(&FrameStart {
                kind,
                from: creation.creator,
                to: address,
                value: creation.value,
                gas: creation.gas,
                input: creation.payload,
            });
        }
        let checkpoint = self.begin_frame();
        let result = self.run_create(creation, address, account).unwrap_or_else(FrameResult::from);
        self.end_frame(checkpoint, creation.gas, result)
    }

    fn run_create(
        &mut self,
        creation: &Creation<'_>,
        address: Address,
        account: AccountId,
    ) -> Result<FrameResult, HostError> {
        // EIP-684. EIP-7610 adds accounts with storage; here these always have a nonce or code.
        let existing = self.journal.account(account);
        if existing.nonce != 0 || existing.has_code() {
            return Err(Halt::AddressCollision.into());
        }
        self.journal.set_nonce(account, 1);
        if moves_value(creation.value) {
            let paid = self.journal.debit(creation.creator_account, creation.value);
            assert!(paid, "the creator's balance is checked before a creation");
            self.journal.credit(account, creation.value);
        }

        let mut meter = Meter::new(creation.gas.saturating_mul(FUEL_PER_GAS));
        if creation.payload.len() > self.config.payload_bytes_max {
            return Err(Halt::IllegalModule.into());
        }
        let payload = envelope::parse(creation.payload).map_err(|_| Halt::IllegalModule)?;
        self.pay_for_module(&payload, &mut meter)?;
        let code = Bytes::copy_from_slice(payload.code);
        let (code_hash, vm_code_hash) = code_hash_of(&code);
        let module = Code { hash: vm_code_hash, envelope: payload.code, meter: self.rules.meter };
        let facts = self.prepare_module(module, &mut meter)?;
        let gas_left = if facts.has_constructor {
            let result = self.run_constructor(creation, address, account, module, payload.arguments, meter);
            match result.outcome {
                Outcome::Return(_) => result.gas_left,
                _ => return Ok(result),
            }
        } else {
            meter.gas()
        };
        self.journal.set_code(account, code_hash, code);
        self.journal.pay_for_code(account);
        Ok(FrameResult { outcome: Outcome::Return(Vec::new()), gas_left })
    }

    /// Charges for the module's bytes, before anything is hashed or inflated.
    fn pay_for_module(&self, payload: &envelope::Envelope<'_>, meter: &mut Meter) -> Result<(), HostError> {
        if payload.raw_len > self.session.limits().module_bytes_max {
            return Err(Halt::IllegalModule.into());
        }
        // A stream that inflates to little or nothing takes as much work as one that is honest.
        let bytes = u64::from(payload.raw_len).max(payload.compressed().len() as u64);
        meter.charge_gas(self.rules.prices.deploy_byte.saturating_mul(bytes))?;
        Ok(())
    }

    /// Validates the module, charges for what compiling it takes and compiles it.
    fn prepare_module(&self, module: Code<'_>, meter: &mut Meter) -> Result<ModuleFacts, HostError> {
        let unit_fuel = self.rules.prices.complexity_unit_fuel;
        let affordable = meter.fuel().checked_div(unit_fuel).unwrap_or(u64::MAX);
        let preparation = match self.session.prepare(module, affordable) {
            Ok(preparation) => preparation,
            Err(PrepareError::Rejected(_)) => return Err(Halt::IllegalModule.into()),
            Err(PrepareError::Fatal(fatal)) => return Err(fatal.into()),
        };
        meter.charge_fuel(preparation.facts().complexity.saturating_mul(unit_fuel))?;
        match preparation {
            Preparation::Ready(facts) => Ok(facts),
            Preparation::OverBudget(_) => Err(Halt::OutOfGas.into()),
        }
    }

    fn run_constructor(
        &mut self,
        creation: &Creation<'_>,
        address: Address,
        account: AccountId,
        module: Code<'_>,
        arguments: &[u8],
        meter: Meter,
    ) -> FrameResult {
        let is_reentrant = self.journal.enter(account);
        let frame = esker_vm::Frame {
            address: to_h160(address),
            caller: to_h160(creation.creator),
            value: to_u256(creation.value),
            input: arguments.to_vec(),
            is_static: false,
            is_reentrant,
        };
        let session = self.session;
        let mut host = HostContext {
            executor: self,
            account,
            address,
            caller: creation.creator,
            value: creation.value,
            is_static: false,
            is_reentrant,
        };
        let execution = session.execute(module, Entry::Deploy, &frame, &mut host, meter.fuel());
        self.journal.leave(account);
        execution.into()
    }
}
