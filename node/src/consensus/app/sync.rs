//! What was decided before: served to those who are behind, and taken from those who are ahead.
//!
//! A synced value is the certificate's length (u32), the certificate, and the block. The engine checks the certificate too,
//! but does not show it, and this node executes nothing that the validators did not decide.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use alloy_consensus::Header;
use alloy_primitives::B256;
use bytes::{Buf, BufMut, Bytes, BytesMut};
use esker_runtime::block::first_round;
use malachite::app::engine::host::SyncedValueOutcome;
use malachite::app::types::core::Round;
use malachite::app::types::sync::RawDecidedValue;

use super::{AppFailure, Application};
use crate::consensus::certificate::{self, Certificate};
use crate::consensus::codec::{SYNC_BLOCKS_MAX, extended};
use crate::consensus::context::{EskerContext, Height, ValidatorAddress};
use crate::consensus::{body, codec};

/// Most bytes of blocks in one answer, unless the first block alone has more.
pub(super) const ANSWER_BYTES_MAX: usize = 4 << 20;
/// Of each span of time, those who are behind get so much: the engine asks for everything through one channel, and what a
/// block needs must not wait for them.
const SERVING_SPAN: Duration = Duration::from_secs(1);
const SERVING_MAX: Duration = Duration::from_millis(250);

/// How much of the present span was spent on those who are behind.
pub(super) struct Serving {
    since: Instant,
    spent: Duration,
}

impl Default for Serving {
    fn default() -> Self {
        Self { since: Instant::now(), spent: Duration::ZERO }
    }
}

impl Serving {
    /// Whether more may be done now.
    fn may_serve(&mut self, now: Instant) -> bool {
        if now.saturating_duration_since(self.since) >= SERVING_SPAN {
            *self = Self { since: now, spent: Duration::ZERO };
        }
        self.spent < SERVING_MAX
    }
}

/// The bytes of a decided block.
pub(super) fn encode_value(certificate: &[u8], block: &[u8]) -> Bytes {
    let mut bytes = BytesMut::with_capacity(4 + certificate.len() + block.len());
    bytes.put_u32(u32::try_from(certificate.len()).unwrap_or(u32::MAX));
    bytes.put_slice(certificate);
    bytes.put_slice(block);
    bytes.freeze()
}

/// Reads what [`encode_value`] wrote.
pub(super) fn decode_value(mut bytes: Bytes) -> Option<(Certificate, Bytes)> {
    let length = usize::try_from(bytes.try_get_u32().ok()?).ok()?;
    if length > bytes.len() {
        return None;
    }
    let certificate = certificate::decode(bytes.split_to(length)).ok()?;
    (bytes.len() <= codec::BLOCK_BYTES_MAX).then_some((certificate, bytes))
}

impl Application {
    /// The oldest height whose block and certificate are here.
    ///
    /// # Errors
    /// [`AppFailure`]: the store failed.
    pub fn history_min(&self) -> Result<Height, AppFailure> {
        Ok(Height(self.chain.history_min()?.max(1)))
    }

    /// Decided blocks of `range`, from its start on, as many as fit an answer; none if those who are behind have taken
    /// too much time already, and they ask again.
    ///
    /// # Errors
    /// [`AppFailure`]: the store failed.
    pub fn decided_values(
        &mut self,
        range: RangeInclusive<Height>,
    ) -> Result<Vec<RawDecidedValue<EskerContext>>, AppFailure> {
        let begun = Instant::now();
        if !self.serving.may_serve(begun) {
            return Ok(Vec::new());
        }
        let values = self.read_decided(range)?;
        self.serving.spent += begun.elapsed();
        Ok(values)
    }

    fn read_decided(&self, range: RangeInclusive<Height>) -> Result<Vec<RawDecidedValue<EskerContext>>, AppFailure> {
        let (mut values, mut total) = (Vec::new(), 0usize);
        let head = self.chain.head().block.header.number;
        let (start, end) = (range.start().0, range.end().0.min(head));
        for number in (start..=end).take(SYNC_BLOCKS_MAX) {
            let (Some(block), Some(encoded)) = (self.chain.block(number)?, self.chain.certificate(number)?) else {
                break;
            };
            let Ok(certificate) = certificate::decode(encoded.clone().into()) else { break };
            let value = encode_value(&encoded, &block.encoded());
            total = total.saturating_add(value.len());
            if total > ANSWER_BYTES_MAX && !values.is_empty() {
                break;
            }
            values.push(RawDecidedValue::new(value, extended(certificate)));
        }
        Ok(values)
    }

    /// A block that others decided has come.
    ///
    /// # Errors
    /// [`AppFailure`]: the node cannot go on, for example because the block is certified and invalid.
    pub fn synced(
        &mut self,
        height: Height,
        round: Round,
        proposer: ValidatorAddress,
        bytes: Bytes,
    ) -> Result<SyncedValueOutcome<EskerContext>, AppFailure> {
        if height != self.height {
            return Ok(SyncedValueOutcome::LocalTransientError);
        }
        let Some((certificate, block)) = decode_value(bytes) else { return Ok(SyncedValueOutcome::PeerFault) };
        let Ok(header) = body::header(&block) else { return Ok(SyncedValueOutcome::PeerFault) };
        let hash = header.hash_slow();
        let is_certified = certificate.height == height && certificate.value_id.0 == hash;
        if !is_certified || certificate::verify(&certificate, &self.voters, &self.verifier).is_err() {
            return Ok(SyncedValueOutcome::PeerFault);
        }
        self.check_version(hash, &header)?;
        if let Err(reason) = self.examine_certified(hash, &header, &block, &certificate)? {
            return Err(self.invalid_decision(hash, &block, reason));
        }
        let part = self.unsigned(round, Round::Nil, proposer, block);
        self.undecided.put(&part, hash).map_err(|error| AppFailure::Io("a synced block", error))?;
        Ok(SyncedValueOutcome::Verdict(self.value(&part, hash, true)))
    }

    fn examine_certified(
        &mut self,
        hash: B256,
        header: &Header,
        block: &[u8],
        certificate: &Certificate,
    ) -> Result<Result<(), String>, AppFailure> {
        if !self.prepared.contains_key(&hash)
            && let Err(reason) = self.examine(block)?
        {
            return Ok(Err(reason));
        }
        if first_round(&header.extra_data) > certificate.round.as_u32() {
            return Ok(Err("the header names a round after the one in which the block was decided".to_owned()));
        }
        Ok(Ok(()))
    }
}
