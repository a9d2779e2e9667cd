//! What a guest hands over with a call: one struct per row of the table, its fields named and typed as the row says.
//!
//! Everything here is made from the table, so an implementation cannot take an argument at the wrong place, as the wrong
//! kind, or give back a result that its import does not have.

use std::convert::Infallible;

use esker_abi::host_functions;
use wasmtime::ValRaw;

use crate::Fatal;
use crate::instance::Exit;
use crate::memory::{Length, ReadAddress, WriteAddress};

/// Where a copy begins inside something that the host holds, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Offset(u32);

impl Offset {
    pub(super) const fn bytes(self) -> u32 {
        self.0
    }
}

/// The arguments of one row.
pub(super) trait Arguments: Sized {
    /// What the row's import gives back.
    type Output: Output;

    /// Takes the arguments out of the slots of the row's parameters.
    ///
    /// # Errors
    /// [`Fatal::Engine`] if there are not as many slots as parameters.
    fn decode(params: &[ValRaw]) -> Result<Self, Exit>;
}

/// What an import can give back.
pub(super) trait Output {
    /// The result as the trampoline carries it; zero if there is none.
    fn raw(self) -> u64;
}

impl Output for () {
    fn raw(self) -> u64 {
        0
    }
}

impl Output for u32 {
    fn raw(self) -> u64 {
        u64::from(self)
    }
}

impl Output for u64 {
    fn raw(self) -> u64 {
        self
    }
}

impl Output for Infallible {
    fn raw(self) -> u64 {
        match self {}
    }
}

#[cold]
fn missing(name: &str) -> Exit {
    Exit::Fatal(Fatal::Engine(format!("the slots of {name} are not those of its row")))
}

macro_rules! field {
    (Ptr) => {
        ReadAddress
    };
    (Mut) => {
        WriteAddress
    };
    (Offset) => {
        Offset
    };
    (Len) => {
        Length
    };
    (I32) => {
        u32
    };
    (I64) => {
        u64
    };
}

macro_rules! decoded {
    (Ptr, $slot:ident) => {
        ReadAddress::new($slot.get_u32())
    };
    (Mut, $slot:ident) => {
        WriteAddress::new($slot.get_u32())
    };
    (Offset, $slot:ident) => {
        Offset($slot.get_u32())
    };
    (Len, $slot:ident) => {
        Length::new($slot.get_u32())
    };
    (I32, $slot:ident) => {
        $slot.get_u32()
    };
    (I64, $slot:ident) => {
        $slot.get_u64()
    };
}

macro_rules! output {
    (()) => {
        ()
    };
    (!) => {
        Infallible
    };
    (I32) => {
        u32
    };
    (I64) => {
        u64
    };
}

macro_rules! define_arguments {
    ($($(#[doc = $doc:literal])+ [$base:expr, $byte:expr] fn $name:ident($($param:ident: $kind:ident),*) -> $result:tt;)+) => {
        $(
            $(#[doc = $doc])+
            #[allow(non_camel_case_types, reason = "a row's arguments carry the import's own name")]
            #[derive(Clone, Copy, Debug)]
            pub(super) struct $name {
                $(pub(super) $param: field!($kind),)*
            }

            impl Arguments for $name {
                type Output = output!($result);

                fn decode(params: &[ValRaw]) -> Result<Self, Exit> {
                    let [$($param),*] = params else {
                        return Err(missing(stringify!($name)));
                    };
                    Ok(Self { $($param: decoded!($kind, $param)),* })
                }
            }
        )+
    };
}

host_functions!(define_arguments);
