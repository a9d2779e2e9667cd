//! The panic handler: a Rust panic reverts with data that tools decode.

use core::{
    fmt::{self, Write},
    panic::PanicInfo,
};

use crate::{
    error::{PanicMessage, panic_data},
    host,
};

/// Looks at the first piece of a message and refuses the rest, so that nothing is formatted.
struct FirstPiece {
    index_out_of_bounds: bool,
}

impl Write for FirstPiece {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        self.index_out_of_bounds = piece.as_bytes().starts_with(b"index out of bounds");
        Err(fmt::Error)
    }
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    let message = info.message();
    let message = match message.as_str() {
        Some(text) => PanicMessage::Plain(text),
        None => {
            let mut first = FirstPiece { index_out_of_bounds: false };
            let _ = write!(first, "{message}");
            if first.index_out_of_bounds { PanicMessage::IndexOutOfBounds } else { PanicMessage::Formatted }
        }
    };
    let (file, line) = info.location().map_or(("", 0), |location| (location.file(), location.line()));
    host::revert(&panic_data(message, file, line))
}
