//! Memory that clients make the server hold, counted: a share that each connection has for itself, and a common budget
//! for whatever is larger.

use std::sync::Arc;

use parking_lot::Mutex;

/// There is no room now; others hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exhausted;

/// Bytes that all connections share.
#[derive(Debug)]
pub struct Budget {
    bytes: usize,
    taken: Mutex<usize>,
}

impl Budget {
    /// A budget of so many bytes, none of them taken.
    #[must_use]
    pub fn new(bytes: usize) -> Arc<Self> {
        Arc::new(Self { bytes, taken: Mutex::new(0) })
    }

    fn take(&self, bytes: usize) -> Result<(), Exhausted> {
        let mut taken = self.taken.lock();
        if bytes > self.bytes - *taken {
            return Err(Exhausted);
        }
        *taken += bytes;
        Ok(())
    }

    fn give_back(&self, bytes: usize) {
        *self.taken.lock() -= bytes;
    }
}

/// How an account counts.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// Bytes that need nothing of the common budget.
    pub free: usize,
    /// Most bytes beyond them.
    pub most: usize,
    /// How often each byte beyond the free ones counts.
    pub copies: usize,
}

/// What one connection holds.
#[derive(Debug)]
pub struct Account {
    terms: Terms,
    common: Arc<Budget>,
    held: Mutex<Held>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Held {
    free: usize,
    common: usize,
}

impl Account {
    /// An account that holds nothing yet.
    #[must_use]
    pub fn new(terms: Terms, common: Arc<Budget>) -> Arc<Self> {
        Arc::new(Self { terms, common, held: Mutex::default() })
    }

    /// A charge of nothing, to add to.
    #[must_use]
    pub fn charge(self: &Arc<Self>) -> Charge {
        Charge { account: self.clone(), held: Held::default() }
    }
}

/// Bytes that are counted for as long as this lives.
#[derive(Debug)]
pub struct Charge {
    account: Arc<Account>,
    held: Held,
}

impl Charge {
    /// How many.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.held.free + self.held.common
    }

    /// Counts so many more.
    ///
    /// # Errors
    /// If there is no room for them; then none of them is counted.
    pub fn add(&mut self, bytes: usize) -> Result<(), Exhausted> {
        let Terms { free, most, copies } = self.account.terms;
        let mut held = self.account.held.lock();
        let from_free = bytes.min(free - held.free);
        let from_common = bytes - from_free;
        if from_common > most - held.common {
            return Err(Exhausted);
        }
        self.account.common.take(from_common * copies)?;
        held.free += from_free;
        held.common += from_common;
        self.held.free += from_free;
        self.held.common += from_common;
        Ok(())
    }

    /// Counts so many if it counts fewer.
    ///
    /// # Errors
    /// As [`Self::add`].
    pub fn raise_to(&mut self, bytes: usize) -> Result<(), Exhausted> {
        self.add(bytes.saturating_sub(self.bytes()))
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        let mut held = self.account.held.lock();
        held.free -= self.held.free;
        held.common -= self.held.common;
        self.account.common.give_back(self.held.common * self.account.terms.copies);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMS: Terms = Terms { free: 10, most: 30, copies: 2 };

    #[test]
    fn what_is_free_needs_no_common_budget() {
        let common = Budget::new(20);
        let greedy = Account::new(TERMS, common.clone());
        let mut held = greedy.charge();
        held.add(20).expect("ten free, ten of the common budget, each twice");
        assert_eq!(*common.taken.lock(), 20);
        assert_eq!(held.add(1), Err(Exhausted));
        let other = Account::new(TERMS, common.clone());
        let mut small = other.charge();
        small.add(10).expect("a share of its own");
        assert_eq!(small.add(1), Err(Exhausted));
        drop(held);
        assert_eq!(*common.taken.lock(), 0);
        small.add(10).expect("it was given back");
        assert_eq!(small.bytes(), 20);
    }

    #[test]
    fn one_connection_cannot_take_everything() {
        let common = Budget::new(1_000);
        let account = Account::new(TERMS, common);
        let (mut one, mut other) = (account.charge(), account.charge());
        one.add(25).expect("free and common");
        assert_eq!(other.add(16), Err(Exhausted));
        other.add(15).expect("what is left of thirty");
        drop(one);
        other.add(25).expect("it was given back");
    }

    #[test]
    fn a_refusal_counts_nothing() {
        let account = Account::new(TERMS, Budget::new(20));
        let mut charge = account.charge();
        assert_eq!(charge.add(21), Err(Exhausted));
        assert_eq!(charge.bytes(), 0);
        charge.raise_to(5).expect("free");
        charge.raise_to(3).expect("it counts more already");
        assert_eq!(charge.bytes(), 5);
    }
}
