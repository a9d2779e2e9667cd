//! The file that makes a network: the genesis with its first validators.

use std::path::Path;

use alloy_primitives::{Address, U256};
use esker_runtime::Genesis;
use esker_runtime::genesis::GenesisAccount;

use super::error::HomeError;
use super::layout::read_genesis_text;
use super::staking;
use crate::staking::COIN;

/// The largest chain id whose legacy signatures have a `v` of 64 bits (EIP-2294).
pub const CHAIN_ID_MAX: u64 = u64::MAX / 2 - 36;
/// Coins that a validator bonds, for whom nothing else is said; they are also its voting power.
pub const SELF_BOND: u64 = 100;

/// Reads the genesis of a network.
///
/// # Errors
/// If it cannot be read, or no network can begin so.
pub fn read_genesis(path: &Path) -> Result<Genesis, HomeError> {
    let genesis = read_any_genesis(path)?;
    check_genesis(&genesis).map_err(|reason| {
        HomeError::invalid(format!("no network can begin with {}", path.display())).because(reason).next(
            "correct it before the network begins; of a network that runs, take the file it began with, unchanged",
        )
    })?;
    Ok(genesis)
}

/// Reads a genesis with which no network need be able to begin: a development chain's has no validators.
///
/// # Errors
/// If it cannot be read, or is none.
pub fn read_any_genesis(path: &Path) -> Result<Genesis, HomeError> {
    serde_json::from_str(&read_genesis_text(path)?).map_err(|error| {
        HomeError::invalid(format!("{} is no genesis", path.display()))
            .because(error)
            .next("take the file that the network began with; only its upgrades may be changed, with `esker upgrade`")
    })
}

/// Checks that a network can begin so.
///
/// # Errors
/// What is wrong, with what would be right.
pub fn check_genesis(genesis: &Genesis) -> Result<(), String> {
    let chain_id = genesis.config.chain_id;
    if !(1..=CHAIN_ID_MAX).contains(&chain_id) {
        return Err(format!("its chain id is {chain_id}: choose from 1 to {CHAIN_ID_MAX}"));
    }
    genesis.build().map_err(|error| error.to_string())?;
    if genesis.validators.is_empty() {
        return Err(
            "its list \"validators\" is empty: `esker init` and `esker genesis create` make one that is not".to_owned()
        );
    }
    for validator in &genesis.validators {
        if malachite_ed25519::PublicKey::from_bytes(validator.public_key.0).is_err() {
            return Err(format!("the public key of the validator {} is no Ed25519 key", validator.address));
        }
    }
    staking::check_agreement(genesis)
}

/// Gives an account its coins.
pub fn fund(genesis: &mut Genesis, address: Address, coins: u64) {
    let balance = U256::from(coins) * U256::from(COIN);
    genesis.alloc.insert(address, GenesisAccount { balance, ..GenesisAccount::default() });
}

/// The genesis as its file holds it.
#[must_use]
pub fn genesis_text(genesis: &Genesis) -> String {
    // Its maps have keys that are written as text, so a `Value` of it always exists.
    let value = serde_json::to_value(genesis).unwrap_or_default();
    format!("{value:#}\n")
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;
    use esker_runtime::Validator;

    use super::*;
    use crate::home::ConsensusKey;

    /// The y coordinate of no point.
    const OFF_THE_CURVE: [u8; 32] = {
        let mut bytes = [1; 32];
        bytes[31] = 0;
        bytes
    };

    fn genesis() -> Genesis {
        let key = ConsensusKey::new(Address::repeat_byte(1), [1; 32]);
        let mut genesis = Genesis::new(7, 30_000_000, 5);
        genesis.validators = vec![Validator { address: key.address, public_key: key.public_key(), power: 100 }];
        fund(&mut genesis, Address::repeat_byte(2), 10_000);
        genesis
    }

    #[test]
    fn what_is_written_reads_back() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("genesis.json");
        std::fs::write(&path, genesis_text(&genesis())).expect("writable");
        assert_eq!(read_genesis(&path), Ok(genesis()));
    }

    #[test]
    fn what_no_network_can_begin_with_is_refused_with_words() {
        type Change = fn(&mut Genesis);
        let changes: [(Change, &str); 7] = [
            (|genesis| genesis.validators.clear(), "is empty"),
            (|genesis| genesis.config.chain_id = 0, "choose from 1"),
            (|genesis| genesis.config.chain_id = CHAIN_ID_MAX + 1, "choose from 1"),
            (|genesis| genesis.gas_limit = 1, "gas limit"),
            (|genesis| genesis.validators[0].power = 0, "voting power"),
            (|genesis| genesis.validators.push(genesis.validators[0]), "two validators"),
            (|genesis| genesis.validators[0].public_key = B256::from(OFF_THE_CURVE), "no Ed25519 key"),
        ];
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("genesis.json");
        for (change, words) in changes {
            let mut genesis = genesis();
            change(&mut genesis);
            std::fs::write(&path, genesis_text(&genesis)).expect("writable");
            let error = read_genesis(&path).expect_err(words).to_string();
            assert!(error.contains(words) && error.contains("genesis.json"), "{error}");
        }
        for text in ["", "{}", "[]", "{\"config\": {\"chainId\": \"x\"}}"] {
            std::fs::write(&path, text).expect("writable");
            assert!(read_genesis(&path).expect_err(text).to_string().contains("is no genesis"));
        }
        assert!(read_genesis(&folder.path().join("absent")).expect_err("not there").to_string().contains("is missing"));
    }
}
