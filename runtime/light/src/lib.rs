//! Follows an Esker chain without executing it: what a phone or a bridge needs. No database, no node, no clock of its own.
//!
//! A client trusts one block to begin with, block 0 or a later one, and knows which validator set decides the blocks after
//! it. A block with a certificate of more than two thirds of that set is trusted in turn; at the end of each epoch the
//! block's state says which set is next, and a Merkle proof shows it. Under the header of a trusted block any account and
//! storage slot can be proven. `docs/spec/light.md` defines all of it.
//!
//! ```
//! use esker_light::{Chain, Clock, LightBlock, TrustedState, verify_account, verify_storage};
//!
//! # let text = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/light/chain.json"));
//! # let vector: serde_json::Value = serde_json::from_str(text)?;
//! # let anchor: LightBlock = serde_json::from_value(vector["anchor"].clone())?;
//! # let blocks: Vec<LightBlock> = serde_json::from_value(vector["epochEnds"].clone())?;
//! # let chain: Chain = serde_json::from_value(vector["chain"].clone())?;
//! # let proof: esker_light::AccountProof = serde_json::from_value(vector["accountProof"].clone())?;
//! # let now = vector["now"].as_u64().unwrap();
//! # let (address, account_proof, slot, slot_proof) = (
//! #     proof.address, &proof.account_proof, proof.storage_proof[0].key, &proof.storage_proof[0].proof);
//! // `chain` and the first block's hash come with the program; all else from any server, which is not trusted.
//! let set = anchor.set_proof.as_ref().ok_or("the server gave no set")?;
//! let mut trusted = TrustedState::begin(chain, chain.genesis_hash, &anchor.header, set)?;
//! let clock = Clock { now, trust_period: Some(5_400) };
//! for block in &blocks {
//!     let accepted = trusted.advance(block, clock)?;
//!     assert!(3 * accepted.signed_power > 2 * accepted.total_power);
//! }
//! let account = verify_account(trusted.header().state_root, address, account_proof)?.ok_or("no such account")?;
//! let value = verify_storage(account.storage_root, slot, slot_proof)?;
//! # assert_eq!(value, proof.storage_proof[0].value);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Everything that a server gives is bounded and may be anything: nothing here panics on it. Memory and time are linear in
//! its size, and bounded by [`HEADER_BYTES_MAX`], [`CERTIFICATE_BYTES_MAX`] and [`SET_PROOF_BYTES_MAX`].

mod account;
mod certificate;
mod client;
mod epochs;
mod header;
mod set_proof;
mod signing;
mod stored;
pub mod trie;
pub mod validators;

pub use account::{AccountProof, AccountProofError, AccountState, StorageProof, verify_account, verify_storage};
pub use certificate::{
    CERTIFICATE_BYTES_MAX, Certificate, CertificateDecodeError, CertificateError, CommitSignature, SIGNATURES_MAX,
};
pub use client::{Accepted, CLOCK_DRIFT_MAX, Chain, Clock, Fork, LightBlock, LightError, TrustedState};
pub use epochs::Epochs;
pub use header::{HEADER_BYTES_MAX, Header, HeaderError};
pub use set_proof::{ProvenSet, SET_PROOF_BYTES_MAX, SET_PROOF_NODES_MAX, SetProof, SetProofError};
pub use signing::{Domain, SignedVote};
pub use validators::{SetError, Validator, ValidatorSet};
