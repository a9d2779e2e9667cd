//! Signs and verifies with the node's own code.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use alloy_primitives::{B256, keccak256};
use async_trait::async_trait;
use bytes::Bytes;
use esker::consensus::context::{EskerContext, Proposal, ProposalPart, Vote};
use esker::consensus::domain::Domain;
use esker::consensus::sign_state::SignState;
use esker::consensus::signing::{ConsensusSigner, ConsensusVerifier};
use futures::FutureExt as _;
use malachite::app::types::core::{SignedMessage, SignedProposal, SignedVote, ValidatorProof, VoteExtensionScope};
use malachite_ed25519::{PrivateKey, PublicKey, Signature};
use malachite_signing::{Error, Signer as _, VerificationResult, Verifier};

use super::roster::{Identity, Roster};

/// A node's key.
pub enum SimSigner {
    /// Behind the guard.
    Guarded(Arc<ConsensusSigner>),
    /// Signs whatever it is asked to, as Byzantine nodes do.
    Bare(Domain, Box<PrivateKey>),
}

impl SimSigner {
    /// Behind the guard whose file is at `path`, for a node whose last block is `head` and whose clock shows `now`.
    pub fn guarded(roster: &Roster, identity: &Identity, path: &Path, head: u64, now: u64) -> Arc<ConsensusSigner> {
        let state = SignState::open(path, head, now, false).expect("the guard's file is whole after every crash");
        let key = PrivateKey::from(*identity.key.inner().as_bytes());
        Arc::new(ConsensusSigner::new(roster.domain, identity.address, key, state))
    }

    /// Without a guard.
    pub fn bare(roster: &Roster, identity: &Identity) -> Self {
        Self::Bare(roster.domain, Box::new(PrivateKey::from(*identity.key.inner().as_bytes())))
    }

    /// Signs a vote, or leaves it without a signature.
    pub fn vote(&self, vote: Vote) -> SignedVote<EskerContext> {
        match self {
            Self::Guarded(signer) => signer
                .sign_vote(vote)
                .now_or_never()
                .expect("signing waits for nothing")
                .expect("the guard's file can be written"),
            Self::Bare(domain, key) => {
                let signature = key.sign(&domain.vote(&vote));
                SignedMessage::new(vote, signature)
            }
        }
    }

    /// Signs a proposal, or leaves it without a signature.
    pub fn proposal(&self, proposal: Proposal) -> SignedProposal<EskerContext> {
        match self {
            Self::Guarded(signer) => signer
                .sign_proposal(proposal)
                .now_or_never()
                .expect("signing waits for nothing")
                .expect("the guard's file can be written"),
            Self::Bare(domain, key) => {
                let signature = key.sign(&domain.proposal(&proposal));
                SignedMessage::new(proposal, signature)
            }
        }
    }

    /// A block is decided, and not part of the chain yet.
    pub fn decided(&self, height: u64, timestamp: u64) {
        if let Self::Guarded(signer) = self {
            signer.decided(height, timestamp).expect("the guard's file can be written");
        }
    }

    /// Signs a body.
    pub fn part(&self, mut part: ProposalPart) -> ProposalPart {
        match self {
            Self::Guarded(signer) => signer.sign_part(part),
            Self::Bare(domain, key) => {
                part.signature = key.sign(&domain.part(&part));
                part
            }
        }
    }
}

/// Verifies each signature once, however many nodes receive it: the verdict depends on nothing else.
pub struct OnceVerifier {
    verifier: ConsensusVerifier,
    known: Mutex<HashMap<B256, bool>>,
}

impl OnceVerifier {
    /// Verifies signatures of this chain.
    pub fn new(domain: Domain) -> Self {
        Self { verifier: ConsensusVerifier(domain), known: Mutex::new(HashMap::new()) }
    }

    fn once(&self, signed: &[u8], signature: &Signature, key: &PublicKey, verify: impl FnOnce() -> bool) -> bool {
        let name = keccak256([key.as_bytes(), &signature.to_bytes()[..], signed].concat());
        let mut known = self.known.lock().expect("nothing panics while it holds the lock");
        *known.entry(name).or_insert_with(verify)
    }

    /// Whether `vote` is signed with `key`.
    pub fn vote(&self, vote: &Vote, signature: &Signature, key: &PublicKey) -> bool {
        let verify = || self.verifier.verify_vote(vote, signature, key);
        self.once(&self.verifier.0.vote(vote), signature, key, verify)
    }

    /// Whether `proposal` is signed with `key`.
    pub fn proposal(&self, proposal: &Proposal, signature: &Signature, key: &PublicKey) -> bool {
        let verify = || self.verifier.verify_proposal(proposal, signature, key);
        self.once(&self.verifier.0.proposal(proposal), signature, key, verify)
    }

    /// Whether `part` is signed with `key`.
    pub fn part(&self, part: &ProposalPart, key: &PublicKey) -> bool {
        let verify = || self.verifier.verify_part(part, key);
        self.once(&self.verifier.0.part(part), &part.signature, key, verify)
    }
}

#[async_trait]
impl Verifier<EskerContext> for OnceVerifier {
    async fn verify_signed_vote(
        &self,
        vote: &Vote,
        signature: &Signature,
        public_key: &PublicKey,
    ) -> Result<VerificationResult, Error> {
        Ok(VerificationResult::from_bool(self.vote(vote, signature, public_key)))
    }

    async fn verify_signed_proposal(
        &self,
        proposal: &Proposal,
        signature: &Signature,
        public_key: &PublicKey,
    ) -> Result<VerificationResult, Error> {
        Ok(VerificationResult::from_bool(self.proposal(proposal, signature, public_key)))
    }

    async fn verify_signed_vote_extension(
        &self,
        scope: &VoteExtensionScope<EskerContext>,
        extension: &Bytes,
        signature: &Signature,
        public_key: &PublicKey,
    ) -> Result<VerificationResult, Error> {
        self.verifier.verify_signed_vote_extension(scope, extension, signature, public_key).await
    }

    async fn verify_validator_proof(&self, proof: &ValidatorProof<EskerContext>) -> Result<VerificationResult, Error> {
        self.verifier.verify_validator_proof(proof).await
    }
}
