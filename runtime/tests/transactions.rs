//! Decoding transactions: Ethereum's own vectors, and every refusal in geth's words.

#[path = "../../tests/src/skipping.rs"]
mod skipping;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use alloy_consensus::{SignableTransaction, TxEip1559, TxEip2930, TxEnvelope, TxLegacy};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, b256, hex};
use esker_runtime::exec::intrinsic_gas;
use esker_runtime::types::{SignedTransaction, recover_senders};
use esker_runtime::{ChainConfig, Transaction, TransactionError};
use proptest::prelude::*;
use serde_json::Value;
use skipping::skipped;
use world::*;

/// Where the official vectors lie, if they do.
fn vectors(folder: &str) -> Option<PathBuf> {
    let root = std::env::var_os("ESKER_VECTORS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors"), PathBuf::from);
    let path = root.join("ethereum").join(folder);
    if path.is_dir() {
        return Some(path);
    }
    skipped(&format!("no public vectors at {}; ESKER_VECTORS names their folder", path.display()));
    None
}

fn json_files(folder: &Path) -> BTreeMap<String, Value> {
    let mut cases = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("the folder is readable") {
        let path = entry.expect("the folder is readable").path();
        if path.is_dir() {
            cases.extend(json_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "json") {
            let text = std::fs::read(&path).expect("the file is readable");
            let file: BTreeMap<String, Value> = serde_json::from_slice(&text).expect("vectors are JSON");
            let folder = folder.file_name().expect("a folder has a name").to_string_lossy();
            cases.extend(file.into_iter().map(|(name, case)| (format!("{folder}/{name}"), case)));
        }
    }
    cases
}

/// Our latest fork among those that the case knows, with its verdict.
fn verdict(case: &Value) -> &Value {
    let forks = &case["result"];
    ["Prague", "Cancun", "Shanghai", "Paris", "London"]
        .iter()
        .find_map(|fork| forks.get(fork))
        .expect("every case knows London")
}

fn quantity(value: &Value) -> U256 {
    value.as_str().expect("a hex string").parse().expect("a number")
}

/// Why we differ from Ethereum on a transaction that it accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Deviation {
    /// Legacy transactions must be protected against replay (EIP-155).
    Unprotected,
    /// Fees above 2^128 wei cannot be paid by anybody.
    FeeAbove2To128,
}

fn deviation(error: &TransactionError) -> Option<Deviation> {
    match error {
        TransactionError::Unprotected => Some(Deviation::Unprotected),
        TransactionError::Rlp(alloy_rlp::Error::Overflow) => Some(Deviation::FeeAbove2To128),
        _ => None,
    }
}

#[test]
fn ethereums_transaction_vectors_get_ethereums_verdicts() {
    let Some(folder) = vectors("TransactionTests") else { return };
    let config = ChainConfig::new(1);
    let mut accepted = 0;
    let mut refused = 0;
    let mut deviations: BTreeMap<Deviation, BTreeSet<String>> = BTreeMap::new();
    for (name, case) in json_files(&folder) {
        let verdict = verdict(&case);
        let raw = hex::decode(case["txbytes"].as_str().expect("a hex string")).expect("hex");
        let decoded = Transaction::decode(&raw, &config);
        let valid = verdict.get("exception").is_none();
        match decoded {
            Ok(transaction) => {
                let gas = intrinsic_gas(transaction.kind(), transaction.input(), transaction.access_list());
                // EIP-3860's words are not ours: the envelope is charged by what it holds.
                let words = if transaction.kind().is_create() { transaction.input().len().div_ceil(32) } else { 0 };
                let ethereum_gas = gas.base + 2 * words as u64;
                let enough = transaction.gas_limit() >= ethereum_gas;
                if valid {
                    assert!(enough, "{name}: valid, yet intrinsic gas {ethereum_gas}");
                    assert_eq!(transaction.hash().to_string(), verdict["hash"].as_str().expect("hash"), "{name}");
                    let sender: Address = verdict["sender"].as_str().expect("sender").parse().expect("address");
                    assert_eq!(transaction.sender(), sender, "{name}");
                    assert_eq!(U256::from(ethereum_gas), quantity(&verdict["intrinsicGas"]), "{name}");
                    assert_eq!(transaction.encoded(), raw, "{name}");
                    accepted += 1;
                } else {
                    let exception = verdict["exception"].as_str().expect("text");
                    let too_long = exception.contains("INITCODE_SIZE_EXCEEDED");
                    assert!(!enough || too_long, "{name}: accepted, yet {exception}");
                    refused += 1;
                }
            }
            Err(error) if valid => {
                let deviation = deviation(&error).unwrap_or_else(|| panic!("{name}: valid, yet {error}"));
                deviations.entry(deviation).or_default().insert(name);
            }
            Err(_) => refused += 1,
        }
    }
    let counts: Vec<_> = deviations.iter().map(|(reason, names)| (*reason, names.len())).collect();
    println!("accepted {accepted}, refused {refused}, deviations {counts:?}");
    assert!(accepted > 0 && refused > 0);
    // The reason is the refusal itself, so a name that moves from one list to another shows here.
    let too_dear = ["GasLimitPriceProductOverflowtMinusOne", "TransactionWithHighGasPrice", "V_equals38"];
    for (reason, names) in &deviations {
        match reason {
            Deviation::Unprotected => assert_eq!(names.len(), 32, "{names:#?}"),
            Deviation::FeeAbove2To128 => {
                let names: Vec<_> = names.iter().filter_map(|name| name.split('/').next_back()).collect();
                assert_eq!(names, too_dear);
            }
        }
    }
}

/// A legacy transaction of the form `[bytes]` must be refused whatever the bytes: none is a transaction.
#[test]
fn ethereums_rlp_vectors_never_panic_and_never_pass() {
    let Some(folder) = vectors("RLPTests") else { return };
    let config = config();
    let mut count = 0;
    for (name, case) in json_files(&folder) {
        let Some(out) = case["out"].as_str() else { continue };
        let raw = hex::decode(out.trim_start_matches("0x")).expect("hex");
        assert!(Transaction::decode(&raw, &config).is_err(), "{name}");
        for kind in [1, 2] {
            let typed = [&[kind], &raw[..]].concat();
            assert!(Transaction::decode(&typed, &config).is_err(), "{name}");
        }
        count += 1;
    }
    assert!(count > 50, "only {count} cases");
}

fn plain() -> TxEip1559 {
    transaction(3, TxKind::Call(Address::repeat_byte(1)), 1, Bytes::new())
}

fn encoded(envelope: &TxEnvelope) -> Vec<u8> {
    envelope.encoded_2718()
}

fn refusal(raw: &[u8]) -> String {
    Transaction::decode(raw, &config()).expect_err("must be refused").to_string()
}

#[test]
fn all_three_types_decode_to_what_was_signed() {
    let legacy =
        TxLegacy { chain_id: Some(CHAIN_ID), nonce: 1, gas_limit: 21_000, gas_price: 9, ..TxLegacy::default() };
    let with_list = TxEip2930 { chain_id: CHAIN_ID, gas_limit: 21_000, gas_price: 9, ..TxEip2930::default() };
    for envelope in [sign(4, legacy), sign(4, with_list), sign(4, plain())] {
        let raw = encoded(&envelope);
        let decoded = Transaction::decode(&raw, &config()).expect("valid");
        assert_eq!(decoded.sender(), signer(4));
        assert_eq!(decoded.hash(), *envelope.hash());
        assert_eq!(decoded.hash(), alloy_primitives::keccak256(&raw));
        assert_eq!(decoded.encoded(), raw);
        assert_eq!(decoded.encoded_len(), raw.len());
    }
}

#[test]
fn another_chains_transactions_are_refused() {
    let typed = sign(0, TxEip1559 { chain_id: 1, ..plain() });
    assert_eq!(refusal(&encoded(&typed)), "invalid sender: invalid chain id for signer: have 1 want 31337");
    let legacy = sign(0, TxLegacy { chain_id: Some(1), gas_limit: 21_000, ..TxLegacy::default() });
    assert_eq!(refusal(&encoded(&legacy)), "invalid sender: invalid chain id for signer: have 1 want 31337");
    let unprotected = sign(0, TxLegacy { chain_id: None, gas_limit: 21_000, ..TxLegacy::default() });
    let words = "only replay-protected (EIP-155) transactions allowed over RPC";
    assert_eq!(refusal(&encoded(&unprotected)), words);
}

#[test]
fn other_types_are_refused() {
    for kind in [0, 3, 4, 5, 0x7f] {
        assert_eq!(refusal(&[kind, 0xc0]), "transaction type not supported", "type {kind}");
    }
}

#[test]
fn a_high_s_and_numbers_out_of_range_are_refused() {
    let order = U256::from_be_bytes(b256!("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141").0);
    let TxEnvelope::Eip1559(good) = sign(0, plain()) else { unreachable!("signed as type 2") };
    let (r, s, parity) = (good.signature().r(), good.signature().s(), good.signature().v());
    let bad = [
        (r, order - s, !parity),
        (U256::ZERO, s, parity),
        (order, s, parity),
        (r, U256::ZERO, parity),
        (U256::MAX, U256::ONE, parity),
    ];
    for (r, s, parity) in bad {
        let envelope = TxEnvelope::from(plain().into_signed(Signature::new(r, s, parity)));
        assert_eq!(refusal(&encoded(&envelope)), "invalid sender: invalid transaction v, r, s values");
    }
    // In range, and no point of the curve has this abscissa: five is no square's neighbour there.
    let envelope = TxEnvelope::from(plain().into_signed(Signature::new(U256::from(5), U256::ONE, false)));
    assert_eq!(refusal(&encoded(&envelope)), "invalid sender: invalid transaction v, r, s values");
}

#[test]
fn malformed_rlp_is_refused() {
    let good = encoded(&sign(0, plain()));
    assert_eq!(refusal(&[&good[..], &[0]].concat()), "rlp: input contains more than one value");
    assert!(refusal(&good[..good.len() - 1]).starts_with("rlp: "), "a byte too few");
    assert!(refusal(&[]).starts_with("rlp: "));
    assert!(refusal(&[2]).starts_with("rlp: "));
    // A nonce with a leading zero: 0x03 becomes 0x82 0x00 0x03 in a list two bytes longer.
    let mut payload = good[3..].to_vec();
    let nonce_at = payload.iter().position(|byte| *byte == 3).expect("the nonce is 3");
    payload.splice(nonce_at..=nonce_at, [0x82, 0, 3]);
    let padded = [&[2, 0xf8, u8::try_from(payload.len()).expect("short")], &payload[..]].concat();
    assert_eq!(refusal(&padded), "rlp: non-canonical integer (leading zero bytes)");
}

#[test]
fn limits_are_held_in_geths_words() {
    let big = sign(0, transaction(0, TxKind::Call(Address::ZERO), 0, vec![1; 131_072]));
    let size = encoded(&big).len();
    assert_eq!(refusal(&encoded(&big)), format!("oversized data: transaction size {size}, limit 131072"));
    let payload = sign(0, transaction(0, TxKind::Create, 0, vec![1; 98_305]));
    assert_eq!(refusal(&encoded(&payload)), "max initcode size exceeded: code size 98305 limit 98304");
    let gas = sign(0, TxEip1559 { gas_limit: (1 << 48) + 1, ..plain() });
    assert_eq!(refusal(&encoded(&gas)), "gas limit too high: 281474976710657, limit 281474976710656");
    let nonce = sign(0, TxEip1559 { nonce: u64::MAX, ..plain() });
    assert_eq!(refusal(&encoded(&nonce)), "nonce has max value");
    let tip = sign(0, TxEip1559 { max_fee_per_gas: 5, max_priority_fee_per_gas: 6, ..plain() });
    let words = format!(
        "max priority fee per gas higher than max fee per gas: address {}, maxPriorityFeePerGas: 6, maxFeePerGas: 5",
        signer(0)
    );
    assert_eq!(refusal(&encoded(&tip)), words);
}

#[test]
fn senders_recovered_in_a_batch_stand_in_order() {
    for (count, workers) in [(0, 2), (1, 2), (7, 2), (8, 3), (9, 100), (5, 0)] {
        let signed: Vec<_> = (0..count)
            .map(|index| SignedTransaction::from_envelope(sign(index, plain()), &config()).expect("well-formed"))
            .collect();
        let senders: Vec<_> =
            recover_senders(signed, workers).into_iter().map(|result| result.expect("signed").sender()).collect();
        assert_eq!(senders, (0..count).map(signer).collect::<Vec<_>>());
    }
}

/// Many are hashed in lanes, one alone is not: both give the same, whoever decoded them.
#[test]
fn transactions_recovered_together_are_those_recovered_one_by_one() {
    let signed: Vec<TxEnvelope> = (0..150u64)
        .map(|nonce| {
            let input = Bytes::from(vec![nonce as u8; (nonce as usize * 37) % 400]);
            let gas_limit = 21_000 + nonce;
            match nonce % 3 {
                0 => {
                    let chain_id = Some(CHAIN_ID);
                    sign(1, TxLegacy { chain_id, nonce, gas_limit, input, ..TxLegacy::default() })
                }
                1 => sign(2, TxEip2930 { chain_id: CHAIN_ID, nonce, gas_limit, input, ..TxEip2930::default() }),
                _ => sign(3, TxEip1559 { nonce, gas_limit, input, ..plain() }),
            }
        })
        .collect();
    let decoded =
        |envelope: &TxEnvelope| SignedTransaction::decode(&encoded(envelope), &config()).expect("well-formed");
    let taken =
        |envelope: &TxEnvelope| SignedTransaction::from_envelope(envelope.clone(), &config()).expect("the same");
    // Every other one comes from memory and may know its hash.
    let mixed: Vec<SignedTransaction> = (0..)
        .zip(&signed)
        .map(|(index, envelope)| if index % 2 == 0 { decoded(envelope) } else { taken(envelope) })
        .collect();
    for workers in [1, 3] {
        let together = recover_senders(mixed.clone(), workers);
        assert_eq!(together.len(), signed.len());
        for (envelope, transaction) in signed.iter().zip(together) {
            let transaction = transaction.expect("signed");
            assert_eq!(transaction, decoded(envelope).recover().expect("signed"));
            assert_eq!(transaction.hash(), alloy_primitives::keccak256(encoded(envelope)));
            assert_eq!(
                (*transaction.envelope().hash(), transaction.encoded()),
                (transaction.hash(), encoded(envelope))
            );
        }
    }
    // One that nobody can have signed stays the only one that is refused.
    let mut spoiled = mixed;
    let tip_above = TxEip1559 { max_fee_per_gas: 1, max_priority_fee_per_gas: 2, ..plain() };
    spoiled[70] = taken(&sign(3, tip_above));
    let results = recover_senders(spoiled, 2);
    assert!(matches!(results[70], Err(TransactionError::TipAboveFeeCap { .. })));
    assert_eq!(results.iter().filter(|result| result.is_err()).count(), 1);
}

proptest! {
    #[test]
    fn no_bytes_make_decoding_panic_and_what_decodes_encodes_alike(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        index in 0..3usize,
    ) {
        let legacy = TxLegacy { chain_id: Some(CHAIN_ID), gas_limit: 21_000, ..TxLegacy::default() };
        let with_list = TxEip2930 { chain_id: CHAIN_ID, gas_limit: 21_000, ..TxEip2930::default() };
        let mut raw = encoded(&[sign(1, legacy), sign(1, with_list), sign(1, plain())][index]);
        for (place, byte) in flips {
            let at = place.index(raw.len());
            raw[at] = byte;
        }
        if let Ok(transaction) = Transaction::decode(&raw, &config()) {
            prop_assert_eq!(transaction.encoded(), raw.clone());
            prop_assert_eq!(transaction.hash(), alloy_primitives::keccak256(&raw));
            prop_assert_ne!(transaction.hash(), B256::ZERO);
        }
    }
}
