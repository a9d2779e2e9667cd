//! Typed data that people sign: EIP-712.

use alloc::{string::String, vec::Vec};

use crate::{
    Address, B256, Bytes, Context, FixedBytes, U256,
    abi::{AbiType, Keccak, Shape, decimal},
    crypto,
    host::keccak256,
    storage::Value,
};

/// A struct that can be signed (EIP-712). Made by `#[derive(Eip712)]`.
///
/// Members are values, `String`, `Bytes`, `Vec<T>`, `[T; N]` and other structs with the derive. Their names are the Rust
/// names in camelCase, or what `#[name = "…"]` says.
pub trait Eip712: Typed {
    /// keccak256 of [`Eip712::encode_type`], computed by the compiler.
    const TYPE_HASH: B256;

    /// EIP-712's `hashStruct`.
    fn hash_struct(&self) -> B256;

    /// EIP-712's `encodeType`: the struct, then those it refers to, sorted by name.
    #[cfg(not(target_arch = "wasm32"))]
    #[must_use]
    fn encode_type() -> String {
        let mut bytes = alloc::vec![0; encode_type(Self::SHAPE, &mut []).1];
        encode_type(Self::SHAPE, &mut bytes);
        String::from_utf8(bytes).expect("names are UTF-8")
    }
}

/// For whom a signature is meant: EIP-712's domain of name, version, chain and contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Eip712Domain {
    separator: B256,
}

impl Eip712Domain {
    /// `EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)` with these values.
    #[must_use]
    pub fn new(name: &str, version: &str, chain_id: u64, verifying_contract: Address) -> Self {
        const TYPE_HASH: [u8; 32] = crate::abi::keccak256(
            b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)",
        );
        let separator = hash_words(&[
            TYPE_HASH,
            keccak256(name.as_bytes()),
            keccak256(version.as_bytes()),
            U256::from(chain_id).to_be_bytes(),
            Value::word(&verifying_contract),
        ]);
        Self { separator: separator.into() }
    }

    /// The domain of the contract that runs, on this chain.
    #[must_use]
    pub fn here(cx: &Context, name: &str, version: &str) -> Self {
        Self::new(name, version, cx.chain_id(), cx.address())
    }

    /// A domain of other members, whose separator is known.
    #[must_use]
    pub const fn from_separator(separator: B256) -> Self {
        Self { separator }
    }

    /// The domain's hash: `DOMAIN_SEPARATOR` of ERC-2612.
    #[must_use]
    pub const fn separator(&self) -> B256 {
        self.separator
    }

    /// What is signed: keccak256 of `0x1901`, the separator and the message's hash.
    #[must_use]
    pub fn digest(&self, message: &impl Eip712) -> B256 {
        let mut data = [0; 66];
        data[0] = 0x19;
        data[1] = 0x01;
        for (target, source) in data.iter_mut().skip(2).zip(self.separator.0.iter().chain(&message.hash_struct().0)) {
            *target = *source;
        }
        keccak256(&data).into()
    }

    /// Who signed the message, if the signature is the one valid form that it has: see [`crypto::recover`]. The same
    /// signature is valid for ever: the message needs a nonce, and perhaps a deadline.
    #[must_use]
    pub fn recover(&self, message: &impl Eip712, v: u8, r: B256, s: B256) -> Option<Address> {
        crypto::recover(self.digest(message), v, r, s)
    }
}

/// A type that a member of an EIP-712 struct may have.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be signed as typed data",
    label = "no member of an EIP-712 struct",
    note = "members are numbers, bool, Address, FixedBytes<N>, String, Bytes, Vec<T>, [T; N], and structs with #[derive(Eip712)]"
)]
pub trait Typed {
    /// The type, for `encodeType`.
    #[doc(hidden)]
    const SHAPE: &'static TypedShape;
    /// EIP-712's `encodeData` of one member.
    #[doc(hidden)]
    fn typed_word(&self) -> [u8; 32];
}

/// A member's type.
#[doc(hidden)]
pub enum TypedShape {
    Atom(&'static Shape),
    Struct(TypedStruct),
    Array(&'static TypedShape),
    FixedArray(&'static TypedShape, usize),
}

/// A struct's name, and its members' names and types.
#[doc(hidden)]
pub struct TypedStruct {
    pub name: &'static str,
    pub members: &'static [(&'static str, &'static TypedShape)],
}

impl<T: Value> Typed for T {
    const SHAPE: &'static TypedShape = &TypedShape::Atom(<T as AbiType>::SHAPE);
    fn typed_word(&self) -> [u8; 32] {
        self.word()
    }
}

impl Typed for String {
    const SHAPE: &'static TypedShape = &TypedShape::Atom(&Shape::String);
    fn typed_word(&self) -> [u8; 32] {
        keccak256(self.as_bytes())
    }
}

impl Typed for Bytes {
    const SHAPE: &'static TypedShape = &TypedShape::Atom(&Shape::Bytes);
    fn typed_word(&self) -> [u8; 32] {
        keccak256(self)
    }
}

impl<T: Typed> Typed for Vec<T> {
    const SHAPE: &'static TypedShape = &TypedShape::Array(T::SHAPE);
    fn typed_word(&self) -> [u8; 32] {
        hash_elements(self)
    }
}

impl<T: Typed, const N: usize> Typed for [T; N] {
    const SHAPE: &'static TypedShape = &TypedShape::FixedArray(T::SHAPE, N);
    fn typed_word(&self) -> [u8; 32] {
        hash_elements(self)
    }
}

fn hash_elements<T: Typed>(elements: &[T]) -> [u8; 32] {
    let words: Vec<[u8; 32]> = elements.iter().map(T::typed_word).collect();
    hash_words(&words)
}

/// keccak256 of words one after the other.
pub fn hash_words(words: &[[u8; 32]]) -> [u8; 32] {
    keccak256(words.as_flattened())
}

/// Structs that one struct may refer to, itself included.
const STRUCTS_MAX: usize = 32;

/// The structs found so far.
struct Structs {
    all: [Option<&'static TypedStruct>; STRUCTS_MAX],
    count: usize,
}

/// Whether `one` comes before (-1), at (0) or behind (1) `other`.
const fn order(one: &str, other: &str) -> i8 {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut index = 0;
    while index < one.len() && index < other.len() {
        if one[index] != other[index] {
            return if one[index] < other[index] { -1 } else { 1 };
        }
        index += 1;
    }
    if one.len() == other.len() {
        0
    } else if one.len() < other.len() {
        -1
    } else {
        1
    }
}

impl Structs {
    /// Adds a type's structs behind the first, which is the primary type, in the order of their names.
    const fn add(&mut self, shape: &'static TypedShape) {
        match shape {
            TypedShape::Atom(_) => {}
            TypedShape::Array(element) | TypedShape::FixedArray(element, _) => self.add(element),
            TypedShape::Struct(item) => {
                let mut place = self.count;
                let mut index = 0;
                while index < self.count {
                    if let Some(other) = self.all[index] {
                        match order(item.name, other.name) {
                            0 => {
                                assert!(same_members(item, other), "two EIP-712 structs of one name differ");
                                return;
                            }
                            -1 if index > 0 && index < place => place = index,
                            _ => {}
                        }
                    }
                    index += 1;
                }
                assert!(self.count < STRUCTS_MAX, "an EIP-712 struct refers to at most 31 others");
                let mut behind = self.count;
                while behind > place {
                    self.all[behind] = self.all[behind - 1];
                    behind -= 1;
                }
                self.all[place] = Some(item);
                self.count += 1;
                let mut index = 0;
                while index < item.members.len() {
                    self.add(item.members[index].1);
                    index += 1;
                }
            }
        }
    }
}

/// Whether the members have the same names and types.
const fn same_members(one: &TypedStruct, other: &TypedStruct) -> bool {
    if one.members.len() != other.members.len() {
        return false;
    }
    let mut index = 0;
    while index < one.members.len() {
        let ((name, shape), (other_name, other_shape)) = (one.members[index], other.members[index]);
        if order(name, other_name) != 0 || !same_shape(shape, other_shape) {
            return false;
        }
        index += 1;
    }
    true
}

const fn same_shape(one: &TypedShape, other: &TypedShape) -> bool {
    match (one, other) {
        (TypedShape::Atom(one), TypedShape::Atom(other)) => one.is(other),
        (TypedShape::Struct(one), TypedShape::Struct(other)) => order(one.name, other.name) == 0,
        (TypedShape::Array(one), TypedShape::Array(other)) => same_shape(one, other),
        (TypedShape::FixedArray(one, length), TypedShape::FixedArray(other, other_length)) => {
            *length == *other_length && same_shape(one, other)
        }
        _ => false,
    }
}

/// Hashes what it is given, and keeps as much as there is room for.
struct Text<'a> {
    keccak: Keccak,
    bytes: &'a mut [u8],
    length: usize,
}

impl Text<'_> {
    const fn put(&mut self, text: &[u8]) {
        self.keccak.update(text);
        let mut index = 0;
        while index < text.len() {
            if self.length < self.bytes.len() {
                self.bytes[self.length] = text[index];
            }
            self.length += 1;
            index += 1;
        }
    }

    const fn number(&mut self, number: usize) {
        let (digits, start) = decimal(number);
        self.put(digits.split_at(start).1);
    }

    const fn type_name(&mut self, shape: &TypedShape) {
        match shape {
            TypedShape::Atom(shape) => self.atom(shape),
            TypedShape::Struct(item) => self.put(item.name.as_bytes()),
            TypedShape::Array(element) => {
                self.type_name(element);
                self.put(b"[]");
            }
            TypedShape::FixedArray(element, length) => {
                self.type_name(element);
                self.put(b"[");
                self.number(*length);
                self.put(b"]");
            }
        }
    }

    const fn atom(&mut self, shape: &Shape) {
        match shape {
            Shape::Uint(bits) => {
                self.put(b"uint");
                self.number(*bits as usize);
            }
            Shape::Int(bits) => {
                self.put(b"int");
                self.number(*bits as usize);
            }
            Shape::FixedBytes(length) => {
                self.put(b"bytes");
                self.number(*length);
            }
            Shape::Address => self.put(b"address"),
            Shape::Bool => self.put(b"bool"),
            Shape::Bytes => self.put(b"bytes"),
            Shape::String => self.put(b"string"),
            Shape::Array(_) | Shape::FixedArray(..) | Shape::Tuple(_) => panic!("arrays and structs are no atoms"),
        }
    }
}

/// The hash of `encodeType` and its length; it is written to `bytes` as far as there is room.
const fn encode_type(shape: &'static TypedShape, bytes: &mut [u8]) -> ([u8; 32], usize) {
    let mut structs = Structs { all: [None; STRUCTS_MAX], count: 0 };
    structs.add(shape);
    let mut text = Text { keccak: Keccak::new(), bytes, length: 0 };
    let mut index = 0;
    while index < structs.count {
        if let Some(item) = structs.all[index] {
            text.put(item.name.as_bytes());
            text.put(b"(");
            let mut member = 0;
            while member < item.members.len() {
                if member > 0 {
                    text.put(b",");
                }
                let (name, shape) = item.members[member];
                text.type_name(shape);
                text.put(b" ");
                text.put(name.as_bytes());
                member += 1;
            }
            text.put(b")");
        }
        index += 1;
    }
    let Text { keccak, length, .. } = text;
    (keccak.finish(), length)
}

/// keccak256 of `encodeType`.
#[must_use]
pub const fn type_hash(shape: &'static TypedShape) -> B256 {
    FixedBytes(encode_type(shape, &mut []).0)
}
