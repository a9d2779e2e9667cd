//! Random sequences of everything that can happen, against a model that knows each coin, natively on a fast host and as wasm
//! on the real VM.
//!
//! `ESKER_STAKING_SEQUENCES` says how many run on the fast host, `ESKER_STAKING_SEED` with which seed.

mod backend;
mod driver;
mod host;
mod model;

use backend::{Backend, Fast, OnChain};
use driver::{Cast, Sequence, Tally, params};
use esker_sdk::{Address, U256};
use esker_sdk_test::{Chain, Run, User};
use esker_staking::math::COIN;
use esker_staking::{GenesisValidator, Params};
use model::Model;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Operations of a sequence.
const STEPS: usize = 60;

fn number(variable: &str, default: u64) -> u64 {
    let text = std::env::var(variable).ok();
    text.map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text}")))
}

fn genesis(cast: &Cast, key: fn(u8) -> esker_sdk::B256, rng: &mut ChaCha8Rng) -> (Vec<GenesisValidator>, u128) {
    let validators: Vec<_> = (0..cast.genesis)
        .map(|index| GenesisValidator {
            operator: cast.operators[index],
            public_key: key(index as u8 + 1),
            commission_bps: rng.random_range(0..=10_000),
            self_bond: U256::from(rng.random_range(1..50) * COIN),
        })
        .collect();
    let bonds: U256 = validators.iter().map(|validator| validator.self_bond).sum();
    (validators, bonds.to_u128().expect("a few coins"))
}

fn model(params: Params, validators: &[GenesisValidator]) -> Model {
    let mut model = Model::new(params);
    for validator in validators {
        model.bond(validator.operator, validator.operator, validator.self_bond.to_u128().expect("a few coins"));
    }
    model
}

/// Runs a sequence to its end; checks now and then, and in the end always.
fn run<B: Backend>(mut sequence: Sequence<'_, B>, steps: usize, drain: bool) {
    for step in 0..steps {
        sequence.step();
        if step % 20 == 7 {
            sequence.check();
        }
    }
    sequence.check();
    if drain {
        sequence.drain();
    }
}

#[test]
fn no_order_of_things_makes_coins_or_escapes_a_slash() {
    let (count, seed) = (number("ESKER_STAKING_SEQUENCES", 300), number("ESKER_STAKING_SEED", 1));
    let address = |byte: u8| Address([byte; 20]);
    let cast = Cast { operators: (1..6).map(address).collect(), genesis: 3, delegators: (6..9).map(address).collect() };
    let mut tally = Tally::new();
    for index in 0..count {
        let mut rng = ChaCha8Rng::seed_from_u64(seed.wrapping_mul(1 << 32).wrapping_add(index));
        let params = params(&mut rng, 10);
        let (validators, bonds) = genesis(&cast, Fast::key, &mut rng);
        let rich: Vec<_> = (1..9).map(address).collect();
        let backend = Fast::new(&rich, &params, &validators, bonds);
        let model = model(params, &validators);
        let body = || run(Sequence { backend, rng, cast: &cast, model, tally: &mut tally }, STEPS, index % 4 == 0);
        if let Err(panic) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)) {
            eprintln!("in sequence {index} of seed {seed}");
            std::panic::resume_unwind(panic);
        }
    }
    println!("{count} sequences: {tally:?}");
    let ways = [
        "delegated",
        "undelegated",
        "redelegated",
        "withdrawn",
        "rewarded",
        "settled",
        "slashed",
        "created",
        "operated",
    ];
    for what in ways {
        assert!(count < 100 || tally.get(what).is_some_and(|times| *times > 0), "{what} never happened");
    }
}

/// One sequence on a chain of its own.
fn on_chain(chain: &mut Chain, deployer: User, operators: [User; 5], delegators: [User; 3], seed: u64) {
    let cast = Cast {
        operators: operators.map(|user| user.address).to_vec(),
        genesis: 3,
        delegators: delegators.map(|user| user.address).to_vec(),
    };
    let (is_wasm, mut tally) = (chain.run() == Run::Wasm, Tally::new());
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let params = params(&mut rng, 24);
    let (validators, bonds) = genesis(&cast, OnChain::key, &mut rng);
    let backend = OnChain::new(chain, deployer, &params, &validators, bonds);
    let model = model(params, &validators);
    run(Sequence { backend, rng, cast: &cast, model, tally: &mut tally }, STEPS, seed == 1);
    if is_wasm {
        println!("sequence {seed}: {tally:?}");
    }
}

macro_rules! on_the_vm {
    ($($name:ident $seed:literal)*) => {$(
        #[esker_sdk::test]
        fn $name(
            chain: &mut Chain,
            gus: User,
            ada: User,
            bob: User,
            eve: User,
            kim: User,
            lou: User,
            alice: User,
            carl: User,
            dora: User,
        ) {
            on_chain(chain, gus, [ada, bob, eve, kim, lou], [alice, carl, dora], $seed);
        }
    )*};
}

on_the_vm! {
    the_same_holds_on_the_vm_1 1
    the_same_holds_on_the_vm_2 2
    the_same_holds_on_the_vm_3 3
    the_same_holds_on_the_vm_4 4
    the_same_holds_on_the_vm_5 5
    the_same_holds_on_the_vm_6 6
}
