//! What components ask of the contract that has them: another clock, and hooks that must not be forgotten.

#![allow(missing_docs, reason = "contracts of the tests alone")]

use esker_components::tokens::{
    burnable::Burnable,
    permit::Permit,
    votes::{Error, Votes},
};
use esker_sdk::prelude::*;
use esker_sdk_test::{Chain, User};

/// One vote for everybody who asks, counted in seconds.
#[contract]
pub mod seconds {
    use super::*;

    #[storage]
    pub struct Seconds {
        #[flatten]
        #[expose]
        votes: Votes,
        units: Map<Address, U256>,
    }

    impl Seconds {
        pub fn join(&mut self, cx: &mut Context) -> Result<(), Error> {
            let to = cx.sender();
            self.units.at_mut(to).add(1);
            self.votes.transfer_units(cx, Address::ZERO, to, U256::ONE)
        }

        #[name = "CLOCK_MODE"]
        #[overrides]
        pub fn clock_mode() -> &'static str {
            "mode=timestamp"
        }

        #[hook(votes.now)]
        fn now(&self, cx: &Context) -> u64 {
            cx.timestamp()
        }

        #[hook(votes.units)]
        fn units(&self, account: Address) -> U256 {
            self.units.get(account)
        }
    }
}
use seconds::SecondsHandle;

/// A clock that nobody said which it is, and that goes as it is told.
#[contract]
pub mod crooked {
    use super::*;

    #[storage]
    pub struct Crooked {
        #[flatten]
        #[expose]
        votes: Votes,
        now: Cell<u64>,
    }

    impl Crooked {
        pub fn pass(&mut self, cx: &mut Context, now: u64) -> Result<(), Error> {
            self.now.set(now);
            self.votes.transfer_units(cx, Address::ZERO, cx.sender(), U256::ONE)
        }

        #[hook(votes.now)]
        fn now(&self, _: &Context) -> u64 {
            self.now.get()
        }
    }
}
use crooked::CrookedHandle;

/// Parts that nobody tied together.
#[contract]
pub mod loose {
    use super::*;

    #[storage]
    pub struct Loose {
        #[expose]
        burnable: Burnable,
        #[expose]
        permit: Permit,
        #[expose]
        votes: Votes,
    }
}
use loose::LooseHandle;

#[esker_sdk::test]
fn votes_may_be_counted_by_another_clock(chain: &mut Chain, alice: User, bob: User) {
    let votes = chain.deploy(alice, SecondsHandle::constructor());
    chain.send(alice, votes.join()).succeeds();
    chain.send(alice, votes.delegate(bob)).succeeds();
    let then = chain.timestamp();
    chain.pass(1_000);
    chain.send(bob, votes.join()).succeeds();
    let joined = chain.timestamp();
    assert!(joined >= then + 1_000);
    chain.send(alice, votes.delegate(alice)).succeeds();
    assert_eq!(chain.read(votes.clock_mode()), "mode=timestamp");
    assert_eq!(chain.read(votes.get_votes(bob)), 0);
    for (seconds, had, all) in [(then - 1, 0, 1), (then, 1, 1), (joined - 1, 1, 1), (joined, 1, 2)] {
        let timepoint = U256::from(seconds);
        assert_eq!(chain.read(votes.get_past_votes(bob, timepoint)), had, "{seconds}");
        assert_eq!(chain.read(votes.get_past_total_supply(timepoint)), all, "{seconds}");
    }
    let clock = chain.read(votes.clock());
    let timepoint = U256::from(clock);
    chain.try_read(votes.get_past_votes(bob, timepoint)).reverts(Error::ERC5805FutureLookup { timepoint, clock });
}

#[esker_sdk::test]
fn a_clock_that_is_not_what_it_says_is_found_out(chain: &mut Chain, alice: User) {
    let votes = chain.deploy(alice, CrookedHandle::constructor());
    chain.send(alice, votes.pass(100)).succeeds();
    chain.try_read(votes.clock_mode()).reverts(Error::ERC6372InconsistentClock);
    chain.send(alice, votes.pass(100)).succeeds();
    chain.send(alice, votes.pass(99)).reverts(Error::CheckpointUnorderedInsertion);
    chain.send(alice, votes.pass(101)).succeeds();
    assert_eq!(chain.read(votes.get_past_total_supply(100)), 2);
}

/// Nothing is burnt, allowed or delegated in silence if a hook was forgotten.
#[esker_sdk::test]
fn parts_that_nobody_tied_together_say_so(chain: &mut Chain, alice: User) {
    let loose = chain.deploy(alice, LooseHandle::constructor());
    let none = B256::ZERO;
    let said = [
        (chain.send(alice, loose.burn(1)).describe(), "burnable.destroy"),
        (chain.send(alice, loose.burn_from(alice, 1)).describe(), "burnable.spend_allowance"),
        (chain.try_read(loose.domain_separator()).describe(), "permit.domain_name"),
        (chain.send(alice, loose.permit(alice, alice, 1, U256::MAX, 27, none, none)).describe(), "permit.domain_name"),
        (chain.send(alice, loose.delegate(alice)).describe(), "votes.units"),
        (chain.send(alice, loose.delegate_by_sig(alice, 0, U256::MAX, 27, none, none)).describe(), "votes.domain"),
    ];
    for (said, hook) in said {
        assert!(said.contains("reverted") && said.contains(&format!("no hook {hook}")), "{hook}: {said}");
    }
}
