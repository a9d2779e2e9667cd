//! Decoding of call data: what is accepted is what alloy reads, encodes canonically and comes back. Shared by the tests
//! here and by the fuzz targets in `tests/fuzz`.

use std::fmt::Debug;

use alloy_dyn_abi::{DynSolType, DynSolValue};
use esker_sdk::abi::{AbiType, decode, encode};
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

/// Decodes `data` as type `which` of a fixed list (modulo its length): an error, or the value that alloy reads if it accepts them.
/// Whether it was accepted.
pub fn decoded(which: usize, data: &[u8]) -> bool {
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

fn check<T: AbiType + PartialEq + Debug>(name: &str, data: &[u8]) -> bool {
    let Ok(value) = decode::<T>(data) else { return false };
    let encoded = encode(&value);
    // No part is read twice. An encoding is longer than what was read only by padding: under a word for each string,
    // of which offset and length alone are two.
    assert!(2 * encoded.len() <= 3 * data.len(), "{name}: {} bytes from {}", encoded.len(), data.len());
    assert_eq!(decode::<T>(&encoded).as_ref(), Ok(&value), "{name}: encoded and decoded");
    let kind = DynSolType::Tuple(vec![DynSolType::parse(name).expect("alloy knows the type")]);
    // alloy refuses offsets that point back into the head they stand in; Solidity and we follow them. What alloy does
    // accept, it reads alike.
    if let Ok(theirs) = kind.abi_decode_params(data) {
        assert_eq!(DynSolValue::abi_encode_params(&theirs), encoded, "{name}: alloy reads it otherwise");
    }
    true
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
            216..=235 => word[..4].copy_from_slice(&[*seed, b'a', b'b', at as u8]),
            _ => word = [*seed; 32],
        }
        data.extend_from_slice(&word);
    }
    data
}
