//! Consensus: which block comes next, agreed on by validators with Malachite (Tendermint BFT).

mod ahead;
pub mod app;
pub mod body;
pub mod certificate;
pub mod codec;
pub mod context;
pub mod domain;
mod driver;
pub mod engine;
pub mod evidence;
pub mod sign_state;
pub mod signing;
pub mod status;
pub mod timing;
pub mod undecided;
