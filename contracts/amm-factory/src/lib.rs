//! Creates pools of two tokens, at most one for each two, at addresses that are known before: Uniswap V2's factory.
#![no_std]
use esker_amm_pair::{Pair, PairHandle};
use esker_sdk::{abi::encode_packed, prelude::*};

/// Which pools there are, and who gets the protocol's part of their fees. Anybody may create a pool.
#[contract]
pub mod factory {
    use super::*;

    /// The pools' code, a part of this contract's.
    const PAIR: Embedded<Pair> = include_contract!(esker_amm_pair::Pair);

    /// The factory's state, in the order of Uniswap's.
    #[storage]
    pub struct Factory {
        fee_to: Cell<Address>,
        fee_to_setter: Cell<Address>,
        pairs: Map<(Address, Address), Address>,
        all_pairs: List<Address>,
    }

    /// The pool of `token0` and `token1` was created; there are `count` pools now.
    #[event]
    #[rustfmt::skip]
    pub struct PairCreated { #[indexed] pub token0: Address, #[indexed] pub token1: Address, pub pair: Address, pub count: U256 }

    /// What can go wrong.
    #[error]
    pub enum Error {
        /// A pool has two tokens.
        IdenticalAddresses,
        /// The zero address is no token.
        ZeroAddress,
        /// The two tokens have a pool.
        PairExists,
        /// Only who is named as the setter may.
        Forbidden,
    }

    /// What anybody may ask.
    #[rustfmt::skip]
    impl Factory {
        /// Who gets the protocol's part of the fees; the zero address stands for nobody.
        pub fn fee_to(&self) -> Address { self.fee_to.get() }
        /// Who says who gets it.
        pub fn fee_to_setter(&self) -> Address { self.fee_to_setter.get() }
        /// The pool of two tokens, in either order; the zero address if there is none.
        #[returns(pair)]
        pub fn get_pair(&self, token_a: Address, token_b: Address) -> Address { self.pairs.get((token_a, token_b)) }
        /// The pool with a number, from 0 on.
        #[returns(pair)]
        pub fn all_pairs(&self, number: U256) -> Address { self.all_pairs.get(u64::try_from(number).unwrap_or(u64::MAX)) }
        /// How many pools there are.
        pub fn all_pairs_length(&self) -> U256 { U256::from(self.all_pairs.len()) }
        /// The hash of the pools' code, by which anybody finds a pool's address (EIP-1014).
        pub fn pair_code_hash() -> B256 { B256::from(crypto::keccak256(&PAIR.envelope())) }
    }

    impl Factory {
        /// Nobody gets the protocol's part, until `fee_to_setter` names somebody.
        #[constructor]
        pub fn new(&mut self, fee_to_setter: Address) {
            self.fee_to_setter.set(fee_to_setter);
        }

        /// Creates the pool of two tokens, whose order does not matter, and tells it which they are: it never stands on
        /// the chain without them, so nobody else can.
        #[returns(pair)]
        pub fn create_pair(&mut self, cx: &mut Context, token_a: Address, token_b: Address) -> Result<Address, Error> {
            ensure!(token_a != token_b, Error::IdenticalAddresses);
            let (token0, token1) = if token_a < token_b { (token_a, token_b) } else { (token_b, token_a) };
            ensure!(!token0.is_zero(), Error::ZeroAddress);
            ensure!(self.pairs.get((token0, token1)).is_zero(), Error::PairExists);
            let salt = B256::from(crypto::keccak256(&encode_packed(&(token0, token1))));
            let pool = PAIR.create2(cx, &PairHandle::constructor(), U256::ZERO, salt)?;
            pool.initialize(token0, token1).call(cx);
            let pair = pool.address();
            self.pairs.set((token0, token1), pair);
            self.pairs.set((token1, token0), pair);
            self.all_pairs.push(pair);
            cx.emit(PairCreated { token0, token1, pair, count: self.all_pairs_length() });
            Ok(pair)
        }

        /// Names who gets the protocol's part of all pools' fees from now on.
        pub fn set_fee_to(&mut self, cx: &Context, fee_to: Address) -> Result<(), Error> {
            ensure!(cx.sender() == self.fee_to_setter.get(), Error::Forbidden);
            self.fee_to.set(fee_to);
            Ok(())
        }

        /// Names who says so from now on.
        pub fn set_fee_to_setter(&mut self, cx: &Context, fee_to_setter: Address) -> Result<(), Error> {
            ensure!(cx.sender() == self.fee_to_setter.get(), Error::Forbidden);
            self.fee_to_setter.set(fee_to_setter);
            Ok(())
        }
    }
}
pub use self::factory::*;
