//! The only door between host functions and a guest's linear memory. Every range is checked here and nowhere else.

use primitive_types::{H160, H256, U256};

use crate::Halt;

/// An address that a guest names for the host to read. Nothing can be written through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReadAddress(u32);

/// An address that a guest names for the host to write. Nothing can be read through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WriteAddress(u32);

/// How many bytes a guest says cross.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Length(u32);

impl ReadAddress {
    pub(crate) const fn new(address: u32) -> Self {
        Self(address)
    }
}

impl WriteAddress {
    pub(crate) const fn new(address: u32) -> Self {
        Self(address)
    }
}

impl Length {
    pub(crate) const fn new(bytes: u32) -> Self {
        Self(bytes)
    }

    pub(crate) const fn bytes(self) -> u32 {
        self.0
    }
}

/// A guest's linear memory for the duration of one host call.
///
/// Addresses and lengths come from the guest, and an address is good for one direction only. A range that is not wholly
/// inside the memory is [`Halt::InvalidArgument`], also when its length is zero and its address lies beyond the end.
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

    fn bytes(&self, address: ReadAddress, len: usize) -> Result<&[u8], Halt> {
        let range = self.range(address.0, len)?;
        self.bytes.get(range).ok_or(Halt::InvalidArgument)
    }

    /// Fails unless `len` bytes at `address` can be written, so that an effect can come after the check.
    pub(crate) fn check(&self, address: WriteAddress, len: usize) -> Result<(), Halt> {
        self.range(address.0, len).map(drop)
    }

    /// The `len` bytes at `address`.
    pub(crate) fn read(&self, address: ReadAddress, len: Length) -> Result<&[u8], Halt> {
        self.bytes(address, len.0 as usize)
    }

    /// The `N` bytes at `address`.
    pub(crate) fn array<const N: usize>(&self, address: ReadAddress) -> Result<[u8; N], Halt> {
        self.bytes(address, N)?.try_into().map_err(|_| Halt::InvalidArgument)
    }

    /// The 32 bytes at `address` as a hash or a slot.
    pub(crate) fn word(&self, address: ReadAddress) -> Result<H256, Halt> {
        self.array(address).map(H256)
    }

    /// The `count` × 32 bytes at `address` as words.
    pub(crate) fn words(&self, address: ReadAddress, count: u32) -> Result<Vec<H256>, Halt> {
        let len = (count as usize).checked_mul(32).ok_or(Halt::InvalidArgument)?;
        Ok(self.bytes(address, len)?.chunks_exact(32).map(H256::from_slice).collect())
    }

    /// The 20 bytes at `address` as an account's address.
    pub(crate) fn account(&self, address: ReadAddress) -> Result<H160, Halt> {
        self.array(address).map(H160)
    }

    /// The 32 bytes at `address`, big-endian: a value in wei.
    pub(crate) fn wei(&self, address: ReadAddress) -> Result<U256, Halt> {
        self.array::<32>(address).map(|bytes| U256::from_big_endian(&bytes))
    }

    /// The 32 bytes at `address`, little-endian: an operand of 256-bit arithmetic.
    pub(crate) fn operand(&self, address: ReadAddress) -> Result<U256, Halt> {
        self.array::<32>(address).map(|bytes| U256::from_little_endian(&bytes))
    }

    /// Copies `data` to `address`.
    pub(crate) fn write(&mut self, address: WriteAddress, data: &[u8]) -> Result<(), Halt> {
        let range = self.range(address.0, data.len())?;
        self.bytes.get_mut(range).ok_or(Halt::InvalidArgument)?.copy_from_slice(data);
        Ok(())
    }

    /// Writes `value`, in wei, big-endian.
    pub(crate) fn write_wei(&mut self, address: WriteAddress, value: U256) -> Result<(), Halt> {
        self.write(address, &value.to_big_endian())
    }

    /// Writes a result of 256-bit arithmetic, little-endian.
    pub(crate) fn write_operand(&mut self, address: WriteAddress, value: U256) -> Result<(), Halt> {
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
        let (from, to, len) = (ReadAddress::new, WriteAddress::new, Length::new);
        assert_eq!(memory.read(from(0), len(64)).map(<[u8]>::len), Ok(64));
        assert_eq!(memory.read(from(64), len(0)).map(<[u8]>::len), Ok(0));
        assert_eq!(memory.read(from(65), len(0)), Err(Halt::InvalidArgument));
        assert_eq!(memory.read(from(1), len(64)), Err(Halt::InvalidArgument));
        assert_eq!(memory.read(from(u32::MAX), len(u32::MAX)), Err(Halt::InvalidArgument));
        assert_eq!(memory.word(from(33)), Err(Halt::InvalidArgument));
        assert_eq!(memory.words(from(0), 2), Ok(vec![H256([7; 32]); 2]));
        assert_eq!(memory.words(from(1), 2), Err(Halt::InvalidArgument));
        assert_eq!(memory.words(from(0), u32::MAX), Err(Halt::InvalidArgument));
        assert_eq!(memory.write(to(60), &[1; 5]), Err(Halt::InvalidArgument));
        assert_eq!(memory.read(from(60), len(4)), Ok(&[7u8; 4][..]), "a refused write changes nothing");
        assert_eq!(memory.write(to(60), &[1; 4]), Ok(()));
        assert_eq!(memory.check(to(60), 5), Err(Halt::InvalidArgument));
    }

    #[test]
    fn operands_are_little_endian_and_wei_is_big_endian() {
        let mut bytes = [0u8; 64];
        let mut memory = GuestMemory::new(&mut bytes);
        memory.write_operand(WriteAddress::new(0), U256::from(1)).expect("inside");
        memory.write_wei(WriteAddress::new(32), U256::from(2)).expect("inside");
        assert_eq!((bytes[0], bytes[63]), (1, 2));
    }
}
