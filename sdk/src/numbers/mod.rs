//! Solidity's integers: [`U256`], [`I256`] and the odd widths [`Uint`] and [`Int`]. Arithmetic is checked
//! everywhere.

mod i256;
mod math;
mod operators;
mod sized;
mod u256;

pub use i256::{I256, NumberOutOfRange};
pub use math::Rounding;
pub(crate) use sized::assert_width;
pub use sized::{Int, Uint};
pub use u256::{ParseNumberError, U256};

/// An integer that a storage cell can do checked arithmetic on.
pub trait Number: Copy {
    /// `self + other`, or `None` on overflow.
    fn checked_add(self, other: Self) -> Option<Self>;
    /// `self - other`, or `None` on overflow.
    fn checked_sub(self, other: Self) -> Option<Self>;
}

macro_rules! number {
    ($($type:ty)*) => {$(
        impl Number for $type {
            #[inline]
            fn checked_add(self, other: Self) -> Option<Self> {
                <$type>::checked_add(self, other)
            }
            #[inline]
            fn checked_sub(self, other: Self) -> Option<Self> {
                <$type>::checked_sub(self, other)
            }
        }
    )*};
}

number!(u8 u16 u32 u64 u128 i8 i16 i32 i64 i128 U256 I256);
