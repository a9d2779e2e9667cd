//! What the runtime's calls cost at worst, with as many validators as there may be. They have 30 million gas.

use esker_sdk::{Address, U256};
use esker_sdk_test::{Chain, Run, Sent, User};
use esker_staking::{CANDIDATES_MAX, Params};

use crate::support::{RUNTIME, World, coins, genesis_validator, params};

/// Gas of a system call.
const SYSTEM_GAS: u64 = 30_000_000;

fn operator(index: u16) -> User {
    User { address: Address([index as u8 + 1; 20]) }
}

/// As many validators as there may be, with nearly the same stake.
fn full<'a>(chain: &'a mut Chain, deployer: User) -> World<'a> {
    let count = CANDIDATES_MAX;
    let validators: Vec<_> =
        (0..count).map(|i| genesis_validator(operator(i), i as u8, coins(1_000 + u64::from(i)))).collect();
    let params = Params { max_validators: count, epoch_length: 500, missed_slots_min: 1, ..params() };
    World::with(chain, deployer, params, &validators)
}

/// Prints and bounds what a call cost as a transaction. That is more than as a system call, for a transaction's own gas; a
/// refund, of a fifth at most, is added back.
#[track_caller]
fn bounded<O>(chain_run: Run, what: &str, sent: &Sent<O>) {
    if chain_run == Run::Wasm {
        let gas = sent.gas_used();
        println!("{what}: {gas} gas");
        assert!(gas / 4 * 5 <= SYSTEM_GAS, "{what} may cost {gas} gas and more");
    }
}

fn all() -> Vec<Address> {
    (0..CANDIDATES_MAX).map(|i| operator(i).address).collect()
}

#[esker_sdk::test]
fn a_block_ends_within_its_gas(chain: &mut Chain, alice: User) {
    let world = full(chain, alice);
    let (run, staking) = (world.chain.run(), world.staking);
    let end = |missed: &[Address]| staking.end_block(operator(7).address, 1_000_000_007, 100, missed);
    // Every counter is written for the first time; then every counter in an epoch that it does not know.
    let missed = all();
    let first = world.chain.send(RUNTIME, end(&missed)).succeeds();
    bounded(run, "endBlock, 100 missed, the first slots of all", &first);
    world.chain.pass_blocks(500);
    let later = world.chain.send(RUNTIME, end(&missed)).succeeds();
    bounded(run, "endBlock, 100 missed, the first slots in an epoch", &later);
    let usual = world.chain.send(RUNTIME, end(&[])).succeeds();
    bounded(run, "endBlock, nobody missed", &usual);
    // More than any set has: the rest is not looked at.
    let many = vec![operator(3).address; 1_000];
    let sent = world.chain.send(RUNTIME, end(&many)).succeeds();
    bounded(run, "endBlock, 1,000 missed", &sent);
}

#[esker_sdk::test]
fn an_epoch_ends_within_its_gas(chain: &mut Chain, alice: User) {
    let mut world = full(chain, alice);
    let (run, staking) = (world.chain.run(), world.staking);
    let usual = world.chain.send(RUNTIME, staking.end_epoch()).succeeds();
    bounded(run, "endEpoch, nothing changed", &usual);
    // Everybody missed slots, so that a third is jailed, and the order of the rest is turned round.
    for index in 0..CANDIDATES_MAX {
        world.delegate(alice, operator(index), coins(2 * u64::from(CANDIDATES_MAX - index))).succeeds();
    }
    world.end_block(operator(7).address, U256::ZERO, &all());
    let sent = world.chain.send(RUNTIME, staking.end_epoch()).succeeds();
    bounded(run, "endEpoch, 34 jailed, all others move", &sent);
    assert_eq!(sent.returned().len(), 66);
    // Everybody else has left.
    for index in 0..CANDIDATES_MAX {
        let who = operator(index);
        let stake = world.stake(who, who);
        world.chain.send(who, staking.undelegate(who.address, stake)).succeeds();
    }
    let sent = world.chain.send(RUNTIME, staking.end_epoch()).succeeds();
    bounded(run, "endEpoch, all candidates dropped", &sent);
    assert_eq!(sent.returned(), []);
    world.check();
}

#[esker_sdk::test]
fn what_users_do_stays_affordable(chain: &mut Chain, alice: User, ada: User) {
    let mut world = full(chain, alice);
    let (run, staking) = (world.chain.run(), world.staking);
    let mut all = Vec::new();
    all.push(("createValidator among 100 candidates", world.create(ada, 200, coins(5_000)).gas_used()));
    all.push(("delegate, the first time", world.delegate(alice, ada, coins(50)).gas_used()));
    all.push(("delegate, again", world.delegate(alice, ada, coins(50)).gas_used()));
    let mut send = |world: &mut World<'_>, what, by: User, call: esker_sdk::MethodCall<esker_sdk::Write, ()>| {
        all.push((what, world.chain.send(by, call).succeeds().gas_used()));
    };
    let (a, b) = (ada.address, operator(9).address);
    send(&mut world, "redelegate", alice, staking.redelegate(a, b, coins(10)));
    send(&mut world, "undelegate", alice, staking.undelegate(a, coins(10)));
    world.end_block(ada, coins(1), &[]);
    send(&mut world, "claimRewards", alice, staking.claim_rewards(a));
    let [first, first_signature, second, second_signature] = world.double_vote(ada, 200, 3);
    let evidence = staking.submit_evidence(&first, &first_signature, &second, &second_signature, Address::ZERO);
    send(&mut world, "submitEvidence", alice, evidence);
    send(&mut world, "settle", ada, staking.settle(alice.address, b));
    if run == Run::Wasm {
        for (what, gas) in all {
            println!("{what}: {gas} gas");
            assert!(gas < 2_800_000, "{what} costs {gas} gas");
        }
    }
}

/// A transaction's payload may have 96 KiB, and genesis none the less carries it.
#[test]
fn the_contract_fits_in_a_payload() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let built = esker_sdk_build::build_once(folder, &esker_sdk_build::ToStderr);
    let size = built.unwrap_or_else(|error| panic!("the contract does not build: {error}")).artifact.size;
    println!("wasm {} bytes, envelope {} bytes", size.wasm, size.envelope);
    assert!(size.wasm <= 96 << 10 && size.envelope <= 48 << 10, "{} and {} bytes", size.wasm, size.envelope);
}
