//! Single flight: of several threads that need the same module, one makes it and the others wait.

use std::collections::BTreeSet;

use parking_lot::{Condvar, Mutex};

use super::ModuleKey;

/// The modules being made now, by whole key: who makes one waits for nobody who makes another.
#[derive(Default)]
pub(crate) struct Flights {
    under_way: Mutex<BTreeSet<ModuleKey>>,
    landed: Condvar,
}

/// Leave to make one module, until dropped.
pub(crate) struct Flight<'f> {
    flights: &'f Flights,
    module: ModuleKey,
}

impl Flights {
    /// Waits until nobody else makes this module.
    pub(crate) fn enter(&self, module: ModuleKey) -> Flight<'_> {
        let mut under_way = self.under_way.lock();
        while !under_way.insert(module) {
            self.landed.wait(&mut under_way);
        }
        Flight { flights: self, module }
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.flights.under_way.lock().remove(&self.module);
        self.flights.landed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use esker_abi::MeterVersion;
    use primitive_types::H256;

    use super::*;

    fn key(byte: u8) -> ModuleKey {
        ModuleKey { code_hash: H256::repeat_byte(byte), meter: MeterVersion::V1 }
    }

    #[test]
    fn one_module_is_made_by_one_thread_at_a_time_and_others_do_not_wait() {
        let flights = Flights::default();
        let (inside, most) = (AtomicU32::new(0), AtomicU32::new(0));
        let other = flights.enter(key(2));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let _flight = flights.enter(key(1));
                    most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::yield_now();
                    inside.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        assert_eq!(most.into_inner(), 1);
        drop(other);
        assert!(flights.under_way.lock().is_empty());
    }
}
