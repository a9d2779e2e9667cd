//! Web3 Secret Storage, version 3: a private key, encrypted with a password, as every Ethereum wallet reads it.
//!
//! The key is derived from the password by scrypt (or PBKDF2, when reading), the secret is encrypted with AES-128 in
//! counter mode, and keccak256 over the derived key's second half and the ciphertext tells a wrong password.

use aes::cipher::{KeyIvInit, StreamCipher};
use alloy_primitives::{Address, B256, keccak256};
use alloy_signer_local::PrivateKeySigner;
use serde_json::{Value, json};

use super::legacy_scrypt;

/// Cost of the key derivation: what scrypt calls N, r and p. 128 × N × r bytes of memory are needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScryptCost {
    /// log2 of N.
    pub log_n: u8,
    /// Block size.
    pub r: u32,
    /// Parallelism.
    pub p: u32,
}

impl ScryptCost {
    /// For keys at rest: 128 MiB and some tenths of a second for each guess.
    pub const STANDARD: Self = Self { log_n: 17, r: 8, p: 1 };
}

/// Most memory that a file may make the derivation use, in bytes.
const SCRYPT_BYTES_MAX: u64 = 2 << 30;
/// Most passes that a file may make the derivation take.
const PBKDF2_ROUNDS_MAX: u64 = 100_000_000;

/// Why a keystore could not be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeystoreError {
    /// The password does not fit (or the file was tampered with: the two look the same).
    #[error("the password is wrong")]
    Password,
    /// The file is no keystore of a known kind.
    #[error("{0}")]
    Format(String),
}

fn format_error(text: impl Into<String>) -> KeystoreError {
    KeystoreError::Format(text.into())
}

/// Random bytes from the operating system.
///
/// # Errors
/// If it has none to give.
pub fn random<const N: usize>() -> Result<[u8; N], String> {
    use rand::TryRngCore;
    let mut bytes = [0; N];
    rand::rngs::OsRng.try_fill_bytes(&mut bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}

/// Encrypts the signer's key.
///
/// # Errors
/// If the operating system has no randomness, or the cost is out of scrypt's range.
pub fn encrypt(signer: &PrivateKeySigner, password: &str, cost: ScryptCost) -> Result<Value, String> {
    let salt: [u8; 32] = random()?;
    let iv: [u8; 16] = random()?;
    let params = scrypt::Params::new(cost.log_n, cost.r, cost.p, 32).map_err(|error| error.to_string())?;
    let mut derived = [0; 32];
    scrypt::scrypt(password.as_bytes(), &salt, &params, &mut derived).map_err(|error| error.to_string())?;
    let mut ciphertext = signer.to_bytes().0;
    apply_cipher(&derived, &iv, &mut ciphertext);
    Ok(json!({
        "version": 3,
        "id": uuid(random()?),
        "address": hex::encode(signer.address()),
        "crypto": {
            "cipher": "aes-128-ctr",
            "cipherparams": {"iv": hex::encode(iv)},
            "ciphertext": hex::encode(ciphertext),
            "kdf": "scrypt",
            "kdfparams": {"dklen": 32, "n": 1u64 << cost.log_n, "r": cost.r, "p": cost.p, "salt": hex::encode(salt)},
            "mac": hex::encode(mac(&derived, &ciphertext)),
        },
    }))
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
/// of version 3, asks for more work than is sane, or its key does not belong to the address it names.
pub fn decrypt(keystore: &Value, password: &str) -> Result<PrivateKeySigner, KeystoreError> {
    let named = address(keystore)?;
    let crypto = crypto(keystore)?;
    let cipher = text(crypto, "cipher")?;
    if cipher != "aes-128-ctr" {
        return Err(format_error(format!("its cipher {cipher:?} is not supported; aes-128-ctr is")));
    }
    let iv = bytes(crypto.get("cipherparams").unwrap_or(&Value::Null), "iv")?;
    let iv: [u8; 16] = iv.try_into().map_err(|_| format_error("its \"iv\" is not 16 bytes long"))?;
    let ciphertext = bytes(crypto, "ciphertext")?;
    let mut secret: [u8; 32] =
        ciphertext.as_slice().try_into().map_err(|_| format_error("its \"ciphertext\" is not 32 bytes long"))?;
    let derived = derive(crypto, password)?;
    let expected = bytes(crypto, "mac")?;
    if mac(&derived, &ciphertext).as_slice() != expected.as_slice() {
        return Err(KeystoreError::Password);
    }
    apply_cipher(&derived, &iv, &mut secret);
    let signer = PrivateKeySigner::from_bytes(&B256::from(secret))
        .map_err(|_| format_error("what it holds is no private key of secp256k1"))?;
    match named {
        Some(named) if named != signer.address() => {
            Err(format_error(format!("it names the address {named}, but holds the key of {}", signer.address())))
        }
        _ => Ok(signer),
    }
}

fn derive(crypto: &Value, password: &str) -> Result<[u8; 32], KeystoreError> {
    let params = crypto.get("kdfparams").unwrap_or(&Value::Null);
    let salt = bytes(params, "salt")?;
    if number(params, "dklen")? != 32 {
        return Err(format_error("its \"dklen\" is not 32"));
    }
    let mut derived = [0; 32];
    match text(crypto, "kdf")? {
        "scrypt" => {
            let (n, r, p) = (number(params, "n")?, number(params, "r")?, number(params, "p")?);
            let memory = n.checked_mul(r).and_then(|cells| cells.checked_mul(128));
            if !n.is_power_of_two()
                || n < 2
                || r == 0
                || p == 0
                || p > 64
                || memory.is_none_or(|memory| memory > SCRYPT_BYTES_MAX)
            {
                return Err(format_error(format!("its scrypt parameters n {n}, r {r}, p {p} are out of range")));
            }
            let narrow =
                |value| u32::try_from(value).map_err(|_| format_error("its scrypt parameters are out of range"));
            let (narrow_r, narrow_p) = (narrow(r)?, narrow(p)?);
            // log2 of a 64-bit number fits eight bits.
            let log_n = n.trailing_zeros() as u8;
            match scrypt::Params::new(log_n, narrow_r, narrow_p, 32) {
                Ok(params) => scrypt::scrypt(password.as_bytes(), &salt, &params, &mut derived)
                    .map_err(|error| format_error(format!("its scrypt parameters are refused: {error}")))?,
                // The bounds above hold: the memory is within the limit, so all of these fit a pointer's width.
                Err(_) => {
                    derived = legacy_scrypt::derive(password.as_bytes(), &salt, n as usize, r as usize, p as usize);
                }
            }
        }
        "pbkdf2" => {
            let prf = text(params, "prf")?;
            if prf != "hmac-sha256" {
                return Err(format_error(format!("its \"prf\" {prf:?} is not supported; hmac-sha256 is")));
            }
            let rounds = number(params, "c")?;
            if rounds == 0 || rounds > PBKDF2_ROUNDS_MAX {
                return Err(format_error(format!("its {rounds} rounds of PBKDF2 are out of range")));
            }
            let rounds = u32::try_from(rounds).map_err(|_| format_error("its rounds are out of range"))?;
            pbkdf2::pbkdf2_hmac::<sha2::Sha256>(password.as_bytes(), &salt, rounds, &mut derived);
        }
        other => {
            return Err(format_error(format!("its key derivation {other:?} is not supported; scrypt and pbkdf2 are")));
        }
    }
    Ok(derived)
}

fn apply_cipher(derived: &[u8; 32], iv: &[u8; 16], secret: &mut [u8; 32]) {
    let mut key = [0; 16];
    key.copy_from_slice(&derived[..16]);
    ctr::Ctr128BE::<aes::Aes128>::new(&key.into(), iv.into()).apply_keystream(secret);
}

fn mac(derived: &[u8; 32], ciphertext: &[u8]) -> B256 {
    keccak256([&derived[16..], ciphertext].concat())
}

fn crypto(keystore: &Value) -> Result<&Value, KeystoreError> {
    match keystore.get("version").and_then(Value::as_u64) {
        Some(3) => {}
        Some(version) => return Err(format_error(format!("it is of version {version}; version 3 is supported"))),
        None => return Err(format_error("it is no Web3 Secret Storage file: it has no \"version\"")),
    }
    let crypto = keystore.get("crypto").or_else(|| keystore.get("Crypto"));
    crypto.ok_or_else(|| format_error("it is no Web3 Secret Storage file: it has no \"crypto\""))
}

fn text<'a>(object: &'a Value, name: &str) -> Result<&'a str, KeystoreError> {
    object.get(name).and_then(Value::as_str).ok_or_else(|| format_error(format!("it has no {name:?}")))
}

fn number(object: &Value, name: &str) -> Result<u64, KeystoreError> {
    object.get(name).and_then(Value::as_u64).ok_or_else(|| format_error(format!("it has no number {name:?}")))
}

fn bytes(object: &Value, name: &str) -> Result<Vec<u8>, KeystoreError> {
    let digits = text(object, name)?;
    hex::decode(digits.trim_start_matches("0x")).map_err(|error| format_error(format!("its {name:?}: {error}")))
}

/// A random UUID (RFC 9562, version 4).
fn uuid(mut bytes: [u8; 16]) -> String {
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits = hex::encode(bytes);
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

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
            // Straight to the stream: the test harness keeps back what a passing test prints.
            let message = format!("\n*** SKIPPED: no public vectors at {} (set ESKER_VECTORS) ***", path.display());
            let _ = std::io::Write::write_all(&mut std::io::stderr(), message.as_bytes());
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

    #[test]
    fn uuids_have_their_shape() {
        assert_eq!(uuid([0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }
}
