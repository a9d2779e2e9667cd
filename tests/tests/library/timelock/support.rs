//! What the tests share: a target, and operations written short.

use esker_components::access::roles::Error as RoleError;
use esker_sdk::prelude::*;
use esker_sdk_test::{Chain, User};
use esker_timelock::{Error, TimelockHandle};

/// Seconds that operations wait at least.
pub const DELAY: u64 = 1_000;
pub const NONE: B256 = B256::ZERO;

/// What operations call: counts, fails in two ways, and calls the timelock back.
#[contract]
pub mod target {
    use super::*;

    #[storage]
    pub struct Target {
        runs: Map<u64, u64>,
    }

    impl Target {
        #[payable]
        pub fn run(&mut self, which: u64) {
            self.runs.at_mut(which).add(1);
        }

        pub fn runs(&self, which: u64) -> u64 {
            self.runs.get(which)
        }

        pub fn fail(&mut self, why: &str) {
            require!(false, why);
        }

        pub fn fail_silently(&mut self) {
            esker_sdk::revert_bytes(&[]);
        }

        /// Asks for the operation that is being carried out, once more.
        pub fn again(&mut self, cx: &mut Context, salt: B256) {
            let timelock = TimelockHandle::from(cx.sender());
            let call = TargetHandle::from(cx.address()).again(salt);
            timelock.execute(cx.address(), U256::ZERO, call.input(), NONE, salt).call(cx);
        }
    }
}
pub use target::*;

/// Alice proposes, bob executes.
pub fn deployed(chain: &mut Chain, alice: User, bob: User) -> (TimelockHandle, TargetHandle) {
    let constructor = TimelockHandle::constructor(DELAY as u128, &[alice.into()], &[bob.into()], Address::ZERO);
    (chain.deploy(alice, constructor), chain.deploy(alice, TargetHandle::constructor()))
}

/// A call as an operation.
#[derive(Clone)]
pub struct Operation {
    pub target: Address,
    pub value: U256,
    pub data: Vec<u8>,
    pub predecessor: B256,
    pub salt: B256,
}

impl Operation {
    pub fn new<M, O: esker_sdk::abi::Output>(call: &esker_sdk::MethodCall<M, O>) -> Self {
        let (target, data) = (call.target(), call.input().to_vec());
        Self { target, value: U256::ZERO, data, predecessor: NONE, salt: NONE }
    }

    pub fn id(&self) -> B256 {
        let &Self { target, value, predecessor, salt, .. } = self;
        esker_timelock::Timelock::hash_operation(target, value, &self.data, predecessor, salt)
    }
}

/// Calls of an operation, written short.
macro_rules! op {
    ($timelock:ident . schedule ($op:expr, $delay:expr)) => {{
        let op = &$op;
        $timelock.schedule(op.target, op.value, &op.data, op.predecessor, op.salt, $delay as u128)
    }};
    ($timelock:ident . execute ($op:expr)) => {{
        let op = &$op;
        $timelock.execute(op.target, op.value, &op.data, op.predecessor, op.salt)
    }};
}

pub fn states(bits: u8) -> B256 {
    let mut word = [0; 32];
    word[31] = bits;
    FixedBytes(word)
}

pub fn unexpected(op: &Operation, bits: u8) -> Error {
    Error::TimelockUnexpectedOperationState { operation_id: op.id(), expected_states: states(bits) }
}

pub fn lacks(user: User, needed_role: B256) -> RoleError {
    RoleError::AccessControlUnauthorizedAccount { account: user.into(), needed_role }
}
