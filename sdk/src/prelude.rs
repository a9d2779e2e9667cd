//! Everything a contract usually names: `use esker_sdk::prelude::*;`.

// For `clear` alone, which every handle to storage has.
pub use crate::storage::StorageType as _;
pub use crate::storage::{Array, Blob, Cell, List, Map, Stored, Text, TransientCell};
pub use crate::{
    Abi, Address, B256, Bytes, CallError, CallResult, Context, Contract, ContractError, Eip712, Eip712Domain, Embedded,
    Event, FixedBytes, I256, Int, Panic, Rounding, U256, Uint, address, b256, crypto, ensure, include_contract,
    require, revert_with, u256,
};
// These attributes mean something inside `#[contract] mod` too, where that macro handles them itself.
pub use alloc::{
    borrow::ToOwned,
    string::{String, ToString},
    vec,
    vec::Vec,
};
pub use esker_sdk_macros::{Stored, component, contract, error, event, interface, storage};
