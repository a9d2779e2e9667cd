//! Tokens, and what a token can be given besides. The parts do not know one another: the contract ties them together with
//! hooks.

pub mod burnable;
pub mod capped;
pub mod enumerable;
pub mod erc1155;
pub mod erc20;
pub mod erc721;
pub mod permit;
pub mod royalty;
pub mod uri_storage;
pub mod votes;
