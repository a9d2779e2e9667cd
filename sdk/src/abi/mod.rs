//! Solidity's contract ABI: types, encoding, strict decoding, and descriptions as data.
//!
//! Decoding is strict. It refuses dirty high bits, offsets and lengths outside the data, strings that are not UTF-8, and
//! data whose parts overlap so that reading it takes more bytes than there are: work and memory are linear in the input.

mod decode;
mod description;
mod encode;
mod json;
mod keccak;
#[cfg(not(target_arch = "wasm32"))]
mod natspec;
mod params;
mod shape;
mod tuples;
mod types;

pub use decode::{DecodeError, Decoder, Fault, decode};
pub(crate) use description::decimal;
pub use description::{
    ConstructorItem, Description, ErrorItem, ErrorSet, EventItem, FunctionItem, Mutability, Parameter, selector, topic,
};
pub use encode::{AbiEncode, Encoder, encode};
pub(crate) use json::Writer;
#[cfg(not(target_arch = "wasm32"))]
pub use json::json;
pub use json::{docs_bytes, docs_len, json_bytes, json_len};
pub use keccak::{Keccak, keccak256};
#[cfg(not(target_arch = "wasm32"))]
pub use natspec::{NatSpec, natspec};
pub use params::{
    Packed, PackedElement, PackedParams, Packer, Param, Params, decode_params, encode_packed, encode_params,
};
pub use shape::{Field, Shape};
pub use tuples::{One, Output, output_size, reserved_size};
pub use types::{AbiElement, AbiType};
pub(crate) use types::{address_word, fixed_bytes_word};
