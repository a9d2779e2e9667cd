//! Delegators: bonding, moving, unbonding, and their rewards. Natively and as wasm on the real VM.

use esker_sdk::{Address, U256};
use esker_sdk_test::{Chain, User};
use esker_staking::events::{Delegated, Redelegated, RewardsClaimed, SlashSettled, Undelegated, Withdrawn};
use esker_staking::{Error, LOTS_MAX, Params, UNBONDINGS_MAX};

use crate::support::{World, assert_rewards, coins, genesis_validator, params};

#[esker_sdk::test]
fn stake_comes_and_goes(chain: &mut Chain, alice: User, ada: User, bob: User, eve: User) {
    let mut world = World::new(chain, alice, [ada, bob, eve]);
    let staking = world.staking;
    let (delegator, validator) = (alice.address, ada.address);
    let small = Error::DelegationTooSmall { have: coins(1) - 1, want: coins(1) };
    world.delegate(alice, ada, coins(1) - 1).reverts(small);
    world.delegate(alice, alice, coins(1)).reverts(Error::NoValidator { validator: alice.address });
    world.delegate(alice, ada, coins(20)).emits(Delegated { delegator, validator, amount: coins(20) });
    let info = world.chain.read(staking.delegation(delegator, validator));
    assert_eq!((info.shares, info.stake, info.redelegable), (coins(20), coins(20), coins(20)));
    world.check();

    let none = Error::InsufficientStake { have: coins(20), want: coins(20) + 1 };
    world.chain.send(alice, staking.undelegate(validator, coins(20) + 1)).reverts(none);
    world.chain.send(alice, staking.undelegate(validator, 0)).reverts(Error::NoAmount {});
    let nobody = Error::NoValidator { validator: alice.address };
    world.chain.send(alice, staking.undelegate(alice.address, 1)).reverts(nobody);
    world.chain.send(alice, staking.undelegate(validator, U256::MAX)).panics(esker_sdk::Panic::Overflow);
    let undelegated = Undelegated { delegator, validator, amount: coins(5), matures: 4 };
    world.chain.send(alice, staking.undelegate(validator, coins(5))).emits(undelegated);
    // What leaves in the same epoch leaves together.
    world.chain.send(alice, staking.undelegate(validator, 7)).succeeds();
    world.end_epoch();
    world.chain.send(alice, staking.undelegate(validator, 9)).succeeds();
    let entries = world.chain.read(staking.unbondings(delegator, validator));
    let entries: Vec<_> = entries.iter().map(|entry| (entry.amount, entry.epoch, entry.matures)).collect();
    assert_eq!(entries, [(coins(5) + 7, 0, 4), (U256::from(9), 1, 5)]);
    world.check();

    world.end_epochs(2);
    world.chain.send(alice, staking.withdraw(validator)).reverts(Error::NothingMatured {});
    world.end_epoch();
    let before = world.chain.balance(alice);
    let withdrawn = Withdrawn { delegator, validator, amount: coins(5) + 7 };
    world.chain.send(alice, staking.withdraw(validator)).emits(withdrawn);
    assert_eq!(world.chain.balance(alice), before + coins(5) + 7);
    world.chain.send(alice, staking.withdraw(validator)).reverts(Error::NothingMatured {});
    world.end_epoch();
    world.chain.send(alice, staking.withdraw(validator)).succeeds();
    assert!(world.chain.read(staking.unbondings(delegator, validator)).is_empty());
    assert_eq!(world.stake(alice, ada), coins(15) - 16);
    world.check();
}

#[esker_sdk::test]
fn rewards_follow_shares(chain: &mut Chain, alice: User, ada: User, bob: User, eve: User) {
    let mut world = World::new(chain, alice, [ada, bob, eve]);
    let staking = world.staking;
    world.delegate(alice, ada, coins(300)).succeeds();
    // A tenth to Ada as commission; of the rest she has a quarter.
    world.end_block(ada, coins(4), &[]);
    let tenth = coins(1) / 10;
    let owed = |world: &mut World<'_>, who: User| world.chain.read(world.staking.rewards_of(who.address, ada.address));
    let info = world.chain.read(staking.validator(ada.address));
    assert_eq!(info.commission, tenth * 4);
    assert_rewards(owed(&mut world, alice), tenth * 27, 1);
    assert_rewards(owed(&mut world, ada), tenth * 9, 1);
    // What comes later earns nothing of that.
    world.delegate(bob, ada, coins(400)).succeeds();
    assert_eq!(owed(&mut world, bob), 0);
    world.end_block(ada, coins(4), &[]);
    assert_rewards(owed(&mut world, bob), tenth * 18, 1);
    assert_rewards(owed(&mut world, alice), tenth * 27 + tenth * 135 / 10, 1);
    // More stake changes nothing about what was earned; neither does leaving.
    world.delegate(alice, ada, coins(1)).succeeds();
    world.chain.send(alice, staking.undelegate(ada.address, coins(301))).succeeds();
    let amount = owed(&mut world, alice);
    assert_rewards(amount, tenth * 405 / 10, 2);
    world.end_block(ada, coins(4), &[]);
    let claimed = RewardsClaimed { delegator: alice.address, validator: ada.address, amount };
    let before = world.chain.balance(alice);
    world.chain.send(alice, staking.claim_rewards(ada.address)).emits(claimed);
    assert_eq!(world.chain.balance(alice), before + amount);
    world.chain.send(alice, staking.claim_rewards(ada.address)).reverts(Error::NothingToClaim {});
    world.chain.send(eve, staking.claim_rewards(alice.address)).reverts(Error::NothingToClaim {});
    world.check();
}

#[esker_sdk::test]
fn rewards_of_nobody_wait_for_the_next_proposer(chain: &mut Chain, alice: User, ada: User, bob: User, eve: User) {
    let mut world = World::new(chain, alice, [ada, bob, eve]);
    let staking = world.staking;
    world.end_block(alice, U256::from(70), &[]);
    assert_eq!(world.chain.read(staking.totals()).unallocated, 70);
    // A validator from which everybody has left has no shares.
    world.chain.send(eve, staking.undelegate(eve.address, coins(40))).succeeds();
    world.end_block(eve, U256::from(20), &[]);
    assert_eq!(world.chain.read(staking.totals()).unallocated, 90);
    world.end_block(bob, U256::from(10), &[]);
    let totals = world.chain.read(staking.totals());
    assert_eq!((totals.unallocated, totals.commissions, totals.rewards), (U256::ZERO, 10.into(), 90.into()));
    world.end_block(Address::ZERO, U256::ZERO, &[]);
}

#[esker_sdk::test]
fn stake_moves_at_once_and_not_twice(chain: &mut Chain, alice: User, ada: User, bob: User, eve: User) {
    let mut world = World::new(chain, alice, [ada, bob, eve]);
    let staking = world.staking;
    let (a, b, e) = (ada.address, bob.address, eve.address);
    world.delegate(alice, ada, coins(20)).succeeds();
    world.delegate(alice, bob, coins(5)).succeeds();
    world.chain.send(alice, staking.redelegate(a, a, coins(1))).reverts(Error::SameValidator {});
    let nobody = Error::NoValidator { validator: alice.address };
    world.chain.send(alice, staking.redelegate(a, alice.address, coins(1))).reverts(nobody.clone());
    world.chain.send(alice, staking.redelegate(alice.address, a, coins(1))).reverts(nobody);
    let small = Error::DelegationTooSmall { have: U256::ONE, want: coins(1) };
    world.chain.send(alice, staking.redelegate(a, b, 1)).reverts(small);
    let none = Error::InsufficientStake { have: coins(20), want: coins(21) };
    world.chain.send(alice, staking.redelegate(a, b, coins(21))).reverts(none);
    let moved = Redelegated { delegator: alice.address, from: a, to: b, amount: coins(8) };
    world.chain.send(alice, staking.redelegate(a, b, coins(8))).emits(moved);
    let info = world.chain.read(staking.delegation(alice.address, b));
    assert_eq!((info.stake, info.redelegable), (coins(13), coins(5)));
    assert_eq!(info.lots.iter().map(|lot| (lot.source, lot.epoch, lot.shares)).collect::<Vec<_>>(), [(a, 0, coins(8))]);
    let risky = Error::StakeAtRisk { free: coins(5), want: coins(6) };
    world.chain.send(alice, staking.redelegate(b, e, coins(6))).reverts(risky);
    world.chain.send(alice, staking.redelegate(b, e, coins(5))).succeeds();
    // The stake that moved is unbonded last, and answers for both.
    world.chain.send(alice, staking.undelegate(b, coins(3))).succeeds();
    let entry = world.chain.read(staking.unbondings(alice.address, b)).remove(0);
    assert_eq!((entry.amount, entry.is_at_risk, entry.source, entry.source_epoch), (coins(3), true, a, 0));
    world.check();
    // Once no evidence can come, it is like any other.
    world.end_epochs(3);
    let info = world.chain.read(staking.delegation(alice.address, b));
    assert_eq!((info.redelegable, info.lots.len()), (coins(5), 0));
    world.chain.send(alice, staking.redelegate(b, e, coins(5))).succeeds();
    assert_eq!(world.stake(alice, bob), 0);
    assert_eq!(world.stake(alice, eve), coins(10));
    world.check();
}

#[esker_sdk::test]
fn lots_and_unbondings_are_bounded(chain: &mut Chain, alice: User, ada: User, bob: User, eve: User) {
    let params = Params { epoch_length: 12, unbonding_epochs: 30, evidence_epochs: 29, ..params() };
    let validators: Vec<_> =
        [ada, bob, eve].into_iter().zip(1..).map(|(v, i)| genesis_validator(v, i, coins(10))).collect();
    let mut world = World::with(chain, alice, params, &validators);
    let staking = world.staking;
    let (a, b) = (ada.address, bob.address);
    world.delegate(alice, ada, coins(100)).succeeds();
    for _ in 0..LOTS_MAX {
        world.chain.send(alice, staking.redelegate(a, b, coins(1))).succeeds();
        // The same source and epoch make one lot.
        world.chain.send(alice, staking.redelegate(a, b, coins(1))).succeeds();
        world.end_epoch();
    }
    world.chain.send(alice, staking.redelegate(a, b, coins(1))).reverts(Error::TooManyLots {});
    assert_eq!(world.chain.read(staking.delegation(alice.address, b)).lots.len(), LOTS_MAX);
    // All of it at once makes an entry a lot.
    world.chain.send(alice, staking.undelegate(b, coins(16))).succeeds();
    assert_eq!(world.chain.read(staking.unbondings(alice.address, b)).len(), LOTS_MAX);
    for _ in 0..UNBONDINGS_MAX {
        world.chain.send(alice, staking.undelegate(a, coins(1))).succeeds();
        world.end_epoch();
    }
    world.chain.send(alice, staking.undelegate(a, coins(1))).reverts(Error::TooManyUnbondings {});
    world.check();
}

#[esker_sdk::test]
fn a_slash_reaches_what_moved_and_what_is_leaving(chain: &mut Chain, alice: User, ada: User, bob: User, eve: User) {
    let mut world = World::new(chain, alice, [ada, bob, eve]);
    let staking = world.staking;
    let (a, b) = (ada.address, bob.address);
    world.delegate(alice, ada, coins(60)).succeeds();
    // Epoch 0: leaves before the offence.
    world.chain.send(alice, staking.undelegate(a, coins(10))).succeeds();
    world.chain.send(alice, staking.redelegate(a, b, coins(10))).succeeds();
    world.end_epoch();
    // Epoch 1: the offence's. Leaves with it.
    world.chain.send(alice, staking.undelegate(a, coins(10))).succeeds();
    world.chain.send(alice, staking.redelegate(a, b, coins(10))).succeeds();
    world.end_epoch();
    // Epoch 2: leaves after it, and before anybody knew.
    world.chain.send(alice, staking.undelegate(a, coins(10))).succeeds();
    world.chain.send(alice, staking.redelegate(a, b, coins(4))).succeeds();
    world.chain.send(alice, staking.undelegate(b, coins(6))).succeeds();
    world.punish(bob, ada, 1, 1).succeeds();
    world.check();
    // 6 are left with Ada.
    assert_eq!(world.stake(alice, ada), coins(6) * 9 / 10);
    let amounts = |world: &mut World<'_>, of: Address| {
        let entries = world.chain.read(world.staking.unbondings(alice.address, of));
        entries.iter().map(|entry| entry.amount).collect::<Vec<_>>()
    };
    assert_eq!(amounts(&mut world, a), [coins(10), coins(9), coins(9)]);
    // The oldest of the lots gave the 6, and it left in time.
    assert_eq!(amounts(&mut world, b), [coins(6)]);
    assert_eq!(world.stake(alice, bob), coins(4) + coins(14) * 9 / 10);
    // Nothing is changed by looking; settling keeps it.
    let totals = world.chain.read(staking.totals());
    let settled = |validator, amount| SlashSettled { delegator: alice.address, validator, amount };
    world.chain.send(eve, staking.settle(alice.address, a)).emits(settled(a, coins(2)));
    world.chain.send(eve, staking.settle(alice.address, b)).emits(settled(b, coins(14) / 10));
    world.chain.send(eve, staking.settle(alice.address, a)).succeeds().emits_nothing();
    world.chain.send(eve, staking.settle(alice.address, b)).succeeds().emits_nothing();
    assert_eq!(world.chain.read(staking.totals()).burned, totals.burned + coins(34) / 10);
    assert_eq!(world.stake(alice, bob), coins(4) + coins(14) * 9 / 10);
    world.check();
    // Who was slashed may go where it likes, and pays no second time.
    world.chain.send(alice, staking.redelegate(a, b, coins(2))).succeeds();
    assert!(world.chain.read(staking.delegation(alice.address, b)).lots.is_empty());
    // A share is worth nine tenths of a wei now: moving away rounded one up.
    let rest = world.stake(alice, ada);
    assert_eq!(rest, coins(34) / 10 - 1);
    world.chain.send(alice, staking.undelegate(a, rest)).succeeds();
    assert_eq!(world.chain.read(staking.delegation(alice.address, a)).shares, 0);
    world.end_epochs(4);
    let before = world.chain.balance(alice);
    world.chain.send(alice, staking.withdraw(a)).succeeds();
    world.chain.send(alice, staking.withdraw(b)).succeeds();
    assert_eq!(world.chain.balance(alice), before + coins(10 + 9 + 9 + 6) + rest);
    world.check();
}
