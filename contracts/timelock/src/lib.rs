//! Calls that wait before they are made: OpenZeppelin's `TimelockController`, release 5.
//!
//! Who is to be warned of a change has the delay to leave. Unlike the model, a call that is being made cannot come back to
//! schedule, cancel or execute others, except through the timelock itself.
#![no_std]
use esker_components::access::roles::{AccessControl, DEFAULT_ADMIN_ROLE, Error as RoleError};
use esker_sdk::{abi, prelude::*};

pub mod holder;

/// Those with this role schedule calls.
pub const PROPOSER_ROLE: B256 = FixedBytes(abi::keccak256(b"PROPOSER_ROLE"));
/// Those with this role make calls that have waited; everybody does if the zero address has it.
pub const EXECUTOR_ROLE: B256 = FixedBytes(abi::keccak256(b"EXECUTOR_ROLE"));
/// Those with this role take back calls that were not made.
pub const CANCELLER_ROLE: B256 = FixedBytes(abi::keccak256(b"CANCELLER_ROLE"));

/// Operations: calls, or batches of calls that are made all or not at all.
#[contract(erc165)]
pub mod timelock {
    use super::{OperationState::*, holder::TokenHolder, *};

    /// What stands at an operation that was carried out, in place of the time at which it may be.
    const DONE: u128 = 1;

    /// Where an operation stands.
    #[derive(Abi, Clone, Copy, Debug, PartialEq, Eq)]
    pub enum OperationState {
        /// It is not scheduled.
        Unset,
        /// Its delay has not passed.
        Waiting,
        /// It may be carried out.
        Ready,
        /// It was carried out.
        Done,
    }

    /// The timelock's state, in the order of OpenZeppelin's.
    #[storage]
    pub struct Timelock {
        #[flatten]
        #[expose]
        roles: AccessControl,
        timestamps: Map<B256, U256>,
        min_delay: Cell<U256>,
        #[flatten]
        #[expose]
        holder: TokenHolder,
    }

    /// A call was scheduled, the operation's `index`th.
    #[event]
    pub struct CallScheduled {
        #[indexed]
        pub id: B256,
        #[indexed]
        pub index: U256,
        pub target: Address,
        pub value: U256,
        pub data: Bytes,
        pub predecessor: B256,
        pub delay: U256,
    }

    /// A call was made, the operation's `index`th.
    #[event]
    pub struct CallExecuted {
        #[indexed]
        pub id: B256,
        #[indexed]
        pub index: U256,
        pub target: Address,
        pub value: U256,
        pub data: Bytes,
    }

    /// The operation was scheduled with a salt that is not zero.
    #[event]
    #[rustfmt::skip]
    pub struct CallSalt { #[indexed] pub id: B256, pub salt: B256 }

    /// The operation was taken back.
    #[event]
    #[rustfmt::skip]
    pub struct Cancelled { #[indexed] pub id: B256 }

    /// Operations wait at least `new_duration` seconds from now on.
    #[event]
    #[rustfmt::skip]
    pub struct MinDelayChange { pub old_duration: U256, pub new_duration: U256 }

    /// What can go wrong.
    #[error]
    #[rustfmt::skip]
    pub enum Error {
        /// A batch has as many values and inputs as targets.
        TimelockInvalidOperationLength { targets: U256, payloads: U256, values: U256 },
        /// It has to wait longer.
        TimelockInsufficientDelay { delay: U256, min_delay: U256 },
        /// It is in none of the states whose bits are set in `expected_states`, counted from [`OperationState::Unset`].
        TimelockUnexpectedOperationState { operation_id: B256, expected_states: B256 },
        /// Another operation has to be carried out first.
        TimelockUnexecutedPredecessor { predecessor_id: B256 },
        /// Only the timelock itself may.
        TimelockUnauthorizedCaller { caller: Address },
        /// A call failed without saying why.
        FailedCall,
        /// The caller's role does not allow it.
        #[from] Role(RoleError),
    }
    use Error::*;

    impl Timelock {
        /// Operations wait at least `min_delay` seconds. `proposers` may cancel, too; `admin` gives and takes roles beside the
        /// timelock itself, and had better give that up when all is set; the zero address is nobody.
        #[constructor]
        pub fn new(
            &mut self,
            cx: &mut Context,
            min_delay: U256,
            proposers: &[Address],
            executors: &[Address],
            admin: Address,
        ) {
            self.roles.grant(cx, DEFAULT_ADMIN_ROLE, cx.address());
            if !admin.is_zero() {
                self.roles.grant(cx, DEFAULT_ADMIN_ROLE, admin);
            }
            for proposer in proposers {
                self.roles.grant(cx, PROPOSER_ROLE, *proposer);
                self.roles.grant(cx, CANCELLER_ROLE, *proposer);
            }
            for executor in executors {
                self.roles.grant(cx, EXECUTOR_ROLE, *executor);
            }
            self.min_delay.set(min_delay);
            cx.emit(MinDelayChange { old_duration: U256::ZERO, new_duration: min_delay });
        }

        /// Takes coins, for calls that send some.
        #[receive]
        fn receive(&mut self) {}
    }

    /// What anybody may ask.
    #[rustfmt::skip]
    impl Timelock {
        /// The role of those who schedule.
        #[name = "PROPOSER_ROLE"]
        pub fn proposer_role() -> B256 { PROPOSER_ROLE }
        /// The role of those who execute.
        #[name = "EXECUTOR_ROLE"]
        pub fn executor_role() -> B256 { EXECUTOR_ROLE }
        /// The role of those who cancel.
        #[name = "CANCELLER_ROLE"]
        pub fn canceller_role() -> B256 { CANCELLER_ROLE }
        /// How many seconds an operation waits at least.
        pub fn get_min_delay(&self) -> U256 { self.min_delay.get() }
        /// When an operation may be carried out, in seconds; 0 if it is not scheduled, 1 if it is done.
        pub fn get_timestamp(&self, id: B256) -> U256 { self.timestamps.get(id) }
        /// Whether an operation is or was scheduled.
        pub fn is_operation(&self, id: B256) -> bool { self.timestamps.get(id) != 0 }
        /// Whether an operation is scheduled and not carried out.
        pub fn is_operation_pending(&self, id: B256) -> bool { self.timestamps.get(id) > DONE }
        /// Whether an operation may be carried out.
        pub fn is_operation_ready(&self, cx: &Context, id: B256) -> bool { self.get_operation_state(cx, id) == Ready }
        /// Whether an operation was carried out.
        pub fn is_operation_done(&self, id: B256) -> bool { self.timestamps.get(id) == DONE }
    }

    impl Timelock {
        /// Where an operation stands.
        pub fn get_operation_state(&self, cx: &Context, id: B256) -> OperationState {
            match self.timestamps.get(id) {
                time if time == 0 => Unset,
                time if time == DONE => Done,
                time if time > U256::from(cx.timestamp()) => Waiting,
                _ => Ready,
            }
        }

        /// The identifier of an operation of one call.
        pub fn hash_operation(target: Address, value: U256, data: &[u8], predecessor: B256, salt: B256) -> B256 {
            crypto::keccak256(&abi::encode_params(&(target, value, data, predecessor, salt)))
        }

        /// The identifier of an operation of several calls.
        pub fn hash_operation_batch(
            targets: &[Address],
            values: &[U256],
            payloads: &[Bytes],
            predecessor: B256,
            salt: B256,
        ) -> B256 {
            crypto::keccak256(&abi::encode_params(&(targets, values, payloads, predecessor, salt)))
        }
    }

    /// What those with a role do.
    impl Timelock {
        /// Schedules a call of `target` with `value` wei: after `delay` seconds it may be made, if the operation `predecessor`
        /// was carried out, or is zero. `salt` tells operations apart that are the same otherwise.
        #[only(roles.role(PROPOSER_ROLE))]
        pub fn schedule(
            &mut self,
            cx: &mut Context,
            target: Address,
            value: U256,
            data: &[u8],
            predecessor: B256,
            salt: B256,
            delay: U256,
        ) -> Result<(), Error> {
            let id = Self::hash_operation(target, value, data, predecessor, salt);
            self.begin(cx, id, delay)?;
            let (index, data) = (U256::ZERO, data.into());
            cx.emit(CallScheduled { id, index, target, value, data, predecessor, delay });
            announce_salt(cx, id, salt);
            Ok(())
        }

        /// Schedules calls that are made one after the other, all or none.
        #[only(roles.role(PROPOSER_ROLE))]
        pub fn schedule_batch(
            &mut self,
            cx: &mut Context,
            targets: &[Address],
            values: &[U256],
            payloads: &[Bytes],
            predecessor: B256,
            salt: B256,
            delay: U256,
        ) -> Result<(), Error> {
            check_lengths(targets, values, payloads)?;
            let id = Self::hash_operation_batch(targets, values, payloads, predecessor, salt);
            self.begin(cx, id, delay)?;
            for (index, ((target, value), data)) in targets.iter().zip(values).zip(payloads).enumerate() {
                let (index, target, value, data) = (U256::from(index), *target, *value, data.clone());
                cx.emit(CallScheduled { id, index, target, value, data, predecessor, delay });
            }
            announce_salt(cx, id, salt);
            Ok(())
        }

        /// Takes an operation back that was not carried out.
        #[only(roles.role(CANCELLER_ROLE))]
        pub fn cancel(&mut self, cx: &mut Context, id: B256) -> Result<(), Error> {
            ensure!(self.is_operation_pending(id), unexpected(id, &[Waiting, Ready]));
            self.timestamps.set(id, 0);
            cx.emit(Cancelled { id });
            Ok(())
        }

        /// Makes a call that has waited, out of the timelock's coins, what is sent along among them.
        #[payable]
        #[only(role_or_open(EXECUTOR_ROLE))]
        pub fn execute(
            &mut self,
            cx: &mut Context,
            target: Address,
            value: U256,
            payload: &[u8],
            predecessor: B256,
            salt: B256,
        ) -> Result<(), Error> {
            let id = Self::hash_operation(target, value, payload, predecessor, salt);
            self.check_ready(cx, id, predecessor)?;
            make(cx, id, 0, target, value, payload)?;
            self.finish(cx, id)
        }

        /// Makes calls that have waited. If one fails, all are undone.
        #[payable]
        #[only(role_or_open(EXECUTOR_ROLE))]
        pub fn execute_batch(
            &mut self,
            cx: &mut Context,
            targets: &[Address],
            values: &[U256],
            payloads: &[Bytes],
            predecessor: B256,
            salt: B256,
        ) -> Result<(), Error> {
            check_lengths(targets, values, payloads)?;
            let id = Self::hash_operation_batch(targets, values, payloads, predecessor, salt);
            self.check_ready(cx, id, predecessor)?;
            for (index, ((target, value), payload)) in targets.iter().zip(values).zip(payloads).enumerate() {
                make(cx, id, index, *target, *value, payload)?;
            }
            self.finish(cx, id)
        }

        /// Operations scheduled from now on wait at least `new_delay` seconds. Itself an operation: only the timelock may.
        pub fn update_delay(&mut self, cx: &mut Context, new_delay: U256) -> Result<(), Error> {
            ensure!(cx.sender() == cx.address(), TimelockUnauthorizedCaller { caller: cx.sender() });
            let old_duration = self.min_delay.replace(new_delay);
            cx.emit(MinDelayChange { old_duration, new_duration: new_delay });
            Ok(())
        }
    }

    impl Timelock {
        fn only_role_or_open(&self, cx: &Context, role: B256) -> Result<(), RoleError> {
            use esker_components::access::roles::IAccessControl;
            if self.roles.has_role(role, Address::ZERO) { Ok(()) } else { self.roles.only_role(cx, role) }
        }

        fn begin(&mut self, cx: &Context, id: B256, delay: U256) -> Result<(), Error> {
            ensure!(!self.is_operation(id), unexpected(id, &[Unset]));
            let min_delay = self.min_delay.get();
            ensure!(delay >= min_delay, TimelockInsufficientDelay { delay, min_delay });
            self.timestamps.set(id, delay + U256::from(cx.timestamp()));
            Ok(())
        }

        fn check_ready(&self, cx: &Context, id: B256, predecessor: B256) -> Result<(), Error> {
            ensure!(self.is_operation_ready(cx, id), unexpected(id, &[Ready]));
            let is_its_turn = predecessor.is_zero() || self.is_operation_done(predecessor);
            ensure!(is_its_turn, TimelockUnexecutedPredecessor { predecessor_id: predecessor });
            Ok(())
        }

        /// Asked once more, as the model does: what was taken back meanwhile is not done.
        fn finish(&mut self, cx: &Context, id: B256) -> Result<(), Error> {
            ensure!(self.is_operation_ready(cx, id), unexpected(id, &[Ready]));
            self.timestamps.set(id, DONE);
            Ok(())
        }
    }

    fn make(cx: &mut Context, id: B256, index: usize, target: Address, value: U256, data: &[u8]) -> Result<(), Error> {
        call(cx, target, value, data)?;
        cx.emit(CallExecuted { id, index: U256::from(index), target, value, data: data.into() });
        Ok(())
    }

    /// Calls `target`; what it reverts with goes on, as what this contract reverts with.
    fn call(cx: &mut Context, target: Address, value: U256, data: &[u8]) -> Result<(), Error> {
        match cx.call(target, value, u64::MAX, data) {
            Err(CallError::Revert(why)) if why.is_empty() => Err(FailedCall),
            Err(CallError::Halt | CallError::BadOutput) => Err(FailedCall),
            Err(error) => error.raise(),
            Ok(_) => Ok(()),
        }
    }

    fn check_lengths(targets: &[Address], values: &[U256], payloads: &[Bytes]) -> Result<(), Error> {
        let [targets, values, payloads] = [targets.len(), values.len(), payloads.len()];
        ensure!(
            targets == values && targets == payloads,
            TimelockInvalidOperationLength {
                targets: U256::from(targets),
                payloads: U256::from(payloads),
                values: U256::from(values),
            }
        );
        Ok(())
    }

    fn announce_salt(cx: &mut Context, id: B256, salt: B256) {
        if !salt.is_zero() {
            cx.emit(CallSalt { id, salt });
        }
    }

    fn unexpected(operation_id: B256, expected: &[OperationState]) -> Error {
        let bits = expected.iter().map(|state| 1 << *state as u32).sum::<u64>();
        TimelockUnexpectedOperationState { operation_id, expected_states: FixedBytes(U256::from(bits).to_be_bytes()) }
    }
}
pub use timelock::*;
