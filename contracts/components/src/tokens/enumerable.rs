//! All tokens of a collection, one after the other: OpenZeppelin's `ERC721Enumerable`.

use esker_sdk::prelude::*;

/// What can be asked of a collection whose tokens are listed.
#[interface]
pub trait IErc721Enumerable {
    /// What calls are refused with.
    type Error: ContractError;
    /// How many tokens there are.
    fn total_supply(&self) -> U256;
    /// One of `owner`'s tokens; their order changes when one goes.
    fn token_of_owner_by_index(&self, owner: Address, index: U256) -> Result<U256, Self::Error>;
    /// One of all tokens; their order changes when one goes.
    fn token_by_index(&self, index: U256) -> Result<U256, Self::Error>;
}

/// Lists of tokens: of everybody's, and of all.
#[component]
pub mod enumerable {
    use super::*;

    /// The lists, and where in them each token is.
    #[storage]
    pub struct Enumerable {
        owned: Map<(Address, U256), U256>,
        owned_index: Map<U256, U256>,
        all: List<U256>,
        all_index: Map<U256, u64>,
    }

    /// There is no such place in the list; the zero address stands for the list of all.
    #[error]
    #[rustfmt::skip]
    pub struct ERC721OutOfBoundsIndex { pub owner: Address, pub index: U256 }

    impl IErc721Enumerable for Enumerable {
        type Error = ERC721OutOfBoundsIndex;

        fn total_supply(&self) -> U256 {
            U256::from(self.all.len())
        }

        fn token_of_owner_by_index(&self, owner: Address, index: U256) -> Result<U256, ERC721OutOfBoundsIndex> {
            ensure!(index < self.balance(owner), ERC721OutOfBoundsIndex { owner, index });
            Ok(self.owned.get((owner, index)))
        }

        fn token_by_index(&self, index: U256) -> Result<U256, ERC721OutOfBoundsIndex> {
            let place = u64::try_from(index).ok().filter(|place| *place < self.all.len());
            let owner = Address::ZERO;
            place.map(|place| self.all.get(place)).ok_or(ERC721OutOfBoundsIndex { owner, index })
        }
    }

    impl Enumerable {
        /// How many tokens `owner` has, which is how long its list is: kept where it is needed anyway.
        #[hook]
        fn balance(&self, owner: Address) -> U256 {
            panic!("the contract has no hook enumerable.balance")
        }

        /// Keeps the lists when a token has changed hands; the zero address stands for creation and destruction.
        #[internal]
        pub fn follow(&mut self, from: Address, to: Address, token_id: U256) {
            if from == to {
                return;
            }
            if from.is_zero() {
                self.all_index.set(token_id, self.all.len());
                self.all.push(token_id);
            } else {
                self.remove_from_owner(from, token_id);
            }
            if to.is_zero() {
                self.remove_from_all(token_id);
            } else {
                let place = self.balance(to) - 1;
                self.owned.set((to, place), token_id);
                self.owned_index.set(token_id, place);
            }
        }

        /// The last token takes the place of the one that goes.
        fn remove_from_owner(&mut self, owner: Address, token_id: U256) {
            let (place, last) = (self.owned_index.get(token_id), self.balance(owner));
            if place != last {
                let moved = self.owned.get((owner, last));
                self.owned.set((owner, place), moved);
                self.owned_index.set(moved, place);
            }
            self.owned_index.at_mut(token_id).clear();
            self.owned.at_mut((owner, last)).clear();
        }

        /// The last token takes the place of the one that goes.
        fn remove_from_all(&mut self, token_id: U256) {
            let place = self.all_index.get(token_id);
            self.all.swap_remove(place);
            self.all_index.at_mut(token_id).clear();
            if place < self.all.len() {
                self.all_index.set(self.all.get(place), place);
            }
        }
    }
}
pub use enumerable::*;
