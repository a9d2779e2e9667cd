//! The runtime's calls: slots, jail, the next set.

use esker_sdk::{Address, U256};
use esker_sdk_test::{Chain, User};
use esker_staking::events::Unjailed;
use esker_staking::{Error, Params};

use crate::support::{World, assert_rewards, coins, genesis_validator, params};

/// The operators of a set, with their powers.
fn members(set: Vec<esker_staking::NextValidator>) -> Vec<(Address, u64)> {
    set.into_iter().map(|next| (next.operator, next.power)).collect()
}

#[esker_sdk::test]
fn slots_are_counted_for_an_epoch(chain: &mut Chain, alice: User, ada: User, bob: User, eve: User) {
    let mut world = World::new(chain, alice, [ada, bob, eve]);
    let slots = |world: &mut World<'_>, of: User| {
        let info = world.chain.read(world.staking.validator(of.address));
        (info.slots, info.missed)
    };
    // Who is no validator counts nothing; who missed two rounds counts twice.
    world.end_block(ada, U256::ZERO, &[bob.address, alice.address, bob.address, eve.address]);
    world.end_block(bob, U256::ZERO, &[]);
    assert_eq!([slots(&mut world, ada), slots(&mut world, bob), slots(&mut world, eve)], [(1, 0), (3, 2), (1, 1)]);
    world.end_epoch();
    assert_eq!([slots(&mut world, ada), slots(&mut world, bob), slots(&mut world, eve)], [(0, 0); 3]);
    world.end_block(ada, U256::ZERO, &[]);
    assert_eq!(slots(&mut world, ada), (1, 0));
    // However many rounds there were, a hundred are counted.
    let many = vec![bob.address; 150];
    world.end_block(ada, U256::ZERO, &many);
    assert_eq!(slots(&mut world, bob), (100, 100));
}

#[esker_sdk::test]
fn who_misses_too_many_slots_is_jailed_and_comes_back(chain: &mut Chain, alice: User, ada: User, bob: User, eve: User) {
    let mut world = World::new(chain, alice, [ada, bob, eve]);
    let staking = world.staking;
    // Half of the slots is not too many, and two are too few.
    for _ in 0..3 {
        world.end_block(eve, U256::ZERO, &[eve.address]);
    }
    world.end_block(ada, U256::ZERO, &[bob.address, bob.address]);
    assert_eq!(members(world.end_epoch()), [(ada.address, 100), (bob.address, 60), (eve.address, 40)]);
    for _ in 0..3 {
        world.end_block(ada, U256::ZERO, &[eve.address]);
    }
    assert_eq!(members(world.end_epoch()), [(ada.address, 100), (bob.address, 60)]);
    let info = world.chain.read(staking.validator(eve.address));
    assert_eq!((info.is_jailed, info.jailed_until, info.is_candidate), (true, 3, false));
    world.chain.send(eve, staking.unjail()).reverts(Error::StillJailed { until: 3 });
    world.chain.send(alice, staking.enter(eve.address)).reverts(Error::NotEligible { validator: eve.address });
    world.chain.send(ada, staking.unjail()).reverts(Error::NotJailed {});
    // Jail costs nothing: stake comes and goes.
    world.delegate(alice, eve, coins(1)).succeeds();
    assert_eq!(members(world.end_epoch()), [(ada.address, 100), (bob.address, 60)]);
    world.chain.send(eve, staking.unjail()).emits(Unjailed { operator: eve.address });
    world.chain.send(eve, staking.unjail()).reverts(Error::NotJailed {});
    assert_eq!(members(world.end_epoch()), [(ada.address, 100), (bob.address, 60), (eve.address, 41)]);
}

#[esker_sdk::test]
fn less_than_a_third_of_the_power_is_jailed_at_once(chain: &mut Chain, alice: User, ada: User, bob: User, eve: User) {
    let (rich, poor) = (Address([0x11; 20]), Address([0x22; 20]));
    let validators = [
        genesis_validator(ada, 1, coins(30)),
        genesis_validator(bob, 2, coins(30)),
        genesis_validator(eve, 3, coins(29)),
        genesis_validator(rich, 4, coins(50)),
        genesis_validator(poor, 5, coins(11)),
    ];
    let params = Params { max_validators: 5, ..params() };
    let mut world = World::with(chain, alice, params, &validators);
    // 150 in all: 49 may be jailed. The worst go first; who does not fit any more stays, whoever is smaller may still go.
    let missed = |count: usize, of: Address| vec![of; count];
    world.end_block(alice, U256::ZERO, &missed(9, rich));
    world.end_block(alice, U256::ZERO, &missed(8, eve.address));
    world.end_block(alice, U256::ZERO, &missed(7, ada.address));
    world.end_block(alice, U256::ZERO, &missed(6, poor));
    world.end_block(alice, U256::ZERO, &missed(5, bob.address));
    let set = members(world.end_epoch());
    let [first, second] = if ada.address < bob.address { [ada, bob] } else { [bob, ada] };
    assert_eq!(set, [(rich, 50), (first.address, 30), (second.address, 30)]);
    // Of 110: the next one fits, nobody else.
    world.end_block(alice, U256::ZERO, &missed(9, ada.address));
    world.end_block(alice, U256::ZERO, &missed(9, bob.address));
    assert_eq!(members(world.end_epoch()), [(rich, 50), (second.address, 30)]);
    // Nobody can be jailed out of two like these, or out of one.
    world.end_block(alice, U256::ZERO, &missed(9, second.address));
    world.end_block(alice, U256::ZERO, &missed(9, rich));
    assert_eq!(members(world.end_epoch()), [(rich, 50), (second.address, 30)]);
}

#[esker_sdk::test]
fn the_richest_are_chosen_and_equals_by_address(chain: &mut Chain, alice: User) {
    let operator = |byte: u8| Address([byte; 20]);
    let validators: Vec<_> = [6, 3, 5, 4, 2, 1].map(|byte| genesis_validator(operator(byte), byte, coins(10))).to_vec();
    let mut world = World::with(chain, alice, params(), &validators);
    let ten = |byte| (operator(byte), 10);
    assert_eq!(members(world.end_epoch()), [1, 2, 3, 4].map(ten));
    // Parts of a coin give no power but the place.
    let (one, six) = (User { address: operator(1) }, User { address: operator(6) });
    world.delegate(alice, six, coins(1)).succeeds();
    world.chain.send(one, world.staking.undelegate(one.address, 1)).succeeds();
    assert_eq!(members(world.end_epoch()), [(operator(6), 11), ten(2), ten(3), ten(4)]);
    // With a wei too little of its own it is no candidate any more.
    assert!(!world.chain.read(world.staking.candidates()).contains(&one.address));
    let error = Error::NotEligible { validator: one.address };
    world.chain.send(alice, world.staking.enter(one.address)).reverts(error);
}

#[esker_sdk::test]
fn without_anybody_the_present_set_stays(chain: &mut Chain, alice: User, ada: User) {
    let mut world = World::with(chain, alice, params(), &[genesis_validator(ada, 1, coins(10))]);
    let staking = world.staking;
    let set = world.chain.read(staking.validator_set());
    world.chain.send(ada, staking.undelegate(ada.address, coins(10))).succeeds();
    assert_eq!(world.end_epoch(), []);
    assert_eq!(world.chain.read(staking.validator_set()), set);
    assert_eq!(world.end_epoch(), []);
    // Its blocks still count, its rewards wait.
    world.end_block(ada, U256::from(5), &[]);
    assert_eq!(world.chain.read(staking.totals()).unallocated, 5);
    world.delegate(alice, ada, coins(20)).succeeds();
    world.end_block(ada, U256::from(5), &[]);
    assert_rewards(world.chain.read(staking.rewards_of(alice.address, ada.address)), U256::from(9), 1);
}
