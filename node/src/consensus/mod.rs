//! Consensus: which block comes next, agreed on by validators with Malachite (Tendermint BFT).

pub mod codec;
pub mod context;
pub mod domain;
pub mod proposer;
pub mod sign_state;
pub mod signing;
