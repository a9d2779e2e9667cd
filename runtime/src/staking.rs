//! Proof of stake as the protocol sees it: where the staking contract lives, how it is called at a block's end, and what it
//! answers. What the contract does with that is its own affair; `docs/spec/staking.md` has both.

use alloy_primitives::{Address, B256, U256, address, keccak256};
use esker_light::Epochs;
use serde::{Deserialize, Serialize};

use crate::validators::{VALIDATORS_MAX, Validator};

/// Where the staking contract is, in the genesis of a chain with proof of stake.
pub const STAKING_ADDRESS: Address = address!("0000000000000000000000000000000000001001");
/// Who calls it at a block's end (the address of EIP-4788). Nobody has its key.
pub const SYSTEM_ADDRESS: Address = address!("fffffffffffffffffffffffffffffffffffffffe");
/// Gas of each call at a block's end; not the block's.
pub const SYSTEM_GAS: u64 = 30_000_000;
/// Longest epoch, in blocks.
pub const EPOCH_LENGTH_MAX: u64 = 1 << 32;
/// A genesis with staking has less than 2 to this power wei (664 × 10^15 coins): the contract's sums and a set's voting powers
/// cannot overflow.
pub const SUPPLY_BITS: usize = 119;
/// Inflation is less than 2 to this power wei a block: in 2^39 blocks less than the most that a genesis can have.
pub const INFLATION_BITS: usize = 80;

const WORD: usize = 32;

/// How a chain with proof of stake does it; part of its genesis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StakingConfig {
    /// Blocks of an epoch: block *h* belongs to epoch (*h* − 1) / length, and the set changes after the last of each.
    pub epoch_length: u64,
    /// Coins that come into being with each block, in wei.
    pub inflation_per_block: U256,
}

impl StakingConfig {
    /// Its epochs.
    #[must_use]
    pub const fn epochs(&self) -> Epochs {
        Epochs::of_length(self.epoch_length)
    }
}

fn selector(signature: &str) -> [u8; 4] {
    let mut selector = [0; 4];
    selector.copy_from_slice(&keccak256(signature)[..4]);
    selector
}

/// Input of `endBlock(address beneficiary, uint256 rewards, uint64 round, address[] missed)`: who proposed the block, what
/// there is to be shared (wei), the round in which it was first built, and the proposers of the rounds before.
#[must_use]
pub fn end_block_input(beneficiary: Address, rewards: U256, round: u32, missed: &[Address]) -> Vec<u8> {
    let head = [
        beneficiary.into_word(),
        rewards.into(),
        U256::from(round).into(),
        U256::from(4 * WORD).into(),
        U256::from(missed.len()).into(),
    ];
    let mut input = selector("endBlock(address,uint256,uint64,address[])").to_vec();
    for word in head.into_iter().chain(missed.iter().map(Address::into_word)) {
        input.extend_from_slice(word.as_slice());
    }
    input
}

/// Input of `endEpoch()`.
#[must_use]
pub fn end_epoch_input() -> Vec<u8> {
    selector("endEpoch()").to_vec()
}

/// Reads the answer of `endEpoch`: `(address operator, bytes32 publicKey, uint64 power)[]`. `None` if it is anything else
/// than the one encoding of a list of at most [`VALIDATORS_MAX`].
#[must_use]
pub fn decode_next_set(output: &[u8]) -> Option<Vec<Validator>> {
    let (words, rest) = output.as_chunks::<WORD>();
    let (head, entries) = words.split_first_chunk::<2>()?;
    let number = |word: &[u8; WORD]| u64::try_from(U256::from_be_bytes(*word)).ok();
    let count = usize::try_from(number(&head[1])?).ok().filter(|count| *count <= VALIDATORS_MAX)?;
    if number(&head[0])? != WORD as u64 || !rest.is_empty() || entries.len() != count.checked_mul(3)? {
        return None;
    }
    let (entries, _) = entries.as_chunks::<3>();
    let read = |[operator, key, power]: &[[u8; WORD]; 3]| {
        let (padding, _) = operator.split_first_chunk::<12>()?;
        let is_address = padding.iter().all(|byte| *byte == 0);
        let address = is_address.then(|| Address::from_word(B256::from(*operator)))?;
        Some(Validator { address, public_key: B256::from(*key), power: number(power)? })
    };
    entries.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_called_is_encoded_as_solidity_does() {
        let input = end_block_input(Address::repeat_byte(1), U256::from(7), 2, &[Address::repeat_byte(2)]);
        let words: Vec<String> = input[4..].chunks(32).map(alloy_primitives::hex::encode).collect();
        let short = |word: &String| word.trim_start_matches('0').to_owned();
        let short: Vec<String> = words.iter().map(short).collect();
        assert_eq!(short, [&"01".repeat(20)[1..], "7", "2", "80", "1", &"02".repeat(20)[1..]]);
        assert_eq!(input[..4], keccak256("endBlock(address,uint256,uint64,address[])")[..4]);
        assert_eq!(end_epoch_input(), keccak256("endEpoch()")[..4]);
    }

    #[test]
    fn an_answer_that_is_no_list_of_validators_is_none() {
        let word = |number: u64| U256::from(number).to_be_bytes::<32>();
        let entry = [[0; 12].as_slice(), &[5; 20], &[6; 32], &word(7)].concat();
        let good = [word(32).as_slice(), &word(1), &entry].concat();
        let set = decode_next_set(&good).expect("a list of one");
        assert_eq!(set, [Validator { address: Address::repeat_byte(5), public_key: B256::repeat_byte(6), power: 7 }]);
        assert_eq!(decode_next_set(&[word(32), word(0)].concat()), Some(Vec::new()));
        let many = [word(32).to_vec(), word(101).to_vec(), entry.repeat(101)].concat();
        let bad: [Vec<u8>; 8] = [
            Vec::new(),
            good[..good.len() - 1].to_vec(),
            [good.as_slice(), &[0]].concat(),
            [good.as_slice(), &entry].concat(),
            [word(64).as_slice(), &word(1), &entry].concat(),
            [word(32).as_slice(), &word(u64::MAX), &entry].concat(),
            many,
            [word(32).as_slice(), &word(1), &[1; 96]].concat(),
        ];
        for (index, bytes) in bad.iter().enumerate() {
            assert_eq!(decode_next_set(bytes), None, "{index}");
        }
    }
}
