//! Signs with the validator's key, past the guard, and verifies.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use async_trait::async_trait;
use bytes::Bytes;
use malachite::app::types::core::{SignedMessage, ValidatorProof, VoteExtensionScope, VoteType};
use malachite_ed25519::{PrivateKey, PublicKey, Signature};
use malachite_signing::{Error, Signer, VerificationResult, Verifier};
use parking_lot::Mutex;

use super::context::{EskerContext, Proposal, ProposalPart, ValidatorAddress, Vote};
use super::domain::Domain;
use super::sign_state::{Position, SignState, SignStateError, Step, Verdict};

/// A validator's key, that never signs two different things where only one may be signed.
pub struct ConsensusSigner {
    domain: Domain,
    address: ValidatorAddress,
    key: PrivateKey,
    state: Mutex<SignState>,
    log: Option<PathBuf>,
}

/// What stands where a signature is not given: no key verifies it, so that peers treat the message as if it had not come.
/// The engine takes a refusal for the end of the world, and a validator that must be silent has to follow the chain.
fn silence() -> Signature {
    Signature::from_bytes([0; 64])
}

impl ConsensusSigner {
    /// Signs for the validator `address` with `key`, as far as `state` allows it.
    #[must_use]
    pub const fn new(domain: Domain, address: ValidatorAddress, key: PrivateKey, state: SignState) -> Self {
        Self { domain, address, key, state: Mutex::new(state), log: None }
    }

    /// Makes the engine's log at `path` durable each time before anything is signed.
    ///
    /// The engine does that only between signing and sending. A power cut in between leaves a record of a vote whose
    /// reasons are lost: after it the engine votes otherwise, the guard forbids that, and the validator is silent in a round
    /// that the others may not be able to end without it. If the reasons are durable first, the same vote follows again.
    #[must_use]
    pub fn after_log(mut self, path: PathBuf) -> Self {
        self.log = Some(path);
        self
    }

    fn sync_log(&self) -> io::Result<()> {
        let Some(path) = &self.log else { return Ok(()) };
        match File::open(path) {
            Ok(log) => log.sync_data(),
            // The engine makes it with the first height.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The validator's address.
    #[must_use]
    pub const fn address(&self) -> ValidatorAddress {
        self.address
    }

    /// The key that verifies what is signed here.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        self.key.public_key()
    }

    /// Whether it signs at `height`, or waits until the chain has moved on.
    #[must_use]
    pub fn signs_at(&self, height: u64) -> bool {
        self.state.lock().signs_at(height)
    }

    /// Takes note that a block is decided, before it is part of the stored chain: [`SignState::decided`].
    ///
    /// # Errors
    /// If the record of what was signed cannot be written.
    pub fn decided(&self, height: u64, timestamp: u64) -> Result<(), SignStateError> {
        self.state.lock().decided(height, timestamp)
    }

    /// Tells the operator if this key's `vote`, whose signature is good, was not cast here.
    pub fn recognise(&self, vote: &Vote) {
        let position = position_of(vote);
        if self.state.lock().is_foreign(position, &self.domain.vote(vote)) {
            tracing::error!(
                %position,
                "ALARM a vote with this validator's signature that this node did not cast: its key runs on another machine \
                 too, or is stolen. Find the other one and stop it before both sign where one may"
            );
        }
    }

    /// Signs a block's body. Not guarded: nothing follows from a body but what follows from its proposal.
    #[must_use]
    pub fn sign_part(&self, mut part: ProposalPart) -> ProposalPart {
        part.signature = self.key.sign(&self.domain.part(&part));
        part
    }

    fn guarded(&self, position: Position, bytes: &[u8]) -> Result<Signature, Error> {
        self.sync_log().map_err(Error::from_source)?;
        match self.state.lock().advance(position, bytes).map_err(Error::from_source)? {
            Verdict::Sign => Ok(self.key.sign(bytes)),
            Verdict::Waiting => Ok(silence()),
            Verdict::Conflict => {
                tracing::error!(
                    %position,
                    "ALARM double-sign guard: something else was signed here or later already, so nothing is signed. Is \
                     this key in use on another machine, or was an old data folder put back?"
                );
                Ok(silence())
            }
        }
    }
}

fn position_of(vote: &Vote) -> Position {
    let step = match vote.kind {
        VoteType::Prevote => Step::Prevote,
        VoteType::Precommit => Step::Precommit,
    };
    Position::new(vote.height.0, vote.round, step)
}

#[async_trait]
impl Signer<EskerContext> for ConsensusSigner {
    async fn sign_vote(&self, vote: Vote) -> Result<SignedMessage<EskerContext, Vote>, Error> {
        let signature = self.guarded(position_of(&vote), &self.domain.vote(&vote))?;
        Ok(SignedMessage::new(vote, signature))
    }

    async fn sign_proposal(&self, proposal: Proposal) -> Result<SignedMessage<EskerContext, Proposal>, Error> {
        let position = Position::new(proposal.height.0, proposal.round, Step::Proposal);
        let signature = self.guarded(position, &self.domain.proposal(&proposal))?;
        Ok(SignedMessage::new(proposal, signature))
    }

    async fn sign_vote_extension(
        &self,
        _: VoteExtensionScope<EskerContext>,
        _: Bytes,
    ) -> Result<SignedMessage<EskerContext, Bytes>, Error> {
        Err(Error::from_source("this chain has no vote extensions"))
    }

    async fn sign_validator_proof(
        &self,
        public_key: Vec<u8>,
        peer_id: Vec<u8>,
    ) -> Result<ValidatorProof<EskerContext>, Error> {
        let bytes = ValidatorProof::<EskerContext>::signing_bytes(&public_key, &peer_id);
        let signature = self.key.sign(&self.domain.proof(&bytes));
        Ok(ValidatorProof::new(public_key, peer_id, signature))
    }
}

/// Verifies signatures of one chain.
#[derive(Clone, Copy, Debug)]
pub struct ConsensusVerifier(pub Domain);

impl ConsensusVerifier {
    /// Whether `part` is signed with `public_key`.
    #[must_use]
    pub fn verify_part(&self, part: &ProposalPart, public_key: &PublicKey) -> bool {
        public_key.verify(&self.0.part(part), &part.signature).is_ok()
    }

    /// Whether `vote` is signed with `public_key`.
    #[must_use]
    pub fn verify_vote(&self, vote: &Vote, signature: &Signature, public_key: &PublicKey) -> bool {
        public_key.verify(&self.0.vote(vote), signature).is_ok()
    }

    /// Whether `proposal` is signed with `public_key`.
    #[must_use]
    pub fn verify_proposal(&self, proposal: &Proposal, signature: &Signature, public_key: &PublicKey) -> bool {
        public_key.verify(&self.0.proposal(proposal), signature).is_ok()
    }
}

#[async_trait]
impl Verifier<EskerContext> for ConsensusVerifier {
    async fn verify_signed_vote(
        &self,
        vote: &Vote,
        signature: &Signature,
        public_key: &PublicKey,
    ) -> Result<VerificationResult, Error> {
        Ok(VerificationResult::from_bool(self.verify_vote(vote, signature, public_key)))
    }

    async fn verify_signed_proposal(
        &self,
        proposal: &Proposal,
        signature: &Signature,
        public_key: &PublicKey,
    ) -> Result<VerificationResult, Error> {
        Ok(VerificationResult::from_bool(self.verify_proposal(proposal, signature, public_key)))
    }

    async fn verify_signed_vote_extension(
        &self,
        _: &VoteExtensionScope<EskerContext>,
        _: &Bytes,
        _: &Signature,
        _: &PublicKey,
    ) -> Result<VerificationResult, Error> {
        Ok(VerificationResult::Invalid)
    }

    async fn verify_validator_proof(&self, proof: &ValidatorProof<EskerContext>) -> Result<VerificationResult, Error> {
        let Ok(public_key) = proof.decoded_public_key() else { return Ok(VerificationResult::Invalid) };
        let valid = public_key.verify(&self.0.proof(&proof.preimage()), &proof.signature).is_ok();
        Ok(VerificationResult::from_bool(valid))
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{Address, B256};
    use futures::FutureExt as _;
    use malachite::app::types::core::{NilOrVal, Round};

    use super::*;
    use crate::consensus::context::Height;

    #[test]
    fn nothing_is_signed_while_the_reasons_for_it_cannot_be_made_durable() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("sign-state.json");
        std::fs::write(&path, crate::consensus::sign_state::fresh()).expect("a new file");
        let address = ValidatorAddress(Address::repeat_byte(1));
        let signer = |log: PathBuf| {
            let state = SignState::open(&path, 0, 0, false).expect("it opens");
            let domain = Domain { chain_id: 1, genesis: B256::ZERO };
            ConsensusSigner::new(domain, address, PrivateKey::from([7; 32]), state).after_log(log)
        };
        let vote = |round| {
            let (kind, height, value) = (VoteType::Prevote, Height(1), NilOrVal::Nil);
            Vote { kind, height, round: Round::new(round), value, voter: address }
        };
        let sign = |signer: &ConsensusSigner, round| signer.sign_vote(vote(round)).now_or_never().expect("at once");
        // No folder, and no log either: this is a file.
        let before = std::fs::read(&path).expect("the record is there");
        assert!(sign(&signer(path.join("consensus.wal")), 0).is_err());
        assert_eq!(std::fs::read(&path).expect("the record is there"), before, "and nothing is recorded");
        let log = folder.path().join("consensus.wal");
        assert!(sign(&signer(log.clone()), 0).is_ok(), "there is no log yet");
        std::fs::write(&log, b"an entry").expect("written");
        assert!(sign(&signer(log), 1).is_ok());
    }
}
