use alloy_primitives::{Address, B256, Bytes, keccak256};
use esker::consensus::context::{BlockHash, EskerContext, Height, Proposal, ProposalPart, ValidatorAddress, Vote};
use esker::consensus::sign_state::SignState;
use esker::consensus::signing::{ConsensusSigner, ConsensusVerifier};
use esker_tests::golden::hold;
use futures::executor::block_on;
use malachite::app::types::core::{NilOrVal, Round, ValidatorProof, VoteType};
use malachite_ed25519::{PrivateKey, PublicKey, Signature};
use malachite_signing::{Signer, Verifier};
use serde_json::{Value, json};

use crate::chain::{CHAIN_ID, domain, seed};
use crate::messages;
use crate::second::{self, Fields};

/// Signs as a node does, past its guard, with the key of validator 1.
fn signer() -> ConsensusSigner {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sign-state.json");
    std::fs::write(&path, esker::consensus::sign_state::fresh()).expect("a new file");
    let state = SignState::open(&path, 0, 0, false).expect("it opens");
    // The record is written beside where it lies; the folder must outlive the signer.
    std::mem::forget(folder);
    ConsensusSigner::new(domain().0, voter(), PrivateKey::from(seed(1)), state)
}

fn voter() -> ValidatorAddress {
    ValidatorAddress(Address::repeat_byte(0xa1))
}

fn vector(message: &str, about: &str, fields: &Fields, signature: &Signature) -> Value {
    let bytes = fields.concat();
    let own = second::sign(seed(1), &bytes);
    assert_eq!(signature.to_bytes(), own, "{message}, {about}: the node signs other bytes than the page says");
    assert!(second::is_signed(second::public_key(seed(1)), &bytes, own));
    json!({
        "message": message,
        "about": about,
        "fields": messages::listed(fields),
        "signBytes": Bytes::from(bytes),
        "signature": Bytes::from(own.to_vec()),
    })
}

/// Whether a node takes `change` of something signed for signed.
fn refuses(is_taken: impl Fn(&Signature) -> bool, signature: &Signature) {
    assert!(is_taken(signature));
    for bit in [0, 255, 256, 511] {
        let mut bytes = signature.to_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(!is_taken(&Signature::from_bytes(bytes)), "bit {bit}");
    }
    assert!(!is_taken(&Signature::from_bytes([0; 64])), "what stands for silence");
}

fn votes(verifier: &ConsensusVerifier, key: &PublicKey) -> Vec<Value> {
    let hash = keccak256("a block");
    let cases = [
        ("a prevote", false, 1, 0, Some(hash)),
        ("a precommit in a later round", true, 7, 3, Some(hash)),
        ("a prevote for nil", false, 7, 3, None),
        ("the last height and round there are", true, u64::MAX, u32::MAX, None),
    ];
    let vote = |(about, is_precommit, height, round, hash): (&str, bool, u64, u32, Option<B256>)| {
        let vote = Vote {
            kind: if is_precommit { VoteType::Precommit } else { VoteType::Prevote },
            height: Height(height),
            round: Round::new(round),
            value: hash.map_or(NilOrVal::Nil, |hash| NilOrVal::Val(BlockHash(hash))),
            voter: voter(),
        };
        let signed = block_on(signer().sign_vote(vote.clone())).expect("the guard allows it");
        refuses(|signature| verifier.verify_vote(&vote, signature, key), &signed.signature);
        let plain = second::Vote { is_precommit, height, round, hash, voter: voter().0 };
        vector("vote", about, &domain().1.vote(&plain), &signed.signature)
    };
    cases.map(vote).into()
}

fn proposals(verifier: &ConsensusVerifier, key: &PublicKey) -> Vec<Value> {
    let block = Bytes::from_static(b"not a block, but bytes are bytes here");
    let (hash, body) = (keccak256("a block"), keccak256(&block));
    let mut vectors = Vec::new();
    for (about, round, valid_round) in [("a new block", 0, None), ("a block proposed again", 4, Some(2))] {
        let (height, proposer) = (9, voter());
        let pol_round = valid_round.map_or(Round::Nil, Round::new);
        let proposal =
            Proposal { height: Height(height), round: Round::new(round), value: BlockHash(hash), pol_round, proposer };
        let signed = block_on(signer().sign_proposal(proposal.clone())).expect("the guard allows it");
        refuses(|signature| verifier.verify_proposal(&proposal, signature, key), &signed.signature);
        let place = (height, round, valid_round);
        let fields = domain().1.proposal("esker/proposal/1", place, hash, proposer.0);
        vectors.push(vector("proposal", about, &fields, &signed.signature));

        let signature = Signature::from_bytes([0; 64]);
        let (height, round, block) = (Height(height), Round::new(round), block.clone().into());
        let part = signer().sign_part(ProposalPart { height, round, pol_round, proposer, block, signature });
        let with = |signature: &Signature| ProposalPart { signature: *signature, ..part.clone() };
        refuses(|signature| verifier.verify_part(&with(signature), key), &part.signature);
        let fields = domain().1.proposal("esker/part/1", place, body, proposer.0);
        vectors.push(vector("body", about, &fields, &part.signature));
    }
    vectors
}

fn proof(verifier: &ConsensusVerifier) -> Value {
    let (public_key, peer_id) = (second::public_key(seed(1)).to_vec(), [&[0, 0x24], &[7; 36][..]].concat());
    let proof = block_on(signer().sign_validator_proof(public_key.clone(), peer_id.clone())).expect("never guarded");
    let with =
        |signature: &Signature| ValidatorProof::<EskerContext>::new(public_key.clone(), peer_id.clone(), *signature);
    let is_taken = |signature: &Signature| {
        block_on(verifier.verify_validator_proof(&with(signature))).expect("it answers").is_valid()
    };
    refuses(is_taken, &proof.signature);
    let fields = domain().1.proof(&public_key, &peer_id);
    vector("proof", "a validator's key and an identity among peers", &fields, &proof.signature)
}

#[test]
fn what_is_signed_is_what_the_page_says() {
    let (verifier, key) = (ConsensusVerifier(domain().0), PrivateKey::from(seed(1)).public_key());
    assert_eq!(*key.as_bytes(), second::public_key(seed(1)));
    let mut vectors = votes(&verifier, &key);
    vectors.extend(proposals(&verifier, &key));
    vectors.push(proof(&verifier));
    let made = json!({
        "chainId": CHAIN_ID,
        "genesisHash": domain().0.genesis,
        "seed": B256::from(seed(1)),
        "publicKey": B256::from(second::public_key(seed(1))),
        "vectors": vectors,
    });
    hold("consensus/signing.json", &made);
}
