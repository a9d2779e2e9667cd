//! A collection made of components: OpenZeppelin's ERC-721, enumerable, burnable, with URIs and royalties.
#![no_std]
use esker_components::{
    access::ownable::{Error as OwnerError, Ownable},
    tokens::{
        enumerable::{Enumerable, IErc721EnumerableHandle},
        erc721::{Erc721, Error as TokenError, IErc721, IErc721Handle, IErc721MetadataHandle},
        royalty::{Error as RoyaltyError, IErc2981Handle, Royalty},
        uri_storage::UriStorage,
    },
};
use esker_sdk::prelude::*;

/// A collection to which its owner adds tokens, numbered from zero, of which it gets a part when they are sold.
#[contract]
pub mod nft {
    use super::*;

    /// What contracts say whose descriptions change (ERC-4906): it has events alone, so this is no interface's own number.
    const METADATA_CHANGES: FixedBytes<4> = FixedBytes([0x49, 0x06, 0x49, 0x06]);

    /// The collection's state, in the order of OpenZeppelin's.
    #[storage]
    pub struct Nft {
        #[flatten]
        #[expose]
        tokens: Erc721,
        #[flatten]
        #[expose]
        lists: Enumerable,
        #[flatten]
        uris: UriStorage,
        #[flatten]
        #[expose]
        ownable: Ownable,
        #[flatten]
        #[expose]
        royalty: Royalty,
        next_token_id: Cell<U256>,
    }

    impl Nft {
        /// An empty collection with a name and a symbol.
        #[constructor]
        pub fn new(
            &mut self,
            cx: &mut Context,
            name: &str,
            symbol: &str,
            initial_owner: Address,
        ) -> Result<(), OwnerError> {
            self.tokens.init(name, symbol);
            self.ownable.init(cx, initial_owner)
        }

        /// Creates the next token for `to`, described at `uri`, and gives its number. A contract must accept it.
        #[only(ownable.owner)]
        #[returns(tokenId)]
        pub fn safe_mint(&mut self, cx: &mut Context, to: Address, uri: &str) -> Result<U256, TokenError> {
            let token_id = self.next_token_id.add(1) - 1;
            self.tokens.safe_mint(cx, to, token_id, &[])?;
            self.uris.set(cx, token_id, uri);
            Ok(token_id)
        }

        /// Destroys a token that the caller has or may move. Its number is never used again.
        #[reentrant]
        pub fn burn(&mut self, cx: &mut Context, token_id: U256) -> Result<(), TokenError> {
            self.tokens.burn(cx, token_id)
        }

        /// Where a token is described.
        #[overrides]
        #[name = "tokenURI"]
        pub fn token_uri(&self, token_id: U256) -> Result<String, TokenError> {
            self.tokens.owner_of(token_id)?;
            Ok(self.uris.get(token_id))
        }

        /// Gives `receiver` so many ten-thousandths of each price.
        #[only(ownable.owner)]
        pub fn set_default_royalty(&mut self, receiver: Address, fee_numerator: Uint<96>) -> Result<(), RoyaltyError> {
            self.royalty.set_default_royalty(receiver, fee_numerator)
        }

        /// Gives `receiver` so many ten-thousandths of this token's price instead.
        #[only(ownable.owner)]
        pub fn set_token_royalty(
            &mut self,
            token_id: U256,
            receiver: Address,
            fee_numerator: Uint<96>,
        ) -> Result<(), RoyaltyError> {
            self.royalty.set_token_royalty(token_id, receiver, fee_numerator)
        }

        /// Gives nobody a part of prices, but of tokens that have their own.
        #[only(ownable.owner)]
        pub fn delete_default_royalty(&mut self) {
            self.royalty.delete_default_royalty();
        }

        /// Gives of this token's price what is given of all.
        #[only(ownable.owner)]
        pub fn reset_token_royalty(&mut self, token_id: U256) {
            self.royalty.reset_token_royalty(token_id);
        }

        /// Whether the collection has the interface with this identifier (ERC-165).
        pub fn supports_interface(interface_id: FixedBytes<4>) -> bool {
            let interfaces = [
                FixedBytes([0x01, 0xff, 0xc9, 0xa7]),
                IErc721Handle::INTERFACE_ID,
                IErc721MetadataHandle::INTERFACE_ID,
                IErc721EnumerableHandle::INTERFACE_ID,
                IErc2981Handle::INTERFACE_ID,
                METADATA_CHANGES,
            ];
            interfaces.contains(&interface_id)
        }

        #[hook(tokens.after_update)]
        fn list(&mut self, _: &mut Context, from: Address, to: Address, token_id: U256) {
            self.lists.follow(from, to, token_id);
        }

        #[hook(lists.balance)]
        fn balance(&self, owner: Address) -> Result<U256, TokenError> {
            self.tokens.balance_of(owner)
        }
    }
}
pub use nft::*;
