//! A token that votes, made of components: OpenZeppelin's ERC-20 with all that its wizard offers.
#![no_std]
use esker_components::{
    access::ownable::{Error as OwnerError, Ownable},
    nonces::InvalidAccountNonce,
    pausable::{Error as PauseError, Pausable},
    tokens::{
        burnable::Burnable,
        capped::{Capped, Error as CapError},
        erc20::{Erc20, Error as TokenError},
        permit::Permit,
        votes::{Error as VoteError, Votes},
    },
};
use esker_sdk::{Eip712Domain, prelude::*};

/// A token of which its owner creates up to a cap, and which its owner can stop. Holders vote with it, themselves or by
/// delegates, sign allowances, and destroy what is theirs.
#[contract]
pub mod token {
    use super::*;

    /// The token's state, in the order of OpenZeppelin's, with the cap in a slot of its own at the end.
    #[storage]
    pub struct Token {
        #[flatten]
        #[expose]
        erc20: Erc20,
        #[flatten]
        #[expose]
        burnable: Burnable,
        #[flatten]
        #[expose]
        pausable: Pausable,
        #[flatten]
        #[expose]
        ownable: Ownable,
        #[flatten]
        #[expose]
        permit: Permit,
        #[flatten]
        #[expose]
        votes: Votes,
        #[flatten]
        #[expose]
        capped: Capped,
    }

    /// What can go wrong when balances change, and at deployment.
    #[error]
    #[rustfmt::skip]
    pub enum Error {
        #[from] Cap(CapError),
        #[from] Owner(OwnerError),
        #[from] Vote(VoteError),
    }

    impl Token {
        /// Names the token, of which there will be at most `cap`, in its smallest unit.
        #[constructor]
        pub fn new(
            &mut self,
            cx: &mut Context,
            name: &str,
            symbol: &str,
            cap: U256,
            initial_owner: Address,
        ) -> Result<(), Error> {
            self.erc20.init(name, symbol);
            self.capped.init(cap)?;
            self.ownable.init(cx, initial_owner)?;
            Ok(())
        }

        /// Creates `amount` tokens for `to`.
        #[only(ownable.owner)]
        pub fn mint(&mut self, cx: &mut Context, to: Address, amount: U256) -> Result<(), TokenError> {
            self.erc20.mint(cx, to, amount)
        }

        /// Stops all tokens where they are. Votes and allowances go on.
        #[only(ownable.owner)]
        pub fn pause(&mut self, cx: &mut Context) {
            self.pausable.pause(cx);
        }

        /// Lets tokens move again.
        #[only(ownable.owner)]
        pub fn unpause(&mut self, cx: &mut Context) {
            self.pausable.unpause(cx);
        }
    }

    /// How the parts hang together.
    #[rustfmt::skip]
    impl Token {
        #[hook(erc20.before_update)]
        fn moves_while_running(&mut self, cx: &mut Context, _: Address, _: Address, _: U256) -> Result<(), PauseError> {
            self.pausable.when_not_paused(cx)
        }

        #[hook(erc20.after_update)]
        fn votes_follow(&mut self, cx: &mut Context, from: Address, to: Address, value: U256) -> Result<(), Error> {
            if from.is_zero() {
                self.capped.check(self.erc20.total_supply())?;
            }
            self.votes.transfer_units(cx, from, to, value)?;
            Ok(())
        }

        #[hook(burnable.spend_allowance)]
        fn spend_allowance(&mut self, cx: &mut Context, owner: Address, value: U256) -> Result<(), TokenError> {
            self.erc20.spend_allowance(owner, cx.sender(), value)
        }

        #[hook(burnable.destroy)]
        fn destroy(&mut self, cx: &mut Context, account: Address, value: U256) -> Result<(), TokenError> {
            self.erc20.burn(cx, account, value)
        }

        #[hook(permit.allow)]
        fn allow(&mut self, cx: &mut Context, owner: Address, to: Address, value: U256) -> Result<(), TokenError> {
            self.erc20.allow(cx, owner, to, value)
        }

        #[hook(permit.domain_name)]
        fn domain_name(&self) -> String { self.erc20.name() }

        #[hook(votes.domain)]
        fn domain(&self, cx: &Context) -> Eip712Domain { self.permit.domain(cx) }

        #[hook(votes.use_nonce)]
        fn use_nonce(&mut self, signer: Address, nonce: U256) -> Result<(), InvalidAccountNonce> {
            self.permit.nonces.use_checked_nonce(signer, nonce)
        }

        #[hook(votes.units)]
        fn units(&self, account: Address) -> U256 { self.erc20.balance_of(account) }
    }
}
pub use token::*;
