//! Ballots that voters sign and anybody sends.

use esker_sdk::prelude::*;

/// What a voter signs.
#[derive(Eip712)]
pub struct Ballot {
    /// What is voted on.
    pub proposal_id: U256,
    /// 0 against, 1 for, 2 abstain.
    pub support: u8,
    /// Who votes.
    pub voter: Address,
    /// How many messages the voter used before.
    pub nonce: U256,
}

/// A contract that says whether it signed something (ERC-1271).
#[interface]
pub trait IErc1271 {
    /// The method's selector if it did.
    fn is_valid_signature(&self, hash: B256, signature: &[u8]) -> FixedBytes<4>;
}

/// Whether `voter` signed what has this `digest`: with a key, or in its own way if it has code. OpenZeppelin's
/// `SignatureChecker`.
pub(crate) fn is_signed(cx: &Context, voter: Address, digest: B256, signature: &[u8]) -> bool {
    if cx.code_size(voter) > 0 {
        let answer = IErc1271Handle::at(voter).is_valid_signature(digest, signature).try_call(cx);
        return answer == Ok(FixedBytes([0x16, 0x26, 0xba, 0x7e]));
    }
    let Some((r, [s @ .., v])) = signature.split_first_chunk::<32>() else { return false };
    let Ok(s) = <[u8; 32]>::try_from(s) else { return false };
    crypto::recover(digest, *v, FixedBytes(*r), FixedBytes(s)) == Some(voter)
}
