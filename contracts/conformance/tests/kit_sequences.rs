//! Invariants, properties and gas measurements of the test kit.

use std::process::Command;

use esker_erc20::Erc20Handle;
use esker_sdk::prelude::*;
use esker_sdk_test::{Chain, Invariant, User, property};

/// Opens after three steps that must come in this order, the second with a number of more than 1,000; nothing but the third
/// breaks it.
#[contract]
mod safe {
    use super::*;

    #[storage]
    pub struct Safe {
        stage: Cell<u8>,
        code: Cell<u64>,
        open: Cell<bool>,
    }

    impl Safe {
        pub fn listen(&mut self) {
            self.stage.set(1u8);
        }

        pub fn turn(&mut self, number: u64) {
            if self.stage.get() == 1 && number > 1_000 {
                self.stage.set(2u8);
                self.code.set(number);
            }
        }

        pub fn pull(&mut self) {
            self.open.set(self.stage.get() == 2);
        }

        pub fn knock(&mut self) {
            require!(!self.open.get(), "nobody is in");
        }

        pub fn is_open(&self) -> bool {
            self.open.get()
        }
    }
}
use safe::SafeHandle;

fn burgle(chain: &mut Chain, alice: User, with_the_turn: bool) {
    let safe = chain.deploy(alice, SafeHandle::constructor());
    let invariant = Invariant::new()
        .action("listen", move |chain, _| drop(chain.send(alice, safe.listen()).succeeds()))
        .action("pull", move |chain, _| drop(chain.send(alice, safe.pull()).succeeds()))
        .action("knock", move |chain, _| drop(chain.send(alice, safe.knock()).succeeds()))
        .check("the safe is shut", move |chain| assert!(!chain.read(safe.is_open()), "it is open"));
    if with_the_turn {
        invariant
            .action("turn", move |chain, draw| {
                drop(chain.send(alice, safe.turn(draw.number(0..=5_000))).succeeds());
            })
            .run(chain);
    } else {
        invariant.run(chain);
    }
}

#[esker_sdk::test]
fn what_cannot_break_does_not(chain: &mut Chain, alice: User) {
    let height = chain.height();
    burgle(chain, alice, false);
    assert_eq!(chain.height(), height + 1, "the chain is as it was");
}

/// What a sequence that breaks the safe says.
#[esker_sdk::test]
fn a_bug_of_three_calls_is_found_and_shrunk_to_three(chain: &mut Chain, alice: User) {
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| burgle(chain, alice, true)));
    let panic = panic.expect_err("the safe can be opened");
    let said = panic.downcast_ref::<String>().expect("words");
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].starts_with("it breaks after 3 actions (shrunk from "), "{said}");
    assert_eq!([lines[1], lines[3], lines[5]], ["  1. listen", "  2. turn", "  3. pull"], "{said}");
    assert!(lines[4].contains("(alice) calls turn(1001) of "), "the smallest number that does it: {said}");
    assert!(lines[4].ends_with("(Safe): it returned nothing"), "{said}");
    assert!(lines[7].starts_with("\"the safe is shut\" does not hold: it is open (at "), "{said}");
    assert!(lines[8].starts_with("run this sequence alone with ESKER_INVARIANT_SEED=0x"), "{said}");
    assert_eq!(lines.len(), 9, "{said}");
}

#[esker_sdk::test]
fn a_token_neither_mints_nor_loses(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let users = [alice, bob, carol];
    let token = chain.deploy(alice, Erc20Handle::constructor("Gold", "GLD", 1_000));
    Invariant::new()
        .sequences(6)
        .calls(10)
        .action("transfer", |chain, draw| {
            let (from, to, value) = (draw.pick(&users), draw.pick(&users), draw.number(0..=1_200));
            let enough = chain.read(token.balance_of(from)) >= U256::from(value);
            let sent = chain.send(from, token.transfer(to, U256::from(value)));
            if enough {
                sent.returns(true);
            } else {
                let _: esker_erc20::Error = sent.error();
            }
        })
        .action("approve", |chain, draw| {
            let (owner, spender, value) = (draw.pick(&users), draw.pick(&users), draw.u256());
            chain.send(owner, token.approve(spender, value)).returns(true);
            assert_eq!(chain.read(token.allowance(owner, spender)), value);
        })
        .check("balances sum to the supply", |chain| {
            let sum: U256 = users.iter().map(|user| chain.read(token.balance_of(*user))).sum();
            assert_eq!(sum, chain.read(token.total_supply()));
        })
        .run(chain);
}

/// Runs one test of this program with the variable, in a process of its own: whether it succeeds, and what it prints.
fn with_sequences(test: &str, sequences: &str) -> (bool, String) {
    let output = Command::new(std::env::current_exe().expect("this test's program"))
        .args(["--exact", test, "--nocapture"])
        .env("ESKER_INVARIANT_SEQUENCES", sequences)
        .env_remove("ESKER_INVARIANT_SEED")
        .output()
        .expect("it runs");
    (
        output.status.success(),
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat(),
    )
}

#[test]
fn long_runs_are_asked_for_from_outside() {
    for sequences in ["1", "40"] {
        let (succeeds, said) = with_sequences("what_cannot_break_does_not", sequences);
        assert!(succeeds, "{said}");
        let line = format!("{sequences} sequences of up to 24 actions, the first with seed 0xe5ce12ba5e5eed5");
        assert_eq!(said.matches(&line).count(), 2, "as wasm and natively: {said}");
    }
    for wrong in ["0", "-1", "many", "1e3", "4294967296", ""] {
        let (succeeds, said) = with_sequences("what_cannot_break_does_not", wrong);
        assert!(!succeeds, "{wrong}: {said}");
        let words = format!(
            "ESKER_INVARIANT_SEQUENCES is {wrong:?}: give it how many sequences to try, 1 at least, in decimal"
        );
        assert!(said.contains(&words), "{said}");
    }
}

#[esker_sdk::test]
#[should_panic(expected = "calls transfer(0x")]
fn a_property_that_fails_shows_the_smallest_case(chain: &mut Chain, alice: User, bob: User) {
    let token = chain.deploy(alice, Erc20Handle::constructor("Gold", "GLD", 1_000));
    property(chain, 64, |chain, draw| {
        drop(chain.send(alice, token.transfer(bob, U256::from(draw.number(0..=4_000)))).succeeds())
    });
}

#[esker_sdk::test]
fn gas_is_held_to_the_snapshot(chain: &mut Chain, alice: User, bob: User) {
    let token = chain.deploy(alice, Erc20Handle::constructor("Gold", "GLD", 1_000));
    chain.send(alice, token.transfer(bob, 1)).measured("transfer to a new holder").succeeds();
    chain.send(alice, token.transfer(bob, 1)).measured("transfer to a holder").succeeds();
}
