//! The keys of a node: what its votes are signed with, whose name they carry, and its identity on the network.

use std::fmt;
use std::path::Path;

use alloy_primitives::{Address, B256, U256};
use alloy_signer_local::PrivateKeySigner;
use esker_runtime::Validator;
use malachite_ed25519::PrivateKey;
use serde_json::{Value, json};

use super::error::HomeError;
use super::layout::read_secret;
use super::staking::FirstValidator;
use crate::keystore::{KeystoreError, ScryptCost, account, secret};
use crate::reporter::account::ReporterAccount;
use crate::staking::possession;

/// What keys/consensus.json says of its kind.
const KEY_TYPE: &str = "ed25519";

/// The key that a validator's votes are signed with. Whoever has it can vote in the validator's name.
#[derive(Clone)]
pub struct ConsensusKey {
    /// The validator's name on the chain, and its operator's account.
    pub address: Address,
    public_key: B256,
    seed: [u8; 32],
}

impl fmt::Debug for ConsensusKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The seed is nobody's business.
        out.debug_struct("ConsensusKey")
            .field("address", &self.address)
            .field("public_key", &self.public_key)
            .finish_non_exhaustive()
    }
}

impl ConsensusKey {
    /// The key with this seed.
    #[must_use]
    pub fn new(address: Address, seed: [u8; 32]) -> Self {
        Self { address, public_key: B256::from(*PrivateKey::from(seed).public_key().as_bytes()), seed }
    }

    /// The Ed25519 public key, as the validator set names it.
    #[must_use]
    pub const fn public_key(&self) -> B256 {
        self.public_key
    }

    /// The key itself, to sign with.
    #[must_use]
    pub fn private_key(&self) -> PrivateKey {
        PrivateKey::from(self.seed)
    }

    /// The seed of the key.
    #[must_use]
    pub const fn seed(&self) -> &[u8; 32] {
        &self.seed
    }

    /// Proof that this key is here, for the chain with that id.
    #[must_use]
    pub fn possession(&self, chain_id: u64) -> [u8; 64] {
        possession::prove(&self.private_key(), chain_id, self.address)
    }

    /// The key as a keystore.
    pub(super) fn encrypt(&self, password: &str, cost: ScryptCost) -> Result<Value, String> {
        let mut keystore = secret::encrypt(&self.seed, password, cost)?;
        if let Some(members) = keystore.as_object_mut() {
            members.insert("type".to_owned(), json!(KEY_TYPE));
            members.insert("address".to_owned(), json!(hex::encode(self.address)));
            members.insert("publicKey".to_owned(), json!(self.public_key));
        }
        Ok(keystore)
    }

    fn decrypt(keystore: &Value, password: &str) -> Result<Self, KeystoreError> {
        let kind = keystore.get("type").and_then(Value::as_str);
        if kind != Some(KEY_TYPE) {
            return Err(format(format!("its \"type\" is {}, not \"{KEY_TYPE}\"", kind.unwrap_or("missing"))));
        }
        let address = account::address(keystore)?.ok_or_else(|| format("it names no \"address\""))?;
        let named = keystore.get("publicKey").and_then(Value::as_str).and_then(|text| text.parse::<B256>().ok());
        let named = named.ok_or_else(|| format("its \"publicKey\" is not 0x and 64 hexadecimal digits"))?;
        let key = Self::new(address, secret::decrypt(keystore, password)?);
        if key.public_key != named {
            let found = key.public_key;
            return Err(format(format!("it names the public key {named}, but holds the key of {found}")));
        }
        Ok(key)
    }

    pub(super) fn open(path: &Path, password: &str) -> Result<Self, HomeError> {
        let text = read_secret(path)?;
        let unusable = |reason: String| {
            HomeError::invalid(format!("{} is no usable consensus key", path.display()))
                .because(reason)
                .next("put back a copy of the file; a validator whose key is lost needs a new one in the validator set")
        };
        let keystore = serde_json::from_str(&text).map_err(|error| unusable(error.to_string()))?;
        Self::decrypt(&keystore, password).map_err(|error| match error {
            KeystoreError::Password => {
                HomeError::password(format!("the consensus key {} was not opened", path.display()))
                    .because("the password is wrong")
                    .next("correct password_file in config.toml or ESKER_KEYSTORE_PASSWORD, or type it again")
            }
            KeystoreError::Format(reason) => unusable(reason),
        })
    }
}

fn format(reason: impl Into<String>) -> KeystoreError {
    KeystoreError::Format(reason.into())
}

/// A validator's new keys, as their files hold them.
#[derive(Clone, Debug)]
pub struct SealedKeys {
    /// The operator's account, and the validator's name on the chain.
    pub address: Address,
    /// What votes are checked with.
    pub public_key: B256,
    key: ConsensusKey,
    pub(super) consensus: Value,
    pub(super) operator: Value,
}

impl SealedKeys {
    /// New keys, both encrypted with `password`.
    ///
    /// # Errors
    /// If the operating system has no randomness.
    pub fn generate(password: &str, cost: ScryptCost) -> Result<Self, HomeError> {
        let generate = || -> Result<Self, String> {
            let operator: PrivateKeySigner = account::random_signer()?;
            let consensus = ConsensusKey::new(operator.address(), secret::random()?);
            Ok(Self {
                address: operator.address(),
                public_key: consensus.public_key(),
                consensus: consensus.encrypt(password, cost)?,
                operator: account::encrypt(&operator, password, cost)?,
                key: consensus,
            })
        };
        generate().map_err(|error| HomeError::system("no keys could be made").because(error))
    }

    /// The account that reports other validators' offences.
    #[must_use]
    pub fn reporter(&self) -> Address {
        ReporterAccount::of_validator(self.key.seed()).address()
    }

    /// The validator as one of the first that stake: with so many wei, for so much of its delegators' rewards.
    #[must_use]
    pub fn first_validator(&self, self_bond: U256, commission_bps: u16) -> FirstValidator {
        FirstValidator {
            operator: self.address,
            public_key: self.public_key,
            reporter: Some(self.reporter()),
            commission_bps,
            self_bond,
        }
    }

    /// Signs with the consensus key. No message of the consensus begins as one that is signed here.
    pub(super) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.key.private_key().sign(message).to_bytes()
    }

    /// The validator's entry in a genesis without staking.
    #[must_use]
    pub const fn validator(&self, power: u64) -> Validator {
        Validator { address: self.address, public_key: self.public_key, power }
    }
}

/// A new seed of a network identity.
///
/// # Errors
/// If the operating system has no randomness.
pub fn new_node_key() -> Result<[u8; 32], HomeError> {
    secret::random().map_err(|error| HomeError::system("no network key could be made").because(error))
}

/// Reads the seed of the network identity.
pub(super) fn open_node_key(path: &Path) -> Result<[u8; 32], HomeError> {
    let text = read_secret(path)?;
    let mut seed = [0; 32];
    // The digits are not repeated: they are the key.
    hex::decode_to_slice(text.trim(), &mut seed).map_err(|_| {
        HomeError::invalid(format!("{} is no network key", path.display()))
            .because("it is not 64 hexadecimal digits")
            .next("put back a copy of the file, or make another with `head -c 32 /dev/urandom | xxd -p -c 64`: peers that name this node's id must then be told the new one")
    })?;
    Ok(seed)
}

#[cfg(test)]
mod tests {
    use alloy_primitives::hex;

    use super::*;

    const COST: ScryptCost = ScryptCost { log_n: 2, r: 1, p: 1 };

    #[test]
    fn the_public_key_is_ed25519s() {
        // RFC 8032, section 7.1, test 1.
        let seed = hex!("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
        let key = ConsensusKey::new(Address::repeat_byte(1), seed);
        let expected = hex!("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
        assert_eq!(key.public_key(), B256::from(expected));
    }

    #[test]
    fn a_key_comes_back_with_its_password_and_is_never_shown() {
        let key = ConsensusKey::new(Address::repeat_byte(7), [9; 32]);
        let keystore = key.encrypt("password", COST).expect("the system has randomness");
        let back = ConsensusKey::decrypt(&keystore, "password").expect("the password fits");
        assert_eq!((back.address, back.seed(), back.public_key()), (key.address, key.seed(), key.public_key()));
        assert_eq!(ConsensusKey::decrypt(&keystore, "passwort").expect_err("another one"), KeystoreError::Password);
        for shown in [format!("{key:?}"), format!("{key:#?}"), keystore.to_string()] {
            assert!(!shown.contains("0909") && !shown.contains("9, 9"), "{shown}");
        }
    }

    #[test]
    fn keys_of_one_kind_are_not_taken_for_the_other() {
        let keys = SealedKeys::generate("password", COST).expect("the system has randomness");
        let error = account::decrypt(&keys.consensus, "password").expect_err("no account").to_string();
        assert!(error.contains("ed25519"), "{error}");
        let error = ConsensusKey::decrypt(&keys.operator, "password").expect_err("no consensus key").to_string();
        assert!(error.contains("\"type\" is missing"), "{error}");
        let operator = account::decrypt(&keys.operator, "password").expect("the password fits");
        assert_eq!(operator.address(), keys.address);
    }

    #[test]
    fn changed_files_are_refused_with_words() {
        let good = ConsensusKey::new(Address::repeat_byte(7), [9; 32]).encrypt("p", COST).expect("randomness");
        let changes = [
            ("type", json!("bls12-381"), "not \"ed25519\""),
            ("address", json!(null), "no \"address\""),
            ("address", json!("xyz"), "is no address"),
            ("publicKey", json!("0x12"), "64 hexadecimal digits"),
            ("publicKey", json!(B256::repeat_byte(3)), "but holds the key of"),
            ("crypto", json!({}), "cipher"),
            ("version", json!(4), "version"),
        ];
        for (member, value, words) in changes {
            let mut bad = good.clone();
            bad[member] = value;
            let error = ConsensusKey::decrypt(&bad, "p").expect_err(member).to_string();
            assert!(error.contains(words), "{member}: {error}");
        }
    }
}
