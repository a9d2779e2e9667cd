use alloy_primitives::{Address, Bytes, keccak256};
use esker::consensus::certificate::{self, CertificateError};
use esker::consensus::context::Voters;
use esker::consensus::signing::ConsensusVerifier;
use esker_tests::golden::hold;
use serde_json::{Value, json};

use crate::chain::{CHAIN_ID, domain, genesis, seed, set};
use crate::second::{self, Certificate, Fields, Vote};

/// What is certified.
const HEIGHT: u64 = 12;
const ROUND: u32 = 2;

/// The precommit of validator `index`, for what `change` makes of it.
fn precommit(index: u8, change: impl FnOnce(&mut Vote, &mut second::Domain)) -> (Address, [u8; 64]) {
    let voter = Address::repeat_byte(0xa0 + index);
    let mut vote = Vote { is_precommit: true, height: HEIGHT, round: ROUND, hash: Some(keccak256("block 12")), voter };
    let mut domain = domain().1;
    change(&mut vote, &mut domain);
    (voter, second::sign(seed(index), &domain.vote(&vote).concat()))
}

fn good(index: u8) -> (Address, [u8; 64]) {
    precommit(index, |_, _| {})
}

/// A certificate's bytes.
pub fn encode(height: u64, round: u32, hash: alloy_primitives::B256, signatures: &[(Address, [u8; 64])]) -> Bytes {
    let fields = Fields::default()
        .number("height", height)
        .round("round", Some(round))
        .raw("hash", hash.as_slice())
        .length("count", signatures.len());
    let add = |fields: Fields, (address, signature): &(Address, [u8; 64])| {
        fields.raw("address", address.as_slice()).raw("signature", signature)
    };
    signatures.iter().fold(fields, add).concat().into()
}

/// The name of what the node finds wrong.
fn fault(bytes: &Bytes) -> Option<&'static str> {
    let certificate = certificate::decode(bytes.clone().into()).expect("well formed");
    assert_eq!(certificate::encode(&certificate), bytes[..]);
    let voters = Voters::new(&genesis().validators).expect("a good set");
    match certificate::verify(&certificate, &voters, &ConsensusVerifier(domain().0)) {
        Ok(()) => None,
        Err(CertificateError::Unknown(_)) => Some("unknown"),
        Err(CertificateError::Twice(_)) => Some("twice"),
        Err(CertificateError::Signature(_)) => Some("signature"),
        Err(CertificateError::Power { .. }) => Some("power"),
    }
}

#[test]
fn certificates_are_judged_as_the_page_says() {
    type Signatures = Vec<(Address, [u8; 64])>;
    // Powers 10, 20, 30, 30: two thirds are 60.
    let cases: [(&str, Signatures, Option<&str>); 15] = [
        ("all signed", vec![good(0), good(1), good(2), good(3)], None),
        ("in another order", vec![good(3), good(0), good(2), good(1)], None),
        ("more than two thirds", vec![good(0), good(2), good(3)], None),
        ("exactly two thirds", vec![good(2), good(3)], Some("power")),
        ("two thirds, in other hands", vec![good(0), good(1), good(2)], Some("power")),
        ("nobody", vec![], Some("power")),
        ("one counted twice", vec![good(2), good(3), good(2)], Some("twice")),
        ("a stranger beside enough others", vec![good(2), good(3), good(1), good(9)], Some("unknown")),
        (
            "a signature under another's name",
            vec![good(0), good(2), good(3), (good(1).0, good(0).1)],
            Some("signature"),
        ),
        ("a prevote", vec![good(2), good(3), precommit(1, |vote, _| vote.is_precommit = false)], Some("signature")),
        ("nil", vec![good(2), good(3), precommit(1, |vote, _| vote.hash = None)], Some("signature")),
        ("another height", vec![good(2), good(3), precommit(1, |vote, _| vote.height += 1)], Some("signature")),
        ("another round", vec![good(2), good(3), precommit(1, |vote, _| vote.round += 1)], Some("signature")),
        ("another chain", vec![good(2), good(3), precommit(1, |_, domain| domain.chain_id += 1)], Some("signature")),
        ("silence", vec![good(2), good(3), (good(1).0, [0; 64])], Some("signature")),
    ];
    let vector = |(name, signatures, expected): &(&str, Signatures, Option<&str>)| -> Value {
        let bytes = encode(HEIGHT, ROUND, keccak256("block 12"), signatures);
        assert_eq!(fault(&bytes), *expected, "{name}: the node");
        let second = Certificate::read(&bytes).expect("well formed");
        assert_eq!(second.fault(domain().1, &set()), *expected, "{name}: the page");
        json!({"name": name, "certificate": bytes, "fault": expected})
    };
    let made = json!({
        "chainId": CHAIN_ID,
        "genesisHash": domain().0.genesis,
        "validators": genesis().validators,
        "height": HEIGHT,
        "round": ROUND,
        "hash": keccak256("block 12"),
        "vectors": cases.iter().map(vector).collect::<Vec<_>>(),
    });
    hold("consensus/certificates.json", &made);
}

#[test]
fn no_single_bit_of_a_certificate_can_be_changed() {
    let sound = encode(HEIGHT, ROUND, keccak256("block 12"), &[good(0), good(2), good(3)]);
    assert_eq!(fault(&sound), None);
    for bit in 0..sound.len() * 8 {
        let mut bytes = sound.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let bytes = Bytes::from(bytes);
        if let Ok(certificate) = certificate::decode(bytes.clone().into()) {
            assert_eq!(certificate::encode(&certificate), bytes[..]);
            assert!(fault(&bytes).is_some(), "bit {bit}");
        }
    }
}
