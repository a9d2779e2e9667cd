//! Proof that whoever registers a consensus key has it: `docs/spec/staking.md`, *Validators*.

use alloy_primitives::{Address, B256};
use esker_runtime::staking::STAKING_ADDRESS;
use malachite_ed25519::PrivateKey;

/// What the signed bytes begin with.
const TAG: &[u8] = b"esker/possession/1";

/// What the key signs.
fn message(chain_id: u64, operator: Address, public_key: B256) -> Vec<u8> {
    [TAG, &chain_id.to_be_bytes(), STAKING_ADDRESS.as_slice(), operator.as_slice(), public_key.as_slice()].concat()
}

/// Signs with `key` that `operator` has it, on the chain with that id.
#[must_use]
pub fn prove(key: &PrivateKey, chain_id: u64, operator: Address) -> [u8; 64] {
    let public_key = B256::from(*key.public_key().as_bytes());
    key.sign(&message(chain_id, operator, public_key)).to_bytes()
}

#[cfg(test)]
mod tests {
    use malachite_ed25519::{PublicKey, Signature};

    use super::*;

    fn is_proven(proof: &[u8], chain_id: u64, operator: Address, public_key: B256) -> bool {
        let (Ok(signature), Ok(key)) = (Signature::try_from(proof), PublicKey::from_bytes(public_key.0)) else {
            return false;
        };
        key.verify(&message(chain_id, operator, public_key), &signature).is_ok()
    }

    #[test]
    fn a_proof_is_of_one_key_operator_and_chain() {
        let key = PrivateKey::from([3; 32]);
        let (operator, public_key) = (Address::repeat_byte(7), B256::from(*key.public_key().as_bytes()));
        let proof = prove(&key, 9, operator);
        assert!(is_proven(&proof, 9, operator, public_key));
        assert!(!is_proven(&proof, 8, operator, public_key), "another chain");
        assert!(!is_proven(&proof, 9, Address::repeat_byte(8), public_key), "another operator");
        let other = B256::from(*PrivateKey::from([4; 32]).public_key().as_bytes());
        assert!(!is_proven(&proof, 9, operator, other), "another key");
        assert!(!is_proven(&proof[1..], 9, operator, public_key) && !is_proven(&[], 9, operator, public_key));
        // 18 + 8 + 20 + 20 + 32, as the specification has it.
        assert_eq!(message(9, operator, public_key).len(), 98);
    }
}
