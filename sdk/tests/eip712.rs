//! Typed data against EIP-712's own example and against alloy.
#![allow(missing_docs, reason = "the structs here are read by nobody but this test")]

use alloy_primitives as alloy;
use alloy_sol_types::{SolStruct, eip712_domain};
use esker_sdk::{Eip712Domain, prelude::*};
use proptest::prelude::*;

#[derive(Eip712, Clone)]
struct Person {
    name: String,
    wallet: Address,
}

#[derive(Eip712, Clone)]
struct Mail {
    from: Person,
    to: Person,
    contents: String,
}

const COW: Address = address!("0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826");
const BOB: Address = address!("0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB");

fn b256(text: &str) -> B256 {
    FixedBytes(text.parse::<alloy::B256>().expect("32 bytes").0)
}

/// The values that the EIP's example publishes.
#[test]
fn the_eips_example_hashes_as_published() {
    assert_eq!(Mail::encode_type(), "Mail(Person from,Person to,string contents)Person(string name,address wallet)");
    assert_eq!(Mail::TYPE_HASH, b256("0xa0cedeb2dc280ba39b857546d74f5549c3a1d7bdc2dd96bf881f76108e23dac2"));
    let mail = Mail {
        from: Person { name: "Cow".into(), wallet: COW },
        to: Person { name: "Bob".into(), wallet: BOB },
        contents: "Hello, Bob!".into(),
    };
    assert_eq!(mail.hash_struct(), b256("0xc52c0ee5d84264471806290a3f2c4cecfc5490626bf912d01f240d7a274b371e"));
    let contract = address!("0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC");
    let domain = Eip712Domain::new("Ether Mail", "1", 1, contract);
    assert_eq!(domain.separator(), b256("0xf2cee375fa42b42143804025fc449deafd50cc031ca257e0b194a650a912090f"));
    assert_eq!(domain.digest(&mail), b256("0xbe609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2"));
}

/// Everything that a member can be, and structs whose order of mention is not that of their names.
#[derive(Eip712, Clone)]
struct Zoo {
    zebra: Zebra,
    ants: Vec<Ant>,
    pair: [Ant; 2],
    grid: Vec<[u8; 3]>,
    small: u64,
    wide: U256,
    odd: Uint<24>,
    signed: i32,
    negative: I256,
    flag: bool,
    tag: FixedBytes<5>,
    data: Bytes,
    #[name = "the_text"]
    text: String,
}

#[derive(Eip712, Clone)]
#[name = "zebra"]
struct Zebra {
    first_ant: Ant,
    bee: Bee,
}

#[derive(Eip712, Clone)]
struct Ant {
    legs: u8,
}

#[derive(Eip712, Clone)]
struct Bee {
    ants: Vec<Ant>,
    stings: bool,
}

mod solidity {
    alloy_sol_types::sol! {
        struct Zoo {
            zebra zebra;
            Ant[] ants;
            Ant[2] pair;
            uint8[3][] grid;
            uint64 small;
            uint256 wide;
            uint24 odd;
            int32 signed;
            int256 negative;
            bool flag;
            bytes5 tag;
            bytes data;
            string the_text;
        }
        #[allow(non_camel_case_types, reason = "the order of names is that of bytes")]
        struct zebra { Ant firstAnt; Bee bee; }
        struct Ant { uint8 legs; }
        struct Bee { Ant[] ants; bool stings; }
    }
}

#[test]
fn referenced_structs_come_once_and_in_the_order_of_their_names() {
    assert_eq!(Zoo::encode_type(), solidity::Zoo::eip712_encode_type());
    assert!(Zoo::encode_type().ends_with("Ant(uint8 legs)Bee(Ant[] ants,bool stings)zebra(Ant firstAnt,Bee bee)"));
    assert_eq!(Zebra::encode_type(), solidity::zebra::eip712_encode_type());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn hashes_agree_with_alloys(
        legs in proptest::collection::vec(any::<u8>(), 0..4),
        numbers in any::<(u64, [u64; 4], i32, [u64; 4], bool, [u8; 5])>(),
        data in proptest::collection::vec(any::<u8>(), 0..80),
        text in ".{0,40}",
        grid in proptest::collection::vec(any::<[u8; 3]>(), 0..3),
        odd in 0u32..1 << 24,
        (chain_id, contract) in any::<(u64, [u8; 20])>(),
    ) {
        let (small, wide, signed, negative, flag, tag) = numbers;
        let ant = |legs: u8| Ant { legs };
        let ants: Vec<Ant> = legs.iter().copied().map(ant).collect();
        let ours = Zoo {
            zebra: Zebra { first_ant: ant(6), bee: Bee { ants: ants.clone(), stings: flag } },
            ants,
            pair: [ant(1), ant(2)],
            grid: grid.clone(),
            small,
            wide: U256::from_limbs(wide),
            odd: Uint::new(u128::from(odd)).expect("fits"),
            signed,
            negative: I256::from_bits(U256::from_limbs(negative)),
            flag,
            tag: FixedBytes(tag),
            data: Bytes(data.clone()),
            text: text.clone(),
        };
        let ant = |legs: u8| solidity::Ant { legs };
        let ants: Vec<solidity::Ant> = legs.iter().copied().map(ant).collect();
        let theirs = solidity::Zoo {
            zebra: solidity::zebra { firstAnt: ant(6), bee: solidity::Bee { ants: ants.clone(), stings: flag } },
            ants,
            pair: [ant(1), ant(2)],
            grid,
            small,
            wide: alloy::U256::from_limbs(wide),
            odd: alloy::Uint::from(odd),
            signed,
            negative: alloy::I256::from_raw(alloy::U256::from_limbs(negative)),
            flag,
            tag: tag.into(),
            data: data.into(),
            the_text: text.clone(),
        };
        prop_assert_eq!(ours.hash_struct().0, theirs.eip712_hash_struct().0);
        let domain = eip712_domain! {
            name: text.clone(),
            version: "2",
            chain_id: chain_id,
            verifying_contract: alloy::Address::from(contract),
        };
        let digest = Eip712Domain::new(&text, "2", chain_id, Address(contract)).digest(&ours);
        prop_assert_eq!(digest.0, theirs.eip712_signing_hash(&domain).0);
    }
}
