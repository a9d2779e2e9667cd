//! Signatures: secp256k1 recovery, Ed25519 by ZIP-215, P-256.

use ed25519_zebra::{Signature, VerificationKey};

/// Recovers the signer of `hash` from `signature` (r ‖ s, big-endian) as a 20-byte address.
///
/// `None` unless `recovery_id` is 0 or 1 and the signature is one. High s is accepted, as Ethereum's precompiled contract
/// 0x01 does; who needs low s checks it.
#[must_use]
pub fn secp256k1_recover(hash: &[u8; 32], signature: &[u8; 64], recovery_id: u32) -> Option<[u8; 20]> {
    let recovery_id = u8::try_from(recovery_id).ok().filter(|id| *id <= 1)?;
    let word = revm_precompile::crypto().secp256k1_ecrecover(signature, recovery_id, hash).ok()?;
    word.last_chunk::<20>().copied()
}

/// Verifies an Ed25519 signature with ZIP-215's acceptance rules, on which all implementations that follow it agree:
/// non-canonical point encodings and the cofactored equation are accepted, s must be below the group's order.
#[must_use]
pub fn ed25519_verify(public_key: &[u8; 32], signature: &[u8; 64], message: &[u8]) -> bool {
    VerificationKey::try_from(*public_key).is_ok_and(|key| key.verify(&Signature::from(*signature), message).is_ok())
}

/// Verifies a P-256 signature (r ‖ s, big-endian) over a 32-byte `hash` by `public_key` (x ‖ y). RIP-7212.
#[must_use]
pub fn p256_verify(hash: &[u8; 32], signature: &[u8; 64], public_key: &[u8; 64]) -> bool {
    revm_precompile::crypto().secp256r1_verify_signature(hash, signature, public_key)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn hex(text: &str) -> Vec<u8> {
        assert!(text.len().is_multiple_of(2), "an even number of digits");
        (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).expect("hex digits")).collect()
    }

    pub(crate) fn bytes<const N: usize>(text: &str) -> [u8; N] {
        hex(text).try_into().expect("the vector has the asked length")
    }

    #[test]
    fn ecrecover_agrees_with_the_vector_of_ethereums_precompile() {
        // go-ethereum's ecRecover "ValidKey" case.
        let hash = bytes("18c547e4f7b0f325ad1e56f57e26c745b09a3e503d86e00e5255ff7f715d3d1c");
        let signature = bytes(
            "73b1693892219d736caba55bdb67216e485557ea6b6af75f37096c9aa6a5a75f\
             eeb940b1d03b21e36b0e47e79769f095fe2ab855bd91e3a38756b7d75a9c4549",
        );
        assert_eq!(secp256k1_recover(&hash, &signature, 1), Some(bytes("a94f5374fce5edbc8e2a8697c15331677e6ebf0b")));
        assert_ne!(secp256k1_recover(&hash, &signature, 0), Some(bytes("a94f5374fce5edbc8e2a8697c15331677e6ebf0b")));
        assert_eq!(secp256k1_recover(&hash, &signature, 2), None);
        assert_eq!(secp256k1_recover(&hash, &signature, u32::MAX), None);
        assert_eq!(secp256k1_recover(&hash, &[0; 64], 0), None);
        assert_eq!(secp256k1_recover(&hash, &[0xff; 64], 1), None);
    }

    #[test]
    fn ecrecover_agrees_with_the_pure_rust_implementation() {
        let signature: [u8; 64] = bytes(
            "73b1693892219d736caba55bdb67216e485557ea6b6af75f37096c9aa6a5a75f\
             2eb940b1d03b21e36b0e47e79769f095fe2ab855bd91e3a38756b7d75a9c4549",
        );
        for round in 0..32u8 {
            let hash = crate::crypto::sha256(&[round]);
            for id in 0..2 {
                let other = revm_precompile::secp256k1::k256::ecrecover((&signature).into(), id, (&hash).into())
                    .ok()
                    .map(|word| word.0[12..].to_vec());
                assert_eq!(
                    secp256k1_recover(&hash, &signature, u32::from(id)).map(|address| address.to_vec()),
                    other,
                    "hash of [{round}], id {id}"
                );
            }
        }
    }

    #[test]
    fn ed25519_accepts_rfc_8032_vectors_and_refuses_changed_ones() {
        // RFC 8032, section 7.1, tests 1 to 3.
        let cases = [
            (
                "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
                "",
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155\
                 5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
            ),
            (
                "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
                "72",
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
                 085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
            ),
            (
                "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
                "af82",
                "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac\
                 18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
            ),
        ];
        for (key, message, signature) in cases {
            let (key, message, mut signature) = (bytes(key), hex(message), bytes(signature));
            assert!(ed25519_verify(&key, &signature, &message));
            assert!(!ed25519_verify(&key, &signature, b"another message"));
            signature[3] ^= 1;
            assert!(!ed25519_verify(&key, &signature, &message));
        }
    }

    #[test]
    fn ed25519_follows_zip_215_on_small_order_points() {
        // ZIP-215: with the identity as key and R, and s = 0, the cofactored equation holds for every message; the
        // non-canonical encoding of the identity (y = p + 1) is accepted as well.
        let mut identity = [0u8; 32];
        identity[0] = 1;
        let mut signature = [0u8; 64];
        signature[0] = 1;
        assert!(ed25519_verify(&identity, &signature, b"any message"));
        let mut noncanonical = [0xffu8; 32];
        (noncanonical[0], noncanonical[31]) = (0xee, 0x7f);
        assert!(ed25519_verify(&noncanonical, &signature, b"any message"));
        // s = the group's order is refused.
        let order: [u8; 32] = bytes("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
        signature[32..].copy_from_slice(&order);
        assert!(!ed25519_verify(&identity, &signature, b"any message"));
    }

    #[test]
    fn p256_agrees_with_the_vector_of_rip_7212() {
        // The first case of RIP-7212's own test vectors.
        let hash = bytes("4cee90eb86eaa050036147a12d49004b6b9c72bd725d39d4785011fe190f0b4d");
        let mut signature = bytes(
            "a73bd4903f0ce3b639bbbf6e8e80d16931ff4bcf5993d58468e8fb19086e8cac\
             36dbcd03009df8c59286b162af3bd7fcc0450c9aa81be5d10d312af6c66b1d60",
        );
        let key = bytes(
            "4aebd3099c618202fcfe16ae7770b0c49ab5eadf74b754204a3bb6060e44eff3\
             7618b065f9832de4ca6ca971a7a1adc826d0f7c00181a5fb2ddf79ae00b4e10e",
        );
        assert!(p256_verify(&hash, &signature, &key));
        signature[40] ^= 1;
        assert!(!p256_verify(&hash, &signature, &key));
        assert!(!p256_verify(&hash, &[0; 64], &key));
        assert!(!p256_verify(&hash, &signature, &[0; 64]));
    }
}
