//! Code for accounts whose contract has no wasm: mocks, and contracts that a test file defines.

use esker_vm::envelope;

/// What the module of such a code begins with. No wasm does, so that nothing else can run it.
const MARK: &[u8] = b"esker test stand-in: ";

/// A code of its own for this name.
pub(crate) fn code(name: &str) -> Vec<u8> {
    envelope::encode(&[MARK, name.as_bytes()].concat())
}

/// Whether a code is one of these.
pub(crate) fn is_stand_in(code: &[u8]) -> bool {
    let module = envelope::parse(code).ok().filter(|envelope| envelope.raw_len < 4096);
    module.and_then(|envelope| envelope.inflate().ok()).is_some_and(|module| module.starts_with(MARK))
}
