//! Adds to pools, takes out of them and trades along paths of them, and reverts where it would cost more or give less than
//! the caller said: Uniswap V2's second router, without its functions for tokens that take a fee on transfer.
#![no_std]
use esker_amm_pair::PairHandle;
use esker_sdk::prelude::*;

pub mod quotes;

/// What the router asks of a token.
#[interface]
pub trait IToken {
    /// Moves the caller's tokens.
    fn transfer(&mut self, to: Address, value: U256) -> bool;
    /// Moves `from`'s tokens, out of the caller's allowance.
    fn transfer_from(&mut self, from: Address, to: Address, value: U256) -> bool;
}

/// What it asks of coins as a token.
#[interface]
pub trait IWeth {
    /// Gives tokens for the coins sent along.
    #[payable]
    fn deposit(&mut self);
    /// Gives coins for tokens.
    fn withdraw(&mut self, wad: U256);
}

/// What it asks of the factory.
#[interface]
pub trait IFactory {
    /// The pool of two tokens; the zero address if there is none.
    fn get_pair(&self, token_a: Address, token_b: Address) -> Address;
    /// Creates it.
    fn create_pair(&mut self, token_a: Address, token_b: Address) -> Address;
}

/// Between two transactions it has nothing: what it takes from the caller goes to a pool, and what a pool gives goes to
/// whom the caller names. Deadlines are a block's time in seconds.
#[contract]
pub mod router {
    use super::{quotes, *};

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

    /// A pool on a path, and what it had of the token that goes in and of the one that comes out.
    struct Hop {
        pool: PairHandle,
        is_zero_in: bool,
        reserve_in: U256,
        reserve_out: U256,
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
        pub fn get_amounts_out(&self, cx: &Context, amount_in: U256, path: &[Address]) -> Result<Vec<U256>, Error> { amounts_out(amount_in, &self.hops(cx, path)?) }
        /// What it takes at each token of a path to get `amount_out` at its end.
        #[returns(amounts)]
        pub fn get_amounts_in(&self, cx: &Context, amount_out: U256, path: &[Address]) -> Result<Vec<U256>, Error> { amounts_in(amount_out, &self.hops(cx, path)?) }
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
            let pool = self.pool(cx, token_a, token_b)?;
            pool.permit(cx.sender(), cx.address(), value, deadline, v, r, s).call(cx);
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
            let pool = self.pool(cx, token, self.weth.get())?;
            pool.permit(cx.sender(), cx.address(), value, deadline, v, r, s).call(cx);
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
            let hops = self.hops(cx, path)?;
            let amounts = at_least(amount_out_min, amounts_out(amount_in, &hops)?)?;
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
            let hops = self.hops(cx, path)?;
            let amounts = at_most(amount_in_max, amounts_in(amount_out, &hops)?)?;
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
            let hops = self.hops(cx, path)?;
            let amounts = at_least(amount_out_min, amounts_out(cx.value(), &hops)?)?;
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
            ensure!(path.last() == Some(&self.weth.get()), Error::InvalidPath);
            let hops = self.hops(cx, path)?;
            let amounts = at_most(amount_in_max, amounts_in(amount_out, &hops)?)?;
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
            ensure!(path.last() == Some(&self.weth.get()), Error::InvalidPath);
            let hops = self.hops(cx, path)?;
            let amounts = at_least(amount_out_min, amounts_out(amount_in, &hops)?)?;
            take(cx, first(path)?, entry(&hops)?, amount_in);
            trade(cx, &hops, &amounts, cx.address());
            self.unwrap(cx, to, amounts.last().copied().unwrap_or_default())?;
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
            let hops = self.hops(cx, path)?;
            let amounts = at_most(amount_in_max, amounts_in(amount_out, &hops)?)?;
            let spent = first(&amounts)?;
            self.wrap(cx, entry(&hops)?, spent);
            trade(cx, &hops, &amounts, to);
            refund(cx, spent)?;
            Ok(amounts)
        }
    }

    impl Router {
        fn when_in_time(&self, cx: &Context, deadline: U256) -> Result<(), Error> {
            ensure!(deadline >= U256::from(cx.timestamp()), Error::Expired);
            Ok(())
        }

        fn pool(&self, cx: &Context, token_a: Address, token_b: Address) -> Result<PairHandle, Error> {
            let pool = IFactoryHandle::at(self.factory.get()).get_pair(token_a, token_b).call(cx);
            ensure!(!pool.is_zero(), Error::NoPair { token_a, token_b });
            Ok(PairHandle::from(pool))
        }

        fn hops(&self, cx: &Context, path: &[Address]) -> Result<Vec<Hop>, Error> {
            ensure!(path.len() >= 2, Error::InvalidPath);
            let ends = path.iter().zip(path.iter().skip(1));
            ends.map(|(&token_in, &token_out)| self.hop(cx, token_in, token_out)).collect()
        }

        fn hop(&self, cx: &Context, token_in: Address, token_out: Address) -> Result<Hop, Error> {
            let (pool, is_zero_in) = (self.pool(cx, token_in, token_out)?, token_in < token_out);
            let (reserve0, reserve1, _) = pool.get_reserves().call(cx);
            let (reserve0, reserve1) = (U256::from(reserve0), U256::from(reserve1));
            let (reserve_in, reserve_out) = if is_zero_in { (reserve0, reserve1) } else { (reserve1, reserve0) };
            Ok(Hop { pool, is_zero_in, reserve_in, reserve_out })
        }

        /// The pool, created if need be, and the amounts of its price that fit into the desired ones.
        fn fit(
            &mut self,
            cx: &mut Context,
            token_a: Address,
            token_b: Address,
            desired: (U256, U256),
            least: (U256, U256),
        ) -> Result<(PairHandle, U256, U256), Error> {
            let factory = IFactoryHandle::at(self.factory.get());
            if factory.get_pair(token_a, token_b).call(cx).is_zero() {
                factory.create_pair(token_a, token_b).call(cx);
            }
            let Hop { pool, reserve_in: reserve_a, reserve_out: reserve_b, .. } = self.hop(cx, token_a, token_b)?;
            if reserve_a == 0 && reserve_b == 0 {
                return Ok((pool, desired.0, desired.1));
            }
            let amount_b = quotes::quote(desired.0, reserve_a, reserve_b)?;
            if amount_b <= desired.1 {
                ensure!(amount_b >= least.1, Error::InsufficientBAmount);
                return Ok((pool, desired.0, amount_b));
            }
            // No more than desired: rounding down twice.
            let amount_a = quotes::quote(desired.1, reserve_b, reserve_a)?;
            ensure!(amount_a >= least.0, Error::InsufficientAAmount);
            Ok((pool, amount_a, desired.1))
        }

        fn withdraw(
            &self,
            cx: &mut Context,
            tokens: (Address, Address),
            liquidity: U256,
            least: (U256, U256),
            to: Address,
        ) -> Result<(U256, U256), Error> {
            let pool = self.pool(cx, tokens.0, tokens.1)?;
            pool.transfer_from(cx.sender(), pool.address(), liquidity).call(cx);
            let (amount0, amount1) = pool.burn(to).call(cx);
            let (amount_a, amount_b) = if tokens.0 < tokens.1 { (amount0, amount1) } else { (amount1, amount0) };
            ensure!(amount_a >= least.0, Error::InsufficientAAmount);
            ensure!(amount_b >= least.1, Error::InsufficientBAmount);
            Ok((amount_a, amount_b))
        }

        fn withdraw_coins(
            &self,
            cx: &mut Context,
            token: Address,
            liquidity: U256,
            least: (U256, U256),
            to: Address,
        ) -> Result<(U256, U256), Error> {
            let (amount_token, amount_eth) =
                self.withdraw(cx, (token, self.weth.get()), liquidity, least, cx.address())?;
            ITokenHandle::at(token).transfer(to, amount_token).call_optional(cx);
            self.unwrap(cx, to, amount_eth)?;
            Ok((amount_token, amount_eth))
        }

        /// Pays a pool in coins.
        fn wrap(&self, cx: &mut Context, pool: Address, amount: U256) {
            IWethHandle::at(self.weth.get()).deposit().value(amount).call(cx);
            ITokenHandle::at(self.weth.get()).transfer(pool, amount).call_optional(cx);
        }

        /// Pays somebody in coins, out of their token.
        fn unwrap(&self, cx: &mut Context, to: Address, amount: U256) -> Result<(), Error> {
            IWethHandle::at(self.weth.get()).withdraw(amount).call(cx);
            cx.send(to, amount).map_err(|_| Error::NotTaken { receiver: to })
        }
    }

    fn take(cx: &mut Context, token: Address, pool: Address, amount: U256) {
        ITokenHandle::at(token).transfer_from(cx.sender(), pool, amount).call_optional(cx);
    }

    /// Gives the caller back what was not spent of the coins sent along.
    fn refund(cx: &mut Context, spent: U256) -> Result<(), Error> {
        let (receiver, left) = (cx.sender(), cx.value() - spent);
        if left == 0 {
            return Ok(());
        }
        cx.send(receiver, left).map_err(|_| Error::NotTaken { receiver })
    }

    /// Each pool pays the next one; the last pays `to`. The first has been paid.
    fn trade(cx: &mut Context, hops: &[Hop], amounts: &[U256], to: Address) {
        let receivers = hops.iter().skip(1).map(|hop| hop.pool.address()).chain([to]);
        for ((hop, &out), receiver) in hops.iter().zip(amounts.iter().skip(1)).zip(receivers) {
            let (out0, out1) = if hop.is_zero_in { (U256::ZERO, out) } else { (out, U256::ZERO) };
            hop.pool.swap(out0, out1, receiver, &[]).call(cx);
        }
    }

    fn amounts_out(amount_in: U256, hops: &[Hop]) -> Result<Vec<U256>, Error> {
        let (mut amounts, mut amount) = (vec![amount_in], amount_in);
        for hop in hops {
            amount = quotes::amount_out(amount, hop.reserve_in, hop.reserve_out)?;
            amounts.push(amount);
        }
        Ok(amounts)
    }

    fn amounts_in(amount_out: U256, hops: &[Hop]) -> Result<Vec<U256>, Error> {
        let (mut amounts, mut amount) = (vec![amount_out], amount_out);
        for hop in hops.iter().rev() {
            amount = quotes::amount_in(amount, hop.reserve_in, hop.reserve_out)?;
            amounts.push(amount);
        }
        amounts.reverse();
        Ok(amounts)
    }

    fn at_least(least: U256, amounts: Vec<U256>) -> Result<Vec<U256>, Error> {
        ensure!(amounts.last().is_some_and(|out| *out >= least), Error::InsufficientOutputAmount);
        Ok(amounts)
    }

    fn at_most(most: U256, amounts: Vec<U256>) -> Result<Vec<U256>, Error> {
        ensure!(amounts.first().is_some_and(|spent| *spent <= most), Error::ExcessiveInputAmount);
        Ok(amounts)
    }

    fn first<T: Copy>(of: &[T]) -> Result<T, Error> {
        of.first().copied().ok_or(Error::InvalidPath)
    }

    fn entry(hops: &[Hop]) -> Result<Address, Error> {
        hops.first().map(|hop| hop.pool.address()).ok_or(Error::InvalidPath)
    }
}
pub use self::router::*;
