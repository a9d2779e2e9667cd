//! Write smart contracts for Esker in Rust.
//!
//! One `#[contract] mod` holds a contract's storage, events, errors and methods; from it come its selectors, ABI,
//! dispatcher, storage layout (Solidity's) and typed handles for its callers. The guide is `docs/sdk.md`.
//!
//! ```
//! #![no_std]
//! use esker_sdk::prelude::*;
//!
//! #[contract]
//! pub mod counter {
//!     use super::*;
//!
//!     #[storage]
//!     pub struct Counter {
//!         count: Cell<U256>,
//!     }
//!
//!     impl Counter {
//!         /// How often somebody counted.
//!         pub fn count(&self) -> U256 {
//!             self.count.get()
//!         }
//!
//!         /// Counts once more.
//!         pub fn increment(&mut self) {
//!             self.count.add(1);
//!         }
//!     }
//! }
//! # fn main() {}
//! ```
//!
//! # Which crate exports `call` and `deploy`
//!
//! A contract crate is both a wasm module (`cdylib`) and a library (`rlib`) that other contracts import for its types and
//! handles. Only the contract that is being built may export the entry points and carry the `esker.abi` custom section.
//! `#[contract]` decides when it is expanded, for `wasm32` only:
//!
//! - if the environment variable `ESKER_CONTRACT` is set, the crate whose name (`CARGO_CRATE_NAME`, as in
//!   `esker_erc20`) equals it exports, and no other does. The expansion mentions the variable in `option_env!`, so cargo
//!   rebuilds a contract crate, and nothing else, when it changes. `esker contract build` sets it;
//! - else the crate exports if cargo builds it because it was asked for (`CARGO_PRIMARY_PACKAGE`), so that plain
//!   `cargo build --target wasm32-unknown-unknown` in a contract's folder works too. Cargo does not notice when a crate
//!   that was asked for once is a dependency the next time in the same target folder; the linker then reports the symbol
//!   `call` twice, and setting `ESKER_CONTRACT` is the cure.
//!
//! Natively nothing is exported.
#![cfg_attr(target_arch = "wasm32", no_std)]

#[doc(hidden)]
pub extern crate alloc;

// The macros name this crate by its outside name, in its own tests and documentation too.
extern crate self as esker_sdk;

pub mod abi;
mod address;
mod buffer;
mod bytes;
mod call;
mod checks;
mod component;
mod context;
mod contract;
pub mod crypto;
mod eip712;
mod embedded;
mod error;
mod event;
mod exposed;
mod host;
mod literals;
#[cfg(not(target_arch = "wasm32"))]
pub mod native;
mod numbers;
mod operand;
pub mod prelude;
pub mod storage;
mod utf8;
#[cfg(target_arch = "wasm32")]
mod wasm;
#[cfg(not(target_arch = "wasm32"))]
mod words;
#[cfg(target_arch = "wasm32")]
use wasm::words;

pub use address::Address;
pub use bytes::{B256, Bytes, FixedBytes};
pub use call::{CallError, CallResult, Deployment, MethodCall, Payable, SafeERC20FailedOperation, View, Write};
pub use context::Context;
pub use contract::{Authority, Contract, Entry};
pub use eip712::{Eip712, Eip712Domain};
pub use embedded::Embedded;
pub use error::{ContractError, Panic, Reverted, revert_bytes, revert_text, revert_with};
pub use esker_sdk_macros::{Abi, Eip712, Stored, component, contract, error, event, interface, storage, test};
pub use event::{Event, Indexed, Log};
pub use numbers::{I256, Int, Number, NumberOutOfRange, ParseNumberError, Rounding, U256, Uint};
pub use operand::Operand;
pub use primitive_types;

/// What the macros' expansions name. Not part of the surface: it may change at any time.
#[doc(hidden)]
pub mod expansion {
    #[cfg(not(target_arch = "wasm32"))]
    pub use crate::abi::json;
    pub use crate::abi::{
        AbiElement, AbiEncode, AbiType, ConstructorItem, Decoder, Description, Encoder, ErrorItem, ErrorSet, EventItem,
        Field, FunctionItem, Mutability, One, Output, Packed, PackedElement, Packer, Parameter, Shape, docs_bytes,
        docs_len, json_bytes, json_len, output_size, reserved_size, selector, topic,
    };
    pub use crate::checks::{
        Fallible, Selector, anything, assert_payability, assert_unique_selector, errors_of, event_of,
    };
    pub use crate::component::{
        Access, Attached, Embed, End, Everything, Exposes, Filter, Guarded, Host, Part, PartField, PartHandle,
        PartMethod, Way, again, assert_in_handle, guard_errors, unembedded,
    };
    pub use crate::contract::{
        answered, authority, done, empty_revert, finish, guard_payment, guard_reentrancy, input, log,
    };
    pub use crate::eip712::{Typed, TypedShape, TypedStruct, hash_words, type_hash};
    pub use crate::error::{REENTRANT_CALL, decode_error};
    pub use crate::exposed::{
        Exposed, all_errors, all_events, assert_component, assert_method, assert_overrides, check_part, count,
        errors_count, events_count, identifiers, identifiers_count,
    };
    pub use crate::literals::{parse_address, parse_b256, parse_number};
    pub use crate::storage::{
        Again, At, Base, EnumLayout, Layout, Member, Origin, Piece, Place, Record, Root, Size, Slot, StorageStruct,
        StorageType, Stored, StructLayout, Value, Within, assert_owner, check_piece, eip1967_slot, erc7201_slot,
        field_place, layout_bytes, layout_len, slot_from, struct_size,
    };
    pub use alloc::{string::String, vec::Vec};
    pub use core;
    #[cfg(not(target_arch = "wasm32"))]
    pub use std::sync::OnceLock;
}
