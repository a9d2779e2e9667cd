//! Of the chain in `tests/vectors/light/chain.json` nothing can be changed: not a bit of a part, not a node of a proof, not the
//! order of blocks. That is no claim that a light block has one form: whole signatures and whole proofs that are not needed can
//! come or go, and only headers and values are the same for all who accept them.

mod oracles;

use alloy_primitives::Bytes;
use esker_light::LightBlock;
use proptest::prelude::*;

use oracles::{parts, vector};

/// How bytes are changed.
#[derive(Clone, Debug)]
enum Change {
    Flip(prop::sample::Index, u8),
    Cut(prop::sample::Index),
    Insert(prop::sample::Index, Vec<u8>),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => (any::<prop::sample::Index>(), 0..8u8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        1 => any::<prop::sample::Index>().prop_map(Change::Cut),
        1 => (any::<prop::sample::Index>(), prop::collection::vec(any::<u8>(), 1..40))
            .prop_map(|(at, bytes)| Change::Insert(at, bytes)),
    ]
}

impl Change {
    fn apply(&self, bytes: &Bytes) -> Bytes {
        let mut bytes = bytes.to_vec();
        match self {
            Self::Flip(at, bit) if !bytes.is_empty() => {
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
            }
            Self::Cut(at) if !bytes.is_empty() => bytes.truncate(at.index(bytes.len())),
            Self::Flip(..) | Self::Cut(_) => bytes.push(0),
            Self::Insert(at, more) => {
                let at = at.index(bytes.len() + 1);
                bytes.splice(at..at, more.iter().copied());
            }
        }
        bytes.into()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn no_changed_block_is_accepted(epochs in 0..=5usize, part in any::<prop::sample::Index>(), change in change()) {
        let vector = vector();
        let mut trusted = vector.following(epochs);
        let mut block = vector.next(epochs).clone();
        let mut parts = parts(&mut block);
        let index = part.index(parts.len());
        let changed = change.apply(parts[index]);
        prop_assume!(changed != *parts[index]);
        *parts[index] = changed;
        let before = serde_json::to_string(&trusted).expect("JSON");
        prop_assert!(trusted.advance(&block, vector.clock).is_err());
        prop_assert_eq!(serde_json::to_string(&trusted).expect("JSON"), before);
    }

    #[test]
    fn whatever_is_offered_only_the_chain_is_accepted(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        vector().offer(&bytes);
    }

    #[test]
    fn no_node_is_missing_or_one_too_many(epochs in 0..5usize, at in any::<prop::sample::Index>(), is_added in any::<bool>()) {
        let vector = vector();
        let mut trusted = vector.following(epochs);
        let mut block = vector.next(epochs).clone();
        let proof = block.set_proof.as_mut().expect("it ends an epoch");
        let count = proof.account.len() + proof.storage.len();
        let index = at.index(count);
        let is_account = index < proof.account.len();
        let (list, index) = if is_account { (&mut proof.account, index) } else { (&mut proof.storage, index - proof.account.len()) };
        if is_added {
            list.insert(index, list[index].clone());
        } else {
            list.remove(index);
        }
        prop_assert!(trusted.advance(&block, vector.clock).is_err());
    }

    #[test]
    fn no_changed_account_is_proven(part in any::<prop::sample::Index>(), change in change(), field in 0..7u8) {
        let vector = vector();
        let root = vector.following(5).header().state_root;
        prop_assert_eq!(vector.proof.verify(root), Ok(()));
        let mut proof = vector.proof.clone();
        match field {
            0 => proof.address.0[part.index(20)] ^= 1,
            1 => proof.balance ^= alloy_primitives::U256::from(1) << part.index(256),
            2 => proof.nonce ^= alloy_primitives::U64::from(1) << part.index(64),
            3 => proof.code_hash.0[part.index(32)] ^= 1,
            4 => proof.storage_hash.0[part.index(32)] ^= 1,
            5 => {
                let slot = part.index(proof.storage_proof.len());
                proof.storage_proof[slot].value ^= alloy_primitives::U256::from(1) << part.index(256);
            }
            _ => {
                let mut nodes: Vec<&mut Bytes> = proof.account_proof.iter_mut()
                    .chain(proof.storage_proof.iter_mut().flat_map(|slot| &mut slot.proof)).collect();
                let index = part.index(nodes.len());
                let changed = change.apply(nodes[index]);
                prop_assume!(changed != *nodes[index]);
                *nodes[index] = changed;
            }
        }
        prop_assert!(proof.verify(root).is_err());
    }

    #[test]
    fn any_bytes_are_refused_without_a_panic(
        header in prop::collection::vec(any::<u8>(), 0..700),
        certificate in prop::collection::vec(any::<u8>(), 0..700),
        nodes in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..6),
        epochs in 0..=5usize,
    ) {
        let vector = vector();
        let mut trusted = vector.following(epochs);
        let nodes: Vec<Bytes> = nodes.into_iter().map(Bytes::from).collect();
        let good = vector.next(epochs);
        let set_proof = Some(esker_light::SetProof { account: nodes.clone(), storage: nodes });
        for block in [
            LightBlock { header: header.into(), ..good.clone() },
            LightBlock { certificate: certificate.into(), ..good.clone() },
            LightBlock { set_proof, ..good.clone() },
        ] {
            prop_assert!(trusted.advance(&block, vector.clock).is_err());
        }
    }
}

#[test]
fn blocks_are_accepted_in_their_order_only() {
    let vector = vector();
    for epochs in 0..=vector.ends.len() {
        for (index, block) in vector.ends.iter().enumerate() {
            let is_good = vector.following(epochs).advance(block, vector.clock).is_ok();
            // The one that is trusted already is no news, and no fault.
            assert_eq!(is_good, index == epochs || index + 1 == epochs, "after {epochs}: {index}");
        }
    }
}
