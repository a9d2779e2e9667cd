//! Slots that a field may be pinned to, computed by the compiler.

use super::Slot;
use crate::abi::keccak256;

/// One less, which nobody knows a preimage of.
const fn minus_one(mut number: [u8; 32]) -> [u8; 32] {
    let mut index = 32;
    while index > 0 {
        index -= 1;
        let (byte, borrows) = number[index].overflowing_sub(1);
        number[index] = byte;
        if !borrows {
            break;
        }
    }
    number
}

/// ERC-7201's slot of a namespace: `keccak256(abi.encode(uint256(keccak256(id)) - 1)) & ~0xff`.
#[must_use]
pub const fn erc7201_slot(id: &str) -> Slot {
    let mut slot = keccak256(&minus_one(keccak256(id.as_bytes())));
    slot[31] = 0;
    Slot(slot)
}

/// EIP-1967's slot of a proxy's label, as in `eip1967.proxy.implementation`: `keccak256(label) - 1`.
#[must_use]
pub const fn eip1967_slot(label: &str) -> Slot {
    Slot(minus_one(keccak256(label.as_bytes())))
}

/// The slot with this number.
#[must_use]
pub const fn slot_from(number: [u8; 32]) -> Slot {
    Slot(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(slot: Slot) -> std::string::String {
        slot.0.iter().map(|byte| std::format!("{byte:02x}")).collect()
    }

    #[test]
    fn the_documented_slots_come_out() {
        // ERC-7201's own example.
        assert_eq!(
            hex(erc7201_slot("example.main")),
            "183a6125c38840424c4a85fa12bab2ab606c4b6d0e7cc73c0c06ba5300eab500"
        );
        // EIP-1967 lists its slots.
        for (label, slot) in [
            ("eip1967.proxy.implementation", "360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc"),
            ("eip1967.proxy.beacon", "a3f0ad74e5423aebfd80d3ef4346578335a9a72aeaee59ff6cb3582b35133d50"),
            ("eip1967.proxy.admin", "b53127684a568b3173ae13b9f8a6016e243e63b6e8ee1178d6a717850b5d6103"),
        ] {
            assert_eq!(hex(eip1967_slot(label)), slot, "{label}");
        }
    }

    #[test]
    fn one_less_borrows_over_all_bytes() {
        let mut number = [0; 32];
        assert_eq!(minus_one(number), [0xff; 32]);
        number[30] = 1;
        let mut less = [0; 32];
        less[31] = 0xff;
        assert_eq!(minus_one(number), less);
    }
}
