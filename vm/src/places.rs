//! A bounded number of places that threads take and give back.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// Places that can be taken.
pub(crate) struct Places {
    free: Mutex<u32>,
    freed: Condvar,
}

/// A place taken, until dropped.
pub(crate) struct Place(Arc<Places>);

impl Places {
    /// At least one place, else nobody could ever go on.
    pub(crate) fn new(count: u32) -> Self {
        Self { free: Mutex::new(count.max(1)), freed: Condvar::new() }
    }

    /// Takes a place; waits for one if need be.
    pub(crate) fn wait(this: &Arc<Self>) -> Place {
        let mut free = this.free.lock();
        this.freed.wait_while(&mut free, |free| *free == 0);
        *free -= 1;
        Place(Arc::clone(this))
    }

    /// Takes a place if one is free within `patience`.
    pub(crate) fn wait_for(this: &Arc<Self>, patience: Duration) -> Option<Place> {
        let mut free = this.free.lock();
        this.freed.wait_while_for(&mut free, |free| *free == 0, patience);
        *free = free.checked_sub(1)?;
        Some(Place(Arc::clone(this)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        *self.0.free.lock() += 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_places_are_taken_than_there_are_and_those_given_back_can_be_had() {
        let places = Arc::new(Places::new(2));
        let (first, second) = (Places::wait(&places), Places::wait(&places));
        assert!(Places::wait_for(&places, Duration::ZERO).is_none());
        drop(first);
        assert!(Places::wait_for(&places, Duration::ZERO).is_some());
        let waiter = std::thread::spawn({
            let places = Arc::clone(&places);
            move || (drop(Places::wait(&places)), drop(Places::wait(&places)))
        });
        drop(second);
        waiter.join().expect("a waiter gets its place");
        assert_eq!(*places.free.lock(), 2);
    }
}
