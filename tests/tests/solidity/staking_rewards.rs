//! Rewards for stakes beside a model of Synthetix's rules, with what ours says that it does otherwise: rewards come with
//! their announcement, and the owner has no powers. Tokens move what they say: ours refuses others.

use esker_erc20::Erc20Handle;
use esker_sdk::prelude::*;
use esker_sdk_test::{Chain, Draw, Invariant, User};
use esker_staking_rewards::StakingRewardsHandle;
use esker_tests::solidity::{Pair, models};

use crate::{LENGTH, sequences};

/// From a few to many; now and then any.
fn amount(draw: &mut Draw) -> U256 {
    if draw.number(0..=14) == 14 {
        return draw.u256();
    }
    let bits = draw.number(0..=50);
    U256::from(draw.number(0..=1 << bits))
}

#[esker_sdk::test]
fn rewards_beside_synthetixs_rules(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let Some(models) = models() else { return };
    let (pair, users) = (&Pair::new(models), [alice, bob, carol]);
    let start = chain.snapshot();
    // Carol announces rewards, of which she has plenty; everybody has tokens to stake, and not everybody lets them go.
    let deploy = |chain: &mut Chain| {
        pair.begin(chain, &users);
        let supply = U256::ONE << 140;
        let tokens = ["Reward", "Stake"]
            .map(|name| pair.deploy(chain, carol, "Erc20Model", Erc20Handle::constructor(name, name, supply)));
        let [rewards, stakes] = tokens;
        let constructor = StakingRewardsHandle::constructor(carol, rewards.address(), stakes.address());
        let pool = pair.deploy(chain, carol, "StakingRewardsModel", constructor);
        for (user, allowance) in users.into_iter().zip([U256::MAX, U256::from(1_u64 << 50), U256::MAX]) {
            let _ = pair.send(chain, carol, "token", stakes.transfer(user, supply >> 20));
            let _ = pair.send(chain, user, "token", stakes.approve(pool.address(), allowance));
        }
        let _ = pair.send(chain, carol, "token", rewards.approve(pool.address(), U256::MAX));
        (tokens, pool)
    };
    let (tokens, pool) = deploy(chain);
    chain.restore(&start);
    let anybody = &[alice.address, bob.address, carol.address, Address::ZERO, pool.address()];
    Invariant::new()
        .before(move |chain| {
            deploy(chain);
        })
        .action("stake", move |chain, draw| {
            let _ = pair.send(chain, draw.pick(&users), "stake", pool.stake(amount(draw)));
        })
        .action("withdraw", move |chain, draw| {
            let by = draw.pick(&users);
            let all = chain.read(pool.balance_of(by));
            let value = match draw.number(0..=3) {
                0 => all,
                1 => all / 3,
                _ => amount(draw),
            };
            let _ = pair.send(chain, by, "withdraw", pool.withdraw(value));
        })
        .action("getReward", move |chain, draw| {
            let _ = pair.send(chain, draw.pick(&users), "getReward", pool.get_reward());
        })
        .action("exit", move |chain, draw| {
            let _ = pair.send(chain, draw.pick(&users), "exit", pool.exit());
        })
        .action("notifyRewardAmount", move |chain, draw| {
            let by = if draw.number(0..=4) == 4 { draw.pick(&users) } else { carol };
            let _ = pair.send(chain, by, "notifyRewardAmount", pool.notify_reward_amount(amount(draw)));
        })
        .action("time passes", move |chain, draw| chain.pass(draw.number(0..=400_000)))
        .action("time passes", move |chain, draw| chain.pass(draw.number(0..=4_000)))
        .check("they answer the same", move |chain| {
            pair.read(chain, bob, "totalSupply", pool.total_supply());
            pair.read(chain, bob, "periodFinish", pool.period_finish());
            pair.read(chain, bob, "rewardRate", pool.reward_rate());
            pair.read(chain, bob, "lastTimeRewardApplicable", pool.last_time_reward_applicable());
            pair.read(chain, bob, "rewardPerToken", pool.reward_per_token());
            pair.read(chain, bob, "getRewardForDuration", pool.get_reward_for_duration());
            for account in anybody {
                pair.read(chain, bob, "balanceOf", pool.balance_of(*account));
                pair.read(chain, bob, "earned", pool.earned(*account));
                for token in tokens {
                    pair.read(chain, bob, "the token's balanceOf", token.balance_of(*account));
                }
            }
        })
        .sequences(sequences())
        .calls(LENGTH as usize)
        .run(chain);
    deploy(chain);
    pair.read(chain, bob, "rewardsDistribution", pool.rewards_distribution());
    pair.read(chain, bob, "rewardsToken", pool.rewards_token());
    pair.read(chain, bob, "stakingToken", pool.staking_token());
    pair.read(chain, bob, "rewardsDuration", pool.rewards_duration());
    pair.print_gas("Staking rewards");
}
