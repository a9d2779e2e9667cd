//! What a test sends: a method call or a deployment, with value and gas.

use std::marker::PhantomData;

use esker_sdk::abi::Output;
use esker_sdk::{Address, Deployment, MethodCall, U256};

/// A call with what is sent along. A [`MethodCall`] is one without value.
#[derive(Clone, Debug)]
#[must_use = "nothing is called before it is given to the chain"]
pub struct Call<O> {
    pub(crate) target: Address,
    pub(crate) value: U256,
    pub(crate) gas: Option<u64>,
    pub(crate) input: Vec<u8>,
    output: PhantomData<O>,
}

impl<O> Call<O> {
    /// The account that it calls.
    #[must_use]
    pub const fn target(&self) -> Address {
        self.target
    }

    /// What it sends along, in wei.
    #[must_use]
    pub const fn value(&self) -> U256 {
        self.value
    }

    /// Its input: selector and arguments.
    #[must_use]
    pub fn input(&self) -> &[u8] {
        &self.input
    }
}

impl<M, O: Output> From<MethodCall<M, O>> for Call<O> {
    fn from(call: MethodCall<M, O>) -> Self {
        let gas = Some(call.asked_gas()).filter(|gas| *gas != u64::MAX);
        Self { target: call.target(), value: call.sent_value(), gas, input: call.input().to_vec(), output: PhantomData }
    }
}

/// A deployment with what is sent along. A [`Deployment`] is one without value.
#[derive(Clone, Debug)]
#[must_use = "nothing is deployed before it is given to the chain"]
pub struct Deploy<C> {
    pub(crate) deployment: Deployment<C>,
    pub(crate) value: U256,
    pub(crate) gas: Option<u64>,
}

impl<C> From<Deployment<C>> for Deploy<C> {
    fn from(deployment: Deployment<C>) -> Self {
        Self { deployment, value: U256::ZERO, gas: None }
    }
}

/// What may be sent along with any call and any deployment: `chain.send(alice, vault.enter().paying(5))`.
///
/// `.value(wei)` of a handle's call is for methods that take value; this is also for those that must refuse it.
pub trait Terms: Sized {
    /// The call or deployment with its terms.
    type With;

    /// Sends so much along, in wei.
    fn paying(self, wei: impl Into<U256>) -> Self::With;

    /// Gives the transaction so much gas, intrinsic gas included. It means something in the wasm run only.
    fn with_gas(self, gas: u64) -> Self::With;
}

macro_rules! terms {
    ($from:ty => $with:ty, $($generics:tt)*) => {
        impl<$($generics)*> Terms for $from {
            type With = $with;

            fn paying(self, wei: impl Into<U256>) -> $with {
                let mut with: $with = self.into();
                with.value = wei.into();
                with
            }

            fn with_gas(self, gas: u64) -> $with {
                let mut with: $with = self.into();
                with.gas = Some(gas);
                with
            }
        }
    };
}

terms!(MethodCall<M, O> => Call<O>, M, O: Output);
terms!(Call<O> => Call<O>, O: Output);
terms!(Deployment<C> => Deploy<C>, C);
terms!(Deploy<C> => Deploy<C>, C);
