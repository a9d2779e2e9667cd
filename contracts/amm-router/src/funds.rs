//! How tokens, shares and coins get into pools and out of them.

use esker_amm_pair::PairHandle;
use esker_sdk::prelude::*;

use crate::counterparts::{IFactoryHandle, ITokenHandle, IWethHandle};
use crate::paths::Hop;
use crate::quotes;
use crate::router::{Error, Router};

impl Router {
    pub(crate) fn pool(&self, cx: &Context, token_a: Address, token_b: Address) -> Result<PairHandle, Error> {
        let pool = IFactoryHandle::at(self.factory()).get_pair(token_a, token_b).call(cx);
        ensure!(!pool.is_zero(), Error::NoPair { token_a, token_b });
        Ok(PairHandle::from(pool))
    }

    /// Lets the router take so many of the caller's shares of a pool, as the caller signed.
    pub(crate) fn permit(
        &self,
        cx: &mut Context,
        tokens: (Address, Address),
        value: U256,
        deadline: U256,
        (v, r, s): (u8, B256, B256),
    ) -> Result<(), Error> {
        let pool = self.pool(cx, tokens.0, tokens.1)?;
        pool.permit(cx.sender(), cx.address(), value, deadline, v, r, s).call(cx);
        Ok(())
    }

    pub(crate) fn pools(&self, cx: &Context, path: &[Address]) -> Result<Vec<PairHandle>, Error> {
        ensure!(path.len() >= 2, Error::InvalidPath);
        let ends = path.iter().zip(path.iter().skip(1));
        ends.map(|(&token_in, &token_out)| self.pool(cx, token_in, token_out)).collect()
    }

    pub(crate) fn hop(&self, cx: &Context, token_in: Address, token_out: Address) -> Result<Hop, Error> {
        Ok(Hop::at(cx, self.pool(cx, token_in, token_out)?, token_in, token_out))
    }

    /// The pool, created if need be, and the amounts of its price that fit into the desired ones.
    pub(crate) fn fit(
        &mut self,
        cx: &mut Context,
        token_a: Address,
        token_b: Address,
        desired: (U256, U256),
        least: (U256, U256),
    ) -> Result<(PairHandle, U256, U256), Error> {
        let factory = IFactoryHandle::at(self.factory());
        let mut pool = factory.get_pair(token_a, token_b).call(cx);
        if pool.is_zero() {
            pool = factory.create_pair(token_a, token_b).call(cx);
        }
        let hop = Hop::at(cx, PairHandle::from(pool), token_a, token_b);
        let Hop { pool, reserve_in: reserve_a, reserve_out: reserve_b, .. } = hop;
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

    pub(crate) fn withdraw(
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

    pub(crate) fn withdraw_coins(
        &self,
        cx: &mut Context,
        token: Address,
        liquidity: U256,
        least: (U256, U256),
        to: Address,
    ) -> Result<(U256, U256), Error> {
        let (amount_token, amount_eth) = self.withdraw(cx, (token, self.weth()), liquidity, least, cx.address())?;
        ITokenHandle::at(token).transfer(to, amount_token).call_optional(cx);
        self.unwrap(cx, to, amount_eth)?;
        Ok((amount_token, amount_eth))
    }

    /// The router has nothing between transactions, so all that it has of the token is what came just now.
    pub(crate) fn withdraw_what_arrives(
        &self,
        cx: &mut Context,
        token: Address,
        liquidity: U256,
        least: (U256, U256),
        to: Address,
    ) -> Result<U256, Error> {
        let (_, amount_eth) = self.withdraw(cx, (token, self.weth()), liquidity, least, cx.address())?;
        let token = ITokenHandle::at(token);
        token.transfer(to, token.balance_of(cx.address()).call(cx)).call_optional(cx);
        self.unwrap(cx, to, amount_eth)?;
        Ok(amount_eth)
    }

    /// Pays a pool in coins.
    pub(crate) fn wrap(&self, cx: &mut Context, pool: Address, amount: U256) {
        IWethHandle::at(self.weth()).deposit().value(amount).call(cx);
        ITokenHandle::at(self.weth()).transfer(pool, amount).call_optional(cx);
    }

    /// Pays somebody in coins, out of their token.
    pub(crate) fn unwrap(&self, cx: &mut Context, to: Address, amount: U256) -> Result<(), Error> {
        IWethHandle::at(self.weth()).withdraw(amount).call(cx);
        cx.send(to, amount).map_err(|_| Error::NotTaken { receiver: to })
    }
}

pub(crate) fn take(cx: &mut Context, token: Address, pool: Address, amount: U256) {
    ITokenHandle::at(token).transfer_from(cx.sender(), pool, amount).call_optional(cx);
}

/// Gives the caller back what was not spent of the coins sent along.
pub(crate) fn refund(cx: &mut Context, spent: U256) -> Result<(), Error> {
    let (receiver, left) = (cx.sender(), cx.value() - spent);
    if left == 0 {
        return Ok(());
    }
    cx.send(receiver, left).map_err(|_| Error::NotTaken { receiver })
}
