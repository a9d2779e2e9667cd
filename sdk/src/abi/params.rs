//! Several values side by side: Solidity's `abi.encode(a, b)`, `abi.decode(data, (A, B))` and `abi.encodePacked(a, b)`.

use alloc::{string::String, vec::Vec};

use super::{AbiElement, AbiEncode, AbiType, DecodeError, Decoder, Encoder, Output, output_size};
use crate::{Address, Bytes, FixedBytes, I256, Int, U256, Uint, buffer::Buffer, storage::Value};

/// A value that may be one of several encoded side by side: an ABI type, `&str`, `&[u8]` or `&[T]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be encoded as a parameter",
    label = "not an ABI type",
    note = "parameters are ABI types (numbers, bool, Address, FixedBytes<N>, Bytes, String, Vec<T>, [T; N], tuples, structs and enums with #[derive(Abi)]), &str, &[u8] and &[T]"
)]
pub trait Param {
    /// Bytes it takes in the head.
    const HEAD: usize;
    /// Writes it.
    fn write(&self, encoder: &mut Encoder);
}

impl<T: AbiType> Param for T {
    const HEAD: usize = T::SHAPE.head_size();
    fn write(&self, encoder: &mut Encoder) {
        self.encode(encoder);
    }
}

impl Param for &str {
    const HEAD: usize = 32;
    fn write(&self, encoder: &mut Encoder) {
        encoder.bytes(self.as_bytes());
    }
}

impl Param for &[u8] {
    const HEAD: usize = 32;
    fn write(&self, encoder: &mut Encoder) {
        encoder.bytes(self);
    }
}

impl<T: AbiElement> Param for &[T] {
    const HEAD: usize = 32;
    fn write(&self, encoder: &mut Encoder) {
        self.encode(encoder);
    }
}

/// A value that `abi.encodePacked` takes: a value type, `string`, `bytes`, or an array of value types or of fixed arrays.
///
/// As in Solidity, structs, tuples and arrays with elements of dynamic size are none.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be encoded in packed mode",
    label = "Solidity's abi.encodePacked refuses it too",
    note = "packed mode takes values (numbers, bool, Address, FixedBytes<N>, enums), String, Bytes, &str, &[u8], and arrays of values or of fixed arrays; for anything else use encode_params"
)]
pub trait Packed {
    /// Appends it, without padding.
    fn pack(&self, packer: &mut Packer);
}

/// A value that packed mode takes as an array's element, padded to whole words: a value type, or a fixed array of these.
#[diagnostic::on_unimplemented(
    message = "an array of `{Self}` cannot be encoded in packed mode",
    label = "Solidity's abi.encodePacked refuses it too",
    note = "packed mode takes arrays of values (numbers, bool, Address, FixedBytes<N>, enums) and of fixed arrays of these"
)]
pub trait PackedElement {
    /// Appends it, padded.
    fn pack_padded(&self, packer: &mut Packer);
}

/// Bytes being packed.
pub struct Packer {
    bytes: Buffer,
}

impl Packer {
    /// Appends bytes.
    fn extend(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
    }

    /// Appends a value in as many bytes as its type has.
    pub fn value<T: Value>(&mut self, value: &T) {
        let field = value.to_field();
        self.extend(field.get(32 - T::BYTES..).unwrap_or_default());
    }

    /// Appends a value as a word.
    pub fn word<T: Value>(&mut self, value: &T) {
        self.extend(&value.word());
    }
}

// Not for all values at once: the compiler would then say of a struct that it is no value, instead of what to do.
macro_rules! packed_values {
    ($(<$($parameter:ident: $bound:ident)?> $type:ty;)*) => {$(
        impl$(<const $parameter: $bound>)? Packed for $type {
            fn pack(&self, packer: &mut Packer) {
                packer.value(self);
            }
        }
        impl$(<const $parameter: $bound>)? PackedElement for $type {
            fn pack_padded(&self, packer: &mut Packer) {
                packer.word(self);
            }
        }
    )*};
}

packed_values! {
    <> u8; <> u16; <> u32; <> u64; <> u128; <> i8; <> i16; <> i32; <> i64; <> i128;
    <> bool; <> Address; <> U256; <> I256;
    <BITS: u16> Uint<BITS>;
    <BITS: u16> Int<BITS>;
    <N: usize> FixedBytes<N>;
}

impl<T: PackedElement, const N: usize> PackedElement for [T; N] {
    fn pack_padded(&self, packer: &mut Packer) {
        self.iter().for_each(|element| element.pack_padded(packer));
    }
}

impl<T: PackedElement, const N: usize> Packed for [T; N] {
    fn pack(&self, packer: &mut Packer) {
        self.pack_padded(packer);
    }
}

impl<T: PackedElement> Packed for Vec<T> {
    fn pack(&self, packer: &mut Packer) {
        self.as_slice().pack(packer);
    }
}

impl<T: PackedElement> Packed for [T] {
    fn pack(&self, packer: &mut Packer) {
        self.iter().for_each(|element| element.pack_padded(packer));
    }
}

macro_rules! packed_bytes {
    ($($type:ty)*) => {$(
        impl Packed for $type {
            fn pack(&self, packer: &mut Packer) {
                packer.extend(self.as_ref());
            }
        }
    )*};
}

packed_bytes!(String Bytes &str &[u8]);

/// Several values, as a tuple of up to 12; `()` is none and `(a,)` one.
pub trait Params {
    /// Bytes of their heads.
    const HEAD: usize;
    /// Writes them.
    fn write(&self, encoder: &mut Encoder);
}

/// Several values for packed mode, as a tuple of up to 12.
pub trait PackedParams {
    /// Appends them.
    fn pack(&self, packer: &mut Packer);
}

macro_rules! params {
    ($($name:ident $index:tt),*) => {
        impl<$($name: Param),*> Params for ($($name,)*) {
            const HEAD: usize = 0 $(+ $name::HEAD)*;
            #[allow(unused_variables, reason = "there may be no values")]
            fn write(&self, encoder: &mut Encoder) {
                $(self.$index.write(encoder);)*
            }
        }
        impl<$($name: Packed),*> PackedParams for ($($name,)*) {
            #[allow(unused_variables, reason = "there may be no values")]
            fn pack(&self, packer: &mut Packer) {
                $(self.$index.pack(packer);)*
            }
        }
    };
}

params!();
params!(A 0);
params!(A 0, B 1);
params!(A 0, B 1, C 2);
params!(A 0, B 1, C 2, D 3);
params!(A 0, B 1, C 2, D 3, E 4);
params!(A 0, B 1, C 2, D 3, E 4, F 5);
params!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
params!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
params!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8);
params!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9);
params!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10);
params!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11);

/// Solidity's `abi.encode(a, b)`: `encode_params(&(a, b))`.
///
/// [`super::encode`] of the same tuple is `abi.encode` of one struct, which has an offset before it if a member is dynamic.
#[must_use]
pub fn encode_params<P: Params>(params: &P) -> Vec<u8> {
    let mut encoder = Encoder::new(&[], P::HEAD);
    params.write(&mut encoder);
    encoder.finish()
}

/// Solidity's `abi.decode(data, (A, B))`: `decode_params::<(A, B)>(data)`.
///
/// # Errors
/// [`DecodeError`] if `data` is not a strict encoding.
pub fn decode_params<P: Output<Value = P>>(data: &[u8]) -> Result<P, DecodeError> {
    let mut decoder = Decoder::new(data);
    decoder.expect(const { output_size::<P>() });
    let params = P::decode(&mut decoder);
    decoder.finish(params)
}

/// Solidity's `abi.encodePacked(a, b)`: `encode_packed(&(a, b))` (ABI specification, "Non-standard Packed Mode").
///
/// Values take as many bytes as their types have, strings and bytes stand without their lengths, and so do arrays, whose
/// elements are padded to words. What is packed cannot be told apart again: with two dynamic values, different ones may
/// give the same bytes. Do not sign or hash such.
#[must_use]
pub fn encode_packed<P: PackedParams>(params: &P) -> Vec<u8> {
    let mut packer = Packer { bytes: Buffer::empty() };
    params.pack(&mut packer);
    packer.bytes.into_vec()
}
