//! Many tokens in one contract (ERC-1155), made of components: OpenZeppelin's `ERC1155` with `Burnable` and `Supply`.
#![no_std]
use esker_components::{
    access::ownable::{Error as OwnerError, Ownable},
    tokens::erc1155::{Erc1155, Error as TokenError},
};
use esker_sdk::prelude::*;

/// Tokens of many ids, which the owner creates, holders destroy, and the contract counts.
#[contract(erc165)]
pub mod items {
    use super::*;

    /// The tokens, their owner, and how many there are.
    #[storage]
    pub struct Items {
        #[flatten]
        #[expose]
        tokens: Erc1155,
        #[flatten]
        #[expose]
        ownable: Ownable,
        total_supply: Map<U256, U256>,
        total_supply_all: Cell<U256>,
    }

    /// What anybody may ask.
    #[rustfmt::skip]
    impl Items {
        /// How many of `id` there are.
        #[name = "totalSupply"]
        pub fn total_supply_of(&self, id: U256) -> U256 { self.total_supply.get(id) }
        /// How many tokens there are, of all ids.
        pub fn total_supply(&self) -> U256 { self.total_supply_all.get() }
        /// Whether there are any of `id`.
        pub fn exists(&self, id: U256) -> bool { self.total_supply.get(id) > 0 }
    }

    /// What the owner does.
    impl Items {
        /// Says where tokens are described, and who may create some.
        #[constructor]
        pub fn new(&mut self, cx: &mut Context, uri: &str, initial_owner: Address) -> Result<(), OwnerError> {
            self.tokens.set_uri(uri);
            self.ownable.init(cx, initial_owner)
        }

        /// Says where tokens are described.
        #[name = "setURI"]
        #[only(ownable.owner)]
        pub fn set_uri(&mut self, newuri: &str) {
            self.tokens.set_uri(newuri);
        }

        /// Creates tokens of one id.
        #[only(ownable.owner)]
        pub fn mint(
            &mut self,
            cx: &mut Context,
            to: Address,
            id: U256,
            value: U256,
            data: &[u8],
        ) -> Result<(), TokenError> {
            self.tokens.mint(cx, to, &[id], &[value], data)
        }

        /// Creates tokens of many ids.
        #[only(ownable.owner)]
        pub fn mint_batch(
            &mut self,
            cx: &mut Context,
            to: Address,
            ids: &[U256],
            values: &[U256],
            data: &[u8],
        ) -> Result<(), TokenError> {
            self.tokens.mint_batch(cx, to, ids, values, data)
        }
    }

    /// What holders do.
    impl Items {
        /// Destroys tokens of one id that the caller has or may move.
        #[reentrant]
        pub fn burn(&mut self, cx: &mut Context, account: Address, id: U256, value: U256) -> Result<(), TokenError> {
            self.burn_batch(cx, account, &[id], &[value])
        }

        /// Destroys tokens of many ids that the caller has or may move.
        #[reentrant]
        pub fn burn_batch(
            &mut self,
            cx: &mut Context,
            account: Address,
            ids: &[U256],
            values: &[U256],
        ) -> Result<(), TokenError> {
            self.tokens.check_approved(cx, account)?;
            self.tokens.burn(cx, account, ids, values)
        }

        #[hook(tokens.after_update)]
        fn count(&mut self, _: &mut Context, from: Address, to: Address, ids: &[U256], values: &[U256]) {
            for (id, value) in ids.iter().zip(values) {
                if from.is_zero() {
                    self.total_supply.at_mut(*id).add(*value);
                    self.total_supply_all.add(*value);
                }
                if to.is_zero() {
                    self.total_supply.at_mut(*id).sub(*value);
                    self.total_supply_all.sub(*value);
                }
            }
        }
    }
}
pub use items::*;
