//! Who signed a message: OpenZeppelin's `ECDSA`, over typed data.

use esker_sdk::prelude::*;

/// What can be wrong with a signature.
#[error]
#[rustfmt::skip]
pub enum SignatureError {
    /// Nobody signs like that.
    ECDSAInvalidSignature,
    /// `s` is in the upper half of the order, where every signature has a twin.
    ECDSAInvalidSignatureS { s: B256 },
}
use SignatureError::*;

/// Half the order of secp256k1, rounded down.
const HALF_ORDER: U256 = u256!(0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0);

/// Who signed `message` for `domain`.
///
/// # Errors
/// [`SignatureError`], of signatures that are not in the one form that each has.
pub fn recover(
    domain: Eip712Domain,
    message: &impl Eip712,
    v: u8,
    r: B256,
    s: B256,
) -> Result<Address, SignatureError> {
    ensure!(U256::from_be_bytes(s.0) <= HALF_ORDER, ECDSAInvalidSignatureS { s });
    domain.recover(message, v, r, s).ok_or(ECDSAInvalidSignature)
}
