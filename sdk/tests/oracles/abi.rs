//! Decoding of call data: what is accepted is what alloy reads, encodes canonically and comes back; what is refused is
//! refused as a plain reading of Solidity's decoder, below, says. Shared by the tests here and by the fuzz targets in
//! `tests/fuzz`.

use std::fmt::Debug;

use alloy_dyn_abi::{DynSolType, DynSolValue};
use alloy_primitives::U256 as Word;
use esker_sdk::abi::{AbiType, Decoder, Fault, decode, encode};
use esker_sdk::{Abi, Address, Bytes, FixedBytes, I256, Int, U256, Uint};

/// A struct with members of every kind.
#[derive(Abi, Clone, Debug, PartialEq)]
pub struct Order {
    pub maker: Address,
    pub amounts: Vec<U256>,
    pub memo: String,
    pub side: Side,
}

/// An enum of two.
#[derive(Abi, Clone, Copy, Debug, PartialEq)]
pub enum Side {
    Buy,
    Sell,
}

/// How many types [`decoded`] knows.
pub const TYPES: usize = 24;

/// Decodes `data` as type `which` of a fixed list (modulo its length): the fault that the plain reader finds, or the value
/// that alloy reads if it accepts them.
pub fn decoded(which: usize, data: &[u8]) -> Option<Fault> {
    match which % TYPES {
        0 => check::<u8>("uint8", data),
        1 => check::<(u16, u32)>("(uint16,uint32)", data),
        2 => check::<(u64, u128)>("(uint64,uint128)", data),
        3 => check::<U256>("uint256", data),
        4 => check::<(Uint<24>, Int<56>)>("(uint24,int56)", data),
        5 => check::<(i8, i16)>("(int8,int16)", data),
        6 => check::<(i32, i64, i128)>("(int32,int64,int128)", data),
        7 => check::<I256>("int256", data),
        8 => check::<(bool, Address)>("(bool,address)", data),
        9 => check::<(FixedBytes<1>, FixedBytes<20>, FixedBytes<32>)>("(bytes1,bytes20,bytes32)", data),
        10 => check::<Bytes>("bytes", data),
        11 => check::<String>("string", data),
        12 => check::<Vec<U256>>("uint256[]", data),
        13 => check::<Vec<String>>("string[]", data),
        14 => check::<Vec<Vec<Bytes>>>("bytes[][]", data),
        15 => check::<[u32; 3]>("uint32[3]", data),
        16 => check::<[String; 2]>("string[2]", data),
        17 => check::<Vec<[bool; 2]>>("bool[2][]", data),
        18 => check::<[Vec<u16>; 2]>("uint16[][2]", data),
        19 => check::<((u64, bool), Address)>("((uint64,bool),address)", data),
        20 => check::<(String, (Bytes, U256), Vec<(Address, String)>)>(
            "(string,(bytes,uint256),(address,string)[])",
            data,
        ),
        21 => check::<Order>("(address,uint256[],string,uint8)", data),
        22 => {
            check::<(Order, Vec<Order>)>("((address,uint256[],string,uint8),(address,uint256[],string,uint8)[])", data)
        }
        _ => check::<Vec<Vec<Vec<U256>>>>("uint256[][][]", data),
    }
}

fn check<T: AbiType + PartialEq + Debug>(name: &str, data: &[u8]) -> Option<Fault> {
    let parsed = DynSolType::parse(name).expect("alloy knows the type");
    // The only enum among the types has two variants.
    let is_enum = name.contains("uint8)");
    let mut reader = Reader { data, budget: data.len(), is_enum };
    let expected = reader.tuple(std::slice::from_ref(&parsed), 0).err();
    let mut decoder = Decoder::new(data);
    decoder.expect(T::SHAPE.head_size());
    let _ = T::decode(&mut decoder);
    assert_eq!(decoder.fault(), expected, "{name}: {}", alloy_primitives::hex::encode(data));
    let Ok(value) = decode::<T>(data) else {
        assert!(expected.is_some(), "{name}: refused without a fault");
        return expected;
    };
    assert_eq!(expected, None, "{name}: accepted with a fault");
    let encoded = encode(&value);
    // No part is read twice. An encoding is longer than what was read only by padding: under a word for each string,
    // of which offset and length alone are two.
    assert!(2 * encoded.len() <= 3 * data.len(), "{name}: {} bytes from {}", encoded.len(), data.len());
    assert_eq!(decode::<T>(&encoded).as_ref(), Ok(&value), "{name}: encoded and decoded");
    let kind = DynSolType::Tuple(vec![parsed]);
    // alloy refuses offsets that point back into the head they stand in; Solidity and we follow them. What alloy does
    // accept, it reads alike.
    if let Ok(theirs) = kind.abi_decode_params(data) {
        assert_eq!(DynSolValue::abi_encode_params(&theirs), encoded, "{name}: alloy reads it otherwise");
    }
    None
}

/// Solidity's `abi_decode` functions for memory, read as they stand in the compiler's `ABIFunctions.cpp`, and what we refuse
/// beyond them: parts that overlap so that they take more bytes than there are, and text that is not UTF-8.
struct Reader<'a> {
    data: &'a [u8],
    budget: usize,
    is_enum: bool,
}

type Read<T> = Result<T, Fault>;

fn malformed_unless(good: bool) -> Read<()> {
    if good { Ok(()) } else { Err(Fault::Malformed) }
}

/// Bytes of a type in its tuple's head.
fn head(kind: &DynSolType) -> usize {
    match kind {
        _ if is_dynamic(kind) => 32,
        DynSolType::FixedArray(element, count) => count * head(element),
        DynSolType::Tuple(members) => members.iter().map(head).sum(),
        _ => 32,
    }
}

fn is_dynamic(kind: &DynSolType) -> bool {
    match kind {
        DynSolType::Bytes | DynSolType::String | DynSolType::Array(_) => true,
        DynSolType::FixedArray(element, _) => is_dynamic(element),
        DynSolType::Tuple(members) => members.iter().any(is_dynamic),
        _ => false,
    }
}

impl Reader<'_> {
    fn take(&mut self, at: usize, length: usize) -> Read<Vec<u8>> {
        let bytes = self.data.get(at..).and_then(|rest| rest.get(..length)).ok_or(Fault::Malformed)?;
        self.budget = self.budget.checked_sub(length).ok_or(Fault::Malformed)?;
        Ok(bytes.to_vec())
    }

    fn word(&mut self, at: usize) -> Read<Word> {
        Ok(Word::from_be_slice(&self.take(at, 32)?))
    }

    /// Where the offset at `at`, which counts from `base`, points to.
    fn tail(&mut self, at: usize, base: usize) -> Read<usize> {
        let offset = self.word(at)?;
        malformed_unless(offset <= Word::from(self.data.len()))?;
        Ok(base + offset.to::<usize>())
    }

    /// The length at `at`, for which Solidity reserves `reserved(length)` bytes behind the first free byte of its memory.
    fn length(&mut self, at: usize, reserved: impl Fn(Word) -> Word) -> Read<usize> {
        let length = self.word(at)?;
        let limit = Word::from(u64::MAX);
        if length > limit || Word::from(0x80) + reserved(length) > limit {
            return Err(Fault::TooLarge);
        }
        malformed_unless(length <= Word::from(self.data.len()))?;
        Ok(length.to())
    }

    fn tuple(&mut self, members: &[DynSolType], base: usize) -> Read<()> {
        let size: usize = members.iter().map(head).sum();
        malformed_unless(base + size <= self.data.len())?;
        let mut at = base;
        for member in members {
            self.value(member, at, base)?;
            at += head(member);
        }
        Ok(())
    }

    fn elements(&mut self, element: &DynSolType, count: usize, base: usize) -> Read<()> {
        malformed_unless(base + count * head(element) <= self.data.len())?;
        (0..count).try_for_each(|index| self.value(element, base + index * head(element), base))
    }

    fn value(&mut self, kind: &DynSolType, at: usize, base: usize) -> Read<()> {
        match kind {
            DynSolType::Bool => malformed_unless(self.word(at)? <= Word::from(1)),
            DynSolType::Uint(8) if self.is_enum => malformed_unless(self.word(at)? <= Word::from(1)),
            DynSolType::Uint(bits) => malformed_unless(self.word(at)?.bit_len() <= *bits),
            DynSolType::Address => malformed_unless(self.word(at)?.bit_len() <= 160),
            DynSolType::Int(bits) => {
                let word = self.word(at)?;
                let magnitude = if word.bit(255) { !word } else { word };
                malformed_unless(magnitude.bit_len() < *bits)
            }
            DynSolType::FixedBytes(length) => {
                let word = self.take(at, 32)?;
                malformed_unless(word[*length..].iter().all(|byte| *byte == 0))
            }
            DynSolType::Bytes | DynSolType::String => {
                let tail = self.tail(at, base)?;
                let padded =
                    |length: Word| (length + Word::from(31)) / Word::from(32) * Word::from(32) + Word::from(32);
                let length = self.length(tail, padded)?;
                let bytes = self.take(tail + 32, length)?;
                malformed_unless(*kind == DynSolType::Bytes || std::str::from_utf8(&bytes).is_ok())
            }
            DynSolType::Array(element) => {
                let tail = self.tail(at, base)?;
                let words = |length: Word| length * Word::from(32) + Word::from(32);
                let count = self.length(tail, words)?;
                malformed_unless(count * head(element) <= self.budget)?;
                self.elements(element, count, tail + 32)
            }
            DynSolType::FixedArray(element, count) if is_dynamic(element) => {
                let tail = self.tail(at, base)?;
                self.elements(element, *count, tail)
            }
            DynSolType::Tuple(members) if is_dynamic(kind) => {
                let tail = self.tail(at, base)?;
                self.tuple(members, tail)
            }
            DynSolType::FixedArray(element, count) => self.elements(element, *count, at),
            DynSolType::Tuple(members) => self.tuple(members, at),
            other => unreachable!("{other} is not among the types"),
        }
    }
}

/// Data in the likeness of an encoding: words that are small numbers, which may be offsets and lengths, or noise.
pub fn words(seeds: &[u8]) -> Vec<u8> {
    let mut data = Vec::with_capacity(seeds.len() * 32);
    for (at, seed) in seeds.iter().enumerate() {
        let mut word = [0; 32];
        match seed {
            // Offsets and lengths that are multiples of a word, and small numbers.
            0..=120 => word[31] = (seed & 7) * 32,
            121..=200 => word[31] = seed & 7,
            201..=215 => word[30..].copy_from_slice(&[1, seed & 0xe0]),
            // The largest lengths of arrays and bytes that Solidity's memory could hold, and the next ones.
            216..=219 => {
                let edges = [(1 << 59) - 6, (1 << 59) - 5, u64::MAX - 191, u64::MAX - 190];
                word[24..].copy_from_slice(&edges[usize::from(seed - 216)].to_be_bytes());
            }
            220..=235 => word[..4].copy_from_slice(&[*seed, b'a', b'b', at as u8]),
            _ => word = [*seed; 32],
        }
        data.extend_from_slice(&word);
    }
    data
}
