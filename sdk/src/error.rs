//! Reverting: custom errors, `Error(string)`, `Panic(uint256)`, and Rust panics.

use alloc::vec::Vec;

use crate::{
    abi::{DecodeError, Decoder, Encoder, ErrorItem, ErrorSet},
    buffer::Buffer,
    host,
};

/// A type whose values are Solidity custom errors. Made by `#[error]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a contract error",
    label = "not a contract error",
    note = "mark the enum or struct with #[error]; to pass on another contract's errors wrap them in a variant marked #[from]"
)]
pub trait ContractError: Sized {
    /// The errors, for the ABI.
    const ERRORS: &'static ErrorSet;

    /// Selector and encoded fields: the revert data.
    fn encode(&self) -> Vec<u8>;

    /// The error that this revert data is, if it is one of this type.
    fn decode(data: &[u8]) -> Option<Self>;

    /// Ends the frame, undoes its effects, and hands the error to the caller.
    fn revert(&self) -> ! {
        let data = self.encode();
        #[cfg(not(target_arch = "wasm32"))]
        crate::native::tell(|host| host.raises(Self::ERRORS, &data));
        revert_bytes(&data)
    }
}

/// Errors for functions that never fail but must name a type.
impl ContractError for core::convert::Infallible {
    const ERRORS: &'static ErrorSet = &ErrorSet { items: &[], wrapped: &[] };
    fn encode(&self) -> Vec<u8> {
        match *self {}
    }
    fn decode(_: &[u8]) -> Option<Self> {
        None
    }
}

/// Reverts with any bytes.
pub fn revert_bytes(data: &[u8]) -> ! {
    host::revert(data)
}

/// Reverts with a custom error.
pub fn revert_with(error: impl ContractError) -> ! {
    error.revert()
}

/// `Error(string)`.
const ERROR_STRING: [u8; 4] = [0x08, 0xc3, 0x79, 0xa0];
/// `Panic(uint256)`.
const PANIC: [u8; 4] = [0x4e, 0x48, 0x7b, 0x71];

/// The revert data `Error(text)`.
fn text_data(text: &[u8]) -> Vec<u8> {
    let mut encoder = Encoder::new(&ERROR_STRING, 32);
    encoder.bytes(text);
    encoder.finish()
}

/// Reverts with `Error(text)`, as Solidity's `revert("text")` does.
#[cold]
pub fn revert_text(text: &str) -> ! {
    host::revert(&text_data(text.as_bytes()))
}

/// The codes of `Panic(uint256)`: Solidity's documentation, "Panic via assert and Error via require".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Panic {
    /// A false assertion.
    Assertion = 0x01,
    /// Arithmetic overflow or underflow.
    Overflow = 0x11,
    /// Division or remainder by zero.
    DivisionByZero = 0x12,
    /// A number that is no variant of its enum.
    InvalidEnum = 0x21,
    /// A storage byte string that is encoded wrongly.
    StorageEncoding = 0x22,
    /// `pop` on an empty array.
    PopOnEmpty = 0x31,
    /// An array index out of bounds.
    IndexOutOfBounds = 0x32,
    /// Too much memory asked for.
    OutOfMemory = 0x41,
}

impl Panic {
    /// The revert data.
    #[must_use]
    pub fn encode(self) -> Vec<u8> {
        self.data().to_vec()
    }

    /// The same without memory from the allocator, which raises one itself.
    const fn data(self) -> [u8; 36] {
        let mut data = [0; 36];
        (data[0], data[1], data[2], data[3]) = (PANIC[0], PANIC[1], PANIC[2], PANIC[3]);
        data[35] = self as u8;
        data
    }

    /// Ends the frame with `Panic(code)`.
    #[cold]
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    pub fn raise(self) -> ! {
        host::revert(&self.data())
    }
}

/// What revert data says, in Solidity's three forms. For tools and tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reverted {
    /// No data.
    Empty,
    /// `Error(string)`.
    Text(alloc::string::String),
    /// `Panic(uint256)` with its code.
    Panic(crate::U256),
    /// Anything else: a custom error, or bytes.
    Other(Vec<u8>),
}

impl Reverted {
    /// Reads revert data.
    #[must_use]
    pub fn decode(data: &[u8]) -> Self {
        let known = match data.split_first_chunk::<4>() {
            None if data.is_empty() => return Self::Empty,
            Some((&ERROR_STRING, rest)) => crate::abi::decode(rest).map(Self::Text),
            Some((&PANIC, rest)) => crate::abi::decode(rest).map(Self::Panic),
            _ => Err(DecodeError),
        };
        known.unwrap_or_else(|DecodeError| Self::Other(data.to_vec()))
    }
}

/// The error of OpenZeppelin's reentrancy guard, with which re-entered methods revert.
pub const REENTRANT_CALL: ErrorItem = ErrorItem { name: "ReentrancyGuardReentrantCall", fields: &[], docs: "" };

/// Reverts with [`REENTRANT_CALL`].
#[cold]
pub(crate) fn refuse_reentrancy() -> ! {
    const SELECTOR: [u8; 4] = REENTRANT_CALL.selector().to_be_bytes();
    host::revert(&SELECTOR)
}

/// What the compiler's own panics say about arithmetic, those about a divisor of zero first. Digests, which take a tenth of
/// the texts' room.
const ARITHMETIC: [u32; 10] = [
    digest(b"attempt to divide by zero"),
    digest(b"attempt to calculate the remainder with a divisor of zero"),
    digest(b"attempt to add with overflow"),
    digest(b"attempt to subtract with overflow"),
    digest(b"attempt to multiply with overflow"),
    digest(b"attempt to divide with overflow"),
    digest(b"attempt to calculate the remainder with overflow"),
    digest(b"attempt to negate with overflow"),
    digest(b"attempt to shift left with overflow"),
    digest(b"attempt to shift right with overflow"),
];
/// How many of them are about a divisor of zero.
const BY_ZERO: usize = 2;

/// FNV-1a of a text, by which the few that matter are known.
const fn digest(text: &[u8]) -> u32 {
    let (mut hash, mut index) = (0x811c_9dc5_u32, 0);
    while index < text.len() {
        hash = (hash ^ text[index] as u32).wrapping_mul(0x0100_0193);
        index += 1;
    }
    hash
}

/// Revert data of a Rust panic: `Panic(0x11)` for integer overflow, `Panic(0x12)` for division by zero, else
/// `Error("src/file.rs:line: message")`. `message` is empty if it would have to be formatted.
pub(crate) fn panic_data(message: &str, file: &str, line: u32) -> Vec<u8> {
    let message = message.as_bytes();
    let digest = digest(message);
    if let Some(at) = ARITHMETIC.iter().position(|known| *known == digest) {
        return if at < BY_ZERO { Panic::DivisionByZero } else { Panic::Overflow }.encode();
    }
    let mut words = Buffer::empty();
    words.extend(stable_path(file.as_bytes()));
    words.extend(b":");
    push_number(&mut words, line);
    if !message.is_empty() {
        words.extend(b": ");
        words.extend(message);
    }
    text_data(words.as_slice())
}

/// The part of a source path that does not depend on where it was compiled: from the last `src/` folder on, or the file's
/// name alone.
fn stable_path(path: &[u8]) -> &[u8] {
    let is_source = |rest: &[u8]| rest.starts_with(b"src/") || rest.starts_with(b"src\\");
    let (mut start, mut in_source) = (0, is_source(path));
    let mut rest = path;
    while let Some((byte, behind)) = rest.split_first() {
        if matches!(byte, b'/' | b'\\') {
            let here = path.len() - behind.len();
            // `start` stays at a source folder until another one comes.
            if is_source(behind) {
                (start, in_source) = (here, true);
            } else if !in_source {
                start = here;
            }
        }
        rest = behind;
    }
    path.get(start..).unwrap_or_default()
}

fn push_number(words: &mut Buffer, mut number: u32) {
    let mut digits = [0; 10];
    let mut start = digits.len();
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
        start -= 1;
        if number == 0 {
            break;
        }
    }
    words.extend(digits.get(start..).unwrap_or_default());
}

/// Returns early with an error unless a condition holds: `ensure!(to != Address::ZERO, Error::NoReceiver { to })`.
#[macro_export]
macro_rules! ensure {
    ($condition:expr, $error:expr $(,)?) => {
        if !$condition {
            return ::core::result::Result::Err(::core::convert::From::from($error));
        }
    };
}

/// Reverts with `Error(text)` unless a condition holds, as Solidity's `require(condition, "text")` does.
#[macro_export]
macro_rules! require {
    ($condition:expr, $text:expr $(,)?) => {
        if !$condition {
            $crate::revert_text($text)
        }
    };
}

/// Reads the fields behind an error's selector with `fields`, if `data` starts with `selector`.
#[doc(hidden)]
pub fn decode_error<T>(data: &[u8], selector: u32, fields: impl FnOnce(&mut Decoder<'_>) -> T) -> Option<T> {
    let (found, rest) = data.split_first_chunk::<4>()?;
    if u32::from_be_bytes(*found) != selector {
        return None;
    }
    let mut decoder = Decoder::new(rest);
    let value = fields(&mut decoder);
    decoder.finish(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(message: &str, file: &str, line: u32) -> Reverted {
        Reverted::decode(&panic_data(message, file, line))
    }

    #[test]
    fn only_the_compilers_own_texts_are_arithmetic() {
        // Caught from the compiler itself, so that a new one with other texts is noticed.
        fn message<T>(compute: impl FnOnce() -> T + std::panic::UnwindSafe) -> &'static str {
            let payload = std::panic::catch_unwind(compute).err().expect("it panics");
            payload.downcast_ref::<&str>().copied().expect("the text is constant")
        }
        let hidden = std::hint::black_box::<i32>;
        let overflows = [
            message(|| hidden(i32::MAX) + hidden(1)),
            message(|| hidden(i32::MIN) - hidden(1)),
            message(|| hidden(i32::MAX) * hidden(2)),
            message(|| hidden(i32::MIN) / hidden(-1)),
            message(|| hidden(i32::MIN) % hidden(-1)),
            message(|| -hidden(i32::MIN)),
            message(|| hidden(1) << hidden(32)),
            message(|| hidden(1) >> hidden(32)),
        ];
        for overflow in overflows {
            assert_eq!(panic_data(overflow, "src/lib.rs", 1), Panic::Overflow.encode(), "{overflow}");
        }
        for zero in [message(|| hidden(1) / hidden(0)), message(|| hidden(1) % hidden(0))] {
            assert_eq!(panic_data(zero, "src/lib.rs", 1), Panic::DivisionByZero.encode(), "{zero}");
        }
        for own in ["attempt to enter", "attempt to ", "attempt to add with overflow!", "attempt to divide by nonzero"]
        {
            assert_eq!(text(own, "src/lib.rs", 1), Reverted::Text(format!("src/lib.rs:1: {own}")));
        }
    }

    #[test]
    fn a_panic_names_its_file_from_the_source_folder_on() {
        for path in ["/home/a/src/token/src/pool/mod.rs", "contracts/token/src/pool/mod.rs", "src/pool/mod.rs"] {
            assert_eq!(text("", path, 1203), Reverted::Text("src/pool/mod.rs:1203".into()), "{path}");
        }
        assert_eq!(text("no", "tests/token.rs", 7), Reverted::Text("token.rs:7: no".into()));
        assert_eq!(text("no", r"c:\x\src\lib.rs", 90), Reverted::Text(r"src\lib.rs:90: no".into()));
        assert_eq!(text("", "", 0), Reverted::Text(":0".into()));
    }
}
