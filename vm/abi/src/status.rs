//! Numbers that host functions hand to the guest.

/// What `call`, `static_call`, `delegate_call`, `create` and `create2` return to the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum CallStatus {
    /// The callee returned; its bytes are the return data.
    Success = 0,
    /// The callee reverted; its bytes are the return data, its unspent gas came back.
    Revert = 1,
    /// The callee halted, or the call could not be made (depth, balance, collision); there is no return data.
    Halt = 2,
}

impl CallStatus {
    /// The status for a number that came from the host, if it is one.
    #[must_use]
    pub const fn from_u32(status: u32) -> Option<Self> {
        match status {
            0 => Some(Self::Success),
            1 => Some(Self::Revert),
            2 => Some(Self::Halt),
            _ => None,
        }
    }
}

/// What the pairing checks return to the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum PairingStatus {
    /// The product of the pairings is not one.
    NotOne = 0,
    /// The product of the pairings is one.
    One = 1,
    /// The input's length is wrong or a point is not on its curve or in its subgroup.
    Invalid = 2,
}
