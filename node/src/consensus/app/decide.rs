//! Blocks that are decided.

use std::cmp::Ordering;
use std::time::Duration;

use alloy_consensus::Header;
use alloy_primitives::B256;
use esker_runtime::block::protocol_version;
use esker_runtime::validator_set;
use malachite::app::types::MisbehaviorEvidence;
use malachite::app::types::core::{HeightParams, Round};

use super::{AppFailure, Application};
use crate::consensus::body;
use crate::consensus::certificate::{self, Certificate};
use crate::consensus::context::{EskerContext, Height, Voters};
use crate::consensus::status::Step;

impl Application {
    /// Commits the block that `certificate` proves decided, with the certificate; both are durable when this returns.
    ///
    /// # Errors
    /// [`AppFailure`]: the node cannot go on.
    pub fn decided(&mut self, certificate: &Certificate) -> Result<(), AppFailure> {
        let (height, hash) = (certificate.height.0, certificate.value_id.0);
        if certificate.height != self.height {
            // Decided, committed, and asked for again after a restart of the engine's own.
            return Ok(());
        }
        if !self.prepared.contains_key(&hash) {
            let folder = self.folder.join("undecided");
            let bytes = self.undecided.body(hash).ok_or(AppFailure::MissingBody { height, hash, folder })?;
            if let Ok(header) = body::header(&bytes) {
                self.check_version(hash, &header)?;
            }
            if let Err(reason) = self.examine(&bytes)? {
                return Err(self.invalid_decision(hash, &bytes, reason));
            }
        }
        let missing = AppFailure::MissingBody { height, hash, folder: self.folder.join("undecided") };
        let block = self.prepared.remove(&hash).ok_or(missing)?;
        if let Some(signer) = &self.signer {
            // Before the block is part of the chain: a record that says less than the chain would count as lost.
            signer.decided(height, block.block().header.timestamp)?;
        }
        let committed = self.chain.commit_with(block, Some(&certificate::encode(certificate)))?;
        let finality = self.known_since.take().map(|since| since.elapsed());
        self.status.update(|standing| {
            standing.step = Step::Commit;
            standing.finality = finality.or(standing.finality);
        });
        tracing::info!(
            number = height,
            %hash,
            round = certificate.round.as_i64(),
            transactions = committed.block.transactions.len(),
            gas_used = committed.block.header.gas_used,
            "block"
        );
        if let Some(version) = protocol_version(&committed.block.header.extra_data)
            && self.chain.config().upgrades.height_of(version) == Some(height)
        {
            tracing::info!(version, number = height, "the first block of a protocol version");
        }
        self.prepared.clear();
        self.verdicts.clear();
        self.told.clear();
        self.undecided.decided(height).map_err(|error| AppFailure::Io("proposed blocks", error))?;
        self.voters = Voters::new(&validator_set(&self.chain.head().state)?)?;
        self.height = Height(height + 1);
        self.round = Round::Nil;
        // Everything is durable: a newer program goes on from here.
        self.chain.config().rules_at(self.height.0)?;
        Ok(())
    }

    /// Refuses to go on where the network decided under another protocol version than this node's table has for the
    /// height: to execute the block by other rules would only say that it is invalid.
    pub(super) fn check_version(&self, hash: B256, header: &Header) -> Result<(), AppFailure> {
        let (height, expected) = (self.height.0, self.chain.config().upgrades.version_at(self.height.0));
        let Some(found) = protocol_version(&header.extra_data) else { return Ok(()) };
        let home = || self.folder.parent().unwrap_or(&self.folder).display().to_string();
        match found.cmp(&expected) {
            Ordering::Equal => Ok(()),
            Ordering::Greater => Err(AppFailure::Upgraded { height, hash, found, expected, home: home() }),
            Ordering::Less => Err(AppFailure::NotUpgraded { height, hash, found, expected, home: home() }),
        }
    }

    /// The height is over. Keeps the evidence that it brought, and returns the next height with how long it may wait for
    /// a transaction. Others have been at it for as long as `late` says.
    ///
    /// # Errors
    /// [`AppFailure`]: the node cannot go on.
    pub fn finalized(
        &mut self,
        evidence: &MisbehaviorEvidence<EskerContext>,
        late: Duration,
    ) -> Result<(Height, HeightParams<EskerContext>, Duration), AppFailure> {
        let caught = self.evidence.keep(evidence).map_err(|error| AppFailure::Io("evidence", error))?;
        if let Some(signer) = self.signer.as_ref().filter(|signer| caught.contains(&signer.address().0)) {
            return Err(AppFailure::KeyElsewhere {
                validator: signer.address().0,
                height: self.height.0.saturating_sub(1),
            });
        }
        let (height, params) = self.next(late);
        Ok((height, params, self.timing.idle(self.head_age())))
    }

    /// Writes down a block that was decided and is invalid here.
    pub(super) fn invalid_decision(&self, hash: B256, bytes: &[u8], reason: String) -> AppFailure {
        let height = self.height.0;
        let dump = self.folder.join(format!("invalid-{height}.rlp"));
        if let Err(error) = std::fs::write(&dump, bytes) {
            tracing::error!(%error, file = %dump.display(), "the invalid block could not be written");
        }
        AppFailure::InvalidDecision { height, hash, reason, dump }
    }
}
