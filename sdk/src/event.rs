//! Events.

use alloc::{string::String, vec::Vec};

use crate::{
    Address, Authority, Bytes, FixedBytes, I256, Int, U256, Uint,
    abi::{AbiType, EventItem},
    host,
    storage::Value,
};

/// A log record as an event encodes to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// The signature's hash, unless the event is anonymous, then the indexed fields.
    pub topics: Vec<[u8; 32]>,
    /// The other fields, encoded as a tuple.
    pub data: Vec<u8>,
}

/// A Solidity event. Made by `#[event]`; emit it with [`crate::Context::emit`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event",
    label = "not an event",
    note = "mark the struct with #[event]"
)]
pub trait Event {
    /// The event, for the ABI.
    const ITEM: &'static EventItem;
    /// The signature's hash: the first topic, unless the event is anonymous.
    const TOPIC: [u8; 32];

    /// The log record.
    fn to_log(&self) -> Log;

    /// Emits the log record.
    #[doc(hidden)]
    fn emit(&self, authority: &Authority);
}

/// A type that an event's field marked `#[indexed]` may have.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an indexed field",
    label = "not a topic",
    note = "numbers, bool, Address and FixedBytes<N> are topics as they are; of String and Bytes the hash is"
)]
pub trait Indexed: AbiType {
    /// The topic.
    fn topic(&self) -> [u8; 32];
}

macro_rules! indexed {
    ($($type:ty)*) => {$(
        impl Indexed for $type {
            #[inline]
            fn topic(&self) -> [u8; 32] {
                Value::word(self)
            }
        }
    )*};
}

indexed!(u8 u16 u32 u64 u128 i8 i16 i32 i64 i128 bool Address U256 I256);

impl<const BITS: u16> Indexed for Uint<BITS> {
    fn topic(&self) -> [u8; 32] {
        Value::word(self)
    }
}

impl<const BITS: u16> Indexed for Int<BITS> {
    fn topic(&self) -> [u8; 32] {
        Value::word(self)
    }
}

impl<const N: usize> Indexed for FixedBytes<N> {
    fn topic(&self) -> [u8; 32] {
        Value::word(self)
    }
}

impl Indexed for String {
    fn topic(&self) -> [u8; 32] {
        host::keccak256(self.as_bytes())
    }
}

impl Indexed for Bytes {
    fn topic(&self) -> [u8; 32] {
        host::keccak256(self)
    }
}
