//! A chain to follow, and what must hold of whatever a client is offered in its place.

use alloy_primitives::Bytes;
use esker_light::{AccountProof, Chain, Clock, LightBlock, TrustedState};
use serde_json::Value;

/// The chain of the vector.
pub struct Vector {
    chain: Chain,
    anchor: LightBlock,
    pub ends: Vec<LightBlock>,
    last: LightBlock,
    pub proof: AccountProof,
    pub clock: Clock,
}

/// Reads it.
pub fn vector() -> Vector {
    let text = include_str!("../../../../tests/vectors/light/chain.json");
    let json: Value = serde_json::from_str(text).expect("the vector is JSON");
    let read = |member: &str| json[member].clone();
    let number = |member: &str| json[member].as_u64().expect("a number");
    Vector {
        chain: serde_json::from_value(read("chain")).expect("a chain"),
        anchor: serde_json::from_value(read("anchor")).expect("a block"),
        ends: serde_json::from_value(read("epochEnds")).expect("blocks"),
        last: serde_json::from_value(read("last")).expect("a block"),
        proof: serde_json::from_value(read("accountProof")).expect("a proof"),
        clock: Clock { now: number("now"), trust_period: Some(number("trustPeriod")) },
    }
}

impl Vector {
    /// A client that has followed so many epochs.
    pub fn following(&self, epochs: usize) -> TrustedState {
        let set = self.anchor.set_proof.clone().expect("the anchor has its set");
        let begun = TrustedState::begin(self.chain, self.chain.genesis_hash, &self.anchor.header, &set);
        let mut trusted = begun.expect("the vector is good");
        for block in &self.ends[..epochs] {
            trusted.advance(block, self.clock).expect("the vector is good");
        }
        trusted
    }

    /// The block that comes after so many epochs.
    pub fn next(&self, epochs: usize) -> &LightBlock {
        self.ends.get(epochs).unwrap_or(&self.last)
    }

    /// Offers a block of the chain in which one part is changed as `bytes` say. It is accepted if nothing has changed, and only
    /// then.
    pub fn offer(&self, bytes: &[u8]) {
        let [epochs, part, kind, high, low, rest @ ..] = bytes else { return };
        let epochs = usize::from(*epochs) % (self.ends.len() + 1);
        let mut block = self.next(epochs).clone();
        let mut parts = parts(&mut block);
        let index = usize::from(*part) % parts.len();
        let mut changed = parts[index].to_vec();
        let at = usize::from(u16::from_be_bytes([*high, *low]));
        match kind % 4 {
            0 if !changed.is_empty() => {
                let at = at % (8 * changed.len());
                changed[at / 8] ^= 1 << (at % 8);
            }
            1 => changed.truncate(at % (changed.len() + 1)),
            2 => changed = rest.to_vec(),
            _ => {
                let at = at % (changed.len() + 1);
                changed.splice(at..at, rest.iter().copied());
            }
        }
        let is_same = *parts[index] == changed;
        *parts[index] = changed.into();
        let mut trusted = self.following(epochs);
        let before = trusted.header().hash;
        let outcome = trusted.advance(&block, self.clock);
        assert_eq!(outcome.is_ok(), is_same, "{outcome:?}");
        assert_eq!(trusted.header().hash == before, !is_same);
    }
}

/// All byte strings of a block, to be changed.
pub fn parts(block: &mut LightBlock) -> Vec<&mut Bytes> {
    let nodes = block.set_proof.iter_mut().flat_map(|proof| proof.account.iter_mut().chain(&mut proof.storage));
    [&mut block.header, &mut block.certificate].into_iter().chain(nodes).collect()
}
