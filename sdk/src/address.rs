//! Account addresses.

use core::fmt;

/// A 20-byte account address.
#[derive(Clone, Copy, Default, Eq, PartialOrd, Ord, Hash)]
#[allow(clippy::derived_hash_with_manual_eq, reason = "it is the derived equality in less code")]
pub struct Address(pub [u8; 20]);

impl PartialEq for Address {
    fn eq(&self, other: &Self) -> bool {
        crate::utf8::equal(&self.0, &other.0)
    }
}

impl Address {
    /// The zero address, which stands for nobody.
    pub const ZERO: Self = Self([0; 20]);

    /// The address whose 20 bytes are all `byte`: handy in tests.
    #[must_use]
    pub const fn repeat_byte(byte: u8) -> Self {
        Self([byte; 20])
    }

    /// Whether this is the zero address.
    #[must_use]
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    pub fn is_zero(&self) -> bool {
        crate::utf8::is_zero(&self.0)
    }

    /// The address's 20 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }
}

impl From<[u8; 20]> for Address {
    fn from(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }
}

impl From<primitive_types::H160> for Address {
    fn from(address: primitive_types::H160) -> Self {
        Self(address.0)
    }
}

impl From<Address> for primitive_types::H160 {
    fn from(address: Address) -> Self {
        Self(address.0)
    }
}

/// Lower-case hexadecimal.
impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::bytes::write_hex(&self.0, formatter)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}
