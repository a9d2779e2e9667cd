//! What a gossiped message holds: some transactions, as bytes.
//!
//! | bytes | meaning |
//! |---|---|
//! | 1 | version of this format, 1 |
//! | 4 | round, big-endian: 0, or what sets a repetition apart from the message that it repeats |
//! | 4 + n, once or more | a transaction's length n, big-endian, and its bytes |
//!
//! There is one encoding of a list of transactions in a round, and nothing stands behind the last one.

use bytes::{BufMut, Bytes, BytesMut};

/// Most bytes of a transaction.
pub const TRANSACTION_BYTES_MAX: usize = 128 << 10;
/// Most bytes of a message.
pub const MESSAGE_BYTES_MAX: usize = 256 << 10;
/// Most transactions of a message.
pub const TRANSACTIONS_MAX: usize = 1_024;

const VERSION: u8 = 1;
const HEADER_LEN: usize = 1 + 4;
const PREFIX_LEN: usize = 4;

/// Bytes that are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedBatch {
    /// Larger than any message may be.
    #[error("{0} bytes, limit {MESSAGE_BYTES_MAX}")]
    TooLarge(usize),
    /// Not of this format's version, or no header at all.
    #[error("not of version {VERSION}")]
    Version,
    /// No transaction in it.
    #[error("no transaction")]
    Empty,
    /// More transactions than a message may hold.
    #[error("more than {TRANSACTIONS_MAX} transactions")]
    TooMany,
    /// A transaction's length is none that a transaction may have.
    #[error("a transaction of {0} bytes, limit {TRANSACTION_BYTES_MAX}")]
    Length(u32),
    /// It ends within a transaction.
    #[error("cut off")]
    CutOff,
}

/// Puts transactions together until a message is full.
#[derive(Debug)]
pub struct BatchBuilder {
    bytes: BytesMut,
    count: usize,
    /// Bytes from which on it is full.
    full_at: usize,
}

impl BatchBuilder {
    /// An empty message of `round`, which takes transactions up to `bytes_wanted` in all, or a single one that is larger.
    #[must_use]
    pub fn new(round: u32, bytes_wanted: usize) -> Self {
        let mut bytes = BytesMut::with_capacity(HEADER_LEN);
        bytes.put_u8(VERSION);
        bytes.put_u32(round);
        Self { bytes, count: 0, full_at: bytes_wanted.min(MESSAGE_BYTES_MAX) }
    }

    /// Whether `transaction` still fits. Every transaction of a lawful size fits into an empty message.
    #[must_use]
    pub fn fits(&self, transaction: &[u8]) -> bool {
        let len = self.bytes.len() + PREFIX_LEN + transaction.len();
        let is_lawful = (1..=TRANSACTION_BYTES_MAX).contains(&transaction.len());
        is_lawful && (self.count == 0 || (len <= self.full_at && self.count < TRANSACTIONS_MAX))
    }

    /// Adds `transaction` if it fits; says whether it did.
    pub fn push(&mut self, transaction: &[u8]) -> bool {
        let fits = self.fits(transaction);
        if let (true, Ok(len)) = (fits, u32::try_from(transaction.len())) {
            self.bytes.put_u32(len);
            self.bytes.put_slice(transaction);
            self.count += 1;
        }
        fits
    }

    /// How many transactions are in it.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.count
    }

    /// The message; `None` if nothing is in it.
    #[must_use]
    pub fn finish(self) -> Option<Bytes> {
        (self.count > 0).then(|| self.bytes.freeze())
    }
}

/// Takes a message apart. The transactions share its memory and are nothing but bytes so far.
///
/// # Errors
/// [`MalformedBatch`].
pub fn decode(message: &Bytes) -> Result<Vec<Bytes>, MalformedBatch> {
    if message.len() > MESSAGE_BYTES_MAX {
        return Err(MalformedBatch::TooLarge(message.len()));
    }
    if message.len() < HEADER_LEN || message.first() != Some(&VERSION) {
        return Err(MalformedBatch::Version);
    }
    let mut rest = message.slice(HEADER_LEN..);
    let mut transactions = Vec::new();
    while !rest.is_empty() {
        if transactions.len() == TRANSACTIONS_MAX {
            return Err(MalformedBatch::TooMany);
        }
        let prefix = rest.first_chunk::<PREFIX_LEN>().ok_or(MalformedBatch::CutOff)?;
        let announced = u32::from_be_bytes(*prefix);
        let len = usize::try_from(announced).map_err(|_| MalformedBatch::Length(announced))?;
        if !(1..=TRANSACTION_BYTES_MAX).contains(&len) {
            return Err(MalformedBatch::Length(announced));
        }
        if rest.len() - PREFIX_LEN < len {
            return Err(MalformedBatch::CutOff);
        }
        let _ = rest.split_to(PREFIX_LEN);
        transactions.push(rest.split_to(len));
    }
    if transactions.is_empty() { Err(MalformedBatch::Empty) } else { Ok(transactions) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encode(round: u32, transactions: &[Bytes]) -> Bytes {
        let mut batch = BatchBuilder::new(round, MESSAGE_BYTES_MAX);
        for transaction in transactions {
            assert!(batch.push(transaction));
        }
        batch.finish().expect("something is in it")
    }

    proptest! {
        #[test]
        fn what_was_put_together_is_taken_apart(
            round: u32,
            transactions in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..600).prop_map(Bytes::from), 1..40),
        ) {
            prop_assert_eq!(decode(&encode(round, &transactions)), Ok(transactions));
        }

        #[test]
        fn any_bytes_are_taken_apart_or_refused_and_have_one_encoding(
            body in prop::collection::vec(prop_oneof![Just(0u8), Just(1), Just(2), any::<u8>()], 0..200),
            is_marked: bool,
        ) {
            let mut bytes = body;
            if is_marked && let Some(first) = bytes.first_mut() {
                *first = VERSION;
            }
            let message = Bytes::from(bytes);
            if let Ok(transactions) = decode(&message) {
                let round = u32::from_be_bytes(*message.slice(1..).first_chunk().expect("a header"));
                prop_assert_eq!(encode(round, &transactions), message);
            }
        }

        #[test]
        fn a_message_that_is_cut_off_or_lengthened_is_refused(
            transactions in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..50).prop_map(Bytes::from), 1..5),
            cut in 1usize..4,
        ) {
            let message = encode(0, &transactions);
            prop_assert!(decode(&message.slice(..message.len() - cut)).is_err() || transactions.len() > 1);
            let longer = Bytes::from([&message[..], &[0u8; 4][..cut]].concat());
            prop_assert!(decode(&longer).is_err());
        }
    }

    #[test]
    fn limits_hold_at_both_ends() {
        let largest = Bytes::from(vec![7; TRANSACTION_BYTES_MAX]);
        assert_eq!(decode(&encode(0, std::slice::from_ref(&largest))), Ok(vec![largest.clone()]));
        let mut batch = BatchBuilder::new(0, 64);
        assert!(!batch.push(&[]) && !batch.push(&vec![7; TRANSACTION_BYTES_MAX + 1]), "no lawful sizes");
        assert!(batch.push(&largest), "alone it may be larger than wanted");
        assert!(!batch.push(&[1]), "but then it is full");
        assert_eq!(BatchBuilder::new(0, 64).finish(), None);

        let mut batch = BatchBuilder::new(0, MESSAGE_BYTES_MAX);
        assert!((0..TRANSACTIONS_MAX).all(|_| batch.push(&[1])) && !batch.push(&[1]));
        let full = batch.finish().expect("full");
        assert_eq!(decode(&full).map(|transactions| transactions.len()), Ok(TRANSACTIONS_MAX));
        let one_more = Bytes::from([&full[..], &[0, 0, 0, 1, 1][..]].concat());
        assert_eq!(decode(&one_more), Err(MalformedBatch::TooMany));

        let too_large = Bytes::from(vec![VERSION; MESSAGE_BYTES_MAX + 1]);
        assert_eq!(decode(&too_large), Err(MalformedBatch::TooLarge(MESSAGE_BYTES_MAX + 1)));
        for (bytes, error) in [
            (&[][..], MalformedBatch::Version),
            (&[1, 0, 0, 0], MalformedBatch::Version),
            (&[2, 0, 0, 0, 0, 0, 0, 0, 1, 9], MalformedBatch::Version),
            (&[1, 0, 0, 0, 0], MalformedBatch::Empty),
            (&[1, 0, 0, 0, 0, 0, 0, 0, 0], MalformedBatch::Length(0)),
            (&[1, 0, 0, 0, 0, 0, 0, 1], MalformedBatch::CutOff),
            (&[1, 0, 0, 0, 0, 0, 0, 0, 2, 9], MalformedBatch::CutOff),
            (&[1, 0, 0, 0, 0, 255, 255, 255, 255, 9], MalformedBatch::Length(u32::MAX)),
        ] {
            assert_eq!(decode(&Bytes::copy_from_slice(bytes)), Err(error), "{bytes:?}");
        }
    }
}
