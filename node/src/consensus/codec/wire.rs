//! Reading and writing fields: fixed widths, big-endian, every length bounded before anything is allocated for it.

use alloy_primitives::{Address, B256};
use bytes::{Buf as _, Bytes, BytesMut};
use malachite::app::types::core::{NilOrVal, Round, VoteType};
use malachite_ed25519::Signature;

use crate::consensus::context::{BlockHash, Height, ValidatorAddress};

/// What is wrong with a peer's bytes, or with this node's own log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// They end too early.
    #[error("the message ends too early")]
    Short,
    /// Something follows.
    #[error("{0} bytes follow the message")]
    Trailing(usize),
    /// A tag that means nothing.
    #[error("{what} cannot be {found}")]
    Tag {
        /// Which field.
        what: &'static str,
        /// What stands there.
        found: u64,
    },
    /// A length or count beyond its bound.
    #[error("{what}: {found} is more than {max}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// What stands there.
        found: usize,
        /// The bound.
        max: usize,
    },
}

/// Writes fields.
#[derive(Default)]
pub struct Writer(BytesMut);

impl Writer {
    pub fn finish(self) -> Bytes {
        self.0.freeze()
    }

    pub fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub fn u8(&mut self, number: u8) {
        self.raw(&[number]);
    }

    pub fn u64(&mut self, number: u64) {
        self.raw(&number.to_be_bytes());
    }

    /// A length or count; all of them are bounded far below 2^32.
    pub fn length(&mut self, length: usize) {
        self.raw(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    }

    pub fn bytes(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.raw(bytes);
    }

    pub fn height(&mut self, height: Height) {
        self.u64(height.0);
    }

    pub fn round(&mut self, round: Round) {
        self.raw(&round.as_i64().to_be_bytes());
    }

    pub fn address(&mut self, address: ValidatorAddress) {
        self.raw(address.0.as_slice());
    }

    pub fn hash(&mut self, hash: BlockHash) {
        self.raw(hash.0.as_slice());
    }

    pub fn hash_or_nil(&mut self, hash: NilOrVal<BlockHash>) {
        match hash {
            NilOrVal::Nil => self.u8(0),
            NilOrVal::Val(hash) => {
                self.u8(1);
                self.hash(hash);
            }
        }
    }

    pub fn vote_type(&mut self, kind: VoteType) {
        self.u8(match kind {
            VoteType::Prevote => 0,
            VoteType::Precommit => 1,
        });
    }

    pub fn signature(&mut self, signature: &Signature) {
        self.raw(&signature.to_bytes());
    }
}

/// Reads fields.
pub struct Reader(Bytes);

impl Reader {
    pub const fn new(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// Fails if anything is left.
    pub fn finish(self) -> Result<(), DecodeError> {
        if self.0.is_empty() { Ok(()) } else { Err(DecodeError::Trailing(self.0.len())) }
    }

    fn take(&mut self, length: usize) -> Result<Bytes, DecodeError> {
        if length > self.0.len() {
            return Err(DecodeError::Short);
        }
        Ok(self.0.split_to(length))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        <[u8; N]>::try_from(&*self.take(N)?).map_err(|_| DecodeError::Short)
    }

    /// What `read` takes from the front of what is left.
    pub fn front<T, E>(&mut self, read: impl FnOnce(&mut &[u8]) -> Result<T, E>) -> Result<T, E> {
        let mut rest = &self.0[..];
        let value = read(&mut rest)?;
        self.0.advance(self.0.len() - rest.len());
        Ok(value)
    }

    pub fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub fn u64(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_be_bytes)
    }

    /// A length or count of at most `max`.
    pub fn length(&mut self, what: &'static str, max: usize) -> Result<usize, DecodeError> {
        let found = usize::try_from(u32::from_be_bytes(self.array()?)).unwrap_or(usize::MAX);
        if found > max { Err(DecodeError::TooMany { what, found, max }) } else { Ok(found) }
    }

    pub fn bytes(&mut self, what: &'static str, max: usize) -> Result<Bytes, DecodeError> {
        let length = self.length(what, max)?;
        self.take(length)
    }

    /// As many as the count says that stands first, at most `max`.
    pub fn list<T>(
        &mut self,
        what: &'static str,
        max: usize,
        mut item: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let count = self.length(what, max)?;
        (0..count).map(|_| item(self)).collect()
    }

    pub fn height(&mut self) -> Result<Height, DecodeError> {
        self.u64().map(Height)
    }

    pub fn round(&mut self) -> Result<Round, DecodeError> {
        let number = i64::from_be_bytes(self.array()?);
        match u32::try_from(number) {
            Ok(round) => Ok(Round::new(round)),
            Err(_) if number == -1 => Ok(Round::Nil),
            Err(_) => Err(DecodeError::Tag { what: "a round", found: number.cast_unsigned() }),
        }
    }

    /// A round that is one: votes and proposals have no other.
    pub fn some_round(&mut self) -> Result<Round, DecodeError> {
        match self.round()? {
            Round::Nil => Err(DecodeError::Tag { what: "a round", found: u64::MAX }),
            round => Ok(round),
        }
    }

    pub fn address(&mut self) -> Result<ValidatorAddress, DecodeError> {
        self.array().map(|bytes| ValidatorAddress(Address::from(bytes)))
    }

    pub fn hash(&mut self) -> Result<BlockHash, DecodeError> {
        self.array().map(|bytes| BlockHash(B256::from(bytes)))
    }

    pub fn hash_or_nil(&mut self) -> Result<NilOrVal<BlockHash>, DecodeError> {
        match self.u8()? {
            0 => Ok(NilOrVal::Nil),
            1 => self.hash().map(NilOrVal::Val),
            found => Err(DecodeError::Tag { what: "whether there is a block", found: found.into() }),
        }
    }

    pub fn vote_type(&mut self) -> Result<VoteType, DecodeError> {
        match self.u8()? {
            0 => Ok(VoteType::Prevote),
            1 => Ok(VoteType::Precommit),
            found => Err(DecodeError::Tag { what: "a vote's kind", found: found.into() }),
        }
    }

    pub fn signature(&mut self) -> Result<Signature, DecodeError> {
        self.array().map(Signature::from_bytes)
    }
}
