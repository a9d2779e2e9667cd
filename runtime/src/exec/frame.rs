//! Message-call frames: call, static and delegate.

use alloy_primitives::{Address, Bytes, U256};
use esker_abi::FUEL_PER_GAS;
use esker_vm::{CallKind, Entry, Execution, Fatal, Halt, HostError, Meter, Outcome};

use super::host::{HostContext, to_h160, to_h256, to_u256};
use super::inspect::{FrameEnd, FrameKind, FrameStart};
use super::{ExecutionStatus, Executor, fatal, is_precompile, moves_value, precompile};
use crate::params::gas;
use crate::state::{AccountId, Checkpoint};

/// A message call, ready to be made: what it costs the caller is paid.
pub(super) struct Call {
    pub kind: CallKind,
    /// Who makes the call: the address of the frame that does.
    pub from: Address,
    /// What the guest sees as its caller.
    pub caller: Address,
    /// The account whose storage and balance the frame works on.
    pub address: Address,
    pub account: AccountId,
    /// Whose code runs.
    pub target: Address,
    pub code: Code,
    /// What the guest sees; moves only in an ordinary call.
    pub value: U256,
    pub input: Vec<u8>,
    pub is_static: bool,
    /// For a delegate frame, what the frame says that made it.
    pub inherited_reentrancy: bool,
    pub gas: u64,
}

/// What a call finds at its target.
pub(super) enum Code {
    /// No code: value moves and nothing runs.
    None,
    Precompile,
    Module {
        account: AccountId,
        code: Bytes,
    },
}

/// How a frame ended.
pub(super) struct FrameResult {
    pub outcome: Outcome,
    /// Zero after a halt.
    pub gas_left: u64,
}

impl FrameResult {
    pub const fn halt(halt: Halt) -> Self {
        Self { outcome: Outcome::Halt(halt), gas_left: 0 }
    }

    pub const fn fatal(fatal: Fatal) -> Self {
        Self { outcome: Outcome::Fatal(fatal), gas_left: 0 }
    }
}

impl From<HostError> for FrameResult {
    fn from(error: HostError) -> Self {
        match error {
            HostError::Halt(halt) => Self::halt(halt),
            HostError::Fatal(fatal) => Self::fatal(fatal),
        }
    }
}

impl From<Execution> for FrameResult {
    /// Here a frame's fuel becomes gas: what it used is rounded up, once.
    fn from(execution: Execution) -> Self {
        Self { gas_left: execution.fuel_left / FUEL_PER_GAS, outcome: execution.outcome }
    }
}

/// Bytes that using a contract's code is paid by: those of its raw module, or of the code if that is longer. Code that
/// promises a module longer than `most` is none, and will halt as such.
fn module_bytes(code: &[u8], most: u32) -> u64 {
    let raw = esker_vm::envelope::parse(code).map_or(0, |envelope| envelope.raw_len.min(most));
    u64::from(raw).max(code.len() as u64)
}

impl Executor<'_> {
    /// Charges what accessing an account costs (EIP-2929), before it is read.
    pub(super) fn access_account(&mut self, address: Address, meter: &mut Meter) -> Result<AccountId, HostError> {
        if let Some(inspector) = &mut self.inspector {
            inspector.account_accessed(address);
        }
        let known = self.journal.find(address);
        if known.is_some_and(|id| self.journal.is_warm(id)) || is_precompile(address) {
            meter.charge_gas(gas::WARM_ACCESS)?;
        } else {
            meter.charge_gas(gas::COLD_ACCOUNT)?;
        }
        let id = match known {
            Some(id) => id,
            None => self.journal.load_first(address).map_err(fatal)?,
        };
        self.journal.warm(id);
        Ok(id)
    }

    /// Charges for an account's code at its first use in the transaction, and gives it.
    pub(super) fn access_code(&mut self, account: AccountId, meter: &mut Meter) -> Result<Bytes, HostError> {
        let code = self.journal.code(account).map_err(fatal)?;
        if self.journal.owes_for_code(account) {
            let bytes = module_bytes(&code, self.session.limits().module_bytes_max);
            meter.charge_fuel(self.rules.prices.code_fuel(bytes))?;
            self.journal.pay_for_code(account);
        }
        Ok(code)
    }

    /// What there is to run at `target`, whose `account` is accessed already; charges for a frame and the code.
    pub(super) fn access_target(
        &mut self,
        target: Address,
        account: AccountId,
        meter: &mut Meter,
    ) -> Result<Code, HostError> {
        if is_precompile(target) {
            return Ok(Code::Precompile);
        }
        if !self.journal.account(account).has_code() {
            return Ok(Code::None);
        }
        meter.charge_gas(self.rules.prices.frame)?;
        let code = self.access_code(account, meter)?;
        Ok(Code::Module { account, code })
    }

    /// Whether another frame may begin.
    pub(super) fn depth_left(&self) -> bool {
        self.depth < self.session.limits().call_depth_max
    }

    /// Makes a call. The caller has checked depth and balance.
    pub(super) fn call(&mut self, call: Call) -> FrameResult {
        if let Some(inspector) = &mut self.inspector {
            inspector.frame_begins(&FrameStart {
                kind: match call.kind {
                    CallKind::Call => FrameKind::Call,
                    CallKind::Static => FrameKind::Static,
                    CallKind::Delegate => FrameKind::Delegate,
                },
                from: call.from,
                to: call.target,
                value: call.value,
                gas: call.gas,
                input: &call.input,
            });
        }
        let gas = call.gas;
        let checkpoint = self.begin_frame();
        let result = self.run_call(call);
        self.end_frame(checkpoint, gas, result)
    }

    fn run_call(&mut self, call: Call) -> FrameResult {
        if call.kind == CallKind::Call && moves_value(call.value) {
            let from = match self.journal.load(call.from) {
                Ok(from) => from,
                Err(error) => return FrameResult::fatal(fatal(error)),
            };
            let paid = self.journal.debit(from, call.value);
            assert!(paid, "the caller's balance is checked before a call is made");
            self.journal.credit(call.account, call.value);
        }
        let (code_account, code) = match &call.code {
            Code::None => return FrameResult { outcome: Outcome::Return(Vec::new()), gas_left: call.gas },
            Code::Precompile => return precompile::run(call.target, &call.input, call.gas),
            Code::Module { account, code } => (*account, code),
        };
        let code_hash = to_h256(self.journal.account(code_account).code_hash);
        let is_delegate = call.kind == CallKind::Delegate;
        let is_reentrant = if is_delegate { call.inherited_reentrancy } else { self.journal.enter(call.account) };
        let frame = esker_vm::Frame {
            address: to_h160(call.address),
            caller: to_h160(call.caller),
            value: to_u256(call.value),
            input: call.input,
            is_static: call.is_static,
            is_reentrant,
        };
        let (session, meter) = (self.session, self.rules.meter);
        let mut host = HostContext {
            executor: self,
            account: call.account,
            address: call.address,
            caller: call.caller,
            value: call.value,
            is_static: call.is_static,
            is_reentrant,
        };
        let fuel = call.gas.saturating_mul(FUEL_PER_GAS);
        let code = esker_vm::Code { hash: code_hash, envelope: code, meter };
        let execution = session.execute(code, Entry::Call, &frame, &mut host, fuel);
        if !is_delegate {
            self.journal.leave(call.account);
        }
        execution.into()
    }

    pub(super) fn begin_frame(&mut self) -> Checkpoint {
        self.depth += 1;
        self.journal.checkpoint()
    }

    /// The one place where a failed frame is undone and burns its gas.
    pub(super) fn end_frame(&mut self, checkpoint: Checkpoint, gas: u64, mut result: FrameResult) -> FrameResult {
        self.depth -= 1;
        match result.outcome {
            Outcome::Return(_) => {}
            Outcome::Revert(_) => self.journal.revert(checkpoint),
            Outcome::Halt(_) | Outcome::Fatal(_) => {
                self.journal.revert(checkpoint);
                result.gas_left = 0;
            }
        }
        assert!(result.gas_left <= gas, "a frame cannot leave more gas than it was given");
        if let Some(inspector) = &mut self.inspector {
            let (status, output): (_, &[u8]) = match &result.outcome {
                Outcome::Return(output) => (ExecutionStatus::Success, output),
                Outcome::Revert(output) => (ExecutionStatus::Revert, output),
                Outcome::Halt(halt) => (ExecutionStatus::Halt(*halt), &[]),
                Outcome::Fatal(_) => return result,
            };
            inspector.frame_ends(&FrameEnd { status, gas_used: gas - result.gas_left, output });
        }
        result
    }
}
