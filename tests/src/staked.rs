//! A chain with proof of stake and short epochs, whose validators' keys everybody knows: three found it, a wallet of the
//! script may become the fourth.

use alloy_primitives::{Address, B256, U256};
use ed25519_zebra::{SigningKey, VerificationKey};
use esker::home::staking::{FirstValidator, StakingPlan};
use esker_runtime::Genesis;
use esker_runtime::genesis::GenesisAccount;
use esker_runtime::staking::STAKING_ADDRESS;

use crate::script::{CHAIN_ID, CommittedArtifact, Wallets};
use crate::workspace_root;

/// Wei of a coin.
pub const COIN: u64 = 1_000_000_000_000_000_000;
/// Blocks of an epoch.
pub const EPOCH: u64 = 4;
/// Time of block 0, in seconds since 1970.
pub const GENESIS_TIME: u64 = 1_700_000_000;

/// The key of validator `index`, 0 to 3.
#[must_use]
pub fn key(index: u8) -> SigningKey {
    SigningKey::from([0x50 + index; 32])
}

/// What verifies it.
#[must_use]
pub fn public_key(index: u8) -> B256 {
    B256::from(<[u8; 32]>::from(VerificationKey::from(&key(index))))
}

/// The operators of the first validators are nobody's wallets; a wallet becomes the fourth.
#[must_use]
pub fn operator(index: u8) -> Address {
    if index == 3 { Wallets::default().address(1) } else { Address::repeat_byte(0xe0 + index) }
}

/// What the chain begins with: three validators with a stake of so many coins each, three wallets with a thousand, and
/// `missed_slots_min` missed slots that jail somebody.
///
/// # Panics
/// If no chain can begin with such stakes.
#[must_use]
pub fn genesis(stakes: [u64; 3], missed_slots_min: u32) -> Genesis {
    let wallets = Wallets::default();
    let mut genesis = Genesis::new(CHAIN_ID, 30_000_000, GENESIS_TIME);
    for index in 0..3 {
        let balance = U256::from(1_000 * u128::from(COIN));
        genesis.alloc.insert(wallets.address(index), GenesisAccount { balance, ..GenesisAccount::default() });
    }
    let first = |(index, coins): (u8, u64)| FirstValidator {
        operator: operator(index),
        public_key: public_key(index),
        reporter: None,
        commission_bps: 0,
        self_bond: U256::from(coins) * U256::from(COIN),
    };
    let first: Vec<_> = (0..).zip(stakes).map(first).collect();
    let plan = StakingPlan { epoch_length: EPOCH as u32, missed_slots_min, ..StakingPlan::default() };
    plan.put_into(&mut genesis, &first).expect("the plan is sound");
    genesis
}

/// What a key signs to prove that it is its operator's: `docs/spec/staking.md`, *Validators*.
#[must_use]
pub fn possession(chain_id: u64, operator: Address, public_key: B256) -> Vec<u8> {
    [
        b"esker/possession/1".as_slice(),
        &chain_id.to_be_bytes(),
        STAKING_ADDRESS.as_slice(),
        operator.as_slice(),
        public_key.as_slice(),
    ]
    .concat()
}

/// The fourth validator's signature of [`possession`].
#[must_use]
pub fn proof_of_the_fourth() -> Vec<u8> {
    key(3).sign(&possession(CHAIN_ID, operator(3), public_key(3))).to_bytes().to_vec()
}

/// The staking contract.
#[must_use]
pub fn contract() -> CommittedArtifact {
    CommittedArtifact::read_file(&workspace_root().join("node/contracts/Staking.json"))
}
