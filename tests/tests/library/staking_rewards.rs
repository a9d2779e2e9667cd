//! Stakes come back always, and rewards paid and owed are never more than were put in.

use esker_erc20::{Erc20Handle, Error as TokenError};
use esker_sdk::{Address, Panic, SafeERC20FailedOperation, U256};
use esker_sdk_test::{Answer, Chain, Draw, Invariant, User};
use esker_staking_rewards::{Error, RewardAdded, RewardPaid, Staked, StakingRewardsHandle, Withdrawn};

/// How long a reward flows, in seconds.
const DURATION: u64 = 604_800;
/// A reward of ten a second.
const REWARD: u128 = 10 * DURATION as u128;

#[derive(Clone, Copy)]
struct Farm {
    gold: Erc20Handle,
    stake: Erc20Handle,
    farm: StakingRewardsHandle,
}

impl Farm {
    /// The first user distributes; everybody has a million to stake, and the farm may move all tokens.
    fn new(chain: &mut Chain, users: &[User]) -> Self {
        let [gold, stake] =
            ["G", "S"].map(|name| chain.deploy(users[0], Erc20Handle::constructor(name, name, 1 << 100)));
        let constructor = StakingRewardsHandle::constructor(users[0].address, gold.address(), stake.address());
        let farm = chain.deploy(users[0], constructor);
        chain.send(users[0], gold.approve(farm.address(), U256::MAX)).succeeds();
        for user in users {
            chain.send(users[0], stake.transfer(*user, 1_000_000)).succeeds();
            chain.send(*user, stake.approve(farm.address(), U256::MAX)).succeeds();
        }
        Self { gold, stake, farm }
    }
}

#[esker_sdk::test]
fn rewards_flow_by_amount_and_time(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let Farm { gold, stake, farm } = Farm::new(chain, &[alice, bob, carol]);
    let amount = U256::from(400);
    chain.send(bob, farm.stake(400)).emits_from(farm.address(), Staked { user: bob.address, amount });
    chain
        .send(alice, farm.notify_reward_amount(REWARD))
        .emits_from(farm.address(), RewardAdded { reward: REWARD.into() });
    let begun = chain.timestamp();
    assert_eq!((chain.read(farm.reward_rate()), chain.read(farm.period_finish())), (U256::from(10), begun + DURATION));
    assert_eq!(chain.read(farm.get_reward_for_duration()), U256::from(REWARD));
    chain.warp(begun + 1_000);
    chain.send(carol, farm.stake(100)).succeeds();
    assert_eq!(chain.timestamp(), begun + 1_000);
    assert_eq!(
        (chain.read(farm.total_supply()), chain.read(farm.balance_of(carol.address))),
        (U256::from(500), U256::from(100))
    );
    // The first thousand seconds are bob's, of the next ones a fifth is carol's.
    chain.warp(begun + 2_000);
    chain.send(bob, farm.withdraw(400)).emits_from(farm.address(), Withdrawn { user: bob.address, amount });
    let paid = RewardPaid { user: bob.address, reward: U256::from(18_000) };
    chain.send(bob, farm.get_reward()).emits_from(farm.address(), paid);
    chain.send(bob, farm.get_reward()).emits_nothing();
    assert_eq!(
        (chain.read(gold.balance_of(bob.address)), chain.read(stake.balance_of(bob.address))),
        (U256::from(18_000), U256::from(1_000_000))
    );
    // The rest of the period is carol's alone, and nothing flows behind it.
    chain.warp(begun + DURATION + 5_000);
    chain.send(carol, farm.exit()).succeeds();
    assert_eq!(chain.read(gold.balance_of(carol.address)), 2_000 + 10 * (DURATION as u128 - 2_000));
    assert_eq!(
        (chain.read(gold.balance_of(farm.address())), chain.read(farm.total_supply())),
        (U256::ZERO, U256::ZERO)
    );
}

#[esker_sdk::test]
fn a_reward_within_a_period_takes_up_what_is_left(chain: &mut Chain, alice: User, bob: User) {
    let Farm { gold, farm, .. } = Farm::new(chain, &[alice, bob]);
    chain.send(bob, farm.stake(7)).succeeds();
    chain.send(alice, farm.notify_reward_amount(REWARD)).succeeds();
    let begun = chain.timestamp();
    chain.warp(begun + DURATION / 2);
    chain.send(alice, farm.notify_reward_amount(REWARD)).succeeds();
    // Five a second are left of the last one.
    assert_eq!(chain.read(farm.reward_rate()), 15);
    assert_eq!(chain.read(farm.period_finish()), begun + DURATION / 2 + DURATION);
    chain.warp(begun + DURATION / 2 + DURATION);
    chain.send(bob, farm.exit()).succeeds();
    // All of both, but for what is rounded down each time.
    let paid = chain.read(gold.balance_of(bob.address));
    assert!(paid <= 2 * REWARD, "{paid}");
    assert!(paid >= 2 * REWARD - 3, "{paid}");
}

#[esker_sdk::test]
fn what_makes_no_sense_is_refused(chain: &mut Chain, alice: User, bob: User) {
    let Farm { gold, farm, .. } = Farm::new(chain, &[alice, bob]);
    chain.send(bob, farm.stake(0)).reverts(Error::CannotStakeZero);
    chain.send(bob, farm.withdraw(0)).reverts(Error::CannotWithdrawZero);
    chain.send(bob, farm.exit()).reverts(Error::CannotWithdrawZero);
    chain.send(bob, farm.withdraw(1)).panics(Panic::Overflow);
    let missing = chain.send(bob, farm.stake(1_000_001)).error::<TokenError>();
    assert!(matches!(missing, TokenError::ERC20InsufficientBalance { .. }));
    chain.send(bob, farm.notify_reward_amount(1)).reverts(Error::NotRewardsDistribution { caller: bob.address });
    for reward in [U256::ONE << 128, U256::from(u128::MAX) + 1] {
        chain.send(alice, farm.notify_reward_amount(reward)).reverts(Error::RewardTooHigh { reward });
    }
    // Rewards that are announced and not there.
    chain.send(alice, gold.approve(farm.address(), 5)).succeeds();
    let missing = chain.send(alice, farm.notify_reward_amount(6)).error::<TokenError>();
    assert!(matches!(missing, TokenError::ERC20InsufficientAllowance { .. }));
    assert_eq!(chain.read(farm.period_finish()), 0);
}

/// Somebody with much more who stakes just before a reward is announced, and leaves at once, earns nothing.
#[esker_sdk::test]
fn who_stakes_for_no_time_earns_nothing(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let Farm { gold, farm, .. } = Farm::new(chain, &[alice, bob, carol]);
    chain.send(bob, farm.stake(1)).succeeds();
    chain.send(carol, farm.stake(1_000_000)).succeeds();
    chain.send(alice, farm.notify_reward_amount(REWARD)).succeeds();
    let now = chain.timestamp();
    chain.warp(now);
    chain.send(carol, farm.exit()).succeeds();
    assert_eq!((chain.timestamp(), chain.read(gold.balance_of(carol.address))), (now, U256::ZERO));
}

/// A token of rewards that fails, or answers no, keeps rewards back and no stake; a token that says it moved and did not
/// gives no stake.
#[esker_sdk::test]
fn tokens_that_misbehave_freeze_no_stake(chain: &mut Chain, alice: User, bob: User) {
    let Farm { gold, stake, farm } = Farm::new(chain, &[alice, bob]);
    chain.send(bob, farm.stake(100)).succeeds();
    chain.send(alice, farm.notify_reward_amount(REWARD)).succeeds();
    chain.pass(1_000);
    chain.mock(gold.address(), |_| Answer::value(&false));
    chain.send(bob, farm.get_reward()).reverts(SafeERC20FailedOperation { token: gold.address() });
    chain.send(bob, farm.exit()).reverts(SafeERC20FailedOperation { token: gold.address() });
    chain.send(bob, farm.withdraw(100)).succeeds();
    assert_eq!(chain.read(stake.balance_of(bob.address)), 1_000_000);
    let balance = stake.balance_of(Address::ZERO);
    chain.mock(
        stake.address(),
        move |called| {
            if called.is(&balance) { Answer::value(&U256::from(9)) } else { Answer::value(&true) }
        },
    );
    let missing = Error::TokensMissing { amount: U256::from(5), received: U256::ZERO };
    chain.send(bob, farm.stake(5)).reverts(missing);
}

/// What was paid and what is owed is never more than what was put in; and everybody can leave with the whole stake.
#[esker_sdk::test]
fn rewards_are_funded_and_stakes_come_back(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let users = [alice, bob, carol];
    let market = Farm::new(chain, &users);
    let Farm { gold, stake, farm } = market;
    let all = chain.read(gold.total_supply());
    let amount = |draw: &mut Draw| U256::from(draw.number(0..=5_000));
    Invariant::new()
        .sequences(16)
        .action("stake", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), farm.stake(amount(draw)));
        })
        .action("withdraw", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), farm.withdraw(amount(draw)));
        })
        .action("get reward", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), farm.get_reward());
        })
        .action("exit", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), farm.exit());
        })
        .action("notify", move |chain, draw| {
            let _ = chain.send(alice, farm.notify_reward_amount(U256::from(draw.number(0..=100_000_000))));
        })
        .action("time passes", move |chain, draw| chain.pass(draw.number(0..=400_000)))
        .check("what is there covers what is owed", move |chain| {
            let owed: U256 = users.iter().map(|user| chain.read(farm.earned(user.address))).sum();
            assert!(chain.read(gold.balance_of(farm.address())) >= owed);
            assert_eq!(chain.read(gold.total_supply()), all);
            let staked: U256 = users.iter().map(|user| chain.read(farm.balance_of(user.address))).sum();
            assert_eq!(staked, chain.read(farm.total_supply()));
            assert_eq!(staked, chain.read(stake.balance_of(farm.address())));
        })
        .check("everybody can leave", move |chain| {
            let now = chain.snapshot();
            for user in users {
                let staked = chain.read(farm.balance_of(user.address));
                if staked > 0 {
                    chain.send(user, farm.exit()).succeeds();
                }
            }
            assert_eq!(chain.read(stake.balance_of(farm.address())), 0);
            chain.restore(&now);
        })
        .run(chain);
}
