//! Contracts made of a closure.

use std::sync::Arc;

use esker_sdk::abi::{AbiEncode, AbiType, DecodeError, Encoder, Output, decode_params, output_size};
use esker_sdk::{Address, ContractError, MethodCall, Panic, U256};
use esker_vm::Frame;

use crate::outcome::RevertData;

/// What a mock does when it is called.
pub(crate) type Script = Arc<dyn Fn(&Called) -> Answer + Send + Sync>;

/// A call that a mock received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Called {
    /// The mock's address; in a delegate call the caller's.
    pub address: Address,
    /// Who called.
    pub caller: Address,
    /// What was sent, in wei.
    pub value: U256,
    /// Selector and arguments.
    pub input: Vec<u8>,
    /// Whether the call may change nothing.
    pub is_static: bool,
}

impl Called {
    pub(crate) fn of(frame: &Frame) -> Self {
        Self {
            address: frame.address.into(),
            caller: frame.caller.into(),
            value: frame.value.into(),
            input: frame.input.clone(),
            is_static: frame.is_static,
        }
    }

    /// The first four bytes of the input, fewer if there are fewer.
    #[must_use]
    pub fn selector(&self) -> &[u8] {
        self.input.get(..4).unwrap_or(&self.input)
    }

    /// Whether it calls the method that `call` calls, with whatever arguments.
    #[must_use]
    pub fn is<M, O: Output>(&self, call: &MethodCall<M, O>) -> bool {
        self.selector() == call.input().get(..4).unwrap_or_default()
    }

    /// The arguments, as a tuple of their types: `called.arguments::<(Address, Bytes)>()`.
    ///
    /// # Errors
    /// [`DecodeError`] if they are no encoding of it.
    pub fn arguments<P: Output<Value = P>>(&self) -> Result<P, DecodeError> {
        decode_params(self.input.get(4..).unwrap_or_default())
    }
}

/// How a mock answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It returns these bytes.
    Return(Vec<u8>),
    /// It reverts with these bytes.
    Revert(Vec<u8>),
    /// It halts, as a contract that traps.
    Halt,
}

impl Answer {
    /// Returns nothing.
    #[must_use]
    pub const fn nothing() -> Self {
        Self::Return(Vec::new())
    }

    /// Returns one value.
    #[must_use]
    pub fn value<T: AbiEncode + AbiType>(value: &T) -> Self {
        let mut encoder = Encoder::new(&[], T::SHAPE.head_size());
        value.encode(&mut encoder);
        Self::Return(encoder.finish())
    }

    /// Returns what a method of this type returns: a value, or a tuple of several.
    #[must_use]
    pub fn output<O: Output>(value: &O::Value) -> Self {
        let mut encoder = Encoder::new(&[], output_size::<O>());
        O::encode(value, &mut encoder);
        Self::Return(encoder.finish())
    }

    /// Reverts with a custom error.
    #[must_use]
    pub fn error(error: &impl ContractError) -> Self {
        Self::Revert(error.encode())
    }

    /// Reverts with `Error(text)`, `Panic(code)` or bytes.
    #[must_use]
    pub fn revert(data: impl Into<RevertData>) -> Self {
        Self::Revert(data.into().0)
    }
}

impl From<Panic> for Answer {
    fn from(panic: Panic) -> Self {
        Self::Revert(panic.encode())
    }
}

#[cfg(test)]
mod tests {
    use esker_sdk::Bytes;
    use esker_sdk::abi::encode_params;

    use super::*;

    #[test]
    fn arguments_are_read_as_a_call_has_them() {
        let (to, data) = (Address::repeat_byte(1), Bytes::from(vec![1, 2, 3]));
        let input = [&[0; 4], &encode_params(&(to, data.clone()))[..]].concat();
        let caller = Address::ZERO;
        let mut called = Called { address: to, caller, value: U256::ZERO, input, is_static: false };
        assert_eq!(called.arguments::<(Address, Bytes)>(), Ok((to, data)));
        called.input.truncate(40);
        assert!(called.arguments::<(Address, Bytes)>().is_err());
        assert_eq!(called.arguments::<(Address,)>(), Ok((to,)));
    }
}
