//! Block headers: the RLP that a block's hash is the hash of.

use alloy_primitives::{Address, B64, B256, Bloom, Bytes, U256, keccak256};
use alloy_rlp::Decodable;

/// Longest header, in bytes of RLP. London's header with 32 bytes of extra data has 640 at most.
pub const HEADER_BYTES_MAX: usize = 1_024;

/// What a header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// keccak256 of the RLP.
    pub hash: B256,
    /// The block before.
    pub parent_hash: B256,
    /// Who proposed it (on a chain without staking also: who got its tips).
    pub beneficiary: Address,
    /// Root of the state after the block.
    pub state_root: B256,
    /// Root of its transactions.
    pub transactions_root: B256,
    /// Root of their receipts.
    pub receipts_root: B256,
    /// Number.
    pub number: u64,
    /// Seconds since the Unix epoch.
    pub timestamp: u64,
}

/// Why bytes are no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// Longer than any.
    #[error("{0} bytes are more than the {HEADER_BYTES_MAX} of a header")]
    TooLong(usize),
    /// Not the RLP of a header of this protocol version.
    #[error("they are not the RLP of a header, or of one with fields that this version does not know: {0}")]
    Rlp(alloy_rlp::Error),
}

impl Header {
    /// Reads a header that fills `rlp`: London's sixteen fields, in their one encoding.
    ///
    /// # Errors
    /// [`HeaderError`]
    pub fn decode(rlp: &[u8]) -> Result<Self, HeaderError> {
        if rlp.len() > HEADER_BYTES_MAX {
            return Err(HeaderError::TooLong(rlp.len()));
        }
        Self::fields(rlp, keccak256(rlp)).map_err(HeaderError::Rlp)
    }

    fn fields(mut rlp: &[u8], hash: B256) -> Result<Self, alloy_rlp::Error> {
        let fields = &mut alloy_rlp::Header::decode_bytes(&mut rlp, true)?;
        let whole = |rest: &[u8]| if rest.is_empty() { Ok(()) } else { Err(alloy_rlp::Error::UnexpectedLength) };
        whole(rlp)?;
        let parent_hash = B256::decode(fields)?;
        let _uncles = B256::decode(fields)?;
        let beneficiary = Address::decode(fields)?;
        let state_root = B256::decode(fields)?;
        let transactions_root = B256::decode(fields)?;
        let receipts_root = B256::decode(fields)?;
        let _logs_bloom = Bloom::decode(fields)?;
        let _difficulty = U256::decode(fields)?;
        let number = u64::decode(fields)?;
        let _gas_limit = u64::decode(fields)?;
        let _gas_used = u64::decode(fields)?;
        let timestamp = u64::decode(fields)?;
        let _extra_data = Bytes::decode(fields)?;
        let _mix_hash = B256::decode(fields)?;
        let _nonce = B64::decode(fields)?;
        let _base_fee = u64::decode(fields)?;
        whole(fields)?;
        Ok(Self { hash, parent_hash, beneficiary, state_root, transactions_root, receipts_root, number, timestamp })
    }
}
