//! Contracts made of components, natively and as wasm: the kit compares what they return, emit, revert with and store.

#![allow(missing_docs, reason = "a contract of the tests alone")]

use esker_conformance_parts::{
    Error, GoldHandle,
    erc20::{Error as TokenError, Transfer},
    parts::{
        capped::ERC20ExceededCap,
        ownable::{OwnableHandle, OwnableUnauthorizedAccount},
        pausable::{EnforcedPause, Paused},
    },
};
use esker_sdk::{U256, prelude::*};
use esker_sdk_test::{Chain, User};

fn gold(chain: &mut Chain, owner: User) -> GoldHandle {
    let gold = chain.deploy(owner, GoldHandle::constructor("Gold", "GLD"));
    chain.send(owner, gold.mint(owner, 900)).succeeds();
    gold
}

fn number(value: u64) -> U256 {
    U256::from(value)
}

#[esker_sdk::test]
fn exposed_methods_are_called_without_a_word_about_components(chain: &mut Chain, alice: User, bob: User) {
    let gold = gold(chain, alice);
    let moved = Transfer { from: alice.into(), to: bob.into(), value: number(40) };
    chain.send(alice, gold.transfer(bob, 40)).returns(true).emits(moved);
    chain.send(bob, gold.approve(alice, 5)).returns(true);
    chain.send(alice, gold.transfer_from(bob, alice, 5)).returns(true);
    assert_eq!(chain.read(gold.balance_of(bob)), number(35));
    assert_eq!(chain.read(gold.total_supply()), number(900));
    assert_eq!(chain.read(gold.name()), "Gold");
    assert_eq!(chain.read(gold.cap()), number(1000));
    assert_eq!(chain.read(gold.decimals()), 6);
    chain.send(bob, gold.transfer(alice, 36)).reverts(TokenError::ERC20InsufficientBalance {
        sender: bob.into(),
        balance: number(35),
        needed: number(36),
    });
    // What is embedded and not exposed is no method of the contract.
    chain.try_read(OwnableHandle::at(gold.address()).owner()).reverts_with(Vec::new());
}

#[esker_sdk::test]
fn hooks_run_from_the_inside_out(chain: &mut Chain, alice: User, bob: User) {
    let gold = gold(chain, alice);
    let exceeded = ERC20ExceededCap { supply: number(1001), cap: number(1000) };
    chain.send(alice, gold.mint(alice, 101)).reverts(exceeded);
    chain.send(alice, gold.transfer(bob, 1)).succeeds();
    assert_eq!(chain.read(gold.moves()), 2);
    chain.send(alice, gold.pause()).emits(Paused { account: alice.into() });
    chain.send(alice, gold.transfer(bob, 1)).reverts(Error::Frozen { from: alice.into() });
    assert_eq!(chain.read(gold.moves()), 2);
}

#[esker_sdk::test]
fn guards_stand_in_front(chain: &mut Chain, alice: User, bob: User) {
    let gold = gold(chain, alice);
    chain.send(bob, gold.pause()).reverts(OwnableUnauthorizedAccount { account: bob.into() });
    chain.send(alice, gold.pause()).succeeds();
    chain.send(bob, gold.mint(bob, 1)).reverts(OwnableUnauthorizedAccount { account: bob.into() });
    chain.send(alice, gold.mint(bob, 1)).reverts(EnforcedPause);
}

/// Nothing but a component, of another crate.
#[contract]
pub mod plain {
    use esker_conformance_parts::erc20::{Erc20, Error};
    use esker_sdk::prelude::*;

    #[storage]
    pub struct Plain {
        #[flatten]
        #[expose]
        token: Erc20,
    }

    impl Plain {
        #[constructor]
        pub fn new(&mut self, cx: &mut Context, name: &str, symbol: &str, supply: U256) -> Result<(), Error> {
            self.token.init(cx, name, symbol, cx.sender(), supply)
        }
    }
}

#[esker_sdk::test]
fn a_token_in_one_piece_stores_the_same(chain: &mut Chain, alice: User, bob: User) {
    let whole = chain.deploy(alice, esker_erc20::Erc20Handle::constructor("Gold", "GLD", 100));
    let parts = chain.deploy(alice, plain::PlainHandle::constructor("Gold", "GLD", 100));
    chain.send(alice, whole.transfer(bob, 40)).succeeds();
    chain.send(alice, parts.transfer(bob, 40)).succeeds();
    chain.send(alice, whole.approve(bob, 7)).succeeds();
    chain.send(alice, parts.approve(bob, 7)).succeeds();
    let slot = |index: u64| esker_sdk::B256::from(number(index).to_be_bytes());
    for fixed in 0..5 {
        assert_eq!(chain.storage(whole.address(), slot(fixed)), chain.storage(parts.address(), slot(fixed)));
    }
    for user in [alice, bob] {
        let balance = esker_sdk_test::mapping_slot(slot(0), user.address);
        let stored = chain.storage(whole.address(), balance);
        assert_ne!(stored, slot(0));
        assert_eq!(stored, chain.storage(parts.address(), balance));
    }
}
