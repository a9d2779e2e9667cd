//! A second implementation of `docs/spec/consensus.md`, written from the page. It shares nothing with the node's but
//! keccak256 and, where the page names Ed25519, uses another crate for it.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, U256, keccak256};
use ed25519_zebra::{Signature, SigningKey, VerificationKey};

/// *Who proposes*: the validators by their turns.
pub fn turns(powers: &[u64], height: u64) -> Vec<usize> {
    let mut left: Vec<usize> = (0..powers.len()).collect();
    let mut turns = Vec::new();
    for draw in 0..powers.len() as u64 {
        let mut preimage = b"esker/proposer/1".to_vec();
        preimage.extend(height.to_be_bytes());
        preimage.extend(draw.to_be_bytes());
        let hash = keccak256(preimage);
        let total: U256 = left.iter().map(|index| U256::from(powers[*index])).sum();
        let x = U256::from_be_slice(&hash[..16]) % total;
        let up_to = |place: usize| -> U256 { left[..=place].iter().map(|index| U256::from(powers[*index])).sum() };
        let place = (0..left.len()).find(|place| x < up_to(*place)).expect("x is below the total");
        turns.push(left.remove(place));
    }
    turns
}

/// Bytes in the making, with the name of each field.
#[derive(Clone, Default)]
pub struct Fields(pub Vec<(String, Vec<u8>)>);

impl Fields {
    pub fn raw(mut self, name: &str, bytes: &[u8]) -> Self {
        self.0.push((name.to_owned(), bytes.to_vec()));
        self
    }

    pub fn tag(self, name: &str, tag: u8) -> Self {
        self.raw(name, &[tag])
    }

    pub fn number(self, name: &str, number: u64) -> Self {
        self.raw(name, &number.to_be_bytes())
    }

    /// −1 where there is none.
    pub fn round(self, name: &str, round: Option<u32>) -> Self {
        let number = round.map_or([0xff; 8], |round| u64::from(round).to_be_bytes());
        self.raw(name, &number)
    }

    pub fn hash_or_nil(self, name: &str, hash: Option<B256>) -> Self {
        match hash {
            None => self.tag(name, 0),
            Some(hash) => self.raw(name, &[&[1], hash.as_slice()].concat()),
        }
    }

    pub fn length(self, name: &str, length: usize) -> Self {
        self.raw(name, &u32::try_from(length).expect("short").to_be_bytes())
    }

    pub fn bytes(self, name: &str, bytes: &[u8]) -> Self {
        self.length(&format!("length of {name}"), bytes.len()).raw(name, bytes)
    }

    pub fn then(mut self, more: Self) -> Self {
        self.0.extend(more.0);
        self
    }

    pub fn concat(&self) -> Vec<u8> {
        self.0.iter().flat_map(|(_, bytes)| bytes.clone()).collect()
    }
}

/// A vote, as the page describes it.
#[derive(Clone, Copy)]
pub struct Vote {
    pub is_precommit: bool,
    pub height: u64,
    pub round: u32,
    pub hash: Option<B256>,
    pub voter: Address,
}

/// *Signatures*.
#[derive(Clone, Copy)]
pub struct Domain {
    pub chain_id: u64,
    pub genesis: B256,
}

impl Domain {
    fn begin(&self, tag: &str) -> Fields {
        let begun = Fields::default().raw("tag", tag.as_bytes());
        begun.number("chain id", self.chain_id).raw("hash of block 0", self.genesis.as_slice())
    }

    pub fn vote(&self, vote: &Vote) -> Fields {
        self.begin("esker/vote/1")
            .tag("kind", u8::from(vote.is_precommit))
            .number("height", vote.height)
            .round("round", Some(vote.round))
            .hash_or_nil("hash or nil", vote.hash)
            .raw("voter", vote.voter.as_slice())
    }

    /// `hash` is the block's, or that of a body's bytes.
    pub fn proposal(
        &self,
        tag: &str,
        (height, round, valid_round): (u64, u32, Option<u32>),
        hash: B256,
        proposer: Address,
    ) -> Fields {
        self.begin(tag)
            .number("height", height)
            .round("round", Some(round))
            .round("valid round", valid_round)
            .raw("hash", hash.as_slice())
            .raw("proposer", proposer.as_slice())
    }

    pub fn proof(&self, public_key: &[u8], peer_id: &[u8]) -> Fields {
        self.begin("esker/proof/1").raw("separator", b"PoV").bytes("public key", public_key).bytes("peer id", peer_id)
    }
}

/// Signs; Ed25519 signatures are determined by key and message.
pub fn sign(seed: [u8; 32], bytes: &[u8]) -> [u8; 64] {
    SigningKey::from(seed).sign(bytes).to_bytes()
}

pub fn public_key(seed: [u8; 32]) -> [u8; 32] {
    VerificationKey::from(&SigningKey::from(seed)).into()
}

pub fn is_signed(public_key: [u8; 32], bytes: &[u8], signature: [u8; 64]) -> bool {
    VerificationKey::try_from(public_key).is_ok_and(|key| key.verify(&Signature::from(signature), bytes).is_ok())
}

/// One of a set, as the page describes it.
#[derive(Clone, Copy)]
pub struct Validator {
    pub address: Address,
    pub public_key: [u8; 32],
    pub power: u64,
}

/// *The validator set*: the slots of the account.
pub fn slots(set: &[Validator]) -> BTreeMap<B256, B256> {
    let word = |number: usize| B256::from(U256::from(number));
    let mut slots = BTreeMap::from([(word(0), word(set.len()))]);
    for (index, validator) in set.iter().enumerate() {
        let mut padded = [0; 32];
        padded[12..].copy_from_slice(validator.address.as_slice());
        slots.insert(word(1 + 3 * index), padded.into());
        slots.insert(word(2 + 3 * index), validator.public_key.into());
        slots.insert(word(3 + 3 * index), U256::from(validator.power).into());
    }
    slots
}

/// A commit certificate, read from its bytes.
pub struct Certificate {
    pub height: u64,
    pub round: u32,
    pub hash: B256,
    pub signatures: Vec<(Address, [u8; 64])>,
}

impl Certificate {
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let number = |at: usize| Some(u64::from_be_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
        let count = u32::from_be_bytes(bytes.get(48..52)?.try_into().ok()?) as usize;
        if count > 200 || bytes.len() != 52 + 84 * count {
            return None;
        }
        let one = |item: &[u8]| (Address::from_slice(&item[..20]), item[20..].try_into().expect("64 bytes"));
        Some(Self {
            height: number(0)?,
            round: u32::try_from(number(8)?).ok()?,
            hash: B256::from_slice(bytes.get(16..48)?),
            signatures: bytes[52..].chunks_exact(84).map(one).collect(),
        })
    }

    /// *Certificates*: what is wrong with it.
    pub fn fault(&self, domain: Domain, set: &[Validator]) -> Option<&'static str> {
        let (mut seen, mut power) = (BTreeSet::new(), 0u128);
        for (address, signature) in &self.signatures {
            let Some(validator) = set.iter().find(|validator| validator.address == *address) else {
                return Some("unknown");
            };
            if !seen.insert(*address) {
                return Some("twice");
            }
            let (height, round) = (self.height, self.round);
            let vote = Vote { is_precommit: true, height, round, hash: Some(self.hash), voter: *address };
            if !is_signed(validator.public_key, &domain.vote(&vote).concat(), *signature) {
                return Some("signature");
            }
            power += u128::from(validator.power);
        }
        let total: u128 = set.iter().map(|validator| u128::from(validator.power)).sum();
        (3 * power <= 2 * total).then_some("power")
    }
}
