//! Tuples: as ABI types, and as the results of methods.

use super::{AbiElement, AbiEncode, AbiType, Decoder, Encoder, Field, Shape};

macro_rules! tuple {
    ($($name:ident $index:tt),+) => {
        impl<$($name: AbiEncode + AbiType),+> AbiEncode for ($($name,)+) {
            fn encode(&self, encoder: &mut Encoder) {
                let resume = Self::SHAPE.is_dynamic().then(|| encoder.enter(Self::SHAPE.body_size()));
                $(self.$index.encode(encoder);)+
                if let Some(resume) = resume {
                    encoder.leave(resume);
                }
            }
        }
        impl<$($name: AbiType),+> AbiType for ($($name,)+) {
            const SHAPE: &'static Shape = &Shape::Tuple(&[$(Field { name: "", shape: $name::SHAPE }),+]);
            fn decode(decoder: &mut Decoder<'_>) -> Self {
                let resume = Self::SHAPE.is_dynamic().then(|| decoder.enter(Self::SHAPE.body_size()));
                let tuple = ($($name::decode(decoder),)+);
                if let Some(resume) = resume {
                    decoder.leave(resume);
                }
                tuple
            }
        }
        impl<$($name: AbiType),+> AbiElement for ($($name,)+) {}
        impl<$($name: AbiType),+> Output for ($($name,)+) {
            type Value = Self;
            const SHAPES: &'static [&'static Shape] = &[$($name::SHAPE),+];
            fn encode(value: &Self, encoder: &mut Encoder) {
                $(value.$index.encode(encoder);)+
            }
            fn decode(decoder: &mut Decoder<'_>) -> Self {
                ($($name::decode(decoder),)+)
            }
        }
    };
}

/// What a method returns: nothing `()`, one value [`One<T>`], or several as a tuple.
pub trait Output {
    /// The Rust value.
    type Value;
    /// The ABI types of the results in order.
    const SHAPES: &'static [&'static Shape];
    /// Writes the results.
    fn encode(value: &Self::Value, encoder: &mut Encoder);
    /// Reads the results.
    fn decode(decoder: &mut Decoder<'_>) -> Self::Value;
}

/// Bytes of the results' heads.
#[must_use]
pub const fn output_size<O: Output>() -> usize {
    let (mut index, mut size) = (0, 0);
    while index < O::SHAPES.len() {
        size += O::SHAPES[index].head_size();
        index += 1;
    }
    size
}

/// Bytes of the results' heads that have to be there before the first result is written: all, if there are several and one
/// has a tail. Without tails words go one behind the other.
#[must_use]
pub const fn reserved_size<O: Output>() -> usize {
    let (mut index, mut dynamic) = (0, false);
    while index < O::SHAPES.len() {
        dynamic |= O::SHAPES[index].is_dynamic();
        index += 1;
    }
    if dynamic && output_size::<O>() > 32 { output_size::<O>() } else { 0 }
}

/// A method's only result.
#[derive(Clone, Copy, Debug)]
pub struct One<T>(core::marker::PhantomData<T>);

impl<T: AbiType> Output for One<T> {
    type Value = T;
    const SHAPES: &'static [&'static Shape] = &[T::SHAPE];
    fn encode(value: &T, encoder: &mut Encoder) {
        value.encode(encoder);
    }
    fn decode(decoder: &mut Decoder<'_>) -> T {
        T::decode(decoder)
    }
}

impl Output for () {
    type Value = ();
    const SHAPES: &'static [&'static Shape] = &[];
    fn encode((): &(), _: &mut Encoder) {}
    fn decode(_: &mut Decoder<'_>) {}
}

tuple!(A 0);
tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
tuple!(A 0, B 1, C 2, D 3, E 4);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11);
