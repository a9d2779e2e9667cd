//! Adds to pools, takes out of them and trades along paths of them, and reverts where it would cost more or give less than
//! the caller said: Uniswap V2's second router, with its functions for tokens that take a fee on transfer.
//!
//! What differs: it asks the factory where a pool is, and says [`Error::NoPair`](router::Error::NoPair) where Uniswap's reckons
//! an address and fails by calling it; so the functions for tokens that take a fee move nothing before all pools of the path
//! are found. A deadline that has passed is seen before a permit is used. What a token or a pool reverts with comes through as
//! it is.
#![no_std]
use esker_sdk::prelude::*;

pub mod counterparts;
mod funds;
pub mod paths;
pub mod quotes;

/// Between two transactions it has nothing: what it takes from the caller goes to a pool, and what a pool gives goes to
/// whom the caller names. Deadlines are a block's time in seconds.
#[contract(errors(esker_sdk::SafeERC20FailedOperation))]
pub mod router {
    use super::{
        counterparts::ITokenHandle,
        funds::{refund, take},
        paths::{at_least, at_most, entry, first, last, trade, trade_for_at_least, trade_what_arrives},
        quotes, *,
    };

    /// Where pools come from, and which token stands for coins.
    #[storage]
    pub struct Router {
        factory: Cell<Address>,
        weth: Cell<Address>,
    }

    /// What can go wrong.
    #[error]
    pub enum Error {
        /// The deadline has passed.
        Expired,
        /// Less of the first token than the caller demanded.
        InsufficientAAmount,
        /// Less of the second token than the caller demanded.
        InsufficientBAmount,
        /// Nothing is worth nothing.
        InsufficientAmount,
        /// The pool has less than that, or nothing.
        InsufficientLiquidity,
        /// Nothing is traded.
        InsufficientInputAmount,
        /// It would give less than the caller demanded, or nothing was asked for.
        InsufficientOutputAmount,
        /// It would cost more than the caller allowed.
        ExcessiveInputAmount,
        /// A path is of two tokens or more; where coins are traded, their token is at that end.
        InvalidPath,
        /// The two tokens have no pool.
        NoPair { token_a: Address, token_b: Address },
        /// Coins come from their token only.
        NotWeth,
        /// The receiver did not take the coins.
        NotTaken { receiver: Address },
    }

    /// What anybody may ask.
    #[rustfmt::skip]
    impl Router {
        /// Where pools come from.
        pub fn factory(&self) -> Address { self.factory.get() }
        /// The token that stands for coins.
        #[name = "WETH"]
        pub fn weth(&self) -> Address { self.weth.get() }
        /// How much of the second token is worth `amount_a` of the first, without fee.
        #[returns(amountB)]
        pub fn quote(amount_a: U256, reserve_a: U256, reserve_b: U256) -> Result<U256, Error> { quotes::quote(amount_a, reserve_a, reserve_b) }
        /// The most that a pool with these reserves gives for `amount_in`.
        #[returns(amountOut)]
        pub fn get_amount_out(amount_in: U256, reserve_in: U256, reserve_out: U256) -> Result<U256, Error> { quotes::amount_out(amount_in, reserve_in, reserve_out) }
        /// The least that a pool with these reserves takes for `amount_out`.
        #[returns(amountIn)]
        pub fn get_amount_in(amount_out: U256, reserve_in: U256, reserve_out: U256) -> Result<U256, Error> { quotes::amount_in(amount_out, reserve_in, reserve_out) }
        /// What comes of `amount_in` at each token of a path.
        #[returns(amounts)]
        pub fn get_amounts_out(&self, cx: &Context, amount_in: U256, path: &[Address]) -> Result<Vec<U256>, Error> { Ok(self.amounts_out(cx, amount_in, path)?.1) }
        /// What it takes at each token of a path to get `amount_out` at its end.
        #[returns(amounts)]
        pub fn get_amounts_in(&self, cx: &Context, amount_out: U256, path: &[Address]) -> Result<Vec<U256>, Error> { Ok(self.amounts_in(cx, amount_out, path)?.1) }
    }

    /// Adding to pools, and taking out of them.
    impl Router {
        /// For the pools of `factory`, and coins as `weth`.
        #[constructor]
        pub fn new(&mut self, factory: Address, weth: Address) {
            self.factory.set(factory);
            self.weth.set(weth);
        }

        /// Coins come when their token is given back for them.
        #[receive]
        fn receive(&mut self, cx: &mut Context) -> Result<(), Error> {
            ensure!(cx.sender() == self.weth.get(), Error::NotWeth);
            Ok(())
        }

        /// Adds at most the desired amounts at the pool's price, and at least the others; gives `to` the shares. A pool that
        /// is not there is created.
        #[when(in_time(deadline))]
        #[returns(amountA, amountB, liquidity)]
        pub fn add_liquidity(
            &mut self,
            cx: &mut Context,
            token_a: Address,
            token_b: Address,
            amount_a_desired: U256,
            amount_b_desired: U256,
            amount_a_min: U256,
            amount_b_min: U256,
            to: Address,
            deadline: U256,
        ) -> Result<(U256, U256, U256), Error> {
            let (desired, least) = ((amount_a_desired, amount_b_desired), (amount_a_min, amount_b_min));
            let (pool, amount_a, amount_b) = self.fit(cx, token_a, token_b, desired, least)?;
            take(cx, token_a, pool.address(), amount_a);
            take(cx, token_b, pool.address(), amount_b);
            Ok((amount_a, amount_b, pool.mint(to).call(cx)))
        }

        /// Adds a token and coins; what is left of the coins goes back to the caller.
        #[payable]
        #[name = "addLiquidityETH"]
        #[when(in_time(deadline))]
        #[returns(amountToken, amountETH, liquidity)]
        pub fn add_liquidity_eth(
            &mut self,
            cx: &mut Context,
            token: Address,
            amount_token_desired: U256,
            amount_token_min: U256,
            amount_eth_min: U256,
            to: Address,
            deadline: U256,
        ) -> Result<(U256, U256, U256), Error> {
            let (desired, least) = ((amount_token_desired, cx.value()), (amount_token_min, amount_eth_min));
            let (pool, amount_token, amount_eth) = self.fit(cx, token, self.weth.get(), desired, least)?;
            take(cx, token, pool.address(), amount_token);
            self.wrap(cx, pool.address(), amount_eth);
            let liquidity = pool.mint(to).call(cx);
            refund(cx, amount_eth)?;
            Ok((amount_token, amount_eth, liquidity))
        }

        /// Gives `liquidity` of the caller's shares back and pays `to`, at least so much of both tokens.
        #[when(in_time(deadline))]
        #[returns(amountA, amountB)]
        pub fn remove_liquidity(
            &mut self,
            cx: &mut Context,
            token_a: Address,
            token_b: Address,
            liquidity: U256,
            amount_a_min: U256,
            amount_b_min: U256,
            to: Address,
            deadline: U256,
        ) -> Result<(U256, U256), Error> {
            self.withdraw(cx, (token_a, token_b), liquidity, (amount_a_min, amount_b_min), to)
        }

        /// Gives `liquidity` of the caller's shares back and pays `to` the token and coins.
        #[name = "removeLiquidityETH"]
        #[when(in_time(deadline))]
        #[returns(amountToken, amountETH)]
        pub fn remove_liquidity_eth(
            &mut self,
            cx: &mut Context,
            token: Address,
            liquidity: U256,
            amount_token_min: U256,
            amount_eth_min: U256,
            to: Address,
            deadline: U256,
        ) -> Result<(U256, U256), Error> {
            let least = (amount_token_min, amount_eth_min);
            self.withdraw_coins(cx, token, liquidity, least, to)
        }

        /// As [`Self::remove_liquidity`], with a permit of the shares that the caller signed, of all shares if `approve_max`.
        #[when(in_time(deadline))]
        #[returns(amountA, amountB)]
        pub fn remove_liquidity_with_permit(
            &mut self,
            cx: &mut Context,
            token_a: Address,
            token_b: Address,
            liquidity: U256,
            amount_a_min: U256,
            amount_b_min: U256,
            to: Address,
            deadline: U256,
            approve_max: bool,
            v: u8,
            r: B256,
            s: B256,
        ) -> Result<(U256, U256), Error> {
            let value = if approve_max { U256::MAX } else { liquidity };
            self.permit(cx, (token_a, token_b), value, deadline, (v, r, s))?;
            self.withdraw(cx, (token_a, token_b), liquidity, (amount_a_min, amount_b_min), to)
        }

        /// As [`Self::remove_liquidity_eth`], with a permit.
        #[name = "removeLiquidityETHWithPermit"]
        #[when(in_time(deadline))]
        #[returns(amountToken, amountETH)]
        pub fn remove_liquidity_eth_with_permit(
            &mut self,
            cx: &mut Context,
            token: Address,
            liquidity: U256,
            amount_token_min: U256,
            amount_eth_min: U256,
            to: Address,
            deadline: U256,
            approve_max: bool,
            v: u8,
            r: B256,
            s: B256,
        ) -> Result<(U256, U256), Error> {
            let value = if approve_max { U256::MAX } else { liquidity };
            self.permit(cx, (token, self.weth.get()), value, deadline, (v, r, s))?;
            self.withdraw_coins(cx, token, liquidity, (amount_token_min, amount_eth_min), to)
        }
    }

    /// Trading.
    impl Router {
        /// Trades all of `amount_in` along a path, for at least `amount_out_min`.
        #[when(in_time(deadline))]
        #[returns(amounts)]
        pub fn swap_exact_tokens_for_tokens(
            &mut self,
            cx: &mut Context,
            amount_in: U256,
            amount_out_min: U256,
            path: &[Address],
            to: Address,
            deadline: U256,
        ) -> Result<Vec<U256>, Error> {
            let (hops, amounts) = self.amounts_out(cx, amount_in, path)?;
            at_least(amount_out_min, &amounts)?;
            take(cx, first(path)?, entry(&hops)?, amount_in);
            trade(cx, &hops, &amounts, to);
            Ok(amounts)
        }

        /// Trades for exactly `amount_out`, at most `amount_in_max`.
        #[when(in_time(deadline))]
        #[returns(amounts)]
        pub fn swap_tokens_for_exact_tokens(
            &mut self,
            cx: &mut Context,
            amount_out: U256,
            amount_in_max: U256,
            path: &[Address],
            to: Address,
            deadline: U256,
        ) -> Result<Vec<U256>, Error> {
            let (hops, amounts) = self.amounts_in(cx, amount_out, path)?;
            at_most(amount_in_max, &amounts)?;
            take(cx, first(path)?, entry(&hops)?, first(&amounts)?);
            trade(cx, &hops, &amounts, to);
            Ok(amounts)
        }

        /// Trades all coins sent along.
        #[payable]
        #[name = "swapExactETHForTokens"]
        #[when(in_time(deadline))]
        #[returns(amounts)]
        pub fn swap_exact_eth_for_tokens(
            &mut self,
            cx: &mut Context,
            amount_out_min: U256,
            path: &[Address],
            to: Address,
            deadline: U256,
        ) -> Result<Vec<U256>, Error> {
            ensure!(first(path)? == self.weth.get(), Error::InvalidPath);
            let (hops, amounts) = self.amounts_out(cx, cx.value(), path)?;
            at_least(amount_out_min, &amounts)?;
            self.wrap(cx, entry(&hops)?, cx.value());
            trade(cx, &hops, &amounts, to);
            Ok(amounts)
        }

        /// Trades for exactly `amount_out` wei.
        #[name = "swapTokensForExactETH"]
        #[when(in_time(deadline))]
        #[returns(amounts)]
        pub fn swap_tokens_for_exact_eth(
            &mut self,
            cx: &mut Context,
            amount_out: U256,
            amount_in_max: U256,
            path: &[Address],
            to: Address,
            deadline: U256,
        ) -> Result<Vec<U256>, Error> {
            ensure!(last(path)? == self.weth.get(), Error::InvalidPath);
            let (hops, amounts) = self.amounts_in(cx, amount_out, path)?;
            at_most(amount_in_max, &amounts)?;
            take(cx, first(path)?, entry(&hops)?, first(&amounts)?);
            trade(cx, &hops, &amounts, cx.address());
            self.unwrap(cx, to, amount_out)?;
            Ok(amounts)
        }

        /// Trades all of `amount_in` for at least `amount_out_min` wei.
        #[name = "swapExactTokensForETH"]
        #[when(in_time(deadline))]
        #[returns(amounts)]
        pub fn swap_exact_tokens_for_eth(
            &mut self,
            cx: &mut Context,
            amount_in: U256,
            amount_out_min: U256,
            path: &[Address],
            to: Address,
            deadline: U256,
        ) -> Result<Vec<U256>, Error> {
            ensure!(last(path)? == self.weth.get(), Error::InvalidPath);
            let (hops, amounts) = self.amounts_out(cx, amount_in, path)?;
            at_least(amount_out_min, &amounts)?;
            take(cx, first(path)?, entry(&hops)?, amount_in);
            trade(cx, &hops, &amounts, cx.address());
            self.unwrap(cx, to, last(&amounts)?)?;
            Ok(amounts)
        }

        /// Trades coins for exactly `amount_out`; what is left of them goes back to the caller.
        #[payable]
        #[name = "swapETHForExactTokens"]
        #[when(in_time(deadline))]
        #[returns(amounts)]
        pub fn swap_eth_for_exact_tokens(
            &mut self,
            cx: &mut Context,
            amount_out: U256,
            path: &[Address],
            to: Address,
            deadline: U256,
        ) -> Result<Vec<U256>, Error> {
            let amount_in_max = cx.value();
            ensure!(first(path)? == self.weth.get(), Error::InvalidPath);
            let (hops, amounts) = self.amounts_in(cx, amount_out, path)?;
            at_most(amount_in_max, &amounts)?;
            let spent = first(&amounts)?;
            self.wrap(cx, entry(&hops)?, spent);
            trade(cx, &hops, &amounts, to);
            refund(cx, spent)?;
            Ok(amounts)
        }
    }

    /// The same for tokens of which less arrives than was sent: what counts is what pools and receivers have afterwards.
    impl Router {
        /// Gives `liquidity` of the caller's shares back and pays `to` coins, and the token as far as it arrives. The bounds
        /// are on what the pool pays, before the token's fee.
        #[name = "removeLiquidityETHSupportingFeeOnTransferTokens"]
        #[when(in_time(deadline))]
        #[returns(amountETH)]
        pub fn remove_liquidity_eth_supporting_fee_on_transfer_tokens(
            &mut self,
            cx: &mut Context,
            token: Address,
            liquidity: U256,
            amount_token_min: U256,
            amount_eth_min: U256,
            to: Address,
            deadline: U256,
        ) -> Result<U256, Error> {
            self.withdraw_what_arrives(cx, token, liquidity, (amount_token_min, amount_eth_min), to)
        }

        /// As [`Self::remove_liquidity_eth_supporting_fee_on_transfer_tokens`], with a permit.
        #[name = "removeLiquidityETHWithPermitSupportingFeeOnTransferTokens"]
        #[when(in_time(deadline))]
        #[returns(amountETH)]
        pub fn remove_liquidity_eth_with_permit_supporting_fee_on_transfer_tokens(
            &mut self,
            cx: &mut Context,
            token: Address,
            liquidity: U256,
            amount_token_min: U256,
            amount_eth_min: U256,
            to: Address,
            deadline: U256,
            approve_max: bool,
            v: u8,
            r: B256,
            s: B256,
        ) -> Result<U256, Error> {
            let value = if approve_max { U256::MAX } else { liquidity };
            self.permit(cx, (token, self.weth.get()), value, deadline, (v, r, s))?;
            self.withdraw_what_arrives(cx, token, liquidity, (amount_token_min, amount_eth_min), to)
        }

        /// Trades what arrives of `amount_in`; at least `amount_out_min` arrives at `to`.
        #[when(in_time(deadline))]
        pub fn swap_exact_tokens_for_tokens_supporting_fee_on_transfer_tokens(
            &mut self,
            cx: &mut Context,
            amount_in: U256,
            amount_out_min: U256,
            path: &[Address],
            to: Address,
            deadline: U256,
        ) -> Result<(), Error> {
            let pools = self.pools(cx, path)?;
            take(cx, first(path)?, first(&pools)?.address(), amount_in);
            trade_for_at_least(cx, path, &pools, amount_out_min, to)
        }

        /// Trades all coins sent along; at least `amount_out_min` arrives at `to`.
        #[payable]
        #[name = "swapExactETHForTokensSupportingFeeOnTransferTokens"]
        #[when(in_time(deadline))]
        pub fn swap_exact_eth_for_tokens_supporting_fee_on_transfer_tokens(
            &mut self,
            cx: &mut Context,
            amount_out_min: U256,
            path: &[Address],
            to: Address,
            deadline: U256,
        ) -> Result<(), Error> {
            ensure!(first(path)? == self.weth.get(), Error::InvalidPath);
            let pools = self.pools(cx, path)?;
            self.wrap(cx, first(&pools)?.address(), cx.value());
            trade_for_at_least(cx, path, &pools, amount_out_min, to)
        }

        /// Trades what arrives of `amount_in` for at least `amount_out_min` wei.
        #[name = "swapExactTokensForETHSupportingFeeOnTransferTokens"]
        #[when(in_time(deadline))]
        pub fn swap_exact_tokens_for_eth_supporting_fee_on_transfer_tokens(
            &mut self,
            cx: &mut Context,
            amount_in: U256,
            amount_out_min: U256,
            path: &[Address],
            to: Address,
            deadline: U256,
        ) -> Result<(), Error> {
            ensure!(last(path)? == self.weth.get(), Error::InvalidPath);
            let pools = self.pools(cx, path)?;
            take(cx, first(path)?, first(&pools)?.address(), amount_in);
            trade_what_arrives(cx, path, &pools, cx.address())?;
            let arrived = ITokenHandle::at(self.weth.get()).balance_of(cx.address()).call(cx);
            ensure!(arrived >= amount_out_min, Error::InsufficientOutputAmount);
            self.unwrap(cx, to, arrived)
        }
    }

    impl Router {
        fn when_in_time(&self, cx: &Context, deadline: U256) -> Result<(), Error> {
            ensure!(deadline >= U256::from(cx.timestamp()), Error::Expired);
            Ok(())
        }
    }
}
pub use self::router::*;
