//! Raw transactions.

use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::keccak256;
use esker_runtime::exec::intrinsic_gas;
use esker_runtime::types::SignedTransaction;
use esker_runtime::{ChainConfig, Transaction};
use esker_vm::abi::Limits;

/// Decodes `raw`: an error in words, or a transaction whose encoding is `raw` again. Returns it if there is one.
pub fn decoded(raw: &[u8], config: &ChainConfig) -> Option<Transaction> {
    let signed = match SignedTransaction::decode(raw, config) {
        Ok(signed) => signed,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            assert_eq!(Transaction::decode(raw, config), Err(error), "both ways to decode refuse alike");
            return None;
        }
    };
    assert_eq!(signed.envelope().encoded_2718(), raw, "decoding and encoding is the identity");
    let again = SignedTransaction::from_envelope(signed.envelope().clone(), config);
    assert_eq!(again.as_ref(), Ok(&signed), "what bytes may say, memory may say");
    let transaction = match signed.recover() {
        Ok(transaction) => transaction,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return None;
        }
    };
    assert_eq!(transaction.encoded(), raw);
    assert_eq!(transaction.encoded_len(), raw.len());
    assert_eq!(transaction.hash(), keccak256(raw));
    assert!(transaction.tip_cap() <= transaction.fee_cap() && transaction.nonce() < u64::MAX);
    assert!(transaction.gas_limit() <= config.gas_limit_max);
    let gas = intrinsic_gas(transaction.kind(), transaction.input(), transaction.access_list());
    assert!(gas.base >= 21_000 && gas.floor >= 21_000);
    if let Err(error) = transaction.check_payload(&Limits::V1) {
        assert!(transaction.kind().is_create() && !error.to_string().is_empty());
    }
    Some(transaction)
}
