//! Putting mocks on a chain.

use std::sync::Arc;

use alloy_primitives::keccak256;
use esker_sdk::abi::Output;
use esker_sdk::{Address, MethodCall};
use primitive_types::H256;

use crate::chain::Chain;
use crate::convert::outside;
use crate::mock::{Answer, Called};
use crate::stand_in;

impl Chain {
    /// From now on, whoever calls `address` gets what `script` answers: a contract made of a closure, native in both runs.
    /// It has code, may be sent value, and keeps what it had of storage and balance; it can change nothing itself.
    ///
    /// A panic in the closure fails the test.
    pub fn mock(
        &mut self,
        address: impl Into<Address>,
        script: impl Fn(&Called) -> Answer + Send + Sync + 'static,
    ) -> Address {
        let address = address.into();
        self.mocks += 1;
        let code = stand_in::code(&format!("mock {}", self.mocks));
        self.machine.mock(H256(keccak256(&code).0), Arc::new(script));
        self.world.set_code(outside(address), code.into());
        self.names.write().call(outside(address), &format!("mock {}", self.mocks));
        address
    }

    /// From now on, the call's target answers calls with this very input with `value`, and reverts without data on all
    /// others.
    pub fn mock_call<M, O: Output>(&mut self, call: &MethodCall<M, O>, value: &O::Value) -> Address {
        let (input, answer) = (call.input().to_vec(), Answer::output::<O>(value));
        let script = move |called: &Called| {
            if called.input == input { answer.clone() } else { Answer::Revert(Vec::new()) }
        };
        self.mock(call.target(), script)
    }
}
