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
        owned: Map<Address, List<U256>>,
        owned_index: Map<U256, u64>,
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
            let owned = self.owned.at(owner);
            let place = u64::try_from(index).ok().filter(|place| *place < owned.len());
            place.map(|place| owned.get(place)).ok_or(ERC721OutOfBoundsIndex { owner, index })
        }

        fn token_by_index(&self, index: U256) -> Result<U256, ERC721OutOfBoundsIndex> {
            let place = u64::try_from(index).ok().filter(|place| *place < self.all.len());
            let owner = Address::ZERO;
            place.map(|place| self.all.get(place)).ok_or(ERC721OutOfBoundsIndex { owner, index })
        }
    }

    impl Enumerable {
        /// Keeps the lists as a token changes hands; the zero address stands for creation and destruction.
        #[internal]
        pub fn follow(&mut self, from: Address, to: Address, token_id: U256) {
            if from == to {
                return;
            }
            if from.is_zero() {
                append(&mut self.all, &mut self.all_index, token_id);
            } else {
                remove(&mut self.owned.at_mut(from), &mut self.owned_index, token_id);
            }
            if to.is_zero() {
                remove(&mut self.all, &mut self.all_index, token_id);
            } else {
                append(&mut self.owned.at_mut(to), &mut self.owned_index, token_id);
            }
        }
    }

    fn append(list: &mut List<U256>, index: &mut Map<U256, u64>, token_id: U256) {
        index.set(token_id, list.len());
        list.push(token_id);
    }

    /// The last token takes the place of the one that goes.
    fn remove(list: &mut List<U256>, index: &mut Map<U256, u64>, token_id: U256) {
        let place = index.get(token_id);
        list.swap_remove(place);
        index.at_mut(token_id).clear();
        if place < list.len() {
            index.set(list.get(place), place);
        }
    }
}
pub use enumerable::*;
