//! Who may propose what has a description.

use esker_sdk::prelude::*;

/// Whether the description names nobody else. What is not quite a name names nobody.
pub(crate) fn may_propose(proposer: Address, description: &str) -> bool {
    match description.as_bytes().split_last_chunk::<40>() {
        Some((before, digits)) if before.ends_with(b"#proposer=0x") => {
            parse(digits).is_none_or(|named| named == proposer)
        }
        _ => true,
    }
}

/// The address that 40 hexadecimal digits name.
fn parse(digits: &[u8; 40]) -> Option<Address> {
    let mut address = Address::ZERO;
    for (byte, [high, low]) in address.0.iter_mut().zip(digits.as_chunks().0) {
        *byte = (char::from(*high).to_digit(16)? << 4 | char::from(*low).to_digit(16)?) as u8;
    }
    Some(address)
}
