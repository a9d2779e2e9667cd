//! The Rust types that have an ABI type.

use alloc::{string::String, vec::Vec};

use super::{AbiEncode, Decoder, Encoder, Shape};
use crate::{Address, Bytes, FixedBytes, I256, Int, U256, Uint, utf8::is_zero, words};

/// A type with a Solidity ABI type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no Solidity ABI type",
    label = "not an ABI type",
    note = "ABI types are u8…u128, U256, Uint<N>, i8…i128, I256, Int<N>, bool, Address, FixedBytes<N>, Bytes, String, Vec<T>, [T; N], tuples, and structs and enums with #[derive(Abi)]; arguments may also be &str, &[u8] and &[T]"
)]
pub trait AbiType: AbiEncode + Sized {
    /// The ABI type.
    const SHAPE: &'static Shape;

    /// Reads a value; on a fault it marks the decoder as failed and returns any value.
    fn decode(decoder: &mut Decoder<'_>) -> Self;
}

/// An ABI type that may be an array's element. All may, except `u8`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the element of an ABI array",
    label = "not an array element",
    note = "for `bytes` use `Bytes` (or `&[u8]` as an argument), for `bytesN` use `FixedBytes<N>`; `uint8[]` is `Vec<Uint<8>>`"
)]
pub trait AbiElement: AbiType {}

macro_rules! element {
    ($($type:ty)*) => {$( impl AbiElement for $type {} )*};
}

element!(u16 u32 u64 u128 i8 i16 i32 i64 i128 bool Address U256 I256 Bytes String);

impl<const BITS: u16> AbiElement for Uint<BITS> {}
impl<const BITS: u16> AbiElement for Int<BITS> {}
impl<const N: usize> AbiElement for FixedBytes<N> {}
impl<T: AbiElement> AbiElement for Vec<T> {}
impl<T: AbiElement, const N: usize> AbiElement for [T; N] {}

macro_rules! encoded_as_u64 {
    ($($type:ty)*) => {$(
        impl AbiEncode for $type {
            fn encode(&self, encoder: &mut Encoder) {
                encoder.number(u64::from(*self));
            }
        }
    )*};
}

encoded_as_u64!(u8 u16 u32 u64);

impl AbiEncode for u128 {
    fn encode(&self, encoder: &mut Encoder) {
        encoder.word(&U256::from(*self).to_be_bytes());
    }
}

macro_rules! unsigned {
    ($($type:ty)*) => {$(
        impl AbiType for $type {
            const SHAPE: &'static Shape = &Shape::Uint(<$type>::BITS as u16);
            fn decode(decoder: &mut Decoder<'_>) -> Self {
                decoder.unsigned(size_of::<$type>()) as $type
            }
        }
    )*};
}

unsigned!(u8 u16 u32 u64 u128);

macro_rules! signed {
    ($($type:ty)*) => {$(
        impl AbiEncode for $type {
            fn encode(&self, encoder: &mut Encoder) {
                encoder.word(&I256::from(*self).to_bits().to_be_bytes());
            }
        }
        impl AbiType for $type {
            const SHAPE: &'static Shape = &Shape::Int(<$type>::BITS as u16);
            fn decode(decoder: &mut Decoder<'_>) -> Self {
                decoder.signed(size_of::<$type>()) as $type
            }
        }
    )*};
}

signed!(i8 i16 i32 i64 i128);

impl AbiEncode for U256 {
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    fn encode(&self, encoder: &mut Encoder) {
        encoder.word(&self.to_be_bytes());
    }
}

impl AbiType for U256 {
    const SHAPE: &'static Shape = &Shape::Uint(256);
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    fn decode(decoder: &mut Decoder<'_>) -> Self {
        Self::from_be_bytes(*decoder.word_here())
    }
}

impl AbiEncode for I256 {
    fn encode(&self, encoder: &mut Encoder) {
        self.to_bits().encode(encoder);
    }
}

impl AbiType for I256 {
    const SHAPE: &'static Shape = &Shape::Int(256);
    fn decode(decoder: &mut Decoder<'_>) -> Self {
        Self::from_bits(U256::decode(decoder))
    }
}

impl<const BITS: u16> AbiEncode for Uint<BITS> {
    fn encode(&self, encoder: &mut Encoder) {
        self.get().encode(encoder);
    }
}

impl<const BITS: u16> AbiType for Uint<BITS> {
    const SHAPE: &'static Shape = {
        crate::numbers::assert_width(BITS);
        &Shape::Uint(BITS)
    };
    fn decode(decoder: &mut Decoder<'_>) -> Self {
        let number = Self::new(U256::decode(decoder));
        decoder.require(number.is_some());
        number.unwrap_or_default()
    }
}

impl<const BITS: u16> AbiEncode for Int<BITS> {
    fn encode(&self, encoder: &mut Encoder) {
        self.get().encode(encoder);
    }
}

impl<const BITS: u16> AbiType for Int<BITS> {
    const SHAPE: &'static Shape = {
        crate::numbers::assert_width(BITS);
        &Shape::Int(BITS)
    };
    fn decode(decoder: &mut Decoder<'_>) -> Self {
        let number = Self::new(I256::decode(decoder));
        decoder.require(number.is_some());
        number.unwrap_or_default()
    }
}

impl AbiEncode for bool {
    fn encode(&self, encoder: &mut Encoder) {
        encoder.number(u64::from(*self));
    }
}

impl AbiType for bool {
    const SHAPE: &'static Shape = &Shape::Bool;
    fn decode(decoder: &mut Decoder<'_>) -> Self {
        let number = decoder.unsigned(1);
        decoder.require(number <= 1);
        number == 1
    }
}

/// An address as a word: 12 zero bytes before it.
pub(crate) fn address_word(address: &Address) -> [u8; 32] {
    words::address(&address.0)
}

/// The 12 bytes before an address and the 20 that it is.
fn split_word(word: &[u8; 32]) -> (&[u8; 12], &[u8; 20]) {
    const ZERO: (&[u8; 12], &[u8; 20]) = (&[0; 12], &[0; 20]);
    match (word.first_chunk(), word.last_chunk()) {
        (Some(high), Some(low)) => (high, low),
        // A word has both.
        _ => ZERO,
    }
}

impl AbiEncode for Address {
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    fn encode(&self, encoder: &mut Encoder) {
        encoder.word(&address_word(self));
    }
}

impl AbiType for Address {
    const SHAPE: &'static Shape = &Shape::Address;
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    fn decode(decoder: &mut Decoder<'_>) -> Self {
        let (high, low) = split_word(decoder.word_here());
        decoder.require(is_zero(high));
        Self(*low)
    }
}

/// `bytesN` as a word: zero bytes behind it.
pub(crate) fn fixed_bytes_word<const N: usize>(bytes: &FixedBytes<N>) -> [u8; 32] {
    let mut word = [0; 32];
    if let Some(high) = word.first_chunk_mut::<N>() {
        *high = bytes.0;
    }
    word
}

impl<const N: usize> AbiEncode for FixedBytes<N> {
    fn encode(&self, encoder: &mut Encoder) {
        encoder.word(&fixed_bytes_word(self));
    }
}

impl<const N: usize> AbiType for FixedBytes<N> {
    const SHAPE: &'static Shape = {
        assert!(N > 0 && N <= 32, "Solidity has bytes1 to bytes32 only: use Bytes for longer strings");
        &Shape::FixedBytes(N)
    };
    fn decode(decoder: &mut Decoder<'_>) -> Self {
        let word = decoder.word();
        let mut bytes = Self::ZERO;
        if let Some((high, low)) = word.split_first_chunk::<N>() {
            decoder.require(is_zero(low));
            bytes = Self(*high);
        }
        bytes
    }
}

impl AbiEncode for [u8] {
    fn encode(&self, encoder: &mut Encoder) {
        encoder.bytes(self);
    }
}

impl AbiEncode for Bytes {
    fn encode(&self, encoder: &mut Encoder) {
        encoder.bytes(self);
    }
}

impl AbiType for Bytes {
    const SHAPE: &'static Shape = &Shape::Bytes;
    fn decode(decoder: &mut Decoder<'_>) -> Self {
        Self(decoder.bytes())
    }
}

impl AbiEncode for str {
    fn encode(&self, encoder: &mut Encoder) {
        encoder.bytes(self.as_bytes());
    }
}

impl AbiEncode for String {
    fn encode(&self, encoder: &mut Encoder) {
        encoder.bytes(self.as_bytes());
    }
}

impl AbiType for String {
    const SHAPE: &'static Shape = &Shape::String;
    fn decode(decoder: &mut Decoder<'_>) -> Self {
        decoder.string()
    }
}

impl<T: AbiElement> AbiEncode for [T] {
    fn encode(&self, encoder: &mut Encoder) {
        let resume = encoder.enter_array(self.len(), self.len() * T::SHAPE.head_size());
        for element in self {
            element.encode(encoder);
        }
        encoder.leave(resume);
    }
}

impl<T: AbiElement> AbiEncode for Vec<T> {
    fn encode(&self, encoder: &mut Encoder) {
        self.as_slice().encode(encoder);
    }
}

impl<T: AbiElement> AbiType for Vec<T> {
    const SHAPE: &'static Shape = &Shape::Array(T::SHAPE);
    fn decode(decoder: &mut Decoder<'_>) -> Self {
        let (resume, length) = decoder.enter_array(T::SHAPE.head_size());
        let mut elements = Self::new();
        for _ in 0..length {
            elements.push(T::decode(decoder));
            if decoder.has_failed() {
                break;
            }
        }
        decoder.leave(resume);
        elements
    }
}

impl<T: AbiElement, const N: usize> AbiEncode for [T; N] {
    fn encode(&self, encoder: &mut Encoder) {
        let resume = Self::SHAPE.is_dynamic().then(|| encoder.enter(Self::SHAPE.body_size()));
        for element in self {
            element.encode(encoder);
        }
        if let Some(resume) = resume {
            encoder.leave(resume);
        }
    }
}

impl<T: AbiElement, const N: usize> AbiType for [T; N] {
    const SHAPE: &'static Shape = {
        assert!(N > 0, "Solidity has no fixed arrays of length zero");
        &Shape::FixedArray(T::SHAPE, N)
    };
    fn decode(decoder: &mut Decoder<'_>) -> Self {
        let resume = Self::SHAPE.is_dynamic().then(|| decoder.enter(Self::SHAPE.body_size()));
        let elements = core::array::from_fn(|_| T::decode(decoder));
        if let Some(resume) = resume {
            decoder.leave(resume);
        }
        elements
    }
}
