//! One of several who begin a network together: what it tells whoever puts the genesis together.

use std::path::Path;

use alloy_primitives::{Address, B256, Bytes, U256};
use esker_runtime::staking::SYSTEM_ADDRESS;
use malachite_ed25519::{PublicKey, Signature};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::json;

use super::error::HomeError;
use super::keys::SealedKeys;
use super::layout::read_settings;
use super::staking::FirstValidator;

/// A founder's file: its validator, with the proof that it has the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Founder {
    /// The chain that the proof is for.
    pub chain_id: u64,
    /// The account that runs the validator, and its name on the chain.
    pub operator: Address,
    /// The Ed25519 key that it votes with.
    pub public_key: B256,
    /// The account that reports other validators' offences: the genesis gives it coins for gas.
    pub reporter: Address,
    /// Its commission, in basis points.
    pub commission_bps: u16,
    /// What it bonds, in wei.
    #[serde(serialize_with = "decimal")]
    pub self_bond: U256,
    /// The key's signature of all of this.
    pub proof: Bytes,
}

/// What the bytes that a founder signs begin with.
const TAG: &[u8] = b"esker/founder/1";

fn decimal<S: Serializer>(wei: &U256, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(wei)
}

impl Founder {
    /// The founder with these keys.
    #[must_use]
    pub fn new(keys: &SealedKeys, chain_id: u64, self_bond: U256, commission_bps: u16) -> Self {
        let mut founder = Self {
            chain_id,
            operator: keys.address,
            public_key: keys.public_key,
            reporter: keys.reporter(),
            commission_bps,
            self_bond,
            proof: Bytes::new(),
        };
        founder.proof = keys.sign(&founder.message()).to_vec().into();
        founder
    }

    /// What the key signs: a tag, and every member but the proof, of a fixed length each.
    fn message(&self) -> Vec<u8> {
        [
            TAG,
            &self.chain_id.to_be_bytes(),
            self.operator.as_slice(),
            self.public_key.as_slice(),
            self.reporter.as_slice(),
            &self.commission_bps.to_be_bytes(),
            &self.self_bond.to_be_bytes::<32>(),
        ]
        .concat()
    }

    fn is_proven(&self) -> bool {
        let (Ok(signature), Ok(key)) =
            (Signature::try_from(self.proof.as_ref()), PublicKey::from_bytes(self.public_key.0))
        else {
            return false;
        };
        key.verify(&self.message(), &signature).is_ok()
    }

    /// The file's text.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{:#}\n", json!(self))
    }

    /// Reads a founder's file and checks its proof.
    ///
    /// # Errors
    /// If it cannot be read, is none, or its proof is not good.
    pub fn read(path: &Path) -> Result<Self, HomeError> {
        let founder: Self = serde_json::from_str(&read_settings(path)?).map_err(|error| {
            HomeError::invalid(format!("{} is no founder's file", path.display()))
                .because(error)
                .next("ask its operator for the founder.json that `esker init --founder` wrote, unchanged")
        })?;
        if !founder.is_proven() {
            return Err(HomeError::invalid(format!("the proof in {} is not good", path.display()))
                .because("the key did not sign what stands there")
                .next("the file was changed: ask its operator for the one that `esker init --founder` wrote"));
        }
        for (what, account) in [("operator", founder.operator), ("reporter", founder.reporter)] {
            if is_reserved(account) {
                return Err(HomeError::invalid(format!("the {what} in {} cannot be", path.display()))
                    .because(format!("{account} is one of the chain's own addresses"))
                    .next("ask its operator for the founder.json that `esker init --founder` wrote, unchanged"));
            }
        }
        Ok(founder)
    }

    /// The validator as the genesis has it.
    #[must_use]
    pub const fn first_validator(&self) -> FirstValidator {
        FirstValidator {
            operator: self.operator,
            public_key: self.public_key,
            reporter: Some(self.reporter),
            commission_bps: self.commission_bps,
            self_bond: self.self_bond,
        }
    }
}

/// Whether an address is the system's, or one that precompiled and system contracts have (the first 2^16).
fn is_reserved(address: Address) -> bool {
    address == SYSTEM_ADDRESS || address.as_slice()[..18].iter().all(|byte| *byte == 0)
}

#[cfg(test)]
mod tests {
    use esker_runtime::staking::STAKING_ADDRESS;

    use super::*;
    use crate::keystore::ScryptCost;

    #[test]
    fn a_founders_file_comes_back_and_a_changed_one_does_not() {
        let keys = SealedKeys::generate("x", ScryptCost { log_n: 2, r: 1, p: 1 }).expect("randomness");
        let founder = Founder::new(&keys, 7, U256::from(5), 250);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("founder.json");
        // Signed well, and named for the coins that it gets.
        let of_others = |reporter| {
            let mut founder = Founder { reporter, ..founder.clone() };
            founder.proof = keys.sign(&founder.message()).to_vec().into();
            founder.text()
        };
        let write = |text: String| std::fs::write(&path, text).expect("writable");
        write(founder.text());
        assert_eq!(Founder::read(&path), Ok(founder.clone()));
        assert!(founder.text().contains("\"selfBond\": \"5\""), "{}", founder.text());
        for (changed, words) in [
            (Founder { chain_id: 8, ..founder.clone() }.text(), "is not good"),
            (Founder { operator: Address::ZERO, ..founder.clone() }.text(), "is not good"),
            (Founder { public_key: B256::repeat_byte(1), ..founder.clone() }.text(), "is not good"),
            (Founder { reporter: Address::repeat_byte(1), ..founder.clone() }.text(), "is not good"),
            (Founder { commission_bps: 251, ..founder.clone() }.text(), "is not good"),
            (Founder { self_bond: U256::from(6), ..founder.clone() }.text(), "is not good"),
            (Founder { proof: Bytes::new(), ..founder.clone() }.text(), "is not good"),
            (of_others(Address::ZERO), "the reporter in"),
            (of_others(SYSTEM_ADDRESS), "one of the chain's own"),
            (of_others(STAKING_ADDRESS), "one of the chain's own"),
            (founder.text().replace("chainId", "chain"), "is no founder's file"),
            (String::new(), "is no founder's file"),
        ] {
            write(changed);
            let error = Founder::read(&path).expect_err(words).to_string();
            assert!(error.contains(words) && error.contains("esker init --founder"), "{error}");
        }
    }
}
