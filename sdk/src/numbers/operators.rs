//! The operators of the checked numbers, each with the type itself and with its literals.

/// Implements `+ - * / %`, their assigning forms, `==` and `<` against `$literal` for a type that has the methods
/// `checked_add`, `checked_sub`, `checked_mul`, `quotient` and `remainder`.
///
/// The right-hand side is the type itself or `$literal` and nothing else: with one primitive candidate rustc knows what a
/// literal without suffix is.
macro_rules! operators {
    ([$($generics:tt)*] $type:ty, $literal:ty) => {
        $crate::numbers::operators::operator!([$($generics)*] $type, $literal, Add add AddAssign add_assign,
            a b => a.checked_add(b).unwrap_or_else(|| $crate::Panic::Overflow.raise()));
        $crate::numbers::operators::operator!([$($generics)*] $type, $literal, Sub sub SubAssign sub_assign,
            a b => a.checked_sub(b).unwrap_or_else(|| $crate::Panic::Overflow.raise()));
        $crate::numbers::operators::operator!([$($generics)*] $type, $literal, Mul mul MulAssign mul_assign,
            a b => a.checked_mul(b).unwrap_or_else(|| $crate::Panic::Overflow.raise()));
        $crate::numbers::operators::operator!([$($generics)*] $type, $literal, Div div DivAssign div_assign,
            a b => a.quotient(b));
        $crate::numbers::operators::operator!([$($generics)*] $type, $literal, Rem rem RemAssign rem_assign,
            a b => a.remainder(b));
    };
}

macro_rules! operator {
    ([$($generics:tt)*] $type:ty, $literal:ty, $trait:ident $method:ident $assign_trait:ident $assign:ident,
        $left:ident $right:ident => $result:expr) => {
        impl<$($generics)*> core::ops::$trait for $type {
            type Output = Self;
            #[inline]
            fn $method(self, other: Self) -> Self {
                let ($left, $right) = (self, other);
                $result
            }
        }
        impl<$($generics)*> core::ops::$trait<$literal> for $type {
            type Output = Self;
            #[inline]
            fn $method(self, other: $literal) -> Self {
                core::ops::$trait::<Self>::$method(self, $crate::Operand::<Self>::operand(other))
            }
        }
        impl<$($generics)*> core::ops::$assign_trait for $type {
            #[inline]
            fn $assign(&mut self, other: Self) {
                *self = core::ops::$trait::$method(*self, other);
            }
        }
        impl<$($generics)*> core::ops::$assign_trait<$literal> for $type {
            #[inline]
            fn $assign(&mut self, other: $literal) {
                *self = core::ops::$trait::$method(*self, other);
            }
        }
    };
}

/// Implements `==` and `<` against `$literal`, by way of `$wide`, which holds every value of both.
macro_rules! comparisons {
    ([$($generics:tt)*] $type:ty, $literal:ty, $wide:ty) => {
        impl<$($generics)*> PartialEq<$literal> for $type {
            #[inline]
            fn eq(&self, other: &$literal) -> bool {
                <$wide>::from(*self) == <$wide>::from(*other)
            }
        }
        impl<$($generics)*> PartialOrd<$literal> for $type {
            #[inline]
            fn partial_cmp(&self, other: &$literal) -> Option<core::cmp::Ordering> {
                Some(<$wide>::from(*self).cmp(&<$wide>::from(*other)))
            }
        }
    };
}

pub(crate) use {comparisons, operator, operators};
