//! The panic handler: a Rust panic reverts with data that tools decode.

use core::panic::PanicInfo;

use crate::{error::panic_data, host};

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    let (file, line) = info.location().map_or(("", 0), |location| (location.file(), location.line()));
    // A message with arguments to format has none here.
    let message = info.message().as_str().unwrap_or_default();
    host::revert(&panic_data(message, file, line))
}
