//! Bytes of peers: the vectors of consensus and what chance makes of them, noise, and blocks with changed bytes. The fuzz
//! targets of `tests/fuzz` go on from the same oracles.

mod oracles;
#[path = "../../tests/src/seeded.rs"]
mod seeded;

use std::path::Path;

use bytes::Bytes;
use esker::gossip::batch::BatchBuilder;
use esker_runtime::ChainConfig;
use proptest::prelude::*;
use serde_json::Value;

fn vectors(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/consensus").join(name);
    serde_json::from_slice(&std::fs::read(&path).expect("part of the repository")).expect("the vector is JSON")
}

fn bytes(value: &Value) -> Bytes {
    let text = value.as_str().and_then(|text| text.strip_prefix("0x")).expect("hex");
    hex::decode(text).expect("hex").into()
}

/// The encodings of every message, and the certificates.
fn messages() -> Vec<Bytes> {
    let (messages, certificates) = (vectors("messages.json"), vectors("certificates.json"));
    let encodings = messages.as_array().into_iter().flatten().map(|vector| bytes(&vector["encoding"]));
    let certificates = certificates["vectors"].as_array().into_iter().flatten();
    encodings.chain(certificates.map(|vector| bytes(&vector["certificate"]))).collect()
}

/// The block of the vector of sync, its RLP.
fn block() -> Bytes {
    let value = bytes(&vectors("sync.json")["vectors"][0]["value"]);
    let length = u32::from_be_bytes(*value.first_chunk().expect("a length")) as usize;
    value.slice(4 + length..)
}

/// Changes of bytes: places (as fractions of the length) and what to put there; and by how much to cut or lengthen.
fn changes() -> impl Strategy<Value = (Vec<(prop::sample::Index, u8)>, Option<prop::sample::Index>, Vec<u8>)> {
    let places = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    (places, prop::option::weighted(0.2, any::<prop::sample::Index>()), prop::collection::vec(any::<u8>(), 0..3))
}

fn changed(
    bytes: &Bytes,
    (places, cut, more): (Vec<(prop::sample::Index, u8)>, Option<prop::sample::Index>, Vec<u8>),
) -> Bytes {
    let mut bytes = bytes.to_vec();
    for (place, byte) in places.into_iter().filter(|_| !bytes.is_empty()).collect::<Vec<_>>() {
        let at = place.index(bytes.len());
        bytes[at] = byte;
    }
    if let Some(cut) = cut.filter(|_| !bytes.is_empty()) {
        bytes.truncate(cut.index(bytes.len()));
    }
    bytes.extend(more);
    bytes.into()
}

#[test]
fn every_message_of_the_vectors_is_one_kind_of_message() {
    for message in messages() {
        let kinds = (0..oracles::MESSAGES).filter(|kind| oracles::message(*kind, &message)).count();
        assert!(kinds >= 1, "{message:?}");
    }
    assert!(oracles::block(&block(), &ChainConfig::new(31_337)).is_some());
}

#[test]
fn messages_with_changed_bytes_are_refused_or_are_what_they_say() {
    let messages = messages();
    let strategy = (any::<prop::sample::Index>(), any::<u8>(), changes());
    seeded::run(b"messages with some bytes changed", 20_000, strategy, |(which, kind, change)| {
        oracles::message(kind, &changed(&messages[which.index(messages.len())], change));
    });
}

#[test]
fn noise_is_refused_or_is_what_it_says() {
    let noise = prop::collection::vec(prop_oneof![any::<u8>(), 0u8..3, Just(0xff)], 0..400);
    seeded::run(b"noise where messages should be..", 20_000, (any::<u8>(), noise), |(kind, noise)| {
        let noise = Bytes::from(noise);
        oracles::message(kind, &noise);
        oracles::gossip(&noise);
        oracles::block(&noise, &ChainConfig::new(31_337));
    });
}

#[test]
fn blocks_with_changed_bytes_are_refused_or_other_blocks() {
    let (block, config) = (block(), ChainConfig::new(31_337));
    seeded::run(b"a block with some bytes changed.", 20_000, changes(), |change| {
        oracles::block(&changed(&block, change), &config);
    });
}

#[test]
fn gossip_with_changed_bytes_is_refused_or_other_gossip() {
    let batches: Vec<Bytes> = (1..5u8)
        .map(|count| {
            let mut batch = BatchBuilder::new(u32::from(count), 1_000);
            (0..count).for_each(|index| assert!(batch.push(&vec![index; 1 + usize::from(index) * 7])));
            batch.finish().expect("not empty")
        })
        .collect();
    let strategy = (any::<prop::sample::Index>(), changes());
    seeded::run(b"gossip with some bytes changed..", 20_000, strategy, |(which, change)| {
        oracles::gossip(&changed(&batches[which.index(batches.len())], change));
    });
}
