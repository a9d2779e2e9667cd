//! A pool of two tokens that trades one for the other and keeps the product of both from falling: Uniswap V2's pair.
#![no_std]
use esker_sdk::prelude::*;

pub mod shares;

/// What the pool asks of a token.
#[interface]
pub trait IToken {
    /// Moves the caller's tokens.
    fn transfer(&mut self, to: Address, value: U256) -> bool;
    /// How many tokens `account` has.
    fn balance_of(&self, account: Address) -> U256;
}

/// What the pool asks of the factory that deployed it.
#[interface]
pub trait IFactory {
    /// Who gets the protocol's part of the fees; the zero address stands for nobody.
    fn fee_to(&self) -> Address;
}

/// Who borrows from the pool within a swap.
#[interface]
pub trait IBorrower {
    /// Called between paying out and demanding payment.
    fn uniswap_v2_call(&mut self, sender: Address, amount0: U256, amount1: U256, data: &[u8]);
}

/// The pool. Whoever trades or provides sends tokens first and calls then: what came in is what the balances say.
#[contract]
pub mod pair {
    use super::{shares::shares::Shares, *};

    /// Shares that nobody ever gets back, so that one share stays cheap.
    const MINIMUM_LIQUIDITY: u128 = 1000;

    /// The pool's state, in the order of Uniswap's.
    #[storage]
    pub struct Pair {
        #[flatten]
        #[expose]
        shares: Shares,
        factory: Cell<Address>,
        token0: Cell<Address>,
        token1: Cell<Address>,
        reserves: Reserves,
        price0_cumulative_last: Cell<U256>,
        price1_cumulative_last: Cell<U256>,
        k_last: Cell<U256>,
    }

    /// What the pool had after the last change, and when that was: one slot.
    #[storage(nested)]
    pub struct Reserves {
        reserve0: Cell<Uint<112>>,
        reserve1: Cell<Uint<112>>,
        timestamp: Cell<u32>,
    }

    /// `sender` added to the pool.
    #[event]
    #[rustfmt::skip]
    pub struct Mint { #[indexed] pub sender: Address, pub amount0: U256, pub amount1: U256 }

    /// `sender` took `to`'s part out of the pool.
    #[event]
    #[rustfmt::skip]
    pub struct Burn { #[indexed] pub sender: Address, pub amount0: U256, pub amount1: U256, #[indexed] pub to: Address }

    /// `sender` traded for `to`.
    #[event]
    pub struct Swap {
        #[indexed]
        pub sender: Address,
        pub amount0_in: U256,
        pub amount1_in: U256,
        pub amount0_out: U256,
        pub amount1_out: U256,
        #[indexed]
        pub to: Address,
    }

    /// The reserves are these now.
    #[event]
    #[rustfmt::skip]
    pub struct Sync { pub reserve0: Uint<112>, pub reserve1: Uint<112> }

    /// What can go wrong.
    #[error]
    pub enum Error {
        Forbidden,
        InsufficientLiquidityMinted,
        InsufficientLiquidityBurned,
        InsufficientOutputAmount,
        InsufficientLiquidity,
        InvalidTo,
        InsufficientInputAmount,
        K,
        Overflow,
    }

    /// What anybody may ask.
    #[rustfmt::skip]
    impl Pair {
        /// Shares that are locked for ever.
        #[name = "MINIMUM_LIQUIDITY"]
        pub fn minimum_liquidity() -> U256 { U256::from(MINIMUM_LIQUIDITY) }
        /// Who deployed the pool.
        pub fn factory(&self) -> Address { self.factory.get() }
        /// The first token.
        pub fn token0(&self) -> Address { self.token0.get() }
        /// The second token.
        pub fn token1(&self) -> Address { self.token1.get() }
        /// Sum over time of the first token's price in the second, in 2^-112 times seconds; it wraps.
        pub fn price0_cumulative_last(&self) -> U256 { self.price0_cumulative_last.get() }
        /// Sum over time of the second token's price in the first, in 2^-112 times seconds; it wraps.
        pub fn price1_cumulative_last(&self) -> U256 { self.price1_cumulative_last.get() }
        /// The reserves' product when shares last changed; zero without protocol fee.
        pub fn k_last(&self) -> U256 { self.k_last.get() }
        /// The reserves, and the time of their last change in seconds modulo 2^32.
        #[returns(_reserve0, _reserve1, _blockTimestampLast)]
        pub fn get_reserves(&self) -> (Uint<112>, Uint<112>, u32) {
            (self.reserves.reserve0.get(), self.reserves.reserve1.get(), self.reserves.timestamp.get())
        }
    }

    impl Pair {
        /// The deployer is the factory.
        #[constructor]
        pub fn new(&mut self, cx: &Context) {
            self.factory.set(cx.sender());
            self.shares.init(cx);
        }

        /// Says which tokens are traded; for the factory.
        pub fn initialize(&mut self, cx: &Context, token0: Address, token1: Address) -> Result<(), Error> {
            ensure!(cx.sender() == self.factory.get(), Error::Forbidden);
            self.token0.set(token0);
            self.token1.set(token1);
            Ok(())
        }

        /// Gives `to` shares for what came in.
        #[returns(liquidity)]
        pub fn mint(&mut self, cx: &mut Context, to: Address) -> Result<U256, Error> {
            let (reserve0, reserve1) = self.reserves();
            let (balance0, balance1) = self.balances(cx);
            let (amount0, amount1) = (balance0 - reserve0, balance1 - reserve1);
            let fee_on = self.mint_fee(cx, reserve0, reserve1);
            let supply = self.shares.total_supply();
            let liquidity = if supply == 0 {
                let liquidity = (amount0 * amount1).isqrt() - MINIMUM_LIQUIDITY;
                self.shares.mint(cx, Address::ZERO, U256::from(MINIMUM_LIQUIDITY));
                liquidity
            } else {
                (amount0 * supply / reserve0).min(amount1 * supply / reserve1)
            };
            ensure!(liquidity > 0, Error::InsufficientLiquidityMinted);
            self.shares.mint(cx, to, liquidity);
            self.update(cx, balance0, balance1, fee_on)?;
            cx.emit(Mint { sender: cx.sender(), amount0, amount1 });
            Ok(liquidity)
        }

        /// Pays `to` for the shares that the pool itself was sent.
        #[returns(amount0, amount1)]
        pub fn burn(&mut self, cx: &mut Context, to: Address) -> Result<(U256, U256), Error> {
            let (reserve0, reserve1) = self.reserves();
            let (balance0, balance1) = self.balances(cx);
            let liquidity = self.shares.balance_of(cx.address());
            let fee_on = self.mint_fee(cx, reserve0, reserve1);
            let supply = self.shares.total_supply();
            let (amount0, amount1) = (liquidity * balance0 / supply, liquidity * balance1 / supply);
            ensure!(amount0 > 0 && amount1 > 0, Error::InsufficientLiquidityBurned);
            self.shares.burn(cx, cx.address(), liquidity);
            pay(cx, self.token0.get(), to, amount0);
            pay(cx, self.token1.get(), to, amount1);
            let (balance0, balance1) = self.balances(cx);
            self.update(cx, balance0, balance1, fee_on)?;
            cx.emit(Burn { sender: cx.sender(), amount0, amount1, to });
            Ok((amount0, amount1))
        }

        /// Pays `to` first, calls it if there is `data`, and then demands what it costs with a fee of 0.3 %.
        pub fn swap(
            &mut self,
            cx: &mut Context,
            amount0_out: U256,
            amount1_out: U256,
            to: Address,
            data: &[u8],
        ) -> Result<(), Error> {
            ensure!(amount0_out > 0 || amount1_out > 0, Error::InsufficientOutputAmount);
            let (reserve0, reserve1) = self.reserves();
            ensure!(amount0_out < reserve0 && amount1_out < reserve1, Error::InsufficientLiquidity);
            let (token0, token1) = (self.token0.get(), self.token1.get());
            ensure!(to != token0 && to != token1, Error::InvalidTo);
            for (token, amount) in [(token0, amount0_out), (token1, amount1_out)] {
                if amount > 0 {
                    pay(cx, token, to, amount);
                }
            }
            if !data.is_empty() {
                IBorrowerHandle::at(to).uniswap_v2_call(cx.sender(), amount0_out, amount1_out, data).call(cx);
            }
            let (balance0, balance1) = self.balances(cx);
            let amount0_in = balance0.saturating_sub(reserve0 - amount0_out);
            let amount1_in = balance1.saturating_sub(reserve1 - amount1_out);
            ensure!(amount0_in > 0 || amount1_in > 0, Error::InsufficientInputAmount);
            let (left0, left1) = (balance0 * 1000 - amount0_in * 3, balance1 * 1000 - amount1_in * 3);
            ensure!(left0 * left1 >= reserve0 * reserve1 * 1_000_000, Error::K);
            self.update(cx, balance0, balance1, false)?;
            cx.emit(Swap { sender: cx.sender(), amount0_in, amount1_in, amount0_out, amount1_out, to });
            Ok(())
        }

        /// Pays `to` what the pool has beyond its reserves.
        pub fn skim(&mut self, cx: &mut Context, to: Address) {
            let (reserve0, reserve1) = self.reserves();
            for (token, reserve) in [(self.token0.get(), reserve0), (self.token1.get(), reserve1)] {
                let surplus = balance(cx, token) - reserve;
                pay(cx, token, to, surplus);
            }
        }

        /// Makes the reserves what the pool has.
        pub fn sync(&mut self, cx: &mut Context) -> Result<(), Error> {
            let (balance0, balance1) = self.balances(cx);
            self.update(cx, balance0, balance1, false)
        }

        fn reserves(&self) -> (U256, U256) {
            (U256::from(self.reserves.reserve0.get()), U256::from(self.reserves.reserve1.get()))
        }

        fn balances(&self, cx: &Context) -> (U256, U256) {
            (balance(cx, self.token0.get()), balance(cx, self.token1.get()))
        }

        /// Adds up the prices at which the pool stood until now, and writes down what it has. With `fee_on`, the product
        /// from which the protocol's part is reckoned is that of the new reserves.
        fn update(&mut self, cx: &mut Context, balance0: U256, balance1: U256, fee_on: bool) -> Result<(), Error> {
            let fits = |balance| Uint::<112>::try_from(balance).map_err(|_| Error::Overflow);
            let (new0, new1) = (fits(balance0)?, fits(balance1)?);
            let (reserve0, reserve1) = self.reserves();
            let now = cx.timestamp() as u32;
            let elapsed = u128::from(now.wrapping_sub(self.reserves.timestamp.get()));
            if elapsed > 0 && reserve0 != 0 && reserve1 != 0 {
                let price = |of: U256, with: U256| with * (1 << 112) / of * elapsed;
                self.price0_cumulative_last.update(|sum| sum.wrapping_add(price(reserve0, reserve1)));
                self.price1_cumulative_last.update(|sum| sum.wrapping_add(price(reserve1, reserve0)));
            }
            self.reserves.reserve0.set(new0);
            self.reserves.reserve1.set(new1);
            self.reserves.timestamp.set(now);
            cx.emit(Sync { reserve0: new0, reserve1: new1 });
            if fee_on {
                self.k_last.set(balance0 * balance1);
            }
            Ok(())
        }

        /// Creates the protocol's shares, a sixth of what fees have added to the root of the product, if the factory names
        /// somebody who gets them. Gives whether it does.
        fn mint_fee(&mut self, cx: &mut Context, reserve0: U256, reserve1: U256) -> bool {
            let fee_to = IFactoryHandle::at(self.factory.get()).fee_to().call(cx);
            let k_last = self.k_last.get();
            if fee_to.is_zero() {
                if k_last != 0 {
                    self.k_last.clear();
                }
            } else if k_last != 0 {
                let (root, root_last) = ((reserve0 * reserve1).isqrt(), k_last.isqrt());
                if root > root_last {
                    let liquidity = self.shares.total_supply() * (root - root_last) / (root * 5 + root_last);
                    if liquidity > 0 {
                        self.shares.mint(cx, fee_to, liquidity);
                    }
                }
            }
            !fee_to.is_zero()
        }
    }

    fn balance(cx: &Context, token: Address) -> U256 {
        ITokenHandle::at(token).balance_of(cx.address()).call(cx)
    }

    fn pay(cx: &mut Context, token: Address, to: Address, value: U256) {
        ITokenHandle::at(token).transfer(to, value).call_optional(cx);
    }
}
pub use pair::*;
