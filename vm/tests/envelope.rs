//! The deploy envelope against its vectors (made with zlib), against flate2's own inflater, and under mutation.

use std::io::Read;
use std::path::Path;

use esker_vm::envelope::{self, Envelope, EnvelopeError, HEADER_BYTES};
use proptest::prelude::*;
use serde_json::Value;

fn hex_field(vector: &Value, field: &str) -> Vec<u8> {
    let text = vector[field].as_str().unwrap_or_else(|| panic!("{field} is missing in {vector}"));
    hex::decode(text.strip_prefix("0x").expect("0x")).expect("hex")
}

fn error_name(error: EnvelopeError) -> &'static str {
    match error {
        EnvelopeError::Magic => "Magic",
        EnvelopeError::Version(_) => "Version",
        EnvelopeError::ShortHeader => "ShortHeader",
        EnvelopeError::ShortBody { .. } => "ShortBody",
        EnvelopeError::Stream(_) => "Stream",
        EnvelopeError::ShortModule { .. } => "ShortModule",
        EnvelopeError::LongModule { .. } => "LongModule",
        EnvelopeError::Oversized { .. } => "oversized",
        EnvelopeError::Trailing(_) => "Trailing",
    }
}

fn decode(payload: &[u8]) -> Result<(Envelope<'_>, Vec<u8>), EnvelopeError> {
    let envelope = envelope::parse(payload)?;
    let wasm = envelope.inflate()?;
    Ok((envelope, wasm))
}

/// What flate2's inflater makes of the same stream, if it accepts it and uses all of it.
fn flate2_inflates(stream: &[u8]) -> Option<Vec<u8>> {
    let mut decoder = flate2::bufread::DeflateDecoder::new(stream);
    let mut out = Vec::new();
    decoder.read_to_end(&mut out).ok()?;
    (decoder.total_in() == stream.len() as u64).then_some(out)
}

#[test]
fn every_vector_is_accepted_or_refused_as_it_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/envelope/envelope.json");
    let text = std::fs::read_to_string(path).expect("the envelope vectors are part of the repository");
    let vectors: Vec<Value> = serde_json::from_str(&text).expect("JSON");
    assert!(vectors.len() >= 60, "vectors went missing");
    for vector in &vectors {
        let name = vector["name"].as_str().expect("name");
        let payload = hex_field(vector, "payload");
        match (vector.get("error"), decode(&payload)) {
            (None, Ok((envelope, wasm))) => {
                assert_eq!(wasm, hex_field(vector, "wasm"), "{name}");
                assert_eq!(envelope.arguments, hex_field(vector, "arguments"), "{name}");
                assert_eq!(u64::from(envelope.raw_len), vector["rawLength"].as_u64().expect("number"), "{name}");
                assert_eq!(envelope::decode_code(envelope.code, u32::MAX), Ok(wasm), "{name}");
                assert_eq!(envelope::decode_code(&payload, u32::MAX).is_ok(), envelope.arguments.is_empty(), "{name}");
            }
            (Some(expected), Err(error)) => assert_eq!(expected, error_name(error), "{name}: {error}"),
            (None, Err(error)) => panic!("{name}: refused: {error}"),
            (Some(expected), Ok(_)) => panic!("{name}: accepted, should be refused as {expected}"),
        }
    }
}

#[test]
fn a_promise_of_four_gibibytes_allocates_by_the_streams_own_length() {
    let mut payload = envelope::encode(b"short");
    payload[5..9].copy_from_slice(&u32::MAX.to_be_bytes());
    let envelope = envelope::parse(&payload).expect("the header is well-formed");
    assert_eq!(envelope.inflate(), Err(EnvelopeError::ShortModule { expected: u32::MAX, found: 5 }));
}

#[test]
fn a_bomb_is_stopped_at_the_length_it_promised() {
    let mut payload = envelope::encode(&vec![0; 16 << 20]);
    assert!(payload.len() < 32 << 10, "zeros compress a thousandfold");
    payload[5..9].copy_from_slice(&4096u32.to_be_bytes());
    let envelope = envelope::parse(&payload).expect("the header is well-formed");
    assert_eq!(envelope.inflate(), Err(EnvelopeError::LongModule { expected: 4096 }));
}

#[test]
fn every_truncation_of_an_envelope_is_refused() {
    let wasm: Vec<u8> = (0..2000u32).map(|i| (i * i % 251) as u8).collect();
    let payload = envelope::encode(&wasm);
    for length in 0..payload.len() {
        assert!(envelope::parse(&payload[..length]).is_err(), "{length}");
    }
}

/// Bytes that compress like code: runs, repeats of what came before, and noise.
fn compressible() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..200),
        (any::<u8>(), 0usize..600).prop_map(|(byte, count)| vec![byte; count]),
        (proptest::collection::vec(0u8..4, 1..30), 1usize..60).prop_map(|(unit, count)| unit.repeat(count)),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_is_encoded_comes_back(wasm in compressible(), arguments in proptest::collection::vec(any::<u8>(), 0..100)) {
        let mut payload = envelope::encode(&wasm);
        prop_assert_eq!(&payload, &envelope::encode(&wasm));
        prop_assert_eq!(envelope::decode_code(&payload, u32::MAX), Ok(wasm.clone()));
        let code_len = payload.len();
        payload.extend_from_slice(&arguments);
        let (envelope, inflated) = decode(&payload).expect("an envelope");
        prop_assert_eq!(inflated, wasm);
        prop_assert_eq!(envelope.code.len(), code_len);
        prop_assert_eq!(envelope.arguments, arguments.as_slice());
    }

    #[test]
    fn every_compression_level_and_strategy_is_read(wasm in compressible(), level in 0u32..10) {
        let mut encoder = flate2::bufread::DeflateEncoder::new(wasm.as_slice(), flate2::Compression::new(level));
        let mut stream = Vec::new();
        encoder.read_to_end(&mut stream).expect("compressing memory");
        prop_assert_eq!(decode_stream(&stream, wasm.len()), Ok(wasm));
    }

    #[test]
    fn a_mutated_stream_gives_what_flate2_gives_or_is_refused(
        wasm in compressible(),
        flips in proptest::collection::vec((any::<prop::sample::Index>(), 0u8..8), 1..4),
    ) {
        let envelope = envelope::encode(&wasm);
        let mut stream = envelope[HEADER_BYTES..].to_vec();
        for (index, bit) in flips {
            let at = index.index(stream.len());
            stream[at] ^= 1 << bit;
        }
        let theirs = flate2_inflates(&stream);
        let length = theirs.as_ref().map_or(wasm.len(), Vec::len);
        if let Ok(ours) = decode_stream(&stream, length) {
            prop_assert_eq!(Some(ours), theirs, "accepted although flate2 refuses it, or read otherwise");
        }
    }

    #[test]
    fn random_bytes_never_panic_and_never_outgrow_the_promise(
        stream in proptest::collection::vec(any::<u8>(), 0..300), length in 0usize..5000,
    ) {
        if let Ok(wasm) = decode_stream(&stream, length) {
            prop_assert_eq!(wasm.len(), length);
        }
    }
}

fn decode_stream(stream: &[u8], raw_len: usize) -> Result<Vec<u8>, EnvelopeError> {
    let mut payload = envelope::encode(&[])[..5].to_vec();
    payload.extend_from_slice(&u32::try_from(raw_len).expect("small").to_be_bytes());
    payload.extend_from_slice(&u32::try_from(stream.len()).expect("small").to_be_bytes());
    payload.extend_from_slice(stream);
    envelope::decode_code(&payload, u32::MAX)
}
