//! Rust panics in natively run contracts: no output, and the revert data that wasm would give.

use std::{
    cell::{Cell, RefCell},
    panic::{self, PanicHookInfo},
    sync::Once,
};

use crate::error::panic_data;

thread_local! {
    /// How many contract frames are on this thread's stack.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
    /// Revert data of the panic being unwound.
    static STRUCK: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// While it lives, panics on this thread belong to contract code.
pub(super) struct Quiet(());

impl Quiet {
    pub(super) fn enter() -> Self {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let before = panic::take_hook();
            panic::set_hook(Box::new(move |info| if DEPTH.get() > 0 { record(info) } else { before(info) }));
        });
        DEPTH.set(DEPTH.get() + 1);
        Self(())
    }

    /// The revert data of the last panic inside, if there was one.
    pub(super) fn leave(self) -> Option<Vec<u8>> {
        STRUCK.take()
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

fn record(info: &PanicHookInfo<'_>) {
    // The standard library hands over a `&'static str` exactly when the message has no arguments to format, which is when
    // `core::panic::PanicMessage::as_str` gives it to the handler in wasm.
    let message = info.payload().downcast_ref::<&str>().copied().unwrap_or_default();
    let (file, line) = info.location().map_or(("", 0), |location| (location.file(), location.line()));
    STRUCK.set(Some(panic_data(message, file, line)));
}
