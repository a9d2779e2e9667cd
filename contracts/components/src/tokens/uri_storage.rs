//! Where each token is described: the storage of OpenZeppelin's `ERC721URIStorage`.

use esker_sdk::prelude::*;

/// A URI for each token. That a token exists is for the contract to see to.
#[component]
pub mod uri_storage {
    use super::*;

    /// The URIs.
    #[storage]
    pub struct UriStorage {
        token_uris: Map<U256, Text>,
    }

    /// The token is described elsewhere now (ERC-4906).
    #[event]
    #[rustfmt::skip]
    pub struct MetadataUpdate { pub token_id: U256 }

    impl UriStorage {
        /// Where a token is described; empty if that was never said.
        #[internal]
        pub fn get(&self, token_id: U256) -> String {
            self.token_uris.at(token_id).get()
        }

        /// Says where a token is described.
        #[internal]
        pub fn set(&mut self, cx: &mut Context, token_id: U256, token_uri: &str) {
            self.token_uris.at_mut(token_id).set(token_uri);
            cx.emit(MetadataUpdate { token_id });
        }
    }
}
pub use uri_storage::*;
