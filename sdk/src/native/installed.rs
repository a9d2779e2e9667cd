//! The host installed on this thread.

use std::{cell::Cell, ptr::NonNull};

use super::Host;

thread_local! {
    static INSTALLED: Cell<Option<NonNull<dyn Host>>> = const { Cell::new(None) };
}

/// Puts the pointer it holds back when it goes, on unwinding too.
struct Restore(Option<NonNull<dyn Host>>);

impl Drop for Restore {
    fn drop(&mut self) {
        INSTALLED.set(self.0);
    }
}

/// Runs `body` with `host` installed on this thread. Calls nest: the host installed before is back afterwards.
pub fn with_host<T>(host: &mut dyn Host, body: impl FnOnce() -> T) -> T {
    let pointer = NonNull::from(host);
    #[allow(unsafe_code, reason = "a thread-local cannot name the lifetime of the borrow that is installed in it")]
    // SAFETY: only the lifetime in the pointer's type changes. The pointer leaves the thread-local in `Restore::drop`,
    // before this function returns or unwinds, hence within the borrow of `host`; nobody can copy it elsewhere, since
    // `with_installed` lends it to closures only.
    let pointer = unsafe { std::mem::transmute::<NonNull<dyn Host + '_>, NonNull<dyn Host + 'static>>(pointer) };
    let _restore = Restore(INSTALLED.replace(Some(pointer)));
    body()
}

/// Lends the installed host to `body` if there is one.
pub(crate) fn tell(body: impl FnOnce(&mut dyn Host)) {
    let is_there = INSTALLED.get().is_some();
    if is_there {
        with_installed(body);
    }
}

/// Lends the installed host to `body`.
///
/// # Panics
/// If no host is installed on this thread, or it is lent already.
pub(crate) fn with_installed<T>(body: impl FnOnce(&mut dyn Host) -> T) -> T {
    // Taken out while it is lent, so that there is never a second mutable borrow of it.
    let taken = INSTALLED.take();
    let _restore = Restore(taken);
    let mut pointer = taken.expect(
        "contract code ran without a host: call it through the test kit, or inside esker_sdk::native::with_host",
    );
    #[allow(unsafe_code, reason = "a thread-local cannot name the lifetime of the borrow that is installed in it")]
    // SAFETY: the pointer comes from a `&mut` that `with_host` holds for as long as it is installed, and this is the only
    // use of it until `Restore` puts it back.
    let host = unsafe { pointer.as_mut() };
    body(host)
}
