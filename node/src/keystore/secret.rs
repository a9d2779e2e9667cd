//! A secret of 32 bytes, encrypted with a password: the section `crypto` of Web3 Secret Storage, version 3.
//!
//! The key is derived from the password by scrypt (or PBKDF2, when reading), the secret is encrypted with AES-128 in
//! counter mode, and keccak256 over the derived key's second half and the ciphertext tells a wrong password.

use aes::cipher::{KeyIvInit, StreamCipher};
use alloy_primitives::{B256, keccak256};
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
    /// For keys of no worth, which nobody should wait for: 4 MiB and some milliseconds.
    pub const LIGHT: Self = Self { log_n: 12, r: 8, p: 1 };
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

pub(super) fn format_error(text: impl Into<String>) -> KeystoreError {
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

/// A keystore without what says whose it is: `version`, a random `id`, and `crypto`, which holds `secret`.
///
/// # Errors
/// If the operating system has no randomness, or the cost is out of scrypt's range.
pub fn encrypt(secret: &[u8; 32], password: &str, cost: ScryptCost) -> Result<Value, String> {
    let salt: [u8; 32] = random()?;
    let iv: [u8; 16] = random()?;
    let params = scrypt::Params::new(cost.log_n, cost.r, cost.p, 32).map_err(|error| error.to_string())?;
    let mut derived = [0; 32];
    scrypt::scrypt(password.as_bytes(), &salt, &params, &mut derived).map_err(|error| error.to_string())?;
    let mut ciphertext = *secret;
    apply_cipher(&derived, &iv, &mut ciphertext);
    Ok(json!({
        "version": 3,
        "id": uuid(random()?),
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

/// Decrypts the secret of a keystore.
///
/// # Errors
/// [`KeystoreError::Password`] if the password does not fit, [`KeystoreError::Format`] if the document is no keystore
/// of version 3 or asks for more work than is sane.
pub fn decrypt(keystore: &Value, password: &str) -> Result<[u8; 32], KeystoreError> {
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
    Ok(secret)
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

/// The section that holds the secret.
pub(super) fn crypto(keystore: &Value) -> Result<&Value, KeystoreError> {
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
    use super::*;

    #[test]
    fn uuids_have_their_shape() {
        assert_eq!(uuid([0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }
}
