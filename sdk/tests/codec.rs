//! The ABI codec against alloy's, on random values and on damaged data.

use alloy_dyn_abi::{DynSolType, DynSolValue};
use alloy_primitives as alloy;
use esker_sdk::abi::{decode_params, encode_packed, encode_params};
use esker_sdk::{
    Abi, Address, Bytes, FixedBytes, I256, Int, U256, Uint,
    abi::{AbiType, Decoder, Encoder, decode, encode},
};
use proptest::prelude::*;

/// One of our types beside alloy's view of it.
trait Sol: AbiType + PartialEq + Clone + std::fmt::Debug + 'static {
    fn name() -> String;
    fn value(&self) -> DynSolValue;
    fn any() -> BoxedStrategy<Self>;
}

fn alloy_u256(number: U256) -> alloy::U256 {
    alloy::U256::from_limbs(number.limbs())
}

fn any_u256() -> BoxedStrategy<U256> {
    let edges = prop_oneof![Just(U256::ZERO), Just(U256::ONE), Just(U256::MAX)];
    prop_oneof![1 => edges, 3 => any::<[u64; 4]>().prop_map(U256::from_limbs), 2 => any::<u64>().prop_map(U256::from)]
        .boxed()
}

macro_rules! unsigned {
    ($($type:ty)*) => {$(
        impl Sol for $type {
            fn name() -> String { format!("uint{}", <$type>::BITS) }
            fn value(&self) -> DynSolValue { DynSolValue::Uint(alloy::U256::from(*self), <$type>::BITS as usize) }
            fn any() -> BoxedStrategy<Self> { any::<$type>().boxed() }
        }
    )*};
}

// `uint8` cannot be an array's element, yet it is an ABI type.
unsigned!(u8 u16 u32 u64 u128);

macro_rules! signed {
    ($($type:ty)*) => {$(
        impl Sol for $type {
            fn name() -> String { format!("int{}", <$type>::BITS) }
            fn value(&self) -> DynSolValue {
                DynSolValue::Int(alloy::I256::try_from(*self).expect("fits"), <$type>::BITS as usize)
            }
            fn any() -> BoxedStrategy<Self> { any::<$type>().boxed() }
        }
    )*};
}

signed!(i8 i16 i32 i64 i128);

impl Sol for U256 {
    fn name() -> String {
        "uint256".into()
    }
    fn value(&self) -> DynSolValue {
        DynSolValue::Uint(alloy_u256(*self), 256)
    }
    fn any() -> BoxedStrategy<Self> {
        any_u256()
    }
}

impl Sol for I256 {
    fn name() -> String {
        "int256".into()
    }
    fn value(&self) -> DynSolValue {
        DynSolValue::Int(alloy::I256::from_raw(alloy_u256(self.to_bits())), 256)
    }
    fn any() -> BoxedStrategy<Self> {
        any_u256().prop_map(I256::from_bits).boxed()
    }
}

impl Sol for Uint<24> {
    fn name() -> String {
        "uint24".into()
    }
    fn value(&self) -> DynSolValue {
        DynSolValue::Uint(alloy_u256(self.get()), 24)
    }
    fn any() -> BoxedStrategy<Self> {
        (0u32..1 << 24).prop_map(|number| Self::new(u128::from(number)).expect("fits")).boxed()
    }
}

impl Sol for Int<56> {
    fn name() -> String {
        "int56".into()
    }
    fn value(&self) -> DynSolValue {
        DynSolValue::Int(alloy::I256::from_raw(alloy_u256(self.get().to_bits())), 56)
    }
    fn any() -> BoxedStrategy<Self> {
        (-(1i64 << 55)..1 << 55).prop_map(|number| Self::new(i128::from(number)).expect("fits")).boxed()
    }
}

impl Sol for bool {
    fn name() -> String {
        "bool".into()
    }
    fn value(&self) -> DynSolValue {
        DynSolValue::Bool(*self)
    }
    fn any() -> BoxedStrategy<Self> {
        any::<bool>().boxed()
    }
}

impl Sol for Address {
    fn name() -> String {
        "address".into()
    }
    fn value(&self) -> DynSolValue {
        DynSolValue::Address(self.0.into())
    }
    fn any() -> BoxedStrategy<Self> {
        any::<[u8; 20]>().prop_map(Self).boxed()
    }
}

impl<const N: usize> Sol for FixedBytes<N> {
    fn name() -> String {
        format!("bytes{N}")
    }
    fn value(&self) -> DynSolValue {
        let mut word = alloy::B256::ZERO;
        word[..N].copy_from_slice(&self.0);
        DynSolValue::FixedBytes(word, N)
    }
    fn any() -> BoxedStrategy<Self> {
        proptest::collection::vec(any::<u8>(), N).prop_map(|bytes| Self(bytes.try_into().expect("N bytes"))).boxed()
    }
}

impl Sol for Bytes {
    fn name() -> String {
        "bytes".into()
    }
    fn value(&self) -> DynSolValue {
        DynSolValue::Bytes(self.0.clone())
    }
    fn any() -> BoxedStrategy<Self> {
        proptest::collection::vec(any::<u8>(), 0..70).prop_map(Self).boxed()
    }
}

impl Sol for String {
    fn name() -> String {
        "string".into()
    }
    fn value(&self) -> DynSolValue {
        DynSolValue::String(self.clone())
    }
    fn any() -> BoxedStrategy<Self> {
        any::<String>().boxed()
    }
}

impl<T: Sol + esker_sdk::abi::AbiElement> Sol for Vec<T> {
    fn name() -> String {
        format!("{}[]", T::name())
    }
    fn value(&self) -> DynSolValue {
        DynSolValue::Array(self.iter().map(Sol::value).collect())
    }
    fn any() -> BoxedStrategy<Self> {
        proptest::collection::vec(T::any(), 0..4).boxed()
    }
}

impl<T: Sol + esker_sdk::abi::AbiElement, const N: usize> Sol for [T; N] {
    fn name() -> String {
        format!("{}[{N}]", T::name())
    }
    fn value(&self) -> DynSolValue {
        DynSolValue::FixedArray(self.iter().map(Sol::value).collect())
    }
    fn any() -> BoxedStrategy<Self> {
        proptest::collection::vec(T::any(), N).prop_map(|all| all.try_into().expect("N elements")).boxed()
    }
}

macro_rules! tuples {
    ($(($($name:ident $index:tt),+))*) => {$(
        impl<$($name: Sol),+> Sol for ($($name,)+) {
            fn name() -> String { format!("({})", [$($name::name()),+].join(",")) }
            fn value(&self) -> DynSolValue { DynSolValue::Tuple(vec![$(self.$index.value()),+]) }
            fn any() -> BoxedStrategy<Self> { ($($name::any(),)+).boxed() }
        }
    )*};
}

tuples!((A 0) (A 0, B 1) (A 0, B 1, C 2) (A 0, B 1, C 2, D 3));

#[derive(Abi, Clone, Debug, PartialEq)]
struct Order {
    maker: Address,
    amounts: Vec<U256>,
    memo: String,
    side: Side,
}

#[derive(Abi, Clone, Copy, Debug, PartialEq)]
enum Side {
    Buy,
    Sell,
}

impl Sol for Order {
    fn name() -> String {
        "(address,uint256[],string,uint8)".into()
    }
    fn value(&self) -> DynSolValue {
        let side = alloy::U256::from(match self.side {
            Side::Buy => 0,
            Side::Sell => 1,
        });
        DynSolValue::Tuple(vec![
            self.maker.value(),
            self.amounts.value(),
            self.memo.value(),
            DynSolValue::Uint(side, 8),
        ])
    }
    fn any() -> BoxedStrategy<Self> {
        (Address::any(), Vec::<U256>::any(), String::any(), any::<bool>())
            .prop_map(|(maker, amounts, memo, buy)| Self {
                maker,
                amounts,
                memo,
                side: if buy { Side::Buy } else { Side::Sell },
            })
            .boxed()
    }
}

/// What alloy decodes, if it accepts the data.
fn alloy_decode<T: Sol>(data: &[u8]) -> Option<DynSolValue> {
    let ty = DynSolType::Tuple(vec![DynSolType::parse(&T::name()).expect("alloy knows the type")]);
    match ty.abi_decode_params(data).ok()? {
        DynSolValue::Tuple(mut values) => values.pop(),
        _ => None,
    }
}

fn check<T: Sol>(
    value: &T,
    damage: &[(prop::sample::Index, u8)],
    cut: prop::sample::Index,
) -> Result<(), TestCaseError> {
    let encoded = encode(value);
    let expected = DynSolValue::Tuple(vec![value.value()]).abi_encode_params();
    prop_assert_eq!(&encoded, &expected, "the encoding of {:?} as {}", value, T::name());
    prop_assert_eq!(&decode::<T>(&encoded).expect("our own encoding is strict"), value);

    // Damaged data is refused, or read as alloy reads it; neither panics. Alloy also refuses some that Solidity reads, such
    // as an offset back into the head.
    let mut damaged = encoded.clone();
    for (index, byte) in damage {
        let index = index.index(damaged.len());
        damaged[index] = *byte;
    }
    if let (Ok(read), Some(expected)) = (decode::<T>(&damaged), alloy_decode::<T>(&damaged)) {
        prop_assert_eq!(read.value(), expected, "damaged {}", T::name());
    }
    // Truncated data is refused: our own encoding has nothing to spare but padding, which is at most 31 bytes.
    let length = cut.index(encoded.len());
    if length + 31 < encoded.len() {
        prop_assert!(
            decode::<T>(&encoded[..length]).is_err(),
            "{} bytes of {} for {}",
            length,
            encoded.len(),
            T::name()
        );
    }
    Ok(())
}

macro_rules! agree {
    ($($name:ident: $type:ty;)*) => {
        proptest! {
            #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]
            $(#[test]
            fn $name(
                value in <$type as Sol>::any(),
                damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
                cut in any::<prop::sample::Index>(),
            ) {
                check::<$type>(&value, &damage, cut)?;
            })*
        }
    };
}

agree! {
    uint8_agrees: u8;
    uint16_and_uint32_agree: (u16, u32);
    uint64_and_uint128_agree: (u64, u128);
    uint256_agrees: U256;
    uint24_and_int56_agree: (Uint<24>, Int<56>);
    int8_and_int16_agree: (i8, i16);
    int32_int64_and_int128_agree: (i32, i64, i128);
    int256_agrees: I256;
    bool_and_address_agree: (bool, Address);
    bytes1_bytes20_and_bytes32_agree: (FixedBytes<1>, FixedBytes<20>, FixedBytes<32>);
    bytes_agrees: Bytes;
    string_agrees: String;
    arrays_of_words_agree: Vec<U256>;
    arrays_of_strings_agree: Vec<String>;
    arrays_of_arrays_agree: Vec<Vec<Bytes>>;
    fixed_arrays_of_words_agree: [u32; 3];
    fixed_arrays_of_strings_agree: [String; 2];
    arrays_of_fixed_arrays_agree: Vec<[bool; 2]>;
    fixed_arrays_of_arrays_agree: [Vec<u16>; 2];
    static_tuples_agree: ((u64, bool), Address);
    dynamic_tuples_agree: (String, (Bytes, U256), Vec<(Address, String)>);
    structs_agree: (Order, Vec<Order>);
}

fn word(number: u64) -> [u8; 32] {
    U256::from(number).to_be_bytes()
}

#[test]
fn dirty_high_bits_are_refused() {
    let mut dirty = word(1);
    dirty[0] = 1;
    assert!(decode::<u64>(&dirty).is_err());
    assert!(decode::<bool>(&dirty).is_err());
    assert!(decode::<bool>(&word(2)).is_err());
    assert!(decode::<Side>(&word(2)).is_err());
    assert!(decode::<Address>(&dirty).is_err());
    assert!(decode::<Uint<24>>(&word(1 << 24)).is_err());
    assert!(decode::<FixedBytes<4>>(&word(1)).is_err());
    // A positive number with the sign bit of int8 set, and a negative one whose upper bits are not all ones.
    assert!(decode::<i8>(&word(0x80)).is_err());
    let mut negative = [0xff; 32];
    negative[3] = 0x7f;
    assert!(decode::<i64>(&negative).is_err());
    assert!(decode::<i128>(&negative).is_err());
    assert!(decode::<Int<56>>(&negative).is_err());
}

#[test]
fn offsets_and_lengths_beyond_the_data_are_refused_before_memory_is_taken() {
    for absurd in [33, 1 << 20, 1 << 32, u64::MAX] {
        let offset = [word(absurd), word(0)].concat();
        assert!(decode::<Bytes>(&offset).is_err(), "offset {absurd}");
        assert!(decode::<Vec<U256>>(&offset).is_err(), "offset {absurd}");
        let length = [word(32), word(absurd)].concat();
        assert!(decode::<Bytes>(&length).is_err(), "length {absurd}");
        assert!(decode::<Vec<U256>>(&length).is_err(), "length {absurd}");
        assert!(decode::<Vec<String>>(&length).is_err(), "length {absurd}");
    }
    let high = [word(32), [0xff; 32]].concat();
    assert!(decode::<Vec<Vec<U256>>>(&high).is_err());
}

#[test]
fn parts_that_overlap_cannot_multiply_the_work() {
    // A thousand elements that all point at one array of a thousand: a million words from 64 kB.
    let count = 1000;
    let mut data = [word(32), word(count)].concat();
    for _ in 0..count {
        data.extend(word(count * 32));
    }
    data.extend(word(count));
    data.extend(vec![0; 32 * count as usize]);
    assert!(decode::<Vec<Vec<U256>>>(&data).is_err());
}

#[test]
fn text_that_is_not_utf8_is_refused() {
    let mut data = encode(&"é".to_owned());
    data[64] = 0xff;
    assert!(decode::<String>(&data).is_err());
    assert!(decode::<Bytes>(&data).is_ok());
}

#[test]
fn several_arguments_share_one_head() {
    let mut encoder = Encoder::new(&[1, 2, 3, 4], 64);
    esker_sdk::abi::AbiEncode::encode("hello", &mut encoder);
    esker_sdk::abi::AbiEncode::encode(&U256::from(7), &mut encoder);
    let data = encoder.finish();
    let expected =
        DynSolValue::Tuple(vec![DynSolValue::String("hello".into()), DynSolValue::Uint(alloy::U256::from(7), 256)]);
    assert_eq!(data[4..], expected.abi_encode_params());
    let mut decoder = Decoder::new(&data[4..]);
    let both = (String::decode(&mut decoder), U256::decode(&mut decoder));
    assert_eq!(decoder.finish(both), Ok(("hello".to_owned(), U256::from(7))));
}

fn side_by_side(values: &[DynSolValue]) -> Vec<u8> {
    DynSolValue::Tuple(values.to_vec()).abi_encode_params()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn parameters_stand_side_by_side_as_in_solidity(
        a in <(String, U256) as Sol>::any(),
        b in <Vec<Bytes> as Sol>::any(),
        c in <(u64, bool) as Sol>::any(),
        d in <[String; 2] as Sol>::any(),
    ) {
        let expected = side_by_side(&[a.value(), b.value(), c.value(), d.value()]);
        let params = (a, b, c, d);
        let encoded = encode_params(&params);
        prop_assert_eq!(&encoded, &expected);
        prop_assert_eq!(decode_params(&encoded), Ok(params.clone()));
        prop_assert_eq!(encode_params(&(params.1.as_slice(), params.0.0.as_str())), {
            side_by_side(&[params.1.value(), params.0.0.value()])
        });
    }

    #[test]
    fn packed_mode_is_soliditys(
        small in <(u8, i16, u128) as Sol>::any(),
        wide in <(U256, I256, Uint<24>, Int<56>) as Sol>::any(),
        who in <(Address, bool, FixedBytes<20>) as Sol>::any(),
        bytes in <(Bytes, String) as Sol>::any(),
        list in <Vec<u16> as Sol>::any(),
        fixed in <[u32; 3] as Sol>::any(),
        nested in <Vec<[bool; 2]> as Sol>::any(),
    ) {
        let packed = |values: &[DynSolValue]| values.iter().flat_map(DynSolValue::abi_encode_packed).collect::<Vec<u8>>();
        prop_assert_eq!(encode_packed(&small), packed(&[small.0.value(), small.1.value(), small.2.value()]));
        prop_assert_eq!(
            encode_packed(&wide),
            packed(&[wide.0.value(), wide.1.value(), wide.2.value(), wide.3.value()])
        );
        prop_assert_eq!(encode_packed(&who), packed(&[who.0.value(), who.1.value(), who.2.value()]));
        prop_assert_eq!(encode_packed(&bytes), packed(&[bytes.0.value(), bytes.1.value()]));
        prop_assert_eq!(encode_packed(&(bytes.1.as_str(), bytes.0.as_slice())), packed(&[bytes.1.value(), bytes.0.value()]));
        prop_assert_eq!(encode_packed(&(list.clone(),)), packed(&[list.value()]));
        prop_assert_eq!(encode_packed(&(fixed,)), packed(&[fixed.value()]));
        prop_assert_eq!(encode_packed(&(nested.clone(),)), packed(&[nested.value()]));
    }
}

#[test]
fn a_dynamic_tuple_has_an_offset_and_parameters_have_none() {
    let both = (U256::from(7), "hello".to_owned());
    assert_eq!((encode(&both).len(), encode_params(&both).len()), (160, 128));
    assert_eq!(encode_params(&both), encode(&both)[32..]);
    assert_eq!(encode_params(&()), Vec::<u8>::new());
    assert_eq!(decode_params::<(U256, String)>(&encode_params(&both)), Ok(both.clone()));
    assert!(decode_params::<(U256, String)>(&encode(&both)).is_err());
}

#[test]
fn packed_mode_matches_the_specifications_example() {
    // ABI specification, "Non-standard Packed Mode": int16(-1), bytes1(0x42), uint16(0x03), string("Hello, world!").
    let packed = encode_packed(&(-1i16, FixedBytes([0x42]), 3u16, "Hello, world!"));
    assert_eq!(packed, b"\xff\xff\x42\x00\x03Hello, world!");
    assert_eq!(encode_packed(&(Side::Sell, vec![Side::Sell])), [&[1][..], &word(1)].concat());
}
