//! Pools one behind the other, and what trading along them gives and takes.

use esker_amm_pair::PairHandle;
use esker_sdk::prelude::*;

use crate::{
    counterparts::ITokenHandle,
    quotes,
    router::{Error, Router},
};

/// A pool on a path, and what it had of the token that goes in and of the one that comes out.
pub struct Hop {
    /// The pool.
    pub pool: PairHandle,
    /// Whether the token that goes in is the pool's first.
    pub is_zero_in: bool,
    /// What it had of the token that goes in.
    pub reserve_in: U256,
    /// What it had of the token that comes out.
    pub reserve_out: U256,
}

impl Hop {
    /// A pool as it stands.
    pub fn at(cx: &Context, pool: PairHandle, token_in: Address, token_out: Address) -> Self {
        let is_zero_in = token_in < token_out;
        let (reserve0, reserve1, _) = pool.get_reserves().call(cx);
        let (reserve0, reserve1) = (U256::from(reserve0), U256::from(reserve1));
        let (reserve_in, reserve_out) = if is_zero_in { (reserve0, reserve1) } else { (reserve1, reserve0) };
        Self { pool, is_zero_in, reserve_in, reserve_out }
    }

    /// Has the pool, which has been paid, pay `out` to the receiver.
    pub fn pay(&self, cx: &mut Context, out: U256, receiver: Address) {
        let (out0, out1) = if self.is_zero_in { (U256::ZERO, out) } else { (out, U256::ZERO) };
        self.pool.swap(out0, out1, receiver, &[]).call(cx);
    }
}

/// Each pool pays the next one; the last pays `to`. The first has been paid.
pub fn trade(cx: &mut Context, hops: &[Hop], amounts: &[U256], to: Address) {
    let receivers = hops.iter().skip(1).map(|hop| hop.pool.address()).chain([to]);
    for ((hop, &out), receiver) in hops.iter().zip(amounts.iter().skip(1)).zip(receivers) {
        hop.pay(cx, out, receiver);
    }
}

/// Each pool trades what it has more than it knows of, as it stands by then: transfers may do more than transfer. The
/// first has been paid.
pub fn trade_what_arrives(cx: &mut Context, path: &[Address], pools: &[PairHandle], to: Address) -> Result<(), Error> {
    let receivers = pools.iter().skip(1).map(PairHandle::address).chain([to]);
    for (((&pool, &token_in), &token_out), receiver) in pools.iter().zip(path).zip(path.iter().skip(1)).zip(receivers) {
        let hop = Hop::at(cx, pool, token_in, token_out);
        let arrived = ITokenHandle::at(token_in).balance_of(pool.address()).call(cx) - hop.reserve_in;
        let out = quotes::amount_out(arrived, hop.reserve_in, hop.reserve_out)?;
        hop.pay(cx, out, receiver);
    }
    Ok(())
}

/// The same; at least so much arrives at `to`.
pub fn trade_for_at_least(
    cx: &mut Context,
    path: &[Address],
    pools: &[PairHandle],
    least: U256,
    to: Address,
) -> Result<(), Error> {
    let bought = ITokenHandle::at(last(path)?);
    let before = bought.balance_of(to).call(cx);
    trade_what_arrives(cx, path, pools, to)?;
    ensure!(bought.balance_of(to).call(cx) - before >= least, Error::InsufficientOutputAmount);
    Ok(())
}

impl Router {
    /// The pools of a path, and what comes of `amount_in` at each of its tokens. Each pool is asked for once what it gets is
    /// known.
    pub(crate) fn amounts_out(
        &self,
        cx: &Context,
        amount_in: U256,
        path: &[Address],
    ) -> Result<(Vec<Hop>, Vec<U256>), Error> {
        ensure!(path.len() >= 2, Error::InvalidPath);
        let (mut hops, mut amounts, mut amount) = (Vec::new(), vec![amount_in], amount_in);
        for (&token_in, &token_out) in path.iter().zip(path.iter().skip(1)) {
            let hop = self.hop(cx, token_in, token_out)?;
            amount = quotes::amount_out(amount, hop.reserve_in, hop.reserve_out)?;
            hops.push(hop);
            amounts.push(amount);
        }
        Ok((hops, amounts))
    }

    /// The pools of a path, and what it takes at each of its tokens to get `amount_out` at its end, from which it is reckoned.
    pub(crate) fn amounts_in(
        &self,
        cx: &Context,
        amount_out: U256,
        path: &[Address],
    ) -> Result<(Vec<Hop>, Vec<U256>), Error> {
        ensure!(path.len() >= 2, Error::InvalidPath);
        let (mut hops, mut amounts, mut amount) = (Vec::new(), vec![amount_out], amount_out);
        for (&token_in, &token_out) in path.iter().zip(path.iter().skip(1)).rev() {
            let hop = self.hop(cx, token_in, token_out)?;
            amount = quotes::amount_in(amount, hop.reserve_in, hop.reserve_out)?;
            hops.push(hop);
            amounts.push(amount);
        }
        hops.reverse();
        amounts.reverse();
        Ok((hops, amounts))
    }
}

/// Demands amounts that end with at least so much.
pub fn at_least(least: U256, amounts: &[U256]) -> Result<(), Error> {
    ensure!(last(amounts)? >= least, Error::InsufficientOutputAmount);
    Ok(())
}

/// Demands amounts that begin with at most so much.
pub fn at_most(most: U256, amounts: &[U256]) -> Result<(), Error> {
    ensure!(first(amounts)? <= most, Error::ExcessiveInputAmount);
    Ok(())
}

/// What a path, or the amounts along it, begin with.
pub fn first<T: Copy>(of: &[T]) -> Result<T, Error> {
    of.first().copied().ok_or(Error::InvalidPath)
}

/// What a path, or the amounts along it, end with.
pub fn last<T: Copy>(of: &[T]) -> Result<T, Error> {
    of.last().copied().ok_or(Error::InvalidPath)
}

/// Who is paid first.
pub fn entry(hops: &[Hop]) -> Result<Address, Error> {
    hops.first().map(|hop| hop.pool.address()).ok_or(Error::InvalidPath)
}
