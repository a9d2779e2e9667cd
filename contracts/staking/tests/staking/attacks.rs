//! Who tries to gain what others lose.

use esker_sdk::{Address, U256};
use esker_sdk_test::{Chain, User};
use esker_staking::{Error, Params};

use crate::support::{World, assert_rewards, coins, genesis_validator, params};

#[esker_sdk::test]
fn many_small_delegations_gain_nothing(chain: &mut Chain, alice: User, ada: User, bob: User, eve: User) {
    let params = Params { min_delegation: U256::ONE, epoch_length: 100, ..params() };
    let validators = [genesis_validator(ada, 1, coins(10)), genesis_validator(bob, 2, coins(10))];
    let mut world = World::with(chain, alice, params, &validators);
    let staking = world.staking;
    // Eve in one piece, Alice in thirty odd ones.
    let odd = U256::from(333_333_333_333_333_337u64);
    for _ in 0..30 {
        world.delegate(alice, ada, odd).succeeds();
    }
    world.delegate(eve, ada, odd * 30).succeeds();
    world.end_block(ada, U256::from(1_000_000_007), &[]);
    let owed = |world: &mut World<'_>, who: User| world.chain.read(world.staking.rewards_of(who.address, ada.address));
    assert_rewards(owed(&mut world, alice), owed(&mut world, eve), 30);
    // The same after a slash, when a share is worth less than a coin: leaving by single wei never gives more.
    world.punish(bob, ada, 1, 0).succeeds();
    let (before, totals) = (world.stake(eve, ada), world.chain.read(staking.totals()));
    assert_eq!(world.stake(alice, ada), before);
    for _ in 0..20 {
        world.chain.send(alice, staking.undelegate(ada.address, 1)).succeeds();
    }
    world.chain.send(eve, staking.undelegate(ada.address, 20)).succeeds();
    assert!(world.stake(alice, ada) <= world.stake(eve, ada));
    let left = world.stake(alice, ada);
    world.chain.send(alice, staking.undelegate(ada.address, left)).succeeds();
    assert_eq!(world.chain.read(staking.delegation(alice.address, ada.address)).shares, 0);
    // What rounding left belongs to who is still there; nothing was made.
    let after = world.chain.read(staking.totals());
    assert_eq!(after.bonded + after.unbonding, totals.bonded + totals.unbonding);
    assert!(world.chain.read(staking.delegation(eve.address, ada.address)).stake <= before);
    world.check();
}

#[esker_sdk::test]
fn a_raised_commission_takes_nothing_of_what_was_earned(
    chain: &mut Chain,
    alice: User,
    ada: User,
    bob: User,
    eve: User,
) {
    let mut world = World::new(chain, alice, [ada, bob, eve]);
    let staking = world.staking;
    world.delegate(alice, ada, coins(100)).succeeds();
    world.end_block(ada, coins(2), &[]);
    let earned = world.chain.read(staking.rewards_of(alice.address, ada.address));
    assert_rewards(earned, coins(9) / 10, 1);
    world.chain.send(ada, staking.edit_validator("", 1_500)).succeeds();
    // Not in this epoch, and never on what came before.
    world.end_block(ada, coins(2), &[]);
    let more = world.chain.read(staking.rewards_of(alice.address, ada.address));
    assert_rewards(more, coins(18) / 10, 1);
    world.end_epoch();
    world.end_block(ada, coins(2), &[]);
    let most = world.chain.read(staking.rewards_of(alice.address, ada.address));
    assert_rewards(most, coins(18) / 10 + coins(85) / 100, 1);
    assert_eq!(world.chain.read(staking.validator(ada.address)).commission, coins(7) / 10);
}

#[esker_sdk::test]
fn nobody_gains_by_reporting_itself(chain: &mut Chain, alice: User, ada: User, bob: User) {
    // The largest part for reporters, and a validator that lives of others' stake.
    let params = Params { reporter_bps: 10_000, ..params() };
    let validators = [genesis_validator(ada, 1, coins(10)), genesis_validator(bob, 2, coins(10))];
    let mut world = World::with(chain, alice, params, &validators);
    let staking = world.staking;
    world.delegate(alice, ada, coins(100_000)).succeeds();
    world.punish(ada, ada, 1, 0).succeeds();
    let back = world.chain.read(staking.report_of(ada.address)) + world.stake(ada, ada);
    assert!(back <= coins(10), "{back}");
    world.check();
}

#[esker_sdk::test]
fn leaving_just_before_an_offence_does_not_help(chain: &mut Chain, alice: User, ada: User, bob: User, eve: User) {
    let mut world = World::new(chain, alice, [ada, bob, eve]);
    let staking = world.staking;
    let (a, b, e) = (ada.address, bob.address, eve.address);
    world.delegate(alice, ada, coins(30)).succeeds();
    world.end_epoch();
    // In one epoch: everything leaves by every way there is, then both offend.
    world.chain.send(ada, staking.undelegate(a, coins(100))).succeeds();
    world.chain.send(alice, staking.redelegate(a, b, coins(20))).succeeds();
    world.chain.send(alice, staking.undelegate(b, coins(5))).succeeds();
    world.chain.send(alice, staking.undelegate(a, coins(10))).succeeds();
    let risky = Error::StakeAtRisk { free: U256::ZERO, want: coins(15) };
    world.chain.send(alice, staking.redelegate(b, e, coins(15))).reverts(risky);
    world.end_epochs(2);
    // The evidence comes as late as it may, for the source first and then for where the stake went.
    world.punish(eve, ada, 1, 1).succeeds();
    world.check();
    world.punish(eve, bob, 2, 1).succeeds();
    world.check();
    assert_eq!(world.stake(alice, bob), coins(15) * 81 / 100);
    let amounts = |world: &mut World<'_>, who: User, of: Address| {
        let entries = world.chain.read(world.staking.unbondings(who.address, of));
        entries.iter().map(|entry| entry.amount).collect::<Vec<_>>()
    };
    assert_eq!(amounts(&mut world, alice, b), [coins(5) * 81 / 100]);
    assert_eq!(amounts(&mut world, alice, a), [coins(9)]);
    assert_eq!(amounts(&mut world, ada, a), [coins(90)]);
    // Nobody of its own at stake any more, so nothing for the reporter of Ada.
    assert_eq!(world.chain.read(staking.report_of(e)), coins(6) / 20);
    world.end_epochs(2);
    let before = world.chain.balance(ada);
    world.chain.send(ada, staking.withdraw(a)).succeeds();
    assert_eq!(world.chain.balance(ada), before + coins(90));
    world.check();
}

#[esker_sdk::test]
fn evidence_always_comes_before_the_coins_are_gone(chain: &mut Chain, alice: User, ada: User, bob: User, eve: User) {
    // As little time between the two as there may be.
    let params = Params { unbonding_epochs: 2, evidence_epochs: 1, ..params() };
    let validators = [ada, bob, eve].into_iter().zip(1..).map(|(v, i)| genesis_validator(v, i, coins(10)));
    let validators: Vec<_> = validators.collect();
    let mut world = World::with(chain, alice, params, &validators);
    let staking = world.staking;
    world.delegate(alice, ada, coins(10)).succeeds();
    world.chain.send(alice, staking.undelegate(ada.address, coins(10))).succeeds();
    let evidence = world.double_vote(ada, 1, 50);
    world.end_epoch();
    world.submit(bob, &evidence).reverts(Error::EvidenceTooOld { epoch: 0 });
    world.chain.send(alice, staking.withdraw(ada.address)).reverts(Error::NothingMatured {});
    world.end_epoch();
    world.chain.send(alice, staking.withdraw(ada.address)).succeeds();
    world.check();
}

#[esker_sdk::test]
fn a_set_of_one_is_never_jailed_away(chain: &mut Chain, alice: User, ada: User) {
    let mut world = World::with(chain, alice, params(), &[genesis_validator(ada, 1, coins(10))]);
    let missed = [ada.address; 50];
    world.end_block(ada, U256::ZERO, &missed);
    let set = world.end_epoch();
    assert_eq!(set.len(), 1);
    // Even tombstoned it goes on, since there is nobody else; it cannot be a candidate any more.
    world.punish(alice, ada, 1, 1).succeeds();
    assert_eq!(world.end_epoch(), []);
    assert_eq!(world.chain.read(world.staking.validator_set()), set);
    world.create(alice, 2, coins(10)).succeeds();
    let operators: Vec<_> = world.end_epoch().into_iter().map(|next| next.operator).collect();
    assert_eq!(operators, [alice.address]);
}

#[esker_sdk::test]
fn tombstones_do_not_count_as_jailed(chain: &mut Chain, alice: User, ada: User, bob: User, eve: User) {
    let mut world = World::new(chain, alice, [ada, bob, eve]);
    world.punish(alice, ada, 1, 0).succeeds();
    world.end_block(bob, U256::ZERO, &[ada.address; 9]);
    world.end_block(bob, U256::ZERO, &[eve.address; 9]);
    let operators: Vec<_> = world.end_epoch().into_iter().map(|next| next.operator).collect();
    assert_eq!(operators, [bob.address]);
    assert!(!world.chain.read(world.staking.validator(ada.address)).is_jailed);
}
