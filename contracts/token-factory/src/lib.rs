//! Creates tokens from code that it carries, at addresses that are known before.
#![no_std]
use esker_erc20::{Erc20, Erc20Handle};
use esker_sdk::prelude::*;

/// Whoever asks for a token gets its whole supply.
#[contract]
pub mod token_factory {
    use super::*;

    /// The tokens' code, a part of this contract's.
    const TOKEN: Embedded<Erc20> = include_contract!(esker_erc20::Erc20);

    /// What the factory keeps.
    #[storage]
    pub struct TokenFactory {
        tokens: List<Address>,
    }

    /// A token was created for `maker`.
    #[event]
    pub struct Created {
        #[indexed]
        pub maker: Address,
        pub token: Address,
    }

    /// What can go wrong.
    #[error]
    pub enum Error {
        /// The token's constructor refused, or there is a token at the address.
        NotCreated { symbol: String },
        /// The supply did not move.
        NotPaidOut { token: Address },
    }

    impl TokenFactory {
        /// How many tokens there are.
        pub fn count(&self) -> U256 {
            U256::from(self.tokens.len())
        }

        /// The token with a number, from 0 on.
        pub fn token(&self, number: u64) -> Address {
            self.tokens.get(number)
        }

        /// Creates a token at the next address.
        pub fn create(&mut self, cx: &mut Context, name: &str, symbol: &str, supply: U256) -> Result<Address, Error> {
            let token = TOKEN.create(cx, &Erc20Handle::constructor(name, symbol, supply), U256::ZERO);
            self.hand_over(cx, token, symbol, supply)
        }

        /// Creates a token where [`Self::address_of`] says.
        pub fn create_at(
            &mut self,
            cx: &mut Context,
            name: &str,
            symbol: &str,
            supply: U256,
            salt: B256,
        ) -> Result<Address, Error> {
            let token = TOKEN.create2(cx, &Erc20Handle::constructor(name, symbol, supply), U256::ZERO, salt);
            self.hand_over(cx, token, symbol, supply)
        }

        /// Where [`Self::create_at`] creates a token.
        pub fn address_of(&self, cx: &Context, name: &str, symbol: &str, supply: U256, salt: B256) -> Address {
            TOKEN.create2_address(cx.address(), &Erc20Handle::constructor(name, symbol, supply), salt)
        }

        /// The hash of the tokens' code.
        pub fn code_hash() -> B256 {
            B256::from(crypto::keccak256(&TOKEN.envelope()))
        }

        fn hand_over(
            &mut self,
            cx: &mut Context,
            token: CallResult<Erc20Handle>,
            symbol: &str,
            supply: U256,
        ) -> Result<Address, Error> {
            let token = token.map_err(|_| Error::NotCreated { symbol: symbol.to_owned() })?;
            let (maker, address) = (cx.sender(), token.address());
            let is_paid = token.transfer(maker, supply).try_call(cx);
            ensure!(is_paid == Ok(true), Error::NotPaidOut { token: address });
            self.tokens.push(address);
            cx.emit(Created { maker, token: address });
            Ok(address)
        }
    }
}
pub use self::token_factory::*;
