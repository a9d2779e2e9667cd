//! What equivocating costs.

use esker_sdk::prelude::*;

use crate::evidence::{Domain, Position, conflict};
use crate::math::{part, slashed};
use crate::staking::{Error, Staking};

/// What a slash took at once, in wei. What left the validator before is slashed when it is next touched.
pub(crate) struct Slash {
    pub(crate) epoch: u64,
    pub(crate) amount: u128,
    pub(crate) reward: u128,
}

impl Staking {
    /// Whether a key's owner signed a message.
    pub(crate) fn has_signed(public_key: &B256, signature: &[u8], message: &[u8]) -> bool {
        signature.try_into().is_ok_and(|signature: &[u8; 64]| crypto::ed25519_verify(&public_key.0, signature, message))
    }

    /// Whether a key can vote: a point that is not of small order.
    ///
    /// Anybody can sign for a key of small order: with R the neutral point and s = 0 a signature of every message is good,
    /// and for no other key.
    pub(crate) fn is_weak(public_key: &B256) -> bool {
        let mut signature = [0; 64];
        signature[0] = 1;
        public_key.is_zero() || crypto::ed25519_verify(&public_key.0, &signature, b"")
    }

    /// Whom two signed messages prove guilty, and in which epoch.
    pub(crate) fn judge(
        &self,
        cx: &Context,
        [first, second]: [(&[u8], &[u8]); 2],
        now: u64,
    ) -> Result<(Address, u64), Error> {
        let (domain, position) = conflict(first.0, second.0).ok_or(Error::NotEvidence {})?;
        let Position { signer, height, .. } = position;
        let ours = Domain { chain_id: cx.chain_id(), genesis: self.genesis_hash.get() };
        // Before block 1 there is no hash, hence nothing signed for this chain.
        ensure!(domain == ours && !ours.genesis.is_zero() && height > 0, Error::OtherChain {});
        let epoch = self.params.epoch_of(height);
        ensure!(epoch <= now, Error::EvidenceFromTheFuture { epoch });
        ensure!(!self.params.is_past(epoch, now), Error::EvidenceTooOld { epoch });
        let record = self.validators.at(signer);
        ensure!(record.exists(), Error::NoValidator { validator: signer });
        ensure!(!record.is_tombstoned.get(), Error::Tombstoned { validator: signer });
        let public_key = record.public_key.get();
        for (message, signature) in [first, second] {
            ensure!(Self::has_signed(&public_key, signature, message), Error::BadSignature {});
        }
        Ok((signer, epoch))
    }

    /// Slashes a validator and puts it out for ever.
    ///
    /// Who reported it gets a part of what the operator's own stake lost. Were it a part of all that was slashed, an operator
    /// with many delegators and little of its own would gain by reporting itself.
    pub(crate) fn punish(&mut self, validator: Address, epoch: u64, reporter: Address) -> Slash {
        let bps = self.params.slash_bps();
        let own = part(self.self_bond(validator), bps);
        self.leave_candidates(validator);
        let mut record = self.validators.at_mut(validator);
        let tokens = record.tokens.get();
        let left = slashed(tokens, bps);
        let amount = tokens - left;
        record.tokens.set(left);
        record.is_tombstoned.set(true);
        record.offence_epoch.set(epoch);
        let reward = part(own, self.params.reporter_bps());
        self.totals.bonded.sub(amount);
        self.totals.burned.add(amount - reward);
        self.totals.reports.add(reward);
        self.reports.at_mut(reporter).add(reward);
        Slash { epoch, amount, reward }
    }
}
