//! Shares rewards out among those who stake tokens, by how much and how long: Synthetix's `StakingRewards`, without the
//! owner's powers, and with rewards that are taken in when they are announced, so that none is promised that is not there.
#![no_std]
use esker_sdk::prelude::*;

/// What is asked of either token. It moves what it says, all of it.
#[interface]
pub trait IToken {
    /// How many tokens `account` has.
    fn balance_of(&self, account: Address) -> U256;
    /// Moves the caller's tokens.
    fn transfer(&mut self, to: Address, value: U256) -> bool;
    /// Moves `from`'s tokens, out of the caller's allowance.
    fn transfer_from(&mut self, from: Address, to: Address, value: U256) -> bool;
}

/// Rewards flow evenly through a period of seven days, in each second to all stakes alike. It is rounded down, and what
/// flows while nobody stakes is nobody's: both stay here. Times are in seconds.
#[contract]
pub mod staking_rewards {
    use super::*;

    /// How long a reward flows.
    const DURATION: u64 = 7 * 24 * 60 * 60;
    /// In which part of a token's smallest unit rewards for each staked unit are reckoned.
    const PRECISION: U256 = u256!("1e18");

    /// Who staked what and has earned how much, in the order of Synthetix's.
    #[storage]
    pub struct StakingRewards {
        rewards_distribution: Cell<Address>,
        rewards_token: Cell<Address>,
        staking_token: Cell<Address>,
        period_finish: Cell<u64>,
        last_update_time: Cell<u64>,
        reward_rate: Cell<U256>,
        reward_per_token_stored: Cell<U256>,
        user_reward_per_token_paid: Map<Address, U256>,
        rewards: Map<Address, U256>,
        total_supply: Cell<U256>,
        balances: Map<Address, U256>,
    }

    /// `reward` flows from now on, with what was left.
    #[event]
    #[rustfmt::skip]
    pub struct RewardAdded { pub reward: U256 }

    /// `user` staked `amount`.
    #[event]
    #[rustfmt::skip]
    pub struct Staked { #[indexed] pub user: Address, pub amount: U256 }

    /// `user` took `amount` of the stake back.
    #[event]
    #[rustfmt::skip]
    pub struct Withdrawn { #[indexed] pub user: Address, pub amount: U256 }

    /// `user` was paid `reward`.
    #[event]
    #[rustfmt::skip]
    pub struct RewardPaid { #[indexed] pub user: Address, pub reward: U256 }

    /// What can go wrong.
    #[error]
    #[rustfmt::skip]
    pub enum Error {
        /// Nothing is staked.
        CannotStakeZero,
        /// Nothing is withdrawn.
        CannotWithdrawZero,
        /// Only the distribution may.
        NotRewardsDistribution { caller: Address },
        /// More than 2^128 − 1 at a time: it could overflow, and stakes would not come back.
        RewardTooHigh { reward: U256 },
        /// The token said that it moved more than came.
        TokensMissing { amount: U256, received: U256 },
    }
    use Error::*;

    /// What anybody may ask.
    #[rustfmt::skip]
    impl StakingRewards {
        /// Who announces rewards.
        pub fn rewards_distribution(&self) -> Address { self.rewards_distribution.get() }
        /// What is earned.
        pub fn rewards_token(&self) -> Address { self.rewards_token.get() }
        /// What is staked.
        pub fn staking_token(&self) -> Address { self.staking_token.get() }
        /// Until when rewards flow.
        pub fn period_finish(&self) -> u64 { self.period_finish.get() }
        /// How much flows in a second.
        pub fn reward_rate(&self) -> U256 { self.reward_rate.get() }
        /// How long a reward flows.
        pub fn rewards_duration() -> u64 { DURATION }
        /// All stakes.
        pub fn total_supply(&self) -> U256 { self.total_supply.get() }
        /// What `account` has staked.
        pub fn balance_of(&self, account: Address) -> U256 { self.balances.get(account) }
        /// Until when rewards have flowed so far.
        pub fn last_time_reward_applicable(&self, cx: &Context) -> u64 { cx.timestamp().min(self.period_finish.get()) }
        /// How much flows in a whole period.
        pub fn get_reward_for_duration(&self) -> U256 { self.reward_rate.get() * U256::from(DURATION) }
    }

    impl StakingRewards {
        /// Who stakes `staking_token` earns `rewards_token`, as `rewards_distribution` announces. They may be one token.
        #[constructor]
        pub fn new(&mut self, rewards_distribution: Address, rewards_token: Address, staking_token: Address) {
            self.rewards_distribution.set(rewards_distribution);
            self.rewards_token.set(rewards_token);
            self.staking_token.set(staking_token);
        }

        /// What a staked unit has earned since the beginning, in 10^-18.
        pub fn reward_per_token(&self, cx: &Context) -> U256 {
            let (stored, supply) = (self.reward_per_token_stored.get(), self.total_supply.get());
            if supply == 0 {
                return stored;
            }
            let flowed = U256::from(self.last_time_reward_applicable(cx) - self.last_update_time.get());
            stored + flowed * self.reward_rate.get() * PRECISION / supply
        }

        /// What `account` has earned and not been paid.
        pub fn earned(&self, cx: &Context, account: Address) -> U256 {
            let since = self.reward_per_token(cx) - self.user_reward_per_token_paid.get(account);
            self.balances.get(account) * since / PRECISION + self.rewards.get(account)
        }

        /// Stakes `amount` of the caller's tokens.
        pub fn stake(&mut self, cx: &mut Context, amount: U256) -> Result<(), Error> {
            ensure!(amount > 0, CannotStakeZero);
            let user = cx.sender();
            self.update_reward(cx, user);
            self.total_supply.add(amount);
            self.balances.at_mut(user).add(amount);
            cx.emit(Staked { user, amount });
            take(cx, self.staking_token.get(), amount)
        }

        /// Gives `amount` of the caller's stake back; the rewards stay until they are asked for.
        pub fn withdraw(&mut self, cx: &mut Context, amount: U256) -> Result<(), Error> {
            ensure!(amount > 0, CannotWithdrawZero);
            let user = cx.sender();
            self.update_reward(cx, user);
            self.balances.at_mut(user).sub(amount);
            self.total_supply.sub(amount);
            cx.emit(Withdrawn { user, amount });
            ITokenHandle::at(self.staking_token.get()).transfer(user, amount).call_optional(cx);
            Ok(())
        }

        /// Pays the caller what it has earned.
        pub fn get_reward(&mut self, cx: &mut Context) {
            let user = cx.sender();
            self.update_reward(cx, user);
            let reward = self.rewards.get(user);
            if reward > 0 {
                self.rewards.at_mut(user).clear();
                cx.emit(RewardPaid { user, reward });
                ITokenHandle::at(self.rewards_token.get()).transfer(user, reward).call_optional(cx);
            }
        }

        /// Gives the caller's whole stake back and pays what it has earned.
        pub fn exit(&mut self, cx: &mut Context) -> Result<(), Error> {
            self.withdraw(cx, self.balances.get(cx.sender()))?;
            self.get_reward(cx);
            Ok(())
        }

        /// Takes `reward` of the caller's tokens and begins a period anew: what was left of the last one flows in it too.
        pub fn notify_reward_amount(&mut self, cx: &mut Context, reward: U256) -> Result<(), Error> {
            let caller = cx.sender();
            ensure!(caller == self.rewards_distribution.get(), NotRewardsDistribution { caller });
            self.update_reward(cx, Address::ZERO);
            let (now, finish) = (cx.timestamp(), self.period_finish.get());
            let left = U256::from(finish.saturating_sub(now)) * self.reward_rate.get();
            ensure!(reward <= u128::MAX && reward + left <= u128::MAX, RewardTooHigh { reward });
            self.reward_rate.set((reward + left) / u128::from(DURATION));
            self.last_update_time.set(now);
            self.period_finish.set(now + DURATION);
            cx.emit(RewardAdded { reward });
            take(cx, self.rewards_token.get(), reward)
        }

        /// Writes down what has flowed until now, and `account`'s part of it; the zero address is nobody.
        fn update_reward(&mut self, cx: &Context, account: Address) {
            let per_token = self.reward_per_token(cx);
            if !account.is_zero() {
                let earned = self.earned(cx, account);
                self.rewards.set(account, earned);
                self.user_reward_per_token_paid.set(account, per_token);
            }
            self.reward_per_token_stored.set(per_token);
            self.last_update_time.set(self.last_time_reward_applicable(cx));
        }
    }

    fn take(cx: &mut Context, token: Address, amount: U256) -> Result<(), Error> {
        let (token, here) = (ITokenHandle::at(token), cx.address());
        let before = token.balance_of(here).call(cx);
        token.transfer_from(cx.sender(), here, amount).call_optional(cx);
        let received = token.balance_of(here).call(cx) - before;
        ensure!(received >= amount, TokensMissing { amount, received });
        Ok(())
    }
}
pub use self::staking_rewards::*;
