//! Keystores of accounts: a private key of secp256k1, as every Ethereum wallet reads it.

use alloy_primitives::{Address, B256};
use alloy_signer_local::PrivateKeySigner;
use serde_json::{Value, json};

use super::secret::{self, KeystoreError, ScryptCost, crypto, format_error};

/// Encrypts the signer's key.
///
/// # Errors
/// If the operating system has no randomness, or the cost is out of scrypt's range.
pub fn encrypt(signer: &PrivateKeySigner, password: &str, cost: ScryptCost) -> Result<Value, String> {
    let mut keystore = secret::encrypt(&signer.to_bytes().0, password, cost)?;
    if let Some(members) = keystore.as_object_mut() {
        members.insert("address".to_owned(), json!(hex::encode(signer.address())));
    }
    Ok(keystore)
}

/// A new key.
///
/// # Errors
/// If the operating system has no randomness.
pub fn random_signer() -> Result<PrivateKeySigner, String> {
    loop {
        // All but 2^-128 of all numbers of 256 bits are keys.
        if let Ok(signer) = PrivateKeySigner::from_bytes(&secret::random::<32>()?.into()) {
            return Ok(signer);
        }
    }
}

/// The address that a keystore names; many name none.
///
/// # Errors
/// If the document is no keystore of version 3.
pub fn address(keystore: &Value) -> Result<Option<Address>, KeystoreError> {
    crypto(keystore)?;
    match keystore.get("address").and_then(Value::as_str) {
        None | Some("") => Ok(None),
        Some(text) => {
            let address = text.trim_start_matches("0x").parse();
            address.map(Some).map_err(|_| format_error("its \"address\" is no address"))
        }
    }
}

/// Decrypts the key.
///
/// # Errors
/// [`KeystoreError::Password`] if the password does not fit, [`KeystoreError::Format`] if the document is no keystore
/// of version 3, holds a key of another kind, asks for more work than is sane, or its key does not belong to the address
/// it names.
pub fn decrypt(keystore: &Value, password: &str) -> Result<PrivateKeySigner, KeystoreError> {
    let named = address(keystore)?;
    if let Some(kind) = keystore.get("type").and_then(Value::as_str).filter(|kind| *kind != "secp256k1") {
        return Err(format_error(format!("it holds a key of the type {kind:?}, not an account's")));
    }
    let secret = secret::decrypt(keystore, password)?;
    let signer = PrivateKeySigner::from_bytes(&B256::from(secret))
        .map_err(|_| format_error("what it holds is no private key of secp256k1"))?;
    match named {
        Some(named) if named != signer.address() => {
            Err(format_error(format!("it names the address {named}, but holds the key of {}", signer.address())))
        }
        _ => Ok(signer),
    }
}

#[cfg(test)]
#[path = "../../../tests/src/skipping.rs"]
mod skipping;

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    const LIGHT: ScryptCost = ScryptCost { log_n: 4, r: 8, p: 1 };

    fn vectors() -> PathBuf {
        let shared = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors");
        std::env::var_os("ESKER_VECTORS")
            .map_or_else(shared, PathBuf::from)
            .join("ethereum/KeyStoreTests/basic_tests.json")
    }

    #[test]
    fn ethereums_own_keystores_open() {
        let path = vectors();
        let Ok(file) = std::fs::read_to_string(&path) else {
            skipping::skipped(&format!("no public vectors at {}; ESKER_VECTORS names their folder", path.display()));
            return;
        };
        let vectors: Value = serde_json::from_str(&file).expect("the vectors are JSON");
        let vectors = vectors.as_object().expect("the vectors are an object");
        assert!(vectors.len() >= 4, "the file has {} vectors", vectors.len());
        for (name, vector) in vectors {
            let password = vector["password"].as_str().expect("a password");
            let signer = decrypt(&vector["json"], password).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(hex::encode(signer.to_bytes()), vector["priv"].as_str().expect("a key"), "{name}");
            assert_eq!(decrypt(&vector["json"], "wrong").expect_err(name), KeystoreError::Password, "{name}");
        }
    }

    #[test]
    fn what_is_encrypted_opens_with_its_password_only() {
        let signer = PrivateKeySigner::from_bytes(&B256::repeat_byte(7)).expect("a key");
        let keystore = encrypt(&signer, "pässword", LIGHT).expect("the system has randomness");
        assert_eq!(decrypt(&keystore, "pässword").expect("the password fits").to_bytes(), signer.to_bytes());
        assert_eq!(decrypt(&keystore, "password").expect_err("it does not fit"), KeystoreError::Password);
        assert_eq!(address(&keystore), Ok(Some(signer.address())));
        assert!(!keystore.to_string().contains(&hex::encode(signer.to_bytes())));
        let again = encrypt(&signer, "pässword", LIGHT).expect("the system has randomness");
        assert_ne!(again["crypto"]["ciphertext"], keystore["crypto"]["ciphertext"]);
    }

    #[test]
    fn damaged_and_hostile_files_are_refused_with_words() {
        let signer = PrivateKeySigner::from_bytes(&B256::repeat_byte(7)).expect("a key");
        let good = encrypt(&signer, "p", LIGHT).expect("the system has randomness");
        let changes: &[(&str, Value)] = &[
            ("/version", json!(1)),
            ("/crypto", json!(null)),
            ("/address", json!("00000000000000000000000000000000000000aa")),
            ("/crypto/cipher", json!("aes-256-gcm")),
            ("/crypto/cipherparams/iv", json!("00")),
            ("/crypto/ciphertext", json!("zz")),
            ("/crypto/ciphertext", json!("00")),
            ("/crypto/kdf", json!("argon2id")),
            ("/crypto/kdfparams/n", json!(1u64 << 40)),
            ("/crypto/kdfparams/n", json!(1000)),
            ("/crypto/kdfparams/r", json!(0)),
            ("/crypto/kdfparams/p", json!(u64::MAX)),
            ("/crypto/kdfparams/dklen", json!(64)),
            ("/crypto/kdfparams/salt", json!(5)),
            ("/crypto/mac", json!("00")),
        ];
        for (pointer, value) in changes {
            let mut bad = good.clone();
            *bad.pointer_mut(pointer).expect("the keystore has it") = value.clone();
            assert!(decrypt(&bad, "p").is_err(), "{pointer} = {value}");
        }
        for other in [json!(null), json!([]), json!({}), json!({"version": "3"})] {
            assert!(matches!(decrypt(&other, "p"), Err(KeystoreError::Format(_))), "{other}");
        }
    }
}
