//! The only door between host functions and a guest's linear memory. Every range is checked here and nowhere else.

use primitive_types::{H160, H256, U256};

use crate::Halt;

/// A guest's linear memory for the duration of one host call.
///
/// Addresses and lengths come from the guest. A range that is not wholly inside the memory is
/// [`Halt::InvalidArgument`], also when its length is zero and its address lies beyond the end.
pub(crate) struct GuestMemory<'a> {
    bytes: &'a mut [u8],
}

impl<'a> GuestMemory<'a> {
    pub(crate) const fn new(bytes: &'a mut [u8]) -> Self {
        Self { bytes }
    }

    fn range(&self, address: u32, len: usize) -> Result<std::ops::Range<usize>, Halt> {
        let start = address as usize;
        let end = start.checked_add(len).ok_or(Halt::InvalidArgument)?;
        if end > self.bytes.len() {
            return Err(Halt::InvalidArgument);
        }
        Ok(start..end)
    }

    /// Fails unless `len` bytes at `address` can be written, so that an effect can come after the check.
    pub(crate) fn check(&self, address: u32, len: usize) -> Result<(), Halt> {
        self.range(address, len).map(drop)
    }

    /// The `len` bytes at `address`.
    pub(crate) fn read(&self, address: u32, len: u32) -> Result<&[u8], Halt> {
        let range = self.range(address, len as usize)?;
        self.bytes.get(range).ok_or(Halt::InvalidArgument)
    }

    /// The `N` bytes at `address`.
    pub(crate) fn array<const N: usize>(&self, address: u32) -> Result<[u8; N], Halt> {
        let range = self.range(address, N)?;
        self.bytes.get(range).and_then(|bytes| bytes.try_into().ok()).ok_or(Halt::InvalidArgument)
    }

    /// The 32 bytes at `address` as a hash or a slot.
    pub(crate) fn word(&self, address: u32) -> Result<H256, Halt> {
        self.array(address).map(H256)
    }

    /// The 20 bytes at `address` as an account's address.
    pub(crate) fn account(&self, address: u32) -> Result<H160, Halt> {
        self.array(address).map(H160)
    }

    /// The 32 bytes at `address`, big-endian: a value in wei.
    pub(crate) fn wei(&self, address: u32) -> Result<U256, Halt> {
        self.array::<32>(address).map(|bytes| U256::from_big_endian(&bytes))
    }

    /// The 32 bytes at `address`, little-endian: an operand of 256-bit arithmetic.
    pub(crate) fn operand(&self, address: u32) -> Result<U256, Halt> {
        self.array::<32>(address).map(|bytes| U256::from_little_endian(&bytes))
    }

    /// Copies `data` to `address`.
    pub(crate) fn write(&mut self, address: u32, data: &[u8]) -> Result<(), Halt> {
        let range = self.range(address, data.len())?;
        self.bytes.get_mut(range).ok_or(Halt::InvalidArgument)?.copy_from_slice(data);
        Ok(())
    }

    /// Writes `value`, in wei, big-endian.
    pub(crate) fn write_wei(&mut self, address: u32, value: U256) -> Result<(), Halt> {
        self.write(address, &value.to_big_endian())
    }

    /// Writes a result of 256-bit arithmetic, little-endian.
    pub(crate) fn write_operand(&mut self, address: u32, value: U256) -> Result<(), Halt> {
        self.write(address, &value.to_little_endian())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_must_lie_inside_also_when_empty_or_wrapping() {
        let mut bytes = [7u8; 64];
        let mut memory = GuestMemory::new(&mut bytes);
        assert_eq!(memory.read(0, 64).map(<[u8]>::len), Ok(64));
        assert_eq!(memory.read(64, 0).map(<[u8]>::len), Ok(0));
        assert_eq!(memory.read(65, 0), Err(Halt::InvalidArgument));
        assert_eq!(memory.read(1, 64), Err(Halt::InvalidArgument));
        assert_eq!(memory.read(u32::MAX, u32::MAX), Err(Halt::InvalidArgument));
        assert_eq!(memory.word(33), Err(Halt::InvalidArgument));
        assert_eq!(memory.write(60, &[1; 5]), Err(Halt::InvalidArgument));
        assert_eq!(memory.read(60, 4), Ok(&[7u8; 4][..]), "a refused write changes nothing");
        assert_eq!(memory.write(60, &[1; 4]), Ok(()));
        assert_eq!(memory.check(60, 5), Err(Halt::InvalidArgument));
    }

    #[test]
    fn operands_are_little_endian_and_wei_is_big_endian() {
        let mut bytes = [0u8; 64];
        let mut memory = GuestMemory::new(&mut bytes);
        memory.write_operand(0, U256::from(1)).expect("inside");
        memory.write_wei(32, U256::from(2)).expect("inside");
        assert_eq!((bytes[0], bytes[63]), (1, 2));
    }
}
